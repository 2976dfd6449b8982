"""Reading lettering with the tesseract program.

Whole pages of display lettering read badly: of the 420 embedded labels, enlarged fourfold, page mode 6 reads
a word on 83%, mode 11 on 78%. So the lines are found first (`lettering.find_lines`), and tesseract is given
one at a time, dark on white and 40 px high: 98%, in half the time, and in no time without letters.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from strikebox.errors import ExtractorError
from strikebox.extractors.lettering import Line, find_lines
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Reading, Word

_CODE = "1"  # to be raised with any change of what is read
_LINE_HEIGHT = 40  # px, of the letters
_MARGIN = 0.25  # around a line, in heights of its letters
_WHITE = 10  # px of white around what is read
_BATCH = 16  # pictures a process
_WORD_LEVEL = "5"  # of a row of TSV


def available(language: str = "rus") -> str | None:
    """None where tesseract can read `language` ("rus", "rus+eng"), else the reason and what to install."""
    if shutil.which("tesseract") is None:
        packages = " ".join(["tesseract-ocr", *map(_package, language.split("+"))])
        return f"tesseract is not installed; apt install {packages}"
    try:
        folder, there = _languages()
    except ExtractorError as error:
        return f"{error}; install it again"
    missing = [one for one in language.split("+") if one not in there]
    if missing:
        packages = " ".join(map(_package, missing))
        return f"tesseract has no language {missing[0]} in {folder}; apt install {packages}"
    return None


class Tesseract:
    """Reads lines of lettering in one or more languages."""

    def __init__(self, language: str = "rus") -> None:
        """`language` as tesseract names it. Raises ExtractorError where it or the program is missing."""
        if reason := available(language):
            raise ExtractorError(reason)
        self._language = language
        self._version = f"{_digest(language)}-{language}-{_program_version()}-{_CODE}"

    @property
    def name(self) -> str:
        return "tesseract"

    @property
    def version(self) -> str:
        return self._version

    def __call__(self, pictures: Sequence[Pixels]) -> list[Reading]:
        """What stands in each picture, line by line. Raises ExtractorError where the program fails."""
        batches = [pictures[start : start + _BATCH] for start in range(0, len(pictures), _BATCH)]
        # Lines of the next batch are looked for while tesseract reads the last.
        with ThreadPoolExecutor(_cores()) as pool:
            running = [pool.submit(self._read, _strips(batch), len(batch)) for batch in batches]
        return [reading for batch in running for reading in batch.result()]

    def _read(self, strips: Sequence["_Strip"], pictures: int) -> list[Reading]:
        words: list[list[Word]] = [[] for _ in range(pictures)]
        if strips:
            for number, word in _words(self._run([strip.pixels for strip in strips])):
                words[strips[number].picture].append(strips[number].place(word))
        return [Reading(tuple(found)) for found in words]

    def _run(self, pictures: Sequence[NDArray[np.uint8]]) -> str:
        """TSV of grey `pictures`, one a page."""
        with tempfile.TemporaryDirectory(prefix="strikebox-") as folder:
            files = [f"{folder}/{number}.pgm" for number in range(len(pictures))]
            for file, pixels in zip(files, pictures, strict=True):
                Image.fromarray(pixels).save(file)
            names = Path(folder, "files.txt")
            names.write_text("\n".join(files) + "\n")
            return _tesseract(
                str(names), "-", "-l", self._language, "--psm", "7", "-c", "tessedit_create_tsv=1"
            )


@dataclass(frozen=True, slots=True)
class _Found:
    """A word as tesseract gives it, its box in pixels of what it was given."""

    text: str
    confidence: float
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Strip:
    """A line of a picture, made ready to be read."""

    picture: int
    pixels: NDArray[np.uint8]  # (height, width), dark on white
    corner: tuple[float, float]  # left and top in the picture, as shares
    step: tuple[float, float]  # a pixel of the strip, as shares of the picture

    def place(self, word: _Found) -> Word:
        """The word, its box as shares of the picture."""
        left, top = self._in_picture(word.left, word.top)
        right, bottom = self._in_picture(word.left + word.width, word.top + word.height)
        return Word(text=word.text, confidence=word.confidence, box=(left, top, right, bottom))

    def _in_picture(self, x: int, y: int) -> tuple[float, float]:
        (left, top), (across, down) = self.corner, self.step
        return left + (x - _WHITE) * across, top + (y - _WHITE) * down


def _strips(pictures: Sequence[Pixels]) -> list[_Strip]:
    found = ((number, picture, find_lines(picture)) for number, picture in enumerate(pictures))
    return [_strip(number, picture, line) for number, picture, lines in found for line in lines]


def _strip(number: int, picture: Pixels, line: Line) -> _Strip:
    image = Image.fromarray(picture).convert("L")
    margin = _MARGIN * (line.box[3] - line.box[1]) * image.height
    left, top = (max(0, e * side - margin) for e, side in zip(line.box[:2], image.size, strict=True))
    right, bottom = (min(side, e * side + margin) for e, side in zip(line.box[2:], image.size, strict=True))
    scale = _LINE_HEIGHT * (1 + 2 * _MARGIN) / (bottom - top)
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    grey = np.asarray(image.resize(size, Image.Resampling.BICUBIC, box=(left, top, right, bottom)))
    step = ((right - left) / size[0] / image.width, (bottom - top) / size[1] / image.height)
    pixels = np.pad(_dark_on_white(grey, line), _WHITE, constant_values=255)
    return _Strip(number, pixels, (left / image.width, top / image.height), step)


def _dark_on_white(grey: NDArray[np.uint8], line: Line) -> NDArray[np.uint8]:
    """Letters black and their ground white; what is lighter than the ground is white as well."""
    values, level = grey.astype(np.float64), line.level
    if line.light:
        values, level = 255 - values, 255 - level
    ground = values[values >= level]
    white = float(np.median(ground)) if ground.size else 255.0
    black = float(np.percentile(values, 5))
    return (np.clip((values - black) / max(white - black, 1), 0, 1) * 255).astype(np.uint8)


def _words(tsv: str) -> Iterator[tuple[int, _Found]]:
    """The number of its page, from 0, and each word."""
    for row in tsv.splitlines()[1:]:
        level, page, _, _, _, _, left, top, width, height, confidence, text = row.split("\t", 11)
        if level == _WORD_LEVEL and text.strip():
            box = (int(left), int(top), int(width), int(height))
            yield int(page) - 1, _Found(text.strip(), float(confidence) / 100, *box)


def _languages() -> tuple[str, frozenset[str]]:
    first, *names = _tesseract("--list-langs").splitlines()
    place = re.search(r'"(.+)"', first)
    return place[1] if place else "", frozenset(names)


def _digest(language: str) -> str:
    folder, _ = _languages()
    content = hashlib.sha256()
    for one in language.split("+"):
        content.update(Path(folder, f"{one}.traineddata").read_bytes())
    return content.hexdigest()[:12]


def _program_version() -> str:
    return _tesseract("--version").split()[1]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _package(language: str) -> str:
    return f"tesseract-ocr-{language.replace('_', '-')}"


def _tesseract(*arguments: str) -> str:
    """What it prints. Its own threads would fight with the processes, one a core."""
    done = subprocess.run(
        ["tesseract", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ExtractorError(f"tesseract failed: {reason}")
    return done.stdout
