"""Copies of training labels are found and traced, held-out labels are left alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from planted import EDITS

import strikebox
from strikebox.extractors.efficientnet import EfficientNet
from strikebox.extractors.thumbnail import Thumbnail
from strikebox.generation.backend import Pixels
from strikebox.metrics import conformal, leakage
from strikebox.metrics.leakage import Descriptor, Leakage
from strikebox.metrics.matches import Matches
from strikebox.metrics.separation import auroc

pytestmark = pytest.mark.slow

SIMULATIONS = 200
LEVEL = leakage.LEVEL

Labels = Sequence[tuple[Pixels, dict[str, Any]]]


class Gallery:
    """The training labels and the held-out labels, looked at once."""

    def __init__(self, training: Labels, held_out: Labels) -> None:
        self.extractors = (Thumbnail(), EfficientNet())
        self.training = [
            self.look(extractor, [label for label, _ in training]) for extractor in self.extractors
        ]
        self.held_out = [
            self.look(extractor, [label for label, _ in held_out]) for extractor in self.extractors
        ]

    def look(self, extractor: Any, pictures: Sequence[Pixels]) -> NDArray[np.float32]:
        return np.stack(extractor(pictures))

    def describe(self, pictures: Sequence[Pixels]) -> list[Descriptor]:
        return [
            leakage.describe(extractor.name, self.look(extractor, pictures), held_out, training)
            for extractor, held_out, training in zip(
                self.extractors, self.held_out, self.training, strict=True
            )
        ]


@pytest.fixture(scope="module")
def gallery(training: Labels, held_out: Labels) -> Gallery:
    return Gallery(training, held_out)


@pytest.fixture(scope="module")
def copies(training: Labels, full: bool) -> dict[str, tuple[NDArray[np.intp], list[Pixels]]]:
    """By edit: which training labels were copied, and the copies."""
    rng = np.random.default_rng(1961)
    made = {}
    for name, edit in EDITS.items():
        which = rng.permutation(len(training))[: 100 if full else 12]
        made[name] = which, [edit(training[i][0], rng) for i in which]
    if full:
        which = rng.permutation(len(training))[:100]
        made["autoencoder"] = which, _through_the_autoencoder([training[i][0] for i in which])
    return made


def _through_the_autoencoder(pictures: Sequence[Pixels]) -> list[Pixels]:
    from strikebox import api
    from strikebox.klein.backend import KleinBackend

    backend = KleinBackend.load(api.embedded("klein-nano"), device="cpu")
    return backend.decode(backend.encode(pictures))


@pytest.fixture(scope="module")
def planted(gallery: Gallery, copies: dict[str, tuple[NDArray[np.intp], list[Pixels]]]) -> list[Descriptor]:
    """All copies, in the order of the edits, as if a run had made them."""
    return gallery.describe([copy for _, made in copies.values() for copy in made])


@pytest.fixture(scope="module")
def found(planted: list[Descriptor]) -> Leakage:
    return leakage.measure(planted)


@pytest.fixture(scope="module")
def sources(copies: dict[str, tuple[NDArray[np.intp], list[Pixels]]]) -> NDArray[np.intp]:
    """What each is a copy of."""
    return np.concatenate([which for which, _ in copies.values()])


@pytest.fixture(scope="module")
def innocent(planted: list[Descriptor]) -> list[Descriptor]:
    """The held-out labels as if a run had made them."""
    found = [(one.name, one.held_out) for one in planted]
    return [Descriptor(name=name, generated=held, held_out=None) for name, held in found if held is not None]


def test_copies_are_told_from_held_out_labels_and_traced(
    found: Leakage, sources: NDArray[np.intp], copies: Mapping[str, Any]
) -> None:
    edits = np.repeat(list(copies), [len(which) for which, _ in copies.values()])
    right = np.array([one.training for one in found.nearest]) == sources
    assert found.held_out is not None and found.tested is not None
    for edit in copies:
        own = edits == edit
        area, flagged = auroc(found.scores[own], found.held_out), found.tested.leaked[own].mean()
        print(f"{edit:12} AUROC {area:.3f}, traced {right[own].mean():.2f}, flagged {flagged:.2f}")
    print(f"all: AUROC {auroc(found.scores, found.held_out):.4f}, traced {right.mean():.3f}")
    assert auroc(found.scores, found.held_out) >= 0.98
    assert right.mean() >= 0.95
    assert found.tested.leaked.mean() >= 0.95


def test_each_flagged_copy_comes_with_its_evidence(found: Leakage, sources: NDArray[np.intp]) -> None:
    evidence = found.evidence
    assert all(one.q <= LEVEL + 1e-9 and one.p <= one.q for one in evidence)
    assert [one.q for one in evidence] == sorted(one.q for one in evidence)
    agreeing = [len(one.nearest.agreeing) == 2 for one in evidence]
    assert np.mean(agreeing) > 0.8
    margins = [one.nearest.margin for one in evidence if one.nearest.training == sources[one.picture]]
    assert np.mean([margin is not None and margin > 0 for margin in margins]) > 0.95


def test_held_out_labels_alone_raise_no_more_false_alarms_than_promised(innocent: list[Descriptor]) -> None:
    """One half calibrates, the other is tested: all together, and three at a time.

    Of 60 that calibrate and 3 that are tested, one of the three is the highest with probability 3 / 63.
    """
    rng = np.random.default_rng(0)
    together, in_threes, below = [], [], []
    for _ in range(SIMULATIONS):
        order = rng.permutation(120)
        split = _split(innocent, calibrating=order[:60], tested=order[60:])
        together.append(_tested(split).leaked.any())
        families = _tested(split, np.repeat(np.arange(20), 3))
        in_threes.append(families.leaked.reshape(20, 3).any(axis=1).mean())
        below.append((families.p <= LEVEL).mean())
    print(f"false alarms: together {np.mean(together):.3f}, in threes {np.mean(in_threes):.4f}")
    assert np.mean(together) <= LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / SIMULATIONS)
    assert np.mean(in_threes) == pytest.approx(3 / 63, abs=0.01)
    assert np.mean(below) == pytest.approx(3 / 61, abs=0.01)  # p of at most 0.05: 1, 2 or 3 of 61


def test_among_leaks_the_false_discovery_rate_is_kept(
    innocent: list[Descriptor], planted: list[Descriptor]
) -> None:
    """An arm of 15 pictures, of which 8 are copies, calibrated by 113 held-out labels."""
    rng = np.random.default_rng(1)
    rates, power = [], []
    for _ in range(SIMULATIONS):
        order, leaks = rng.permutation(120), rng.permutation(len(planted[0].generated.training))[:8]
        arm = [
            Descriptor(
                name=one.name,
                generated=_joined(_rows(other.generated, leaks), _rows(one.generated, order[:7])),
                held_out=_rows(one.generated, order[7:]),
            )
            for one, other in zip(innocent, planted, strict=True)
        ]
        flagged = _tested(arm).leaked
        rates.append(flagged[8:].sum() / max(1, flagged.sum()))
        power.append(flagged[:8].mean())
    print(f"false-discovery rate {np.mean(rates):.3f}, leaks found {np.mean(power):.3f}")
    assert np.mean(rates) <= LEVEL
    assert np.mean(power) > 0.9


def test_drawings_in_other_styles_are_no_leaks(gallery: Gallery, full: bool) -> None:
    folder = Path(strikebox.__file__).parent / "embedded" / "distractors"
    paths = [
        path for one in sorted(folder.iterdir()) for path in sorted(one.glob("*.png"))[: 24 if full else 3]
    ]
    drawings = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    result = leakage.measure(gallery.describe(drawings), families=range(len(drawings)))
    assert result.tested is not None
    assert (result.tested.p <= LEVEL).mean() <= LEVEL


def _tested(descriptors: Sequence[Descriptor], families: Any = None) -> leakage.Tested:
    outcome = leakage.measure(descriptors, families=families).tested
    assert outcome is not None
    assert len(outcome.p) == len(conformal.q_values(outcome.p))
    return outcome


def _split(
    descriptors: Sequence[Descriptor], calibrating: NDArray[np.intp], tested: NDArray[np.intp]
) -> list[Descriptor]:
    return [
        Descriptor(
            name=one.name, generated=_rows(one.generated, tested), held_out=_rows(one.generated, calibrating)
        )
        for one in descriptors
    ]


def _rows(matches: Matches, which: NDArray[np.intp]) -> Matches:
    return Matches(**{name: getattr(matches, name)[which] for name in Matches.__slots__})


def _joined(some: Matches, others: Matches) -> Matches:
    columns = {name: (getattr(some, name), getattr(others, name)) for name in Matches.__slots__}
    return Matches(**{name: np.concatenate(column) for name, column in columns.items()})
