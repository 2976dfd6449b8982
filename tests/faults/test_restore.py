"""A site copied while it is used, and put back where none is: every hash holds, and what is lost is told."""

import hashlib
import json
import re
import threading
import time
from pathlib import Path

import disks
import pytest
import sqlalchemy as sa
from databases import empty_on
from disks import small_disk
from fastapi.testclient import TestClient
from figures import Note
from filled import fill, hang, publish

from strikebox import cli
from strikebox.jobs.schema import metadata, pictures
from strikebox.site.app import create_app
from strikebox.site.context import Site, open_site
from strikebox.site.settings import Settings

__all__ = ["small_disk"]  # a fixture

Capture = pytest.CaptureFixture[str]


def configured(folder: Path, address: str) -> Path:
    """The configuration of a site in `folder`, which is made."""
    folder.mkdir()
    config = folder / "strikebox.toml"
    config.write_text(
        f'[storage]\nfolder = "{folder / "site"}"\ndatabase = "{address}"\n[recipe]\nname = "soft"\n'
        "[limits]\nburst = 10000\nper_day = 10000\nnetwork_per_day = 10000\nqueue = 10000\n"
        "[budget]\ndollars_per_day = 1000\n"
    )
    return config


def elsewhere(address: str, tmp_path: Path) -> str:
    """The address of another empty database of the same kind."""
    if address.startswith("postgresql"):
        return empty_on(Path(address.partition("host=")[2]))
    return str(tmp_path / "restored.sqlite")


def run(capsys: Capture, *words: str) -> str:
    """What a command says; it must succeed."""
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    said = capsys.readouterr()
    assert left.value.code == 0, said.err
    return said.out


def refusal(capsys: Capture, *words: str) -> str:
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    line = capsys.readouterr().err
    assert left.value.code == 2 and line.count("\n") == 1
    return line


def hashes(site: Site) -> dict[str, str]:
    """Of every file that a picture names, by its name; reading checks that the name is true."""
    with site.database.reading() as connection:
        rows = connection.execute(
            sa.select(pictures.c.file, pictures.c.thumbnail, pictures.c.enlarged).where(
                pictures.c.state != "deleted"
            )
        ).all()
    names = {name for row in rows for name in row if name}
    return {name: hashlib.sha256(site.media.read(name)).hexdigest() for name in names}


def counted(site: Site) -> dict[str, int]:
    with site.database.reading() as connection:
        return {
            name: int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
            for name, table in metadata.tables.items()
        }


class Visitor(threading.Thread):
    """Orders until told to stop."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site, self.over, self.orders = site, threading.Event(), 0

    def run(self) -> None:
        while not self.over.is_set():
            self.site.orders.place("cat", f"client {self.orders}", network="n")
            self.orders += 1


def test_a_site_is_copied_while_it_is_used_and_put_back(
    tmp_path: Path, address: str, full: bool, note: Note, capsys: Capture
) -> None:
    config = configured(tmp_path / "old", address)
    site = open_site(Settings.read(config))
    number = 5000 if full else 30
    ids = fill(site, [f"owl number {n}" for n in range(number)])
    hang(site, ids[0])
    visitor = Visitor(site)
    visitor.start()
    began = time.monotonic()
    said = run(capsys, "backup", str(tmp_path / "copy"), "--config", str(config))
    seconds = time.monotonic() - began
    visitor.over.set()
    visitor.join()
    assert re.search(r"As of .* UTC; the youngest row is of .* UTC, [\d.]+ s before\.", said), said

    new = configured(tmp_path / "new", elsewhere(address, tmp_path))
    began = time.monotonic()
    told = run(capsys, "restore", str(tmp_path / "copy"), "--config", str(new))
    again = time.monotonic() - began
    assert "every hash holds" in told and re.search(r"is lost: [\d,]+ s until now", told)
    restored = open_site(Settings.read(new))
    assert hashes(restored) == hashes(site)
    manifest = json.loads((tmp_path / "copy" / "manifest.json").read_text())
    assert counted(restored) == manifest["rows"]
    assert 0 < restored.queue.count()["waiting"] <= visitor.orders
    web = TestClient(create_app(restored))
    for path in ("/gallery", f"/pictures/{ids[0]}", f"/pictures/{ids[0]}/double.png"):
        assert web.get(path).status_code == 200
    assert (tmp_path / "new/site/secret").read_bytes() == (tmp_path / "old/site/secret").read_bytes()
    note(
        f"restore-{manifest['kind']}",
        pictures=number,
        backup_seconds=seconds,
        restore_seconds=again,
        last_row_before_backup_seconds=manifest["taken"] - manifest["last_row"],
    )
    restored.close()
    site.close()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Of a site on SQLite with three pictures."""
    made = configured(tmp_path / "old", str(tmp_path / "old" / "jobs.sqlite"))
    site = open_site(Settings.read(made))
    fill(site, ["fox", "owl", "cat"])
    site.close()
    return made


