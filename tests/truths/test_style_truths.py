"""Style: what it must tell apart, and what must not earn it.

The base model's pictures are played by drawings on white, which is what it was trained to draw.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from PIL import Image

import strikebox
from strikebox.extractors.oklab import TO_LAB, TO_LMS, oklab
from strikebox.extractors.palette import Palette
from strikebox.extractors.print_texture import PrintTexture
from strikebox.generation.backend import Pixels
from strikebox.metrics import style
from strikebox.metrics.features import Feature
from strikebox.metrics.separation import auroc
from strikebox.metrics.style import Descriptor, Scores, Style

Rows = list[tuple[Pixels, dict[str, Any]]]
Measure = Callable[[Sequence[Pixels]], Style]

DRAWINGS = Path(strikebox.__file__).parent / "embedded" / "distractors"
EXTRACTORS = (Palette(), PrintTexture())


@pytest.fixture(scope="module")
def drawings() -> Rows:
    """192 drawings of eight sets, on plain grounds."""
    rows = [json.loads(line) for line in (DRAWINGS / "metadata.jsonl").read_text("utf-8").splitlines()]
    return [(np.asarray(Image.open(DRAWINGS / row["file_name"]).convert("RGB")), row) for row in rows]


@pytest.fixture(scope="module")
def measure(held_out: Rows, drawings: Rows) -> Measure:
    """Style of pictures, by all extractors, against the held-out labels."""
    known = [_known(extractor, held_out, drawings) for extractor in EXTRACTORS]

    def measured(pictures: Sequence[Pixels]) -> Style:
        return style.measure(
            [
                Descriptor(name=extractor.name, generated=np.stack(extractor(pictures)), **features)
                for extractor, features in zip(EXTRACTORS, known, strict=True)
            ]
        )

    return measured


def _known(extractor: Palette | PrintTexture, held_out: Rows, drawings: Rows) -> dict[str, Any]:
    drawn = np.stack(extractor([picture for picture, _ in drawings]))
    sets = np.array([row["set"] for _, row in drawings])
    on_white = np.array([row["ground"] == "white" and row["animal"] is not None for _, row in drawings])
    distractors: dict[str, Feature] = {name: drawn[sets == name] for name in np.unique(sets).tolist()}
    labels = np.stack(extractor([picture for picture, _ in held_out]))
    return {"base": drawn[on_white], "held_out": labels, "distractors": distractors}


def scores_of(measured: Style) -> Scores:
    assert measured.scores is not None
    return measured.scores


def only(rows: Rows) -> list[Pixels]:
    return [picture for picture, _ in rows]


def test_held_out_labels_stand_out_from_every_set_of_drawings(measure: Measure, training: Rows) -> None:
    measured = measure(only(training[:1]))
    assert [d.admitted for d in measured.descriptors] == [True, True]
    areas = scores_of(measured).auroc
    assert len(areas) == 8
    assert min(areas.values()) >= 0.98


def test_a_copy_of_a_training_label_scores_no_higher_than_held_out_labels(
    measure: Measure, training: Rows
) -> None:
    """Each of the 300 copied once; held-out labels score 1 on average."""
    scores = scores_of(measure(only(training)))
    error = np.hypot(scores.generated.std() / np.sqrt(300), scores.ceiling.sd / np.sqrt(120))
    assert scores.generated.mean() <= 1 + 2 * error
    assert auroc(scores.generated, scores.held_out) == pytest.approx(0.5, abs=0.06)
    assert scores.generated.max() < 1.25


def test_an_arm_of_one_copy_scores_what_the_label_scores(measure: Measure, training: Rows) -> None:
    repeated = scores_of(measure([training[7][0]] * 15)).generated
    assert repeated == pytest.approx(scores_of(measure([training[7][0]])).generated[0])


def test_drawings_in_the_colours_of_labels_are_not_labels(
    measure: Measure, training: Rows, drawings: Rows
) -> None:
    rng = np.random.default_rng(0)
    inked = [in_inks_of(training[rng.integers(300)][0], picture) for picture in only(drawings)]
    scores = scores_of(measure(inked))
    assert auroc(scores.held_out, scores.generated) >= 0.98
    assert scores.generated.mean() < 0.25


def test_labels_in_other_hues_or_without_any_lose_what_the_palette_is_worth(
    measure: Measure, training: Rows
) -> None:
    """Half of the style is its print, so these are told from labels less well than drawings are."""
    turned, grey = (
        scores_of(measure([change(picture) for picture in only(training)]))
        for change in (quarter_turn, greyed)
    )
    assert auroc(turned.held_out, turned.generated) >= 0.95
    assert auroc(grey.held_out, grey.generated) >= 0.85
    assert 0.3 < turned.generated.mean() < 0.7
    assert 0.4 < grey.generated.mean() < 0.85


def test_what_is_nothing_earns_nothing(measure: Measure, training: Rows) -> None:
    rng = np.random.default_rng(1)
    paper = np.full((128, 128, 3), (242, 230, 201), np.uint8)
    average = np.mean(only(training), axis=0).astype(np.uint8)
    scores = scores_of(measure([noise(rng), paper, average]))
    assert scores.generated.max() < 0.05


def test_the_frame_and_the_lettering_are_not_the_style(measure: Measure, training: Rows) -> None:
    """The middle of a label, without its frame and most of its lettering, keeps most of its score."""
    middles = [picture[24:104, 24:104] for picture in only(training)]
    assert scores_of(measure(middles)).generated.mean() > 0.5


def in_inks_of(label: Pixels, drawing: Pixels) -> Pixels:
    """The drawing, each pixel in the nearest of the four colours that the label has most of."""
    flat = Image.fromarray(label).quantize(4, Image.Quantize.MEDIANCUT, kmeans=2)
    inks = np.array(flat.getpalette(), np.uint8).reshape(-1, 3)[:4]
    away = np.square(oklab(drawing)[:, :, None] - oklab(inks[None])).sum(axis=-1)
    return inks[away.argmin(axis=-1)]


def quarter_turn(picture: Pixels) -> Pixels:
    """Every hue turned by 90 degrees in OKLab, lightness and chroma kept as far as sRGB reaches."""
    lab = oklab(picture)
    return to_srgb(np.stack([lab[..., 0], -lab[..., 2], lab[..., 1]], axis=-1))


def greyed(picture: Pixels) -> Pixels:
    return to_srgb(oklab(picture) * np.array([1, 0, 0]))


def to_srgb(lab: Feature) -> Pixels:
    """OKLab back to sRGB; what lies outside is cut off."""
    linear = np.clip((lab @ np.linalg.inv(TO_LAB).T) ** 3 @ np.linalg.inv(TO_LMS).T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(encoded * 255).astype(np.uint8)


def noise(rng: Generator) -> Pixels:
    return rng.integers(0, 256, (128, 128, 3), dtype=np.uint8)
