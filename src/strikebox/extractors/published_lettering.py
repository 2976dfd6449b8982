"""Does a picture show the training set's own lettering? The lab's overlap, asked of one picture.

A picture is withheld where what is read in it agrees with a training text more than all but 5% of held-out
pictures' lettering does, whose words agree by chance alone. Without a reader nothing can be compared, so any
line that looks like lettering withholds: the check gets stricter, not weaker.
"""

from typing import final

import numpy as np
from numpy.typing import NDArray

from strikebox.extractors import calibration
from strikebox.extractors.calibration import Arrays
from strikebox.extractors.lettering import Lettering
from strikebox.extractors.style_pictures import StylePictures
from strikebox.generation.backend import Pixels
from strikebox.metrics import conformal, lettering
from strikebox.metrics.features import Reader
from strikebox.metrics.leakage import LEVEL
from strikebox.site.moderation.picture import Finding


@final
class LetteringCheck:
    """Withholds lettering of training pictures; without a reader, all lettering."""

    name = "lettering"

    def __init__(self, pictures: StylePictures, reader: Reader | None) -> None:
        self._marks, self._reader = Lettering(), reader
        self._own = _own_texts(pictures, reader)
        self._held_out = np.zeros(0) if reader is None else self._overlaps_of_held_out(pictures, reader)

    def __call__(self, pixels: Pixels) -> Finding | None:
        if self._reader is None:
            return self._by_marks(pixels)
        (reading,) = self._reader([pixels])
        found = lettering.overlap(lettering.text(reading), self._own)
        if found is None or found.text is None:
            return None
        p = float(conformal.p_values([found.similarity], self._held_out)[0])
        if p > LEVEL:
            return None
        detail = f"reads like the training text {found.text!r} (similarity {found.similarity:.2f}, p {p:.3f})"
        return Finding(code="lettering", detail=detail, score=p, limit=LEVEL)

    def _by_marks(self, pixels: Pixels) -> Finding | None:
        longest = float(self._marks([pixels])[0][1])
        if longest < lettering.LEAST_MARKS:
            return None
        detail = f"has a line of {longest:.0f} marks like letters, and there is no reader to compare them"
        return Finding(code="lettering", detail=detail, score=longest, limit=lettering.LEAST_MARKS)

    def _overlaps_of_held_out(self, pictures: StylePictures, reader: Reader) -> NDArray[np.float64]:
        sets = (pictures.training, pictures.held_out)
        name = calibration.name_of("lettering", f"{reader.version} {self._own}", sets, (lettering,))

        def compute() -> Arrays:
            read = (lettering.text(one) for one in pictures.readings(pictures.held_out, reader))
            overlaps = (lettering.overlap(text, self._own) for text in read)
            return {"overlaps": np.array([0.0 if one is None else one.similarity for one in overlaps])}

        return pictures.calibrations.get(name, compute)["overlaps"]


def _own_texts(pictures: StylePictures, reader: Reader | None) -> tuple[str, ...]:
    stated = [picture.text for picture in pictures.training.pictures]
    if any(stated) or reader is None:
        return lettering.own_texts(stated, None)
    return lettering.own_texts(stated, pictures.readings(pictures.training, reader))
