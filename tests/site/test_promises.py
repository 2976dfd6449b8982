"""The policy and the About page say what this site does: what is turned off is not promised."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from filled import opened

from strikebox.site.app import create_app
from strikebox.site.passwords import hash_password
from strikebox.site.settings import AdminSection, ModerationSection, ProvenanceSection

ADMIN = AdminSection(password_hash=hash_password("correct horse"))
OFF = ModerationSection(classifier=False, leak=False, lettering=False, languages=())


def said(folder: Path, language: str = "en", **sections: object) -> str:
    """Policy and About page of a site with these settings."""
    site = opened(folder, **sections)
    with TestClient(create_app(site), headers={"accept-language": language}) as browser:
        text = browser.get("/policy").text + browser.get("/about").text
    site.close()
    return text


def test_with_everything_on_all_is_promised(tmp_path: Path) -> None:
    text = said(tmp_path, admin=ADMIN)
    words = ("compared with lists", "classifier looks", "reader of lettering", "Copies:", "A person looks")
    assert [word for word in (*words, "invisible watermark") if word not in text] == []
    assert "turned that off" not in text


def test_what_is_turned_off_is_not_promised(tmp_path: Path) -> None:
    text = said(tmp_path, moderation=OFF, provenance=ProvenanceSection(watermark=False))
    for word in ("compared with lists", "lassifier", "lettering", "Copies", "A person looks", "invisible"):
        assert word not in text, word
    assert "compared with no list" in text and "No program looks" in text and "no watermark" in text


@pytest.mark.parametrize("check", ["classifier", "leak", "lettering"])
def test_each_check_alone(tmp_path: Path, check: str) -> None:
    lines = {"classifier": "looks for nudity", "leak": "Copies:", "lettering": "reader of lettering"}
    text = said(tmp_path, moderation=OFF.model_copy(update={check: True}))
    assert [name for name, line in lines.items() if line in text] == [check]
    assert "Where one of these checks fails" in text


def test_in_russian_too(tmp_path: Path) -> None:
    text = said(tmp_path, "ru", moderation=OFF, provenance=ProvenanceSection(watermark=False))
    assert "Классификатор" not in text and "невидимый" not in text and "владелец сайта это отключил" in text
