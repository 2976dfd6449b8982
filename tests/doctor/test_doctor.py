import json
from pathlib import Path

import pytest

from strikebox import cli
from strikebox.doctor import Examined, examine, machine
from strikebox.jobs import Database
from strikebox.site import certificate
from strikebox.site.settings import Settings

ALWAYS = ["program", "machine", "device", "disk", "sqlite", "database", "model", "enlarging", "prompts"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "site"


def settings(folder: Path, **sections: object) -> Settings:
    return Settings.model_validate({"storage": {"folder": folder}, **sections})


def looked(settings: Settings) -> dict[str, list[Examined]]:
    found: dict[str, list[Examined]] = {}
    for one in examine(settings):
        found.setdefault(one.what, []).append(one)
    return found


def bad(settings: Settings) -> dict[str, str]:
    return {one.what: one.found for some in looked(settings).values() for one in some if one.state == "bad"}


def test_a_fresh_machine_can_serve_and_nothing_is_made(folder: Path) -> None:
    found = looked(settings(folder))
    assert list(found)[: len(ALWAYS)] == ALWAYS
    assert bad(settings(folder)) == {}
    assert found["certificate"][0].state == "look"
    assert not folder.exists()


def test_a_database_is_checked_and_left_alone(folder: Path) -> None:
    folder.mkdir()
    Database(folder / "site.sqlite").close()
    before = (folder / "site.sqlite").read_bytes()
    assert "checked: ok" in looked(settings(folder))["database"][0].found
    assert (folder / "site.sqlite").read_bytes() == before
    (folder / "site.sqlite").write_bytes(b"no database at all, but long enough to be looked at " * 40)
    assert "restore it from a backup" in bad(settings(folder))["database"]


def test_a_database_server_that_is_not_there_is_named_without_its_password(folder: Path) -> None:
    url = "postgresql://art:secret@127.0.0.1:1/art"
    found = bad(settings(folder, storage={"folder": folder, "database": url}))["database"]
    assert "127.0.0.1:1/art" in found
    assert "secret" not in found


def test_a_store_of_pictures_is_asked(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pictures").mkdir()
    for place in (tmp_path / "pictures", tmp_path / "later", "memory://pictures"):
        found = looked(settings(folder, storage={"folder": folder, "pictures": str(place)}))
        assert [one.state for one in found["media"]] == ["ok"]
    assert not (tmp_path / "later").exists()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "art")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    there = settings(folder, storage={"folder": folder, "pictures": "s3://art/site"})
    assert "see that the store answers" in bad(there)["media"]


def test_each_missing_part_is_a_finding_of_its_own(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    lacking = settings(
        folder,
        model={"model": str(tmp_path / "model"), "device": "cuda:7"},
        moderation={"lists": str(tmp_path / "lists")},
        provenance={"certificate": str(tmp_path / "a.pem"), "key": str(tmp_path / "b.pem")},
    )
    assert set(bad(lacking)) == {"device", "model", "prompts", "certificate"}
    (lettering,) = looked(lacking)["lettering"]
    assert lettering.state == "look"
    assert "apt install tesseract-ocr" in lettering.found


def test_a_full_disk_and_an_expiring_certificate_want_a_look(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate.own(folder / "provenance", "Labels")
    usage = type("Usage", (), {"free": 2**20})
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage)  # pyright: ignore[reportPrivateLocalImportUsage, reportUnknownLambdaType]
    found = looked(settings(folder))
    assert (found["disk"][0].state, "make room" in found["disk"][0].found) == ("look", True)
    assert "made here, nobody else vouches" in found["certificate"][0].found


def test_the_command_prints_all_and_stops_where_it_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        cli.main(["doctor", "--json"])
    assert left.value.code == 0
    assert {one["what"] for one in json.loads(capsys.readouterr().out)["found"]} >= set(ALWAYS)
    (tmp_path / "strikebox.toml").write_text('[model]\ndevice = "cuda:9"\n')
    with pytest.raises(SystemExit) as left:
        cli.main(["doctor"])
    assert left.value.code == 3
    assert "BAD   device" in capsys.readouterr().out
