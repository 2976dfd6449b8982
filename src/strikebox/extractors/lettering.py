"""Lettering: what looks like a line of letters, without reading it.

Letters on a line are marks of one height and one width of stroke side by side, each a shape of its own. A
picture is cut at a few levels of grey; at each level the connected marks, dark or light, that may be letters
are joined to rows, and a row must look like writing: beads, stripes, teeth and halftone dots repeat one
shape, have no fine strokes or stand too far apart. Slanted, curved and joined-up writing is not found, and
small letters less often than capitals, since their heights differ.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from scipy.sparse.csgraph import connected_components

from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Feature

Grey = NDArray[np.uint8]  # (height, width)
Mask = NDArray[np.bool_]
Box = tuple[float, float, float, float]
"""Left, top, right and bottom as shares of width and height."""
Marks = NDArray[np.float64]
"""(marks, 6): left, top, right and bottom (exclusive), area, length of the outline; in pixels."""

_SIDE = 256
_GREYS = 5
_FEWEST = 3  # letters of a line
_MOST_MARKS = 1000  # of one level; more are grain, which holds lines of anything by chance
_SAME = 0.4  # share of the smaller of two boxes from which both are of one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What looks like a line of letters."""

    box: Box
    letters: int
    light: bool  # lighter than what they stand on
    level: float  # grey between letters and ground, 0 to 255


class Lettering:
    """What a picture has of lettering, float32 (2,): share of its area in lines, letters of the longest."""

    name = "lettering"
    version = "1"

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        return [_feature(find_lines(picture)) for picture in pictures]


def find_lines(picture: Pixels) -> tuple[Line, ...]:
    """What looks like lines of letters in `picture`, from top to bottom; lines of at least three letters.

    Letters count from 3 to 30% of the picture's longer side in height.
    """
    grey = _grey(picture)
    found: list[Line] = []
    for line in sorted(_at_all_levels(grey), key=lambda line: line.letters, reverse=True):
        if all(_shared(line.box, other.box) < _SAME for other in found):
            found.append(line)
    return tuple(sorted(found, key=lambda line: line.box[1]))


def _feature(lines: Sequence[Line]) -> Feature:
    area = sum(_area(line.box) for line in lines)
    return np.array([min(area, 1), max((line.letters for line in lines), default=0)], np.float32)


def _grey(picture: Pixels) -> Grey:
    image = Image.fromarray(picture).convert("L")
    scale = _SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def _at_all_levels(grey: Grey) -> Iterator[Line]:
    for level in _levels(grey):
        dark = grey < level
        outline = _outline(dark)
        for light, mask in ((False, dark), (True, ~dark)):
            for letters in _rows(_letter_like(_marks(mask, outline), grey.shape)):
                if _is_writing(letters):
                    yield Line(box=_box(letters, grey.shape), letters=len(letters), light=light, level=level)


def _levels(grey: Grey) -> list[float]:
    """Halfway between the few greys that stand for all best, in the mean square (Lloyd's iteration)."""
    counts, values = np.bincount(grey.ravel(), minlength=256), np.arange(256.0)
    greys = np.linspace(float(grey.min()), float(grey.max()), _GREYS)
    for _ in range(20):
        nearest = np.searchsorted((greys[1:] + greys[:-1]) / 2, values)
        weight = np.bincount(nearest, weights=counts, minlength=_GREYS)
        total = np.bincount(nearest, weights=counts * values, minlength=_GREYS)
        greys = np.where(weight > 0, total / np.maximum(weight, 1), greys)
    return np.unique((greys[1:] + greys[:-1]) / 2).tolist()


def _outline(mask: Mask) -> NDArray[np.uint8]:
    """How many of the four neighbours of each pixel lie across the mask's border."""
    edges = np.zeros(mask.shape, np.uint8)
    down, across = mask[1:] != mask[:-1], mask[:, 1:] != mask[:, :-1]
    edges[1:] += down
    edges[:-1] += down
    edges[:, 1:] += across
    edges[:, :-1] += across
    return edges


