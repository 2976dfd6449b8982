"""The page for votes: blind, resumable, usable without JavaScript; and the command that serves it."""

import re
import signal
import subprocess
import sys
import time
import urllib.request
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from strikebox.errors import RunError
from strikebox.generation.toy import ToyBackend
from strikebox.lab import design
from strikebox.lab.design import Design
from strikebox.lab.run import Run, ablate
from strikebox.lab.votes.ballots import BallotBox
from strikebox.lab.votes.page import app
from strikebox.lab.votes.sitting import QUESTION

NASTY = '<b>owl</b> & "co" {subject}'


def small(**changes: object) -> Design:
    text = (
        'title = "T"\nrecipes = ["baseline", "sandwich", "lora"]\nsubjects = ["cat", "dog"]\n'
        'seeds = [1]\nstyle = "x"\n'
    )
    return design.parse(text.replace('"dog"', str(changes.get("subject", '"dog"'))), "small")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return ablate(small(), ToyBackend(), tmp_path / "run")


@pytest.fixture
def page(run: Run) -> TestClient:
    return TestClient(app(run, np.random.default_rng(1), "ann"))


def body(html: str) -> str:
    return html.split("</style>")[1].split("<script>")[0]


def token(html: str) -> str:
    found = re.search(r'name="token" value="(\w+)"', html)
    assert found
    return found[1]


def pictures(html: str) -> list[str]:
    return re.findall(r'src="(/picture/\w+)"', html)


def vote(page: TestClient, choice: str) -> str:
    answer = page.post("/vote", data={"token": token(page.get("/").text), "choice": choice})
    assert answer.status_code == 200  # of the page that it leads to
    return answer.text


def votes(run: Run) -> list[str]:
    return [ballot.choice for ballot in BallotBox(run.folder.path).ballots()]


def test_the_page_asks_about_two_pictures_of_one_subject(page: TestClient) -> None:
    html = page.get("/").text
    assert len(set(pictures(html))) == 2
    assert any(QUESTION.format(subject=subject) in html for subject in ("cat", "dog"))
    assert "0 of 6" in html
    for value in ("left", "right", "tie"):
        assert f'value="{value}"' in html


def test_it_is_blind(run: Run, page: TestClient) -> None:
    seen = ""
    while 'name="token"' in (html := page.get("/").text):
        seen += body(html)
        for address in pictures(html):
            answer = page.get(address)
            seen += str(dict(answer.headers)) + answer.content.decode("latin1")
            with Image.open(BytesIO(answer.content)) as image:
                assert image.info == {}
        vote(page, "tie")
    for recipe in run.design.recipes:
        for secret in (recipe.name, recipe.title, recipe.hash):
            assert secret not in seen
    for digest in run.table()["sha256"]:
        assert digest not in seen and digest[:12] not in seen


def test_the_pictures_are_those_of_the_vote(run: Run, page: TestClient) -> None:
    shown = [np.asarray(Image.open(BytesIO(page.get(p).content))) for p in pictures(page.get("/").text)]
    vote(page, "right")
    (ballot,) = BallotBox(run.folder.path).ballots()
    stored = {
        (row["recipe"], row["subject"], row["seed"]): np.asarray(Image.open(row["picture"]))
        for row in run.table().iter_rows(named=True)
    }
    for pixels, recipe in zip(shown, (ballot.left, ballot.right), strict=True):
        assert np.array_equal(pixels, stored[recipe, ballot.subject, ballot.seed])
    assert (ballot.rater, ballot.choice) == ("ann", "right")


def test_a_question_stays_until_it_is_answered_once(run: Run, page: TestClient) -> None:
    html = page.get("/").text
    assert pictures(page.get("/").text) == pictures(html)
    for _ in range(3):
        page.post("/vote", data={"token": token(html), "choice": "left"})
    assert votes(run) == ["left"]
    assert page.get(pictures(html)[0]).status_code == 404  # its name was good for that question


def test_the_last_vote_can_be_taken_back_and_is_asked_again(run: Run, page: TestClient) -> None:
    vote(page, "left")
    vote(page, "right")
    before = BallotBox(run.folder.path).ballots()
    html = page.post("/undo", data={"votes": "2"}).text
    page.post("/undo", data={"votes": "2"})  # a second click
    assert BallotBox(run.folder.path).ballots() == before[:1]
    page.post("/vote", data={"token": token(html), "choice": "tie"})
    again = BallotBox(run.folder.path).ballots()[-1]
    assert (again.left, again.right, again.subject) == (before[1].left, before[1].right, before[1].subject)
    assert again.choice == "tie"


