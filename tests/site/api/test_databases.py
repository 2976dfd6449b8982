"""What one database takes and another does not, from the outside, on both."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from strikebox.site.context import Site
from strikebox.site.settings import Settings, StorageSection

OpenSite = Callable[..., Site]


@pytest.fixture
def site(open_one: OpenSite, settings: Settings, tmp_path: Path, address: str) -> Site:
    """On SQLite and on PostgreSQL."""
    return open_one(storage=StorageSection(folder=tmp_path / "site", database=address))


def cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize("path", ["/jobs/%00", "/pictures/%00", "/pictures/a%00.png", "/api/v1/jobs/%00"])
def test_addresses(web: TestClient, path: str) -> None:
    assert web.get(path).status_code == 404


@pytest.mark.parametrize("text", ["\0", "cat\0", "\ud800", "\uffff", "🦊" * 100], ids=range(5))
def test_searches(web: TestClient, text: str) -> None:
    sent = quote(text.encode(errors="surrogatepass"))
    for path in ("/api/v1/pictures", "/gallery"):
        assert web.get(f"{path}?q={sent}").status_code == 200


@pytest.mark.parametrize(
    "values", [(1.0, "\0"), (1.0, "\ud800"), (float("nan"), "x"), (1e308, "x"), (True, "x")]
)
def test_cursors(web: TestClient, values: tuple[object, ...]) -> None:
    for path in ("/api/v1/pictures", "/gallery"):
        assert web.get(path, params={"after": cursor(*values)}).status_code in (200, 422)


def test_an_order_a_vote_and_a_report(web: TestClient, finish: Callable[[], object]) -> None:
    id = web.post("/api/v1/jobs", json={"subject": "кот"}).json()["id"]
    finish()
    assert web.put(f"/api/v1/pictures/{id}/vote").json() == {"votes": 1}
    for text, status in (("\0", 422), ("\ud800", 422), ("плохо 🦊", 201)):
        body = json.dumps({"reason": "other", "text": text})
        sent = web.post(
            f"/api/v1/pictures/{id}/reports", content=body, headers={"Content-Type": "application/json"}
        )
        assert sent.status_code == status
    page = web.post(f"/pictures/{id}/report", data={"reason": "other", "text": "a\0b"})
    assert page.status_code in (303, 422)
    assert web.get("/readyz").status_code == 200 and web.get("/metrics").status_code == 200
