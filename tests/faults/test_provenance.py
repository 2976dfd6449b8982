"""A site of the real program: every picture and enlargement proves where it comes from, after a restore too.

On the way: the web process listens alone, the worker on nothing, and only the worker has torch.
"""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import processes
import pytest
import toys
from figures import Note
from posting import order
from web import Web, configured, running

from strikebox import cli
from strikebox.site import verification
from strikebox.site.context import Site, open_site
from strikebox.site.settings import Settings

_PATIENT = 600.0  # seconds; two cores may have other work
_UNCHECKED = "[moderation]\nclassifier = false\nleak = false\nlettering = false\n"


@dataclass(frozen=True, slots=True)
class House:
    web: Web
    site: Site
    config: Path


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """`strikebox serve` with its worker on the embedded model."""
    config = configured(tmp_path / "house")
    config.write_text(config.read_text() + _UNCHECKED)
    site = open_site(Settings.read(config))
    with running(config, {**os.environ, "OMP_NUM_THREADS": "1"}, workers=1) as web:
        yield House(web, site, config)
    site.close()


def made(house: House, number: int, in_hall: int) -> list[str]:
    """Pictures that were ordered and published, some of them enlarged."""
    ids = [order(house.web.base, f"fox number {n}", seed=n).json["id"] for n in range(number)]
    toys.until(lambda: all(toys.found(house.site, id).is_final for id in ids), _PATIENT)
    for id in ids[:in_hall]:
        house.site.hall.admit(id, "tester")
    toys.until(lambda: all(_enlarged(house.site, id) for id in ids[:in_hall]), _PATIENT)
    return ids


def _enlarged(site: Site, id: str) -> bool:
    return site.pictures.public(id).enlarged is not None


def files_of(site: Site, id: str) -> list[str]:
    picture = site.pictures.public(id)
    return [name for name in (picture.file, picture.enlarged) if name is not None]


def all_verify(site: Site, ids: list[str]) -> int:
    """Every trace of every file holds, for its own picture, by the site's own certificate; how many files."""
    roots = (site.settings.storage.folder / "provenance" / "certificate.pem").read_text()
    number = 0
    for id in ids:
        for name in files_of(site, id):
            traces = verification.verify(site.media.read(name), roots=roots, name=id)
            assert [(trace.name, trace.outcome) for trace in traces] == [
                (part, "yes") for part in ("content credentials", "watermark", "chunks")
            ], (id, traces)
            assert "a certificate you trust" in traces[0].proves
            number += 1
    return number


def who_listens(house: House) -> None:
    port = int(house.web.base.rpartition(":")[2])
    web, workers = house.web.pid, processes.family(house.web.pid)
    assert [address.partition(":")[2] for address in processes.listening(web)] == [f"{port:04X}"]
    assert workers and all(processes.listening(pid) == [] for pid in workers)
    assert "libtorch" not in processes.libraries(web)
    assert any("libtorch" in processes.libraries(pid) for pid in workers), "the probe sees torch"


def said_by_verify(house: House, id: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Outcomes, as the command line tells them."""
    file = house.site.media.local(house.site.pictures.public(id).file)
    trust = house.site.settings.storage.folder / "provenance" / "certificate.pem"
    with pytest.raises(SystemExit) as left:
        cli.main(["verify", str(file), "--trust", str(trust), "--picture", id, "--json"])
    assert left.value.code == 0
    return [trace["outcome"] for trace in json.loads(capsys.readouterr().out)["traces"]]


def run(*words: str) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    assert left.value.code == 0


@pytest.mark.slow
def test_every_picture_proves_where_it_comes_from(
    house: House, tmp_path: Path, full: bool, note: Note, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    ids = made(house, 60 if full else 2, 6 if full else 1)
    who_listens(house)
    number = all_verify(house.site, ids)
    assert said_by_verify(house, ids[0], capsys) == ["yes"] * 3

    new = configured(tmp_path / "new")
    run("backup", str(tmp_path / "copy"), "--config", str(house.config))
    run("restore", str(tmp_path / "copy"), "--config", str(new))
    restored = open_site(Settings.read(new))
    assert all_verify(restored, ids) == number == len(ids) + (6 if full else 1)
    restored.close()
    note("provenance", files=number, of_them_enlarged=number - len(ids), seconds=time.monotonic() - began)
