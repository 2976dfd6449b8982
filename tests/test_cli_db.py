"""strikebox db: what it says and how it leaves, on both kinds of database."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import server
from moved import empty, varied
from typer.testing import CliRunner, Result

from strikebox.cli import app, main
from strikebox.jobs.schema import words
from strikebox.site.context import Site
from strikebox.site.media import Folder

__all__ = ["empty", "server"]

Empty = Callable[[str], str]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["db", *map(str, arguments)], catch_exceptions=False)


def one_line(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What is said of bad input, which leaves with 2."""
    with pytest.raises(SystemExit) as left:
        main(["db", *map(str, arguments)])
    said = capsys.readouterr().err
    assert left.value.code == 2 and said.count("\n") == 1 and said.startswith("error: ")
    return said


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path, empty: Empty) -> Iterator[Site]:
    one = varied(tmp_path / "from", empty(request.param))
    yield one
    one.close()


def test_migrate_says_from_where_to_where(site: Site) -> None:
    said = run("migrate", site.settings.database)
    assert said.exit_code == 0 and "already" in said.output


def test_what_is_no_database_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "no such file" in one_line(capsys, "migrate", tmp_path / "none.sqlite")
    assert "no such file" in one_line(capsys, "check", tmp_path / "none.sqlite")
    assert "no such file" in one_line(capsys, "copy", tmp_path / "none.sqlite", tmp_path / "to.sqlite")
    assert not list(tmp_path.iterdir())


def test_copy_says_what_it_did(site: Site, empty: Empty, tmp_path: Path) -> None:
    target = empty("sqlite")
    places = ("--pictures", site.media.address, tmp_path / "to")
    said = run("copy", site.settings.database, target, *places)
    assert said.exit_code == 0 and "files: 19 verified, 19 copied" in said.output
    again = json.loads(run("copy", site.settings.database, target, *places, "--json").stdout)
    assert again["copied"] == 0 and all(table["changed"] == 0 for table in again["tables"])
    assert run("check", target, "--pictures", tmp_path / "to").exit_code == 0


def test_a_file_that_cannot_be_copied_leaves_with_1(site: Site, empty: Empty, tmp_path: Path) -> None:
    site.media.delete(site.pictures.public(f"{5:032x}").file)
    said = run("copy", site.settings.database, empty("sqlite"), "--pictures", site.media.address, tmp_path)
    assert said.exit_code == 1 and "BAD" in said.output


def test_a_sound_site_is_called_that(site: Site) -> None:
    site.media.put(b"nobody's", "png")
    said = run("check", site.settings.database, "--pictures", site.media.address)
    assert said.exit_code == 0 and "BAD" not in said.output
    assert "19 there and what their names say" in said.output and "3 files that no picture" in said.output


def test_each_fault_is_found(site: Site) -> None:
    media = site.media
    assert isinstance(media, Folder)
    picture = site.pictures.public(f"{5:032x}")
    media.path(picture.file).write_bytes(b"damaged")
    address = (site.settings.database, "--pictures", media.address)
    assert run("check", *address, "--quick").exit_code == 0
    found = run("check", *address)
    assert found.exit_code == 1 and "1 of 19" in found.output and "damaged" in found.output
    media.delete(picture.file)
    missing = run("check", *address, "--quick")
    assert missing.exit_code == 1 and "is missing" in missing.output
    with site.database.writing() as connection:
        connection.execute(sa.insert(words).values(word="lost", picture="0" * 32))
    looked = json.loads(run("check", site.settings.database, "--json").stdout)["looked"]
    assert [one["what"] for one in looked if not one["sound"]] == ["words name pictures"]


def test_indexes_of_postgresql_are_looked_at_where_they_can_be(empty: Empty, tmp_path: Path) -> None:
    address = empty("postgresql")
    site = varied(tmp_path, address)
    assert "not looked at: CREATE EXTENSION amcheck" in run("check", address).output
    with site.database.writing() as connection:
        if connection.exec_driver_sql("SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'").first():
            connection.exec_driver_sql("CREATE EXTENSION amcheck")
    said = run("check", address)
    assert said.exit_code == 0 and "pages and indexes: ok" in said.output
    site.close()


def test_a_damaged_sqlite_is_found(empty: Empty, tmp_path: Path) -> None:
    address = Path(empty("sqlite"))
    varied(tmp_path, str(address)).close()
    data = bytearray(address.read_bytes())
    page = 4096
    for start in range(page, len(data) - page, page):
        data[start + 8 : start + 64] = b"\xff" * 56
    address.write_bytes(data)
    with pytest.raises(SystemExit) as left:
        main(["db", "check", str(address)])
    assert left.value.code in (1, 2)
