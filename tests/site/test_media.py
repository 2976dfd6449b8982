"""Files of pictures: named by content, whole or absent, swept when nobody needs them."""

import os
from pathlib import Path

import pytest

from strikebox.errors import StoreError
from strikebox.site.media import Media


@pytest.fixture
def media(tmp_path: Path) -> Media:
    return Media(tmp_path)


def test_what_is_put_is_read(media: Media) -> None:
    name = media.put(b"picture", "png")
    assert name == media.put(b"picture", "png")
    assert media.read(name) == b"picture"
    with media.open(name) as file:
        assert file.read() == b"picture"


@pytest.mark.parametrize(
    "name", ["", "../secret", "a" * 64, "a" * 64 + ".exe", "/etc/passwd", "A" * 64 + ".png"]
)
def test_no_name_leads_out_of_the_folder(media: Media, name: str) -> None:
    with pytest.raises(StoreError, match="no name of a media file"):
        media.path(name)


def test_what_is_damaged_or_missing_is_said(media: Media) -> None:
    name = media.put(b"picture", "png")
    media.path(name).write_bytes(b"pixture")
    with pytest.raises(StoreError, match="damaged"):
        media.read(name)
    media.path(name).unlink()
    with pytest.raises(StoreError, match="cannot read"):
        media.open(name)


def test_orphans_are_swept_when_they_are_old(media: Media) -> None:
    kept, orphan, young = (media.put(data, "webp") for data in (b"1", b"2", b"3"))
    part = media.path(orphan).with_name(".0123.part")
    part.write_bytes(b"unfinished")
    for path in (media.path(kept), media.path(orphan), part):
        os.utime(path, (0, 0))
    assert media.sweep({kept}) == 2
    assert media.path(kept).exists() and media.path(young).exists()
    assert not media.path(orphan).exists() and not part.exists()


def test_what_is_put_again_is_young_again(media: Media) -> None:
    name = media.put(b"1", "png")
    os.utime(media.path(name), (0, 0))
    media.put(b"1", "png")
    assert media.sweep(set()) == 0
