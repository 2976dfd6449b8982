"""Templates are compiled at start: the first visitor waits for nothing."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from filled import MODEL, fill, opened
from jinja2 import Environment

from strikebox.site.app import create_app
from strikebox.site.passwords import hash_password
from strikebox.site.settings import AdminSection
from strikebox.site.templates_env import open_templates

PAGES = ("/", "/gallery", "/hall", "/about", "/policy", "/docs/api", "/feed.atom", "/nowhere", "/admin/login")


def test_no_page_compiles_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = opened(tmp_path, admin=AdminSection(password_hash=hash_password("correct horse")))
    (id, *_) = fill(site, ["owl"])
    browser = TestClient(create_app(site, MODEL), headers={"accept": "text/html"})

    def compile(*_: object, **__: object) -> None:
        raise AssertionError("a template was compiled while a visitor waited")

    monkeypatch.setattr(Environment, "compile", compile)
    for path in (*PAGES, f"/pictures/{id}"):
        assert browser.get(path).status_code in (200, 404), path
    made = browser.post("/make", data={"subject": "cat"})
    assert made.status_code == 200 and "/jobs/" in str(made.url)
    site.close()


def test_all_of_them_are_there() -> None:
    environment = open_templates("Strikebox", ["en"], None).environment
    assert environment.cache is not None
    assert len(environment.cache) == len(environment.list_templates()) > 20
