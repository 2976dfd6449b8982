"""What people see when something is wrong: a clear page in their language, from a real server."""

import re
import socket
from collections.abc import Mapping
from http.client import HTTPConnection
from urllib.parse import quote, urlencode

import pytest

from strikebox.site.context import Site

ZERO = "0" * 32
RUSSIAN = {"Accept": "text/html", "Accept-Language": "ru"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NAMES = {"Strikebox", "Atom", "API", "JavaScript", "cat", "html", "SQL", "en", "ru", "English", "Seed", "UTC"}

PROMPTS = {
    "empty": "",
    "blank": " \t ",
    "huge": "c" * 5000,
    "control": "cat\x00dog",
    "bidirectional": "cat\u202egod",
    "refused": "porn",
}
PLACES = {
    "page": ("GET", "/nowhere", 404),
    "picture": ("GET", f"/pictures/{ZERO}", 404),
    "job": ("GET", f"/jobs/{ZERO}", 404),
    "no id": ("GET", "/pictures/%E2%80%AE", 404),
    "method": ("DELETE", "/gallery", 405),
    "vote": ("POST", f"/pictures/{ZERO}/vote", 404),
    "report": ("POST", f"/pictures/{ZERO}/report", 422),
    "delete": ("POST", f"/pictures/{ZERO}/delete", 404),
    "oembed": ("GET", "/oembed?url=http://elsewhere/", 404),
    "cursor": ("GET", "/gallery?after=rubbish", 422),
}


def ask(
    place: str, method: str, path: str, body: str = "", headers: Mapping[str, str] = RUSSIAN
) -> tuple[int, str, str]:
    """Status, content type and text of an answer."""
    host, port = re.findall(r"//([\d.]+):(\d+)", place)[0]
    connection = HTTPConnection(host, int(port), timeout=20)
    sent = {**headers, **(FORM if method == "POST" else {})}
    connection.request(method, path, body.encode() or None, sent)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers.get_content_type(), text


def english(page: str) -> set[str]:
    """English words of a page's main part and title."""
    title, main = re.findall(r"<title>(.*?)</title>.*?<main[^>]*>(.*)</main>", page, re.DOTALL)[0]
    seen = re.sub(r"<svg.*?</svg>|<[^>]*>", " ", f"{title} {main}", flags=re.DOTALL)
    return set(re.findall(r"[A-Za-z]{2,}", seen)) - NAMES


@pytest.mark.parametrize("subject", PROMPTS.values(), ids=PROMPTS.keys())
def test_prompts_that_do_not_work(served: str, site: Site, subject: str) -> None:
    status, kind, page = ask(served, "POST", "/make", urlencode({"subject": subject}))
    assert (status, kind) == (422, "text/html")
    assert 'role="alert"' in page and english(page) == set()
    assert site.queue.count() == {}


@pytest.mark.parametrize(("method", "path", "status"), PLACES.values(), ids=PLACES.keys())
def test_a_page_in_russian_without_a_word_of_english(
    served: str, method: str, path: str, status: int
) -> None:
    told, kind, page = ask(served, method, path)
    assert (told, kind) == (status, "text/html")
    assert 'lang="ru"' in page and "Traceback" not in page and english(page) == set()


@pytest.mark.parametrize("name", ["client", "__Host-client", "admin", "language"])
@pytest.mark.parametrize(
    "value", ["x", "a" * 32, f"{ZERO}.{ZERO}", "..%2f..%2fetc", '"\\"', "1" * 4000, quote("куки")]
)
def test_forged_cookies_are_nobodys(served: str, site: Site, name: str, value: str) -> None:
    headers = {**RUSSIAN, "Cookie": f"{name}={value}"}
    status, _, page = ask(served, "GET", "/", headers=headers)
    assert status == 200 and "Traceback" not in page
    status, _, _ = ask(served, "POST", "/make", "subject=cat", headers)
    assert status == 303
    (job,) = site.queue.lease("tester", 1)
    assert job.client is not None and value not in job.client
    assert ask(served, "GET", "/admin", headers=headers)[0] in (303, 404)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS to a port without
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /make HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /make HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\nx",
        b"POST /make HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"\r\n" * 50,
    ],
)
def test_what_is_no_http_breaks_nothing(served: str, sent: bytes) -> None:
    host, port = re.findall(r"//([\d.]+):(\d+)", served)[0]
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        try:
            answer = line.recv(65536)
        except ConnectionResetError:
            answer = b""
    assert answer == b"" or (answer.split()[1][:1] in b"234" and b"Traceback" not in answer)
    assert ask(served, "GET", "/healthz")[0] == 200