def _marks(mask: Mask, outline: NDArray[np.uint8]) -> Marks:
    labels, count = cast("tuple[NDArray[np.int32], int]", ndimage.label(mask))
    if count > _MOST_MARKS:
        return np.empty((0, 6))
    area = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    border = np.flatnonzero(outline)
    length = np.bincount(labels.ravel()[border], weights=outline.ravel()[border], minlength=count + 1)[1:]
    boxes = [(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(labels)]
    return np.column_stack([np.array(boxes).reshape(-1, 4), area, length]).astype(np.float64)


def _letter_like(marks: Marks, shape: tuple[int, ...]) -> Marks:
    """Marks with the size and the strokes of a letter, and whole: none that the picture's edge may cut."""
    width, height = _sizes(marks)
    stroke, fill = _strokes(marks) / height, marks[:, 4] / (width * height)
    fits = (height >= 0.03 * max(shape)) & (height <= 0.3 * max(shape))
    fits &= (width >= 0.1 * height) & (width <= 1.8 * height)
    fits &= (stroke > 0.04) & (stroke < 0.33) & (fill > 0.2)
    fits &= (marks[:, :2] > 0).all(axis=1) & (marks[:, 2:4] < shape[::-1]).all(axis=1)
    return marks[fits]


def _rows(marks: Marks) -> list[Marks]:
    """Marks of about one height that stand side by side, from left to right."""
    if len(marks) < _FEWEST:
        return []
    left, top, right, bottom = marks[:, :4].T
    height = np.minimum.outer(bottom - top, bottom - top)
    gap = np.maximum.outer(left, left) - np.minimum.outer(right, right)
    level = (np.abs(np.subtract.outer(top, top)) <= 0.22 * height) & (
        np.abs(np.subtract.outer(bottom, bottom)) <= 0.3 * height
    )
    _, row = connected_components(level & (-0.2 * height < gap) & (gap < height), directed=False)
    rows = (marks[row == number] for number in np.flatnonzero(np.bincount(row) >= _FEWEST))
    return [members[np.argsort(members[:, 0])] for members in rows]


def _is_writing(letters: Marks) -> bool:
    """Do the marks of a row have strokes of one width, small gaps and shapes of their own?"""
    width, height = _sizes(letters)
    windings = letters[:, 5] ** 2 / letters[:, 4]  # 16 for a square, more for all else
    gaps = (letters[1:, 0] - letters[:-1, 2]) / np.median(height)
    if _variation(_strokes(letters)) > 0.22 or np.median(gaps) > 0.55:
        return False
    if np.median(windings) < 30 or not 0.25 < np.median(width / height) < 1.1:
        return False
    fill = letters[:, 4] / (width * height)
    if max(_variation(width), _variation(windings)) <= 0.04 or fill.std() <= 0.015:
        return False
    return len(letters) > _FEWEST or _is_neat(letters, windings)


def _is_neat(letters: Marks, windings: NDArray[np.float64]) -> bool:
    """What is asked of the shortest rows, since chance makes more of them."""
    _, height = _sizes(letters)
    level = letters[:, 3].std() <= 0.12 * np.median(height) and _variation(height) <= 0.1
    return bool(level and np.median(windings) >= 36)


def _sizes(marks: Marks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return marks[:, 2] - marks[:, 0], marks[:, 3] - marks[:, 1]


def _strokes(marks: Marks) -> NDArray[np.float64]:
    """Mean width of the strokes: a long stroke of width w has area w * l and an outline of 2 * l."""
    return 2 * marks[:, 4] / np.maximum(marks[:, 5], 1)  # 0: a mark that is the whole picture


def _variation(values: NDArray[np.float64]) -> float:
    return float(values.std() / values.mean())


def _box(letters: Marks, shape: tuple[int, ...]) -> Box:
    left, top = (letters[:, :2].min(axis=0) / shape[::-1]).tolist()
    right, bottom = (letters[:, 2:4].max(axis=0) / shape[::-1]).tolist()
    return left, top, right, bottom


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _shared(first: Box, second: Box) -> float:
    """Area that two boxes share, over that of the smaller."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(width, 0) * max(height, 0) / min(_area(first), _area(second))