def test_again_only_what_is_new_is_copied(config: Path, tmp_path: Path, capsys: Capture) -> None:
    words = ("backup", str(tmp_path / "copy"), "--config", str(config))
    assert "6 files of pictures; 6 new" in run(capsys, *words)
    site = open_site(Settings.read(config))
    publish(site, "f" * 32, "later")
    with site.database.writing() as connection:
        gone = sa.update(pictures).where(pictures.c.subject == "fox")
        connection.execute(gone.values(state="deleted"))
    site.close()
    said = run(capsys, *words)
    assert "6 files of pictures; 2 new" in said and "2 dropped" in said
    assert len([*(tmp_path / "copy").glob("database-*")]) == 1
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0


def test_what_is_damaged_is_told_and_the_rest_is_copied(
    config: Path, tmp_path: Path, capsys: Capture
) -> None:
    site = open_site(Settings.read(config))
    name = sorted(hashes(site))[0]
    path = site.media.local(name)
    assert path is not None
    path.write_bytes(path.read_bytes()[:-1])
    site.close()
    words = ("backup", str(tmp_path / "copy"), "--config", str(config))
    assert "1 files of pictures are missing or damaged" in refusal(capsys, *words)
    assert len([*(tmp_path / "copy" / "media").glob("??/*")]) == 5


@pytest.mark.parametrize("pattern", ["database-*", "pictures-*", "media/*/*.png", "manifest.json"])
def test_a_damaged_backup_is_not_restored(
    config: Path, tmp_path: Path, capsys: Capture, pattern: str
) -> None:
    run(capsys, "backup", str(tmp_path / "copy"), "--config", str(config))
    (path, *_) = (tmp_path / "copy").glob(pattern)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    new = configured(tmp_path / "new", str(tmp_path / "new" / "jobs.sqlite"))
    words = ("restore", str(tmp_path / "copy"), "--config", str(new))
    assert str(path) in refusal(capsys, *words)
    assert not (tmp_path / "new" / "jobs.sqlite").exists()
    path.write_bytes(content)
    assert "every hash holds" in run(capsys, *words), "what was begun is done in the end"


def test_no_site_is_overwritten(config: Path, tmp_path: Path, capsys: Capture) -> None:
    run(capsys, "backup", str(tmp_path / "copy"), "--config", str(config))
    assert "is there already" in refusal(capsys, "restore", str(tmp_path / "copy"), "--config", str(config))
    other = configured(tmp_path / "other", "postgresql://nobody@127.0.0.1:1/jobs")
    assert "is a backup of SQLite" in refusal(
        capsys, "restore", str(tmp_path / "copy"), "--config", str(other)
    )
    assert "no manifest" in refusal(capsys, "restore", str(_empty(tmp_path)), "--config", str(other))


def _empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    return folder


def test_a_full_disk_leaves_the_earlier_backup_whole(
    config: Path, tmp_path: Path, small_disk: Path, capsys: Capture
) -> None:
    target = small_disk / "copy"
    words = ("backup", str(target), "--config", str(config))
    run(capsys, *words)
    before = (target / "manifest.json").read_bytes()
    ballast = disks.fill(small_disk)
    assert "the disk" in refusal(capsys, *words)
    assert (target / "manifest.json").read_bytes() == before
    new = configured(tmp_path / "new", str(tmp_path / "new" / "jobs.sqlite"))
    assert "every hash holds" in run(capsys, "restore", str(target), "--config", str(new))
    ballast.unlink()
    assert "6 files of pictures; 0 new" in run(capsys, *words)