def test_a_vote_taken_back_whose_picture_is_gone_is_not_asked_again(run: Run, page: TestClient) -> None:
    vote(page, "left")
    (ballot,) = BallotBox(run.folder.path).ballots()
    gone = run.table().filter(recipe=ballot.left, subject=ballot.subject, seed=ballot.seed)["picture"][0]
    Path(gone).unlink()
    later = TestClient(app(Run.open(run.folder.path), np.random.default_rng(2), "ann"))
    assert later.post("/undo", data={"votes": "1"}).status_code == 200
    assert votes(run) == []


def test_thanks_when_all_is_done_and_another_sitting_goes_on_there(run: Run, page: TestClient) -> None:
    for _ in range(6):
        html = vote(page, "left")
    assert "Thank you" in html and "6 votes" in html and "6 of 6" in html
    later = TestClient(app(run, np.random.default_rng(9), "ann"))
    assert "Thank you" in later.get("/").text
    html = later.post("/undo", data={"votes": "6"}).text
    assert "5 of 6" in html and token(html)
    other = TestClient(app(run, np.random.default_rng(9), "bob"))
    assert "0 of 6" in other.get("/").text


@pytest.mark.parametrize("choice", ["", "up", "left "])
def test_what_is_no_choice_is_refused(run: Run, page: TestClient, choice: str) -> None:
    data = {"token": token(page.get("/").text), "choice": choice}
    assert page.post("/vote", data=data).status_code == 422
    assert votes(run) == []


def test_strange_requests_change_nothing(run: Run, page: TestClient) -> None:
    page.get("/")
    assert page.post("/vote", data={"token": "x", "choice": "left"}).status_code == 200
    assert page.post("/vote", data={"token": "x" * 10_000, "choice": "left"}).status_code == 422
    assert page.post("/vote", content=b"\xff\xfe").status_code == 422
    assert page.post("/undo").status_code == 200
    for path in ("/picture/none", "/picture/..%2frun.json", "/docs", "/openapi.json", "/vote"):
        assert page.get(path).status_code in (404, 405)
    assert votes(run) == []


def test_nothing_is_kept_by_the_browser_or_fetched_from_elsewhere(page: TestClient) -> None:
    answer = page.get("/")
    assert answer.headers["cache-control"] == "no-store"
    assert page.get(pictures(answer.text)[0]).headers["cache-control"] == "no-store"
    assert "http://" not in answer.text and "https://" not in answer.text


def test_subjects_stay_text(tmp_path: Path) -> None:
    made = ablate(small(subject=f"'''{NASTY}'''"), ToyBackend(), tmp_path / "run")
    page = TestClient(app(made, np.random.default_rng(1)))
    seen = "".join(vote(page, "tie") for _ in range(5))
    assert "<b>owl" not in seen
    assert "&lt;b&gt;owl&lt;/b&gt; &amp;" in seen


def test_a_damaged_picture_is_an_error_of_one_line(run: Run, page: TestClient) -> None:
    address = pictures(page.get("/").text)[0]
    for file in (run.folder.path / "pictures").iterdir():
        file.write_bytes(b"no picture")
    answer = page.get(address)
    assert answer.status_code == 500
    assert answer.text.endswith("is damaged; delete it and run again\n")


def test_an_unfinished_run_shows_what_it_has_and_an_empty_one_nothing(run: Run) -> None:
    records = sorted((run.folder.path / "cells").iterdir())
    records[0].unlink()
    assert "of 4" in TestClient(app(run, np.random.default_rng(1))).get("/").text
    for record in records[1:]:
        record.unlink()
    with pytest.raises(RunError, match="has no two recipes to compare; finish the run"):
        app(run, np.random.default_rng(1))


COMMAND = """
import sys, typer
from strikebox.cli import main
import strikebox.cli as cli, strikebox.cli.vote as vote
if "vote" not in {c.name for c in cli.app.registered_commands}: cli.app.command("vote")(vote.vote)
main(sys.argv[1:])
"""


def _serve(run: Run, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "vote", str(run.folder.path), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_the_command_serves_the_page_until_ctrl_c_and_counts(run: Run) -> None:
    process = _serve(run, "--port", "0", "--rater", "bob")
    try:
        assert process.stdout
        found = re.match(r"(http://127\.0\.0\.1:\d+/)", process.stdout.readline())
        assert found
        html = _get(found[1])
        data = f"token={token(html)}&choice=left".encode()
        urllib.request.urlopen(f"{found[1]}vote", data, timeout=10).close()
        taken = _serve(run, "--port", found[1].rstrip("/").rsplit(":", 1)[1])
        assert taken.wait(60) == 2
        assert taken.stderr and "give another --port" in taken.stderr.read()
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert "1 vote of 6 by bob" in out


def _get(address: str) -> str:
    for _ in range(100):
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the page was not served")
