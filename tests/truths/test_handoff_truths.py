"""Handoff: a trace of pass 1 in the outcome is found, and where there is none p is uniform.

Labels play pass 1, since the LoRA draws such. The outcomes of a subject are played by one drawing on white,
placed, sized and mirrored at random: so much do the base model's pictures of one subject differ.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage, stats

import strikebox
from strikebox.extractors.composition import Composition, Tones
from strikebox.extractors.palette import Palette
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Feature
from strikebox.metrics.handoff import against_control, own_pass

Rows = list[tuple[Pixels, dict[str, Any]]]
Floats = NDArray[np.float64]

DRAWINGS = Path(strikebox.__file__).parent / "embedded" / "distractors"
SUBJECTS = np.repeat(np.arange(5), 3)


@pytest.fixture(scope="module")
def drawings() -> list[Pixels]:
    """Drawings on white."""
    rows = [json.loads(line) for line in (DRAWINGS / "metadata.jsonl").read_text("utf-8").splitlines()]
    white = [DRAWINGS / row["file_name"] for row in rows if row["ground"] == "white"]
    return [np.asarray(Image.open(path).convert("RGB")) for path in white]


@pytest.fixture(scope="module")
def labels(training: Rows) -> list[Pixels]:
    return [picture for picture, _ in training]


def some(pictures: list[Pixels], rng: Generator, count: int = 15) -> list[Pixels]:
    return [pictures[i] for i in rng.permutation(len(pictures))[:count]]


def outcomes_of(drawings: list[Pixels], rng: Generator) -> list[Pixels]:
    return [placed(drawing, rng) for drawing in some(drawings, rng, count=5) for _ in range(3)]


def placed(drawing: Pixels, rng: Generator) -> Pixels:
    """The drawing at 80 to 100% of its size, somewhere, mirrored half of the time."""
    side = int(128 * rng.uniform(0.8, 1))
    picture = np.full((128, 128, 3), 255, np.uint8)
    top, left = rng.integers(0, 128 - side + 1, 2)
    resized = np.asarray(Image.fromarray(drawing).resize((side, side), Image.Resampling.BICUBIC))
    picture[top : top + side, left : left + side] = resized
    return picture[:, ::-1] if rng.random() < 0.5 else picture


def low_passed(picture: Pixels) -> Floats:
    """What is left of it at the lowest frequencies, up to two or three cycles."""
    return np.asarray(ndimage.gaussian_filter(picture.astype(np.float64), (10, 10, 0)))


def tone(picture: Pixels) -> Floats:
    return np.broadcast_to(picture.mean(axis=(0, 1)), picture.shape)


def mixed(outcome: Pixels, trace: Floats, share: float) -> Pixels:
    return np.round((1 - share) * outcome + share * trace).astype(np.uint8)


def features(pictures: list[Pixels], extractor: Any) -> Feature:
    return np.stack(extractor(pictures))


@pytest.mark.parametrize(
    ("extractor", "trace", "share"),
    [(Tones(), low_passed, 0.1), (Tones(), tone, 0.2), (Palette(), tone, 0.2)],
)
def test_a_trace_of_its_own_pass_1_is_found(
    drawings: list[Pixels], labels: list[Pixels], full: bool, extractor: Any, trace: Any, share: float
) -> None:
    rng = np.random.default_rng(0)
    ps = []
    for _ in range(200 if full else 10):
        firsts = some(labels, rng)
        traced = [mixed(o, trace(f), share) for o, f in zip(outcomes_of(drawings, rng), firsts, strict=True)]
        own = own_pass(features(traced, extractor), features(firsts, extractor), SUBJECTS, rng)
        assert own is not None
        ps.append(own.test.p)
    assert np.mean(np.array(ps) < 0.05) >= 0.9


@pytest.mark.parametrize("extractor", [Tones(), Palette(), Composition()])
def test_p_is_uniform_where_nothing_crosses(
    drawings: list[Pixels], labels: list[Pixels], full: bool, extractor: Any
) -> None:
    """Outcomes and pass 1 drawn apart; three subjects, since all 216 ways to pair them are quick to try."""
    rng = np.random.default_rng(1)
    labelled, ps = features(labels, extractor), []
    drawn = np.stack([features([placed(d, rng) for _ in range(6)], extractor) for d in drawings[:30]])
    for _ in range(2_000 if full else 300):
        outcomes = np.concatenate([drawn[s, rng.permutation(6)[:3]] for s in rng.permutation(30)[:3]])
        own = own_pass(outcomes, labelled[rng.permutation(300)[:9]], SUBJECTS[:9], rng)
        assert own is not None
        ps.append(own.test.p)
    assert stats.kstest(ps, "uniform").pvalue > 0.01
    assert np.mean(np.array(ps) <= 0.05) == pytest.approx(0.05, abs=3 * np.sqrt(0.0475 / len(ps)))


def test_a_control_that_shares_the_outcome_is_near_and_another_is_as_far_as_another_seed(
    drawings: list[Pixels], labels: list[Pixels]
) -> None:
    rng, tones = np.random.default_rng(2), Tones()
    chosen = [drawing for drawing in some(drawings, rng, count=5) for _ in range(3)]
    outcomes = [placed(drawing, rng) for drawing in chosen]
    arm, sharing = (
        features(
            [mixed(o, low_passed(f), 0.05) for o, f in zip(outcomes, some(labels, rng), strict=True)],
            tones,
        )
        for _ in range(2)
    )
    other = features([placed(drawing, rng) for drawing in chosen], tones)
    near, far = (against_control(arm, control, SUBJECTS, rng) for control in (sharing, other))
    assert near is not None
    assert far is not None
    assert near.distance is not None
    assert far.distance is not None
    assert near.distance < 0.5
    assert near.kept.p < 0.01
    assert far.distance == pytest.approx(1, abs=0.2)
    assert far.kept.p > 0.05


def test_a_tone_that_only_the_arm_has_is_found_against_its_control(
    drawings: list[Pixels], full: bool
) -> None:
    """Every outcome of the arm a little redder than its control."""
    rng, tones = np.random.default_rng(3), Tones()
    red = np.broadcast_to(np.array([180.0, 40, 30]), (128, 128, 3))
    for _ in range(40 if full else 4):
        control = outcomes_of(drawings, rng)
        arm = features([mixed(picture, red, 0.05) for picture in control], tones)
        found = against_control(arm, features(control, tones), SUBJECTS, rng)
        assert found is not None
        assert found.distance is not None
        assert found.distance < 0.5
        assert found.changed.p < 0.01
