"""Files of pictures: named by content, whole or absent, swept when nobody needs them, anywhere."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from filled import publish, settings
from stores import bucket, store

from strikebox.errors import StoreError
from strikebox.site.app import create_app
from strikebox.site.context import open_site
from strikebox.site.media import Folder, Media, open_media, orphans, sweep
from strikebox.site.media.contract import PIECE
from strikebox.site.settings import Settings, StorageSection

__all__ = ["bucket", "store"]

ID = "a" * 32


@pytest.fixture(params=["folder", "memory", "s3"])
def media(request: pytest.FixtureRequest, tmp_path: Path) -> Media:
    """An empty place of each kind."""
    match request.param:
        case "folder":
            return open_media(f"file://{tmp_path}/media")
        case "memory":
            return open_media(f"memory://{uuid4().hex}/media")
        case _:
            return open_media(request.getfixturevalue("bucket"))


def nothing(names: object) -> set[str]:
    return set()


def test_what_is_put_is_read(media: Media) -> None:
    name = media.put(b"picture", "png")
    assert name == media.put(b"picture", "png")
    assert media.has(name) and media.read(name) == b"picture"
    assert list(media.listed(name[:2])) == [name] and list(media.listed("zz")) == []
    assert media.age(name) < 60


@pytest.mark.parametrize("size", [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_a_file_comes_in_pieces_and_whole(media: Media, size: int) -> None:
    data = os.urandom(size)
    pieces = list(media.pieces(media.put(data, "png")))
    assert b"".join(pieces) == data and all(len(piece) <= PIECE for piece in pieces)


@pytest.mark.parametrize(
    "name", ["", "../secret", "a" * 64, "a" * 64 + ".exe", "/etc/passwd", "A" * 64 + ".png"]
)
def test_no_name_leads_out_of_the_place(media: Media, name: str) -> None:
    for ask in (media.read, media.pieces, media.has, media.local):
        with pytest.raises(StoreError, match="no name of a media file"):
            ask(name)


def test_what_is_missing_is_said(media: Media) -> None:
    name = media.put(b"picture", "png")
    media.delete(name)
    media.delete(name)
    assert not media.has(name) and media.age(name) == 0
    for ask in (media.read, media.pieces):
        with pytest.raises(StoreError, match="cannot read"):
            ask(name)


def test_what_is_damaged_is_said(tmp_path: Path) -> None:
    media = Folder(tmp_path)
    name = media.put(b"picture", "png")
    media.path(name).write_bytes(b"pixture")
    with pytest.raises(StoreError, match="damaged"):
        media.read(name)


def test_only_orphans_are_swept(media: Media) -> None:
    names = [media.put(bytes([number]), "webp") for number in range(40)]
    kept = set(names[::2])
    assert set(orphans(media, kept.intersection)) == set(names) - kept
    assert sweep(media, kept.intersection) == 0, "they are young: their rows may be on their way"
    assert sweep(media, kept.intersection, older_than=-1) == 20
    assert [media.has(name) for name in names] == [True, False] * 20


def test_unfinished_files_are_swept_when_they_are_old(tmp_path: Path) -> None:
    media = Folder(tmp_path)
    old, again = media.put(b"1", "png"), media.put(b"2", "png")
    part = media.path(old).with_name(".0123.part")
    part.write_bytes(b"unfinished")
    for path in (media.path(old), media.path(again), part):
        os.utime(path, (0, 0))
    media.put(b"2", "png")
    assert sweep(media, nothing) == 2
    assert media.has(again) and not media.has(old) and not part.exists()


def test_one_that_is_killed_leaves_no_half_file_where_stores_rename(tmp_path: Path) -> None:
    media = open_media(f"local://{tmp_path}/media")  # fsspec's own, which is not a store of objects
    name = media.put(b"picture", "png")
    assert media.read(name) == b"picture" and list(media.listed(name[:2])) == [name]
    assert media.local(name) is None


@pytest.mark.parametrize("place", ["nothing://there", "s3://user:secret@bucket/x"])
def test_a_place_that_is_none_is_one_line(place: str) -> None:
    with pytest.raises(StoreError) as error:
        open_media(place)
    assert "\n" not in str(error.value) and "secret" not in str(error.value)


@pytest.fixture
def on_s3(tmp_path: Path, bucket: str) -> Settings:
    """A site with one picture, whose files are on S3."""
    asked = settings(tmp_path, storage=StorageSection(folder=tmp_path, pictures=bucket))
    site = open_site(asked)
    publish(site, ID, "cat")
    site.close()
    return asked


@contextmanager
def serving(asked: Settings) -> Generator[tuple[TestClient, Media]]:
    site = open_site(asked)
    with TestClient(create_app(site), raise_server_exceptions=False) as web:
        yield web, site.media
    site.close()


def test_pages_show_what_is_on_s3(on_s3: Settings, tmp_path: Path) -> None:
    with serving(on_s3) as (web, _):
        answer = web.get(f"/pictures/{ID}.png")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert answer.content.startswith(b"\x89PNG") and b"parameters" in answer.content
        assert b"parameters" not in web.get(f"/pictures/{ID}.png?metadata=none").content
        assert web.get(f"/pictures/{ID}/thumbnail.webp").content.startswith(b"RIFF")
        again = {"if-none-match": answer.headers["etag"]}
        assert web.get(f"/pictures/{ID}.png", headers=again).status_code == 304
        assert web.get("/readyz").status_code == 200
    assert not (tmp_path / "media").exists()


def test_a_store_that_is_gone_is_503_and_pages_stay(on_s3: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with serving(on_s3) as (web, media):
        answer = web.get(f"/pictures/{ID}.png")
        assert (answer.status_code, web.get("/readyz").status_code) == (503, 503)
        assert int(answer.headers["retry-after"]) > 0 and "127.0.0.1" not in answer.text
        assert web.get("/gallery").status_code == 200
        with pytest.raises(StoreError, match="see that the store answers"):
            media.put(b"new", "png")
