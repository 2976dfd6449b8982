import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

import strikebox
from strikebox.errors import ProvenanceError
from strikebox.generation.backend import Pixels
from strikebox.site import watermark

LABELS = Path(strikebox.__file__).parent / "embedded" / "labels"
NUMBER = watermark.number_of("0123456789abcdef")


def pictures(count: int, side: int, part: str = "held-out") -> list[Pixels]:
    paths = sorted((LABELS / part).glob("*.png"))[:count]
    return [resized(np.asarray(Image.open(path).convert("RGB")), side) for path in paths]


def resized(pixels: Pixels, width: int, height: int | None = None) -> Pixels:
    size = (width, height or width)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def saved(pixels: Pixels, kind: str, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def psnr(some: Pixels, other: Pixels) -> float:
    return float(10 * np.log10(255**2 / np.mean((some.astype(float) - other) ** 2)))


def survived(pixels: list[Pixels], change: Callable[[Pixels], Pixels]) -> float:
    read = (watermark.read(change(watermark.embed(one, NUMBER))) for one in pixels)
    return sum(mark is not None and mark.number == NUMBER for mark in read) / len(pixels)


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "nothing": lambda p: p,
    "JPEG 75": lambda p: saved(p, "JPEG", 75),
    "three quarters": lambda p: resized(p, 3 * p.shape[1] // 4, 3 * p.shape[0] // 4),
    "half as large again": lambda p: resized(p, 3 * p.shape[1] // 2, 3 * p.shape[0] // 2),
    "twice": lambda p: resized(p, 2 * p.shape[1], 2 * p.shape[0]),
    "stretched": lambda p: resized(p, p.shape[1], 9 * p.shape[0] // 8),
    "smaller and JPEG 75": lambda p: saved(resized(p, 3 * p.shape[1] // 4), "JPEG", 75),
}


@pytest.mark.parametrize("side", [128, 256, 1024])
@pytest.mark.parametrize("change", CHANGES)
def test_it_survives(side: int, change: str) -> None:
    assert survived(pictures(24 if side < 1024 else 4, side), CHANGES[change]) >= 0.95


@pytest.mark.parametrize(("side", "least"), [(128, 41.0), (256, 45.0), (1024, 48.0)])
def test_it_is_not_seen(side: int, least: float) -> None:
    some = pictures(12 if side < 1024 else 3, side)
    marked = [watermark.embed(one, NUMBER) for one in some]
    assert min(psnr(one, other) for one, other in zip(some, marked, strict=True)) >= least


def test_flat_paper_changes_least() -> None:
    for one in pictures(12, 128):
        change = np.abs(watermark.embed(one, NUMBER).astype(float) - one).mean(axis=-1)
        busy = sliding_window_view(
            np.pad(one.astype(int), ((5, 5), (5, 5), (0, 0)), "edge"), (11, 11), (0, 1)
        )
        flat = np.ptp(busy, axis=(-2, -1)).max(axis=-1) < 8
        assert change[flat].mean() < 0.2 < change[~flat].mean()


@pytest.mark.parametrize("grey", [0, 1, 128, 254, 255])
def test_flat_pictures_are_marked_too(grey: int) -> None:
    flat = np.full((128, 128, 3), grey, np.uint8)
    mark = watermark.read(watermark.embed(flat, NUMBER))
    assert mark is not None
    assert mark.number == NUMBER


def test_nothing_is_read_where_there_is_nothing() -> None:
    unmarked = [*pictures(120, 128), *pictures(300, 128, "train")]
    assert [watermark.read(one) for one in unmarked] == [None] * 420
    random = np.random.default_rng(0)
    noise = (random.integers(0, 256, (64, 64, 3)).astype(np.uint8) for _ in range(200))
    assert all(watermark.read(one) is None for one in noise)


def test_the_check_bits_refuse_chance() -> None:
    """Each reading tries 45 spacings and 16 guesses: 720 in 2^32 by chance, one in six million pictures."""
    random = np.random.default_rng(1)
    guesses = random.integers(0, 2, (20_000, watermark.BITS))
    assert all(watermark._number(bits) is None for bits in guesses)  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("number", [0, 1, NUMBER, 2**32 - 1])
def test_every_number_is_read_back(number: int) -> None:
    mark = watermark.read(watermark.embed(pictures(1, 128)[0], number))
    assert mark is not None
    assert (mark.number, mark.corrected) == (number, 0)


def test_a_second_mark_takes_the_place_of_the_first() -> None:
    twice = watermark.embed(watermark.embed(pictures(1, 128)[0], 1), 2)
    mark = watermark.read(twice)
    assert mark is not None
    assert mark.number == 2


def test_what_it_does_not_survive() -> None:
    """docs/provenance.md says so; a test that fails here is good news, and the page is to be changed."""
    some = pictures(12, 128)
    assert survived(some, lambda p: p[3:-3, 3:-3]) <= 0.1
    assert survived(some, lambda p: p[:, ::-1].copy()) <= 0.1
    assert survived(some, lambda p: resized(p, 32)) <= 0.1


def test_a_picture_without_room_says_so() -> None:
    with pytest.raises(ProvenanceError, match=r"47 x 64 px has no room .* provenance\.watermark to false$"):
        watermark.embed(np.zeros((64, 47, 3), np.uint8), 1)
    assert watermark.read(np.zeros((8, 8, 3), np.uint8)) is None


def test_the_pattern_is_the_same_for_ever() -> None:
    """Marks of published pictures must be readable by every later version."""
    import hashlib

    places, signs, dither = watermark._layout()  # pyright: ignore[reportPrivateUsage]
    parts = (places.astype("<i8"), np.sign(signs).astype("<i8"), np.round(dither, 6).astype("<f8"))
    assert hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:16] == "3e6dbc6e053755ad"
