"""What anybody is told of an error: a stable code and words for visitors, never the operator's own."""

import inspect
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from starlette.exceptions import HTTPException

from strikebox import errors
from strikebox.errors import LaterError, StrikeboxError, SubjectError, VisitorError
from strikebox.jobs.queue import _GAVE_UP  # pyright: ignore[reportPrivateUsage]
from strikebox.site import failures, problem_kinds, problems
from strikebox.site import words as languages
from strikebox.site.words import NAMES

SECRET = "/srv/strikebox/site.sqlite: set storage.database"


def tree(error: type[StrikeboxError]) -> Iterator[type[StrikeboxError]]:
    yield error
    for child in error.__subclasses__():
        yield from tree(child)


def made(kind: type[StrikeboxError]) -> StrikeboxError:
    return kind(SECRET, 5.0) if issubclass(kind, LaterError) else kind(SECRET)


BASES = {errors.VisitorError, errors.OrderError, errors.LaterError}  # never raised themselves
ERRORS = tuple(dict.fromkeys(tree(StrikeboxError)))


@pytest.mark.parametrize("kind", ERRORS)
def test_only_messages_for_visitors_are_shown(kind: type[StrikeboxError]) -> None:
    problem = problems.of(made(kind))
    shown = issubclass(kind, VisitorError | SubjectError)
    assert (SECRET in (problem.detail or "")) <= shown
    assert 400 <= problem.status < 600 and problem.kind in problem_kinds.KINDS
    told = kind in BASES or not issubclass(kind, VisitorError)  # by a reference alone
    assert (problem.status != 500) or (told and problem.reference)


def test_every_error_is_in_the_tree() -> None:
    ours = {
        one for _, one in inspect.getmembers(errors, inspect.isclass) if one.__module__ == errors.__name__
    }
    assert ours == {one for one in tree(StrikeboxError) if one.__module__ == errors.__name__}


@pytest.mark.parametrize("status", range(400, 600))
def test_every_status_keeps_its_number(status: int) -> None:
    problem = problems.of(HTTPException(status))
    assert problem.status == status
    assert problem.code and problem.title
    for language in NAMES:
        assert languages.words(language)(f"error.{problem.word}_text")


def test_a_known_status_without_a_kind_says_what_it_is() -> None:
    problem = problems.of(HTTPException(HTTPStatus.NOT_ACCEPTABLE))
    assert (problem.code, problem.title) == ("status-406", "Not Acceptable")


@pytest.mark.parametrize("language", NAMES)
def test_a_job_that_failed_tells_its_code_alone(language: str) -> None:
    words = languages.words(language)
    for row in (SECRET, failures.line("impossible", SECRET), f"gave-up: {SECRET}", f"leak: {SECRET}", ""):
        text = failures.told(failures.code_of(row), words)
        assert text and SECRET not in text and text[0].isupper()
    assert failures.code_of(_GAVE_UP) == "gave-up"
    assert failures.code_of(SECRET) == failures.code_of("") == "went-wrong"
    assert failures.is_withheld(failures.code_of("leak: x")) and not failures.is_withheld("no-money")
