import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import strikebox
from strikebox.errors import ExtractorError
from strikebox.extractors.lettering import find_lines
from strikebox.extractors.tesseract import Tesseract, available
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Reader
from strikebox.metrics.lettering import letters, similarity, text

LABELS = Path(strikebox.__file__).parent / "embedded" / "labels" / "held-out"
WHY_NOT = available("rus")
needs_tesseract = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))


def labels(count: int) -> list[tuple[Pixels, dict[str, Any]]]:
    rows = [json.loads(line) for line in (LABELS / "metadata.jsonl").read_text("utf-8").splitlines()[:count]]
    return [(np.asarray(Image.open(LABELS / row["file_name"]).convert("RGB")), row) for row in rows]


def program(folder: Path, script: str) -> None:
    """A program called tesseract that does as `script` says."""
    (folder / "tesseract").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "tesseract").chmod(0o755)


@needs_tesseract
def test_it_reads_labels() -> None:
    reader: Reader = Tesseract()
    some = labels(12)
    readings = reader([picture for picture, _ in some])
    read = [
        similarity(letters(text(reading)), letters(row["slogan"]))
        for reading, (_, row) in zip(readings, some, strict=True)
    ]
    assert np.mean(np.array(read) >= 0.8) >= 0.9


@needs_tesseract
def test_words_lie_in_their_lines() -> None:
    picture, _ = labels(1)[0]
    (reading,) = Tesseract()([picture])
    lines = find_lines(picture)
    assert reading.words
    for word in reading.words:
        middle_x, middle_y = (word.box[0] + word.box[2]) / 2, (word.box[1] + word.box[3]) / 2
        assert any(a <= middle_x <= c and b <= middle_y <= d for a, b, c, d in (line.box for line in lines))
        assert 0 <= word.confidence <= 1


@needs_tesseract
def test_a_reading_depends_on_its_own_picture_alone() -> None:
    reader, blank = Tesseract(), np.full((40, 200, 3), 255, np.uint8)
    pictures = [blank, *(picture for picture, _ in labels(17)), blank]
    together = reader(pictures)
    assert together[0].words == together[-1].words == ()
    assert together[5:7] == reader(pictures[5:7])
    assert reader([]) == []


@needs_tesseract
def test_its_version_names_language_and_program() -> None:
    assert "-rus-" in Tesseract("rus").version
    assert Tesseract("rus").version == Tesseract("rus").version
    assert Tesseract().name == "tesseract"


@needs_tesseract
def test_a_missing_language_is_named_with_what_to_install() -> None:
    assert available("rus+tlh_sim") is not None
    with pytest.raises(ExtractorError, match=r"no language tlh_sim .*; apt install tesseract-ocr-tlh-sim$"):
        Tesseract("rus+tlh_sim")


def test_a_missing_program_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = "tesseract is not installed; apt install tesseract-ocr tesseract-ocr-rus"
    assert available("rus") == reason
    with pytest.raises(ExtractorError, match=reason):
        Tesseract()


def test_a_program_that_does_not_run_is_no_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    program(tmp_path, "echo 'cannot open shared object' >&2; exit 127")
    assert available("rus") == "tesseract failed: cannot open shared object; install it again"


def test_a_program_that_fails_later_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "rus.traineddata").write_bytes(b"letters")
    listed = f'echo "List of available languages in \\"{tmp_path}\\" (1):"; echo rus'
    cases = f'--list-langs) {listed};; --version) echo tesseract 5.0;; *) echo "no memory" >&2; exit 1;;'
    program(tmp_path, f"case $1 in {cases} esac")
    reader = Tesseract()
    with pytest.raises(ExtractorError, match="no memory"):
        reader([labels(1)[0][0]])
