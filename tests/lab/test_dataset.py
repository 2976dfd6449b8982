"""A folder as people have it: what can be read is read, and what cannot is one line each."""

import io
import json
import os
import struct
import tempfile
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

import strikebox
from strikebox.errors import DatasetError
from strikebox.lab import dataset
from strikebox.lab.dataset import Dataset, read

LABELS = Path(strikebox.__file__).parent / "embedded" / "labels"
HALVES = np.zeros((40, 60, 3), np.uint8)
HALVES[:, :30], HALVES[:, 30:] = (200, 40, 30), (20, 60, 180)  # red left, blue right


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One sound picture, so that the rest can fail."""
    picture().save(tmp_path / "sound.png")
    return tmp_path


def picture(shade: int = 0) -> Image.Image:
    return Image.fromarray(HALVES + np.uint8(shade))


def encoded(kind: str, image: Image.Image | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    (image or picture(7)).save(buffer, kind, **options)
    return buffer.getvalue()


def names(found: Dataset) -> list[str]:
    return [p.name for p in found.pictures]


def colours(found: Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour of the left and of the right quarter."""
    pixels = next(p for p in found.pictures if p.name == name).pixels().astype(float)
    quarter = pixels.shape[1] // 4
    return pixels[:, :quarter].mean(axis=(0, 1)), pixels[:, -quarter:].mean(axis=(0, 1))


def test_the_embedded_labels_are_read_without_a_problem() -> None:
    found = read(LABELS / "held-out")
    assert (len(found.pictures), found.problems) == (120, ())
    first = found.pictures[0]
    assert (first.name, first.caption, first.subject) == ("000.png", "cat, matchbox style", "cat")
    assert (first.text, first.width, first.height) == ("ГОЛУБЬ МИРА", 128, 128)
    pixels = first.pixels()
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, np.asarray(Image.open(first.path).convert("RGB")))


@pytest.mark.parametrize(
    "name", ["a.png", "a.jpg", "a.JPEG", "a.webp", "a.bmp", "a.gif", "a.tif", "кот в сапогах.png", "猫.jpg"]
)
def test_kinds_and_names(folder: Path, name: str) -> None:
    picture(7).save(folder / name)
    found = read(folder)
    assert sorted(names(found)) == sorted([name, "sound.png"])
    assert found.problems == ()
    left, right = colours(found, name)
    assert np.allclose(left, HALVES[0, 0] + 7, atol=12)
    assert np.allclose(right, HALVES[0, -1] + 7, atol=12)


def test_metadata_and_captions_beside_pictures(folder: Path) -> None:
    for number in range(4):
        picture(number + 1).save(folder / f"{number}.png")
    rows: list[object] = [
        {"file_name": "0.png", "text": " a cat ", "subject": "cat", "slogan": "МИР", "layout": "rings"},
        {"file_name": "1.png", "text": "", "subject": 3},
        {"file_name": "gone.png", "text": "gone"},
        {"text": "no name"},
        [1, 2],
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "metadata.jsonl").write_text("\n".join([*lines, "{", ""]), "utf-8-sig")
    (folder / "1.txt").write_text("beside, in UTF-8: ёж\n")
    (folder / "2.txt").write_bytes(b"\xff\xfe\x00")
    (folder / "3.txt").write_text("x" * 200_000)
    found = read(folder)
    said = {p.name: (p.caption, p.subject, p.text) for p in found.pictures}
    assert said["0.png"] == ("a cat", "cat", "МИР")
    assert said["1.png"] == ("beside, in UTF-8: ёж", None, None)
    assert said["2.png"] == said["3.png"] == said["sound.png"] == (None, None, None)
    form = 'is not of the form {"file_name": ..., "text": ...}'
    assert found.problems == (
        f"metadata.jsonl: line 4 {form}",
        f"metadata.jsonl: line 5 {form}",
        f"metadata.jsonl: line 6 {form}",
        "2.txt: is not UTF-8 text; save it as such",
        "3.txt: is too long for a caption; it is not read",
        "metadata.jsonl: names 1 pictures that are not there, as gone.png",
    )


def test_a_name_in_two_unicode_forms_is_one_name(folder: Path) -> None:
    picture(1).save(folder / unicodedata.normalize("NFD", "ёж.png"))
    row = {"file_name": unicodedata.normalize("NFC", "ёж.png"), "text": "hedgehog"}
    (folder / "metadata.jsonl").write_text(json.dumps(row))
    assert {p.caption for p in read(folder).pictures} == {None, "hedgehog"}


