"""Lettering is found on labels, not on drawings without letters, and the training set's own is recognised."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import strikebox
from strikebox.extractors.lettering import Lettering
from strikebox.extractors.tesseract import Tesseract, available
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Feature, Reading
from strikebox.metrics.lettering import confident, has_lettering, overlap, own_texts, rate, text, text_area
from strikebox.metrics.separation import auroc

Labels = list[tuple[Pixels, dict[str, Any]]]
Looked = list[tuple[Feature, Reading]]
DISTRACTORS = Path(strikebox.__file__).parent / "embedded" / "distractors"
WHY_NOT = available("rus")
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))

FOUND, FALSE_ALARMS = 0.80, 0.02


def look(pictures: list[Pixels]) -> Looked:
    return list(zip(Lettering()(pictures), Tesseract()(pictures), strict=True))


def share(looked: Looked) -> float:
    found = rate([has_lettering(feature, reading) for feature, reading in looked])
    assert found is not None
    return found


@pytest.fixture(scope="module")
def trained(training: Labels, full: bool) -> tuple[Labels, Looked]:
    some = training if full else training[::6]
    return some, look([picture for picture, _ in some])


@pytest.fixture(scope="module")
def unseen(held_out: Labels, full: bool) -> tuple[Labels, Looked]:
    some = held_out if full else held_out[::3]
    return some, look([picture for picture, _ in some])


@pytest.fixture(scope="module")
def letterless(full: bool) -> Looked:
    rows = [json.loads(line) for line in (DISTRACTORS / "metadata.jsonl").read_text("utf-8").splitlines()]
    files = [DISTRACTORS / row["file_name"] for row in (rows if full else rows[::2])]
    return look([np.asarray(Image.open(file).convert("RGB")) for file in files])


def test_it_is_found_on_labels(trained: tuple[Labels, Looked], unseen: tuple[Labels, Looked]) -> None:
    assert share(trained[1]) >= FOUND
    assert share(unseen[1]) >= FOUND


def test_it_is_not_found_on_drawings_without_letters(letterless: Looked) -> None:
    assert share(letterless) <= FALSE_ALARMS


def test_the_reader_alone_finds_it_too(
    trained: tuple[Labels, Looked], unseen: tuple[Labels, Looked], letterless: Looked
) -> None:
    assert np.mean([bool(confident(reading)) for _, reading in trained[1] + unseen[1]]) >= FOUND
    assert np.mean([bool(confident(reading)) for _, reading in letterless]) <= FALSE_ALARMS


def test_its_area_tells_labels_from_drawings(
    trained: tuple[Labels, Looked], unseen: tuple[Labels, Looked], letterless: Looked
) -> None:
    labels = [text_area(feature) for feature, _ in trained[1] + unseen[1]]
    assert auroc(labels, [text_area(feature) for feature, _ in letterless]) >= 0.98
    assert 0.03 <= float(np.median(labels)) <= 0.2


@pytest.mark.parametrize("stated", [True, False])
def test_the_training_sets_own_text_is_recognised(
    training: Labels, trained: tuple[Labels, Looked], unseen: tuple[Labels, Looked], stated: bool
) -> None:
    """By the slogans that its metadata state, and by those that the reader reads where nothing is stated."""
    slogans = [row["slogan"] for _, row in training] if stated else []
    own = own_texts(slogans, [reading for _, reading in trained[1]])
    copied, new = ([nearest(reading, own) for _, reading in looked] for looked in (trained[1], unseen[1]))
    assert np.mean(np.array(copied) >= 0.8) >= 0.9
    assert auroc(copied, new) >= 0.95


def nearest(reading: Reading, own: tuple[str, ...]) -> float:
    best = overlap(text(reading), own)
    assert best is not None
    return best.similarity
