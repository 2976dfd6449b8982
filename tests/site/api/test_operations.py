"""What machines ask: health, readiness, metrics, logs."""

import io
import json
import logging
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from strikebox.site import logs
from strikebox.site.context import Site
from strikebox.site.pictures import Picture

Finish = Callable[..., Picture]
Events = list[MutableMapping[str, Any]]


def metrics(web: TestClient) -> dict[tuple[str, tuple[str, ...]], float]:
    """Samples by name and values of their labels."""
    families = text_string_to_metric_families(web.get("/metrics").text)
    return {(s.name, tuple(s.labels.values())): s.value for family in families for s in family.samples}


def test_health_and_readiness(web: TestClient, site: Site) -> None:
    assert web.get("/healthz").text == "ok\n"
    well = {"ready": True, "database": True, "storage": True}
    assert web.get("/readyz").json() == {**well, "workers": 0, "stuck_workers": 0}
    site.workers.beat("toy", "cpu", "toy", 0)
    assert web.get("/readyz").json()["workers"] == 1
    site.workers.stick("toy")
    assert web.get("/readyz").json() == {**well, "workers": 0, "stuck_workers": 1}


def test_metrics_say_how_the_site_stands(web: TestClient, site: Site, finish: Finish) -> None:
    for _ in range(3):
        web.post("/api/v1/jobs", json={"subject": "cat"})
    finish()
    site.workers.beat("toy", "cpu", "toy", 2)
    found = metrics(web)
    assert found["strikebox_database_up", ()] == 1
    assert found["strikebox_jobs", ("waiting",)] == 2 and found["strikebox_jobs", ("done",)] == 1
    assert found["strikebox_pictures", ("public",)] == 1
    assert found["strikebox_workers", ()] == 1 and found["strikebox_workers_busy", ()] == 2
    assert found["strikebox_budget_dollars", ("limit",)] == 100
    assert ("strikebox_estimate_error_seconds", ("0.9",)) not in found, "too few to judge"


def test_the_error_of_estimates_is_published(web: TestClient, site: Site) -> None:
    with site.database.writing() as connection:
        for n in range(20):
            connection.exec_driver_sql(
                "INSERT INTO estimates (job, created, seconds, actual, finished) VALUES (?, 0, 10, ?, 1)",
                (f"{n:032x}", 10.0 + n),
            )
    found = metrics(web)
    assert found["strikebox_estimate_error_seconds", ("0.5",)] == pytest.approx(9.5, abs=0.6)
    assert 17 <= found["strikebox_estimate_error_seconds", ("0.9",)] <= 19


def test_requests_are_counted_by_route_and_not_by_address(web: TestClient) -> None:
    for id in ("0" * 32, "1" * 32):
        web.get(f"/api/v1/jobs/{id}")
    web.get("/nothing-of-the-kind")
    found = metrics(web)
    assert found["strikebox_requests_total", ("GET", "/api/v1/jobs/{id}", "404")] == 2
    assert found["strikebox_requests_total", ("GET", "none", "404")] == 1


def test_a_request_is_one_event_that_names_nobody(web: TestClient, events: Events) -> None:
    web.post("/api/v1/jobs", json={"subject": "a secret wish"}, headers={"X-Forwarded-For": "192.0.2.77"})
    (event,) = [event for event in events if event["event"] == "request"]
    assert (event["method"], event["route"], event["status"]) == ("POST", "/api/v1/jobs", 202)
    assert not {"secret", "192.0.2", "testclient"} & set(str(events).split())


@pytest.fixture
def set_up_logs() -> Iterator[io.StringIO]:
    """Everything as it was, afterwards."""
    root, written = logging.getLogger(), io.StringIO()
    handlers, level, config = list(root.handlers), root.level, structlog.get_config()
    logs.set_up(json=True)
    for handler in root.handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(written)  # pyright: ignore[reportUnknownMemberType]
    yield written
    root.handlers, root.level = handlers, level
    structlog.configure(**config)


def test_logs_are_lines_of_json_whoever_writes(set_up_logs: io.StringIO) -> None:
    structlog.get_logger("strikebox.site").info("ours", path="кот")
    logging.getLogger("uvicorn.error").warning("theirs: %s", 7)
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("worker").exception("failed")
    ours, theirs, failed = map(json.loads, set_up_logs.getvalue().splitlines())
    assert (ours["event"], ours["path"], ours["level"]) == ("ours", "кот", "info")
    assert (theirs["event"], theirs["logger"]) == ("theirs: 7", "uvicorn.error")
    assert "ValueError: broken" in failed["exception"]