def test_folders_below_are_read_and_hidden_ones_are_not(folder: Path) -> None:
    for place in ("10_cat", ".thumbnails", "10_cat/.cache", "10_cat/deeper"):
        (folder / place).mkdir()
        picture(len(place)).save(folder / place / "a.png")
    (folder / "10_cat" / "metadata.jsonl").write_text(json.dumps({"file_name": "a.png", "text": "cat"}))
    picture(99).save(folder / ".hidden.png")
    found = read(folder)
    assert names(found) == ["sound.png", "10_cat/a.png", "10_cat/deeper/a.png"]
    assert [p.caption for p in found.pictures] == [None, "cat", None]


def test_other_files_are_never_opened(folder: Path) -> None:
    """A FIFO would block whoever opens it."""
    for name in ("weights.pkl", "model.pt", "notes.md", "archive.zip", "vector.svg"):
        os.mkfifo(folder / name)
    assert names(read(folder)) == ["sound.png"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.png", b"", "is no picture that can be read"),
        ("page.jpg", b"<html>", "is no picture that can be read"),
        ("script.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is no picture"),
        ("cut.jpg", encoded("JPEG")[:-300], "is broken"),
        ("cut.png", encoded("PNG")[:-40], "is broken"),
        ("cut.webp", encoded("WEBP")[:-40], "is "),
        ("cut.bmp", encoded("BMP")[:-40], "is broken"),
        ("cut.gif", encoded("GIF")[:60], "is "),
        ("cut.tif", encoded("TIFF")[:100], "is "),
    ],
)  # fmt: skip
def test_broken_files_are_named_and_the_others_read(
    folder: Path, name: str, content: bytes, said: str
) -> None:
    (folder / name).write_bytes(content)
    found = read(folder)
    assert names(found) == ["sound.png"]
    (line,) = found.problems
    assert line.startswith(f"{name}: {said}")
    assert "\n" not in line


@pytest.mark.parametrize("side", [9_000, 100_000])
def test_huge_pictures_are_refused_by_their_header(folder: Path, side: int) -> None:
    """A file of a few bytes that claims gigabytes; it would be broken if anybody decoded it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    (folder / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b""))
    found = read(folder)
    assert names(found) == ["sound.png"]
    (line,) = found.problems
    assert line.startswith("huge.png: is ")
    assert "at most 80 megapixels are read" in line


def test_the_first_frame_of_an_animation(folder: Path) -> None:
    frames = [picture(7), Image.new("RGB", (60, 40), "green"), Image.new("RGB", (60, 40), "white")]
    for name in ("moving.gif", "moving.webp", "pages.tif"):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:])
    found = read(folder)
    assert len(found.pictures) == 4
    assert found.problems == tuple(
        f"{name}: holds more than one picture; the first one is read"
        for name in ("moving.gif", "moving.webp", "pages.tif")
    )
    for name in ("moving.gif", "moving.webp", "pages.tif"):
        assert np.allclose(colours(found, name)[0], HALVES[0, 0] + 7, atol=12)


def test_cmyk_is_converted_and_said(folder: Path) -> None:
    picture(7).convert("CMYK").save(folder / "print.jpg", quality=95)
    found = read(folder)
    assert found.problems == ("print.jpg: is CMYK; it is converted to RGB without its colour profile",)
    assert np.allclose(colours(found, "print.jpg")[0], HALVES[0, 0] + 7, atol=12)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_pictures_stand_as_their_exif_turns_them(folder: Path, kind: str) -> None:
    """Orientation 6: shown turned by a quarter to the right, so what was left is on top."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    (folder / "turned.png").write_bytes(encoded(kind, picture(7), exif=exif))
    turned = next(p for p in read(folder).pictures if p.name == "turned.png")
    assert (turned.width, turned.height) == (40, 60)
    pixels = turned.pixels()
    assert pixels.shape == (60, 40, 3)
    assert np.allclose(pixels[5, 20], HALVES[0, 0] + 7, atol=12)
    assert np.allclose(pixels[-5, 20], HALVES[0, -1] + 7, atol=12)


