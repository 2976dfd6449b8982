"""The checks of published pictures on the embedded labels: what is withheld, and what is not."""

import io
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from strikebox import api
from strikebox.errors import ModerationError
from strikebox.extractors import calibration
from strikebox.extractors.calibration import Calibrations
from strikebox.extractors.nsfw import LIMIT, UnsafeCheck
from strikebox.extractors.picture_checks import PictureChecks
from strikebox.extractors.published_leak import LeakCheck
from strikebox.extractors.published_lettering import LetteringCheck
from strikebox.extractors.style_pictures import StylePictures
from strikebox.extractors.tesseract import Tesseract, available
from strikebox.generation.backend import Pixels
from strikebox.measuring.evidence import default_cache

needs_tesseract = pytest.mark.skipif(available("rus") is not None, reason=str(available("rus")))


@cache
def labels() -> StylePictures:
    return StylePictures.read(api.embedded("labels/train"), api.embedded("labels/held-out"), default_cache())


@cache
def leak() -> LeakCheck:
    return LeakCheck(labels())


@cache
def lettering() -> LetteringCheck:
    return LetteringCheck(labels(), Tesseract("rus"))


def trained(count: int) -> list[Pixels]:
    """Every so many-th training picture."""
    pictures = labels().training.pictures
    return [one.pixels() for one in pictures[:: len(pictures) // count]][:count]


def jpeg(pixels: Pixels, quality: int = 60) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def cropped(pixels: Pixels) -> Pixels:
    side = round(0.9 * len(pixels))
    return np.asarray(Image.fromarray(pixels[:side, -side:]).resize((128, 128)))


def drawings() -> list[Pixels]:
    """Clip art in other styles, which nobody trained the LoRA on."""
    paths = sorted(api.embedded("distractors").rglob("*.png"))
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths[:: len(paths) // 24]][:24]


@pytest.mark.parametrize("changed", [jpeg, cropped, lambda pixels: pixels[:, ::-1].copy()])
def test_copies_of_training_pictures_are_withheld(changed) -> None:  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    found = [leak()(changed(pixels)) for pixels in trained(12)]  # pyright: ignore[reportUnknownArgumentType]
    assert sum(one is not None and one.code == "leak" for one in found) >= 11


def test_drawings_are_no_copies() -> None:
    assert sum(leak()(pixels) is not None for pixels in drawings()) <= 2


def test_a_leak_names_the_training_picture_to_the_operator_alone() -> None:
    finding = leak()(labels().training.pictures[0].pixels())
    assert finding is not None
    assert labels().training.pictures[0].name in finding.detail
    assert labels().training.pictures[0].name not in finding.reason("en")
    assert finding.score is not None and finding.limit is not None and finding.score <= finding.limit


@needs_tesseract
def test_training_lettering_is_withheld_and_none_is_not() -> None:
    found = [lettering()(pixels) for pixels in trained(12)]
    assert sum(one is not None for one in found) >= 9  # tesseract reads 0.87 of the training slogans
    assert [lettering()(np.full((128, 128, 3), grey, np.uint8)) for grey in (0, 128, 255)] == [None] * 3
    assert sum(lettering()(pixels) is not None for pixels in drawings()) <= 1


@needs_tesseract
def test_at_most_one_in_twenty_held_out_pictures_is_withheld_for_its_lettering() -> None:
    held_out = [one.pixels() for one in labels().held_out.pictures]
    assert sum(lettering()(pixels) is not None for pixels in held_out) <= 0.05 * len(held_out)


def test_without_a_reader_all_lettering_is_withheld() -> None:
    strict = LetteringCheck(labels(), None)
    assert sum(strict(pixels) is not None for pixels in trained(12)) >= 9
    assert strict(np.full((128, 128, 3), 255, np.uint8)) is None


def test_harmless_pictures_are_not_called_unsafe() -> None:
    check = UnsafeCheck()
    scores = [check.score(pixels) for pixels in (*trained(12), *drawings())]
    assert max(scores) < LIMIT / 2
    assert all(check(pixels) is None for pixels in drawings())
    assert UnsafeCheck(limit=0.0)(drawings()[0]) is not None


def test_held_out_pictures_are_needed(tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(few / "one.png")
    with pytest.raises(ModerationError, match="give at least 19"):
        StylePictures.read(few, few, tmp_path)
    with pytest.raises(ModerationError, match=r"set moderation\.training and moderation\.held_out"):
        PictureChecks(cache=tmp_path, classifier=False)()
    assert PictureChecks(cache=tmp_path, classifier=False, leak=False, lettering=False)() == ()


def test_what_ships_is_what_this_code_computes(tmp_path: Path) -> None:
    """After a change of what looks at pictures: make these files anew, from the folder that this leaves."""
    names = {path.name for path in calibration.shipped().glob("*.npz")}
    pictures = replace(labels(), calibrations=Calibrations(tmp_path / "kept"))
    LeakCheck(pictures)
    assert not (tmp_path / "kept").exists(), f"{sorted(names)} are of other code or labels"


def test_a_calibration_is_computed_once(tmp_path: Path) -> None:
    asked: list[int] = []

    def compute() -> dict[str, NDArray[np.float64]]:
        asked.append(1)
        return {"some": np.arange(3.0)}

    kept = Calibrations(tmp_path / "new")
    for _ in range(2):
        assert kept.get("name", compute)["some"].tolist() == [0, 1, 2]
    (tmp_path / "new" / "name.npz").write_bytes(b"damaged")
    assert kept.get("name", compute)["some"].tolist() == [0, 1, 2]
    assert len(asked) == 2
