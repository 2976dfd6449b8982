"""Is a picture a copy of a training picture? The lab's own metric, asked of one picture.

A picture is withheld where at most 5% of held-out pictures of the style are as much like a training picture.
So of pictures that copy nothing one in twenty is withheld in vain, if they lie as near to the training
pictures as held-out ones do; those of a sound recipe lie farther away.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import final

import numpy as np

from strikebox.extractors import calibration, registry
from strikebox.extractors.calibration import Arrays
from strikebox.extractors.style_pictures import StylePictures
from strikebox.generation.backend import Pixels
from strikebox.metrics import alignment, leakage, matches, views
from strikebox.metrics.features import Extractor
from strikebox.metrics.leakage import Descriptor, Leakage
from strikebox.metrics.matches import Matches
from strikebox.site.moderation.picture import Finding

EXTRACTORS = ("thumbnail", "efficientnet")
"""The copy descriptors of the lab's reports, in their order."""

_CODE = (alignment, views, matches)


@final
class LeakCheck:
    """Withholds copies of training pictures."""

    name = "leak"

    def __init__(self, pictures: StylePictures, names: Sequence[str] = EXTRACTORS) -> None:
        """Raises ExtractorError where an extractor cannot be had."""
        self._pictures = pictures
        self._extractors = tuple(registry.extractor(name) for name in names)
        self._training = [pictures.features(pictures.training, one) for one in self._extractors]
        self._held_out = [self._calibrated(number) for number in range(len(self._extractors))]

    def measure(self, pixels: Pixels) -> Leakage:
        """What the lab says of this picture alone."""
        return leakage.measure([self._described(number, pixels) for number in range(len(self._extractors))])

    def __call__(self, pixels: Pixels) -> Finding | None:
        found = self.measure(pixels)
        assert found.tested is not None, "there are held-out pictures enough: StylePictures.read sees to it"
        if not found.tested.leaked[0]:
            return None
        nearest, p = found.nearest[0], float(found.tested.p[0])
        name = self._pictures.training.pictures[nearest.training].name
        return Finding(
            code="leak",
            detail=f"is like training picture {name} (p {p:.3f}, score {nearest.score:.1f}, by "
            f"{nearest.descriptor})",
            score=p,
            limit=leakage.LEVEL,
        )

    def _described(self, number: int, pixels: Pixels) -> Descriptor:
        extractor: Extractor = self._extractors[number]
        seen = np.stack(extractor([pixels]))
        return Descriptor(
            name=extractor.name,
            generated=leakage.match(extractor.name, seen, self._training[number]),
            held_out=self._held_out[number],
        )

    def _calibrated(self, number: int) -> Matches:
        extractor, pictures = self._extractors[number], self._pictures
        name = calibration.name_of(
            extractor.name, extractor.version, (pictures.training, pictures.held_out), _CODE
        )

        def compute() -> Arrays:
            seen = pictures.features(pictures.held_out, extractor)
            return _arrays(leakage.match(extractor.name, seen, self._training[number]))

        return Matches(**pictures.calibrations.get(name, compute))


def _arrays(found: Matches) -> Arrays:
    """By name."""
    return {field.name: getattr(found, field.name) for field in fields(found)}
