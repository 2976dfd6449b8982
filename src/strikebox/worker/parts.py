"""What a worker is put together from. The command line chooses; nothing here knows who they are."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from strikebox.generation.backend import Backend, Pixels
from strikebox.site.moderation.picture import Finding
from strikebox.worker.pulse import STEP

Check = Callable[[Pixels], Finding | None]  # None: fit to be published
Seal = Callable[[bytes, str], bytes]  # a PNG and the picture's id: the same marked and signed
Enlarge = Callable[[Pixels], Pixels]  # to twice the side

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """How this worker makes, checks and marks pictures."""

    backend: Backend
    device: str  # as pages name it
    style: str | None = None  # what {style} stands for
    check: Check | None = None  # None: everything is published
    ready: Callable[[], None] = lambda: None  # waits until the check may be asked; raises ModerationError
    seal: Seal | None = None  # None: pictures go out as they were made
    enlarge: Enlarge | None = None  # None: this worker takes no enlargements
    warming: float = STEP  # seconds for a step of a kind of batch that is new to this process


def closed(check: Check, seconds: float) -> Check:
    """`check` that fails closed: where it raises, or says nothing within `seconds`, there is a finding.

    What hangs keeps its thread until the process ends.
    """

    def ask(pixels: Pixels) -> Finding | None:
        answers: list[Finding | None] = []
        thread = threading.Thread(target=lambda: answers.append(_asked(check, pixels)), daemon=True)
        thread.start()
        thread.join(seconds)
        if answers:
            return answers[0]
        return Finding(code="unchecked", detail=f"the check said nothing within {seconds:g} s")

    return ask


def _asked(check: Check, pixels: Pixels) -> Finding | None:
    try:
        finding = cast(object, check(pixels))
    except Exception as error:  # whatever it is, the picture was not checked
        _log.exception("a check failed")
        return Finding(code="unchecked", detail=f"{type(error).__name__}: {error}")
    if finding is None or isinstance(finding, Finding):
        return finding
    return Finding(code="unchecked", detail=f"the check answers nonsense ({type(finding).__name__})")
