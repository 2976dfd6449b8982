"""Requests to a site that is served, as programs send them; answers are data, whatever their status."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any

TIMEOUT = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    base: str, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request on a connection of its own. Raises OSError or HTTPException where there is no answer."""
    connection = HTTPConnection(base.removeprefix("http://").rstrip("/"), timeout=TIMEOUT)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, named, answer.read())
    finally:
        connection.close()


def get(base: str, path: str, **headers: str) -> Answer:
    return ask(base, "GET", path, None, headers)


def order(base: str, subject: str = "cat", key: str | None = None, **fields: object) -> Answer:
    """POST /api/v1/jobs."""
    headers = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": key})
    return ask(base, "POST", "/api/v1/jobs", json.dumps({"subject": subject, **fields}).encode(), headers)


def at_once(acts: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Each in a thread of its own, all begun in the same moment; their answers in order."""
    ready, answers = threading.Barrier(len(acts)), dict[int, Answer]()

    def run(number: int, act: Callable[[], Answer]) -> None:
        ready.wait()
        answers[number] = act()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[number] for number in range(len(acts))]


__all__ = ["Answer", "HTTPException", "ask", "at_once", "get", "order"]
