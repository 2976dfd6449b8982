"""What went wrong, in the visitor's words; never how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from fastapi import Request, Response

from strikebox.errors import PromptRefused, StrikeboxError
from strikebox.site import problems
from strikebox.site.problems import Problem
from strikebox.site.templates_env import Templates
from strikebox.site.words import Words

_LONGEST_COUNTDOWN = 600  # seconds; beyond that a number says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A page's or a form's excuse."""

    status: int  # of HTTP
    title: str
    text: str  # what to do
    retry: str | None = None  # when to try again
    reference: str | None = None  # by which the operator finds it
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def error_page(templates: Templates, request: Request, problem: Problem) -> Response:
    """A page that tells of a problem."""
    fault = told(problem, templates.words(request))
    return templates.page(request, "error.html", status=fault.status, fault=fault)


def fault_of(error: StrikeboxError, words: Words) -> Fault:
    """How a form tells of an error; a refused prompt has its own reason, if it speaks the language."""
    reason = error.reason(words.language) if isinstance(error, PromptRefused) else None
    return told(problems.of(error), words, reason)


def told(problem: Problem, words: Words, text: str | None = None) -> Fault:
    """How to tell a visitor of a problem, with a `text` of its own or that of its kind."""
    later = None if problem.retry_after is None else max(ceil(problem.retry_after), 1)
    soon = later is not None and later <= _LONGEST_COUNTDOWN
    return Fault(
        status=problem.status,
        title=words(f"error.{problem.word}"),
        text=text or words(f"error.{problem.word}_text"),
        retry=words("error.retry", n=later) if soon else None,
        reference=problem.reference and words("error.reference", id=problem.reference),
        headers={} if later is None else {"Retry-After": str(later)},
    )