def test_broken_exif_turns_nothing(folder: Path) -> None:
    (folder / "odd.jpg").write_bytes(encoded("JPEG", picture(7), exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff"))
    assert len(read(folder).pictures) == 2


def test_what_is_transparent_is_white(folder: Path) -> None:
    clear = np.dstack([HALVES, np.full((40, 60), 255, np.uint8)])
    clear[:, :30, 3] = 0
    Image.fromarray(clear).save(folder / "alpha.png")
    Image.fromarray(clear).quantize(4).save(folder / "palette.png")
    Image.fromarray(np.ascontiguousarray(clear[..., [0, 3]])).save(folder / "grey.png")
    found = read(folder)
    for name in ("alpha.png", "palette.png", "grey.png"):
        assert np.array_equal(colours(found, name)[0], [255, 255, 255])
    assert np.allclose(colours(found, "alpha.png")[1], HALVES[0, -1])


@pytest.mark.parametrize("kind", ["L", "1", "I;16", "I", "LA"])
def test_grey_of_any_depth(folder: Path, kind: str) -> None:
    """Half grey is half grey; Pillow alone would clip 16 bits to white."""
    levels = {"L": 128, "1": 1, "I;16": 0x8080, "I": 0x8080, "LA": (128, 255)}
    Image.new(kind, (8, 8), levels[kind]).save(folder / "grey.tif")
    (found,) = [p for p in read(folder).pictures if p.name == "grey.tif"]
    assert np.array_equal(found.pixels(), np.full((8, 8, 3), 255 if kind == "1" else 128, np.uint8))


def test_floats_are_refused(folder: Path) -> None:
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(folder / "depth.tif")
    found = read(folder)
    assert names(found) == ["sound.png"]
    assert found.problems[0].startswith("depth.tif: holds floating-point values")


def test_large_pictures_shrink_and_small_ones_stay(folder: Path) -> None:
    Image.fromarray(HALVES).resize((3000, 2000)).save(folder / "large.jpg")
    large, small = sorted(read(folder).pictures, key=lambda p: p.name)
    assert (large.width, large.height) == (3000, 2000)
    assert large.pixels().shape == (683, 1024, 3)
    assert large.pixels(most_side=64).shape == (43, 64, 3)
    assert small.pixels().shape == (40, 60, 3)


def test_duplicates_are_counted_once(folder: Path) -> None:
    for name in ("twin.png", "twin again.png"):
        (folder / name).write_bytes((folder / "sound.png").read_bytes())
    found = read(folder)
    assert names(found) == ["sound.png"]
    assert found.repeats == (("twin again.png", "sound.png"), ("twin.png", "sound.png"))
    assert found.problems == (
        "twin again.png: is the very file of sound.png; it is counted once",
        "twin.png: is the very file of sound.png; it is counted once",
    )


def test_links_to_nowhere_and_pipes_are_no_pictures(folder: Path) -> None:
    (folder / "lost.png").symlink_to(folder / "nowhere.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "loop").symlink_to(folder)
    found = read(folder)
    assert names(found) == ["sound.png"]
    assert [line.partition(":")[0] for line in found.problems] == ["lost.png", "pipe.png"]


def test_names_that_no_line_can_hold(folder: Path) -> None:
    (folder / "two\nlines.png").write_bytes(b"")
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png"))).write_bytes(b"")
    assert [line.encode("utf-8").decode().count("\n") for line in read(folder).problems] == [0, 0]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda place: None, "cannot be read (No such file or directory)"),
        (lambda place: place.write_bytes(b""), "is a file; give the folder"),
        (lambda place: place.mkdir(), "holds no picture that can be read; give a folder of bmp, gif"),
        (lambda place: (place.mkdir(), (place / "a.png").write_bytes(b"")), "a.png: is no picture"),
    ],
    ids=["missing", "a file", "empty", "all broken"],
)
def test_a_folder_without_pictures_is_one_clear_error(tmp_path: Path, make: object, said: str) -> None:
    assert callable(make)
    make(tmp_path / "set")
    with pytest.raises(DatasetError) as caught:
        read(tmp_path / "set")
    assert str(caught.value).startswith(f"{tmp_path / 'set'}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_may_not_be_read_is_named() -> None:
    with _of_everybody() as folder:
        for name in ("a.png", "b.png", "c.png"):
            picture(ord(name[0])).save(folder / name)
        (folder / "b.txt").write_text("secret")
        (folder / "closed").mkdir()
        picture(3).save(folder / "closed" / "d.png")
        for place in ("a.png", "b.txt", "closed"):
            (folder / place).chmod(0)
        with _as_nobody():
            found = read(folder)
            assert names(found) == ["b.png", "c.png"]
            assert found.problems == (
                "closed: cannot be read (Permission denied); what it holds is left out",
                "a.png: cannot be read (Permission denied)",
                "b.txt: cannot be read (Permission denied)",
            )
        folder.chmod(0o700 if os.geteuid() == 0 else 0)
        with _as_nobody(), pytest.raises(DatasetError, match=r"cannot be read \(Permission denied\)"):
            read(folder)


def test_a_picture_that_breaks_later_says_so(folder: Path) -> None:
    (found,) = read(folder).pictures
    found.path.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"sound\.png: is no picture"):
        found.pixels()


def test_progress_counts_files(folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"")
    seen: list[tuple[int, int]] = []
    dataset.read(folder, lambda done, of: seen.append((done, of)))
    assert seen == [(1, 2), (2, 2)]


@contextmanager
def _of_everybody() -> Iterator[Path]:
    """A folder that another user reaches, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="strikebox-test-") as name:
        Path(name).chmod(0o777)
        yield Path(name)
        Path(name).chmod(0o777)
        for place in Path(name).iterdir():
            place.chmod(0o777)


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Root may read everything, so as root the test becomes somebody else for a while."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if user == 0:
            os.seteuid(user)
