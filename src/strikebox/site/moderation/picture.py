"""Is a picture fit to be published? Asked before anybody sees it, and no answer is a no.

The checks run in a process of their own. One that hangs, crashes or fails withholds the picture: after a time
limit its process is ended, and the next picture gets a new one.
"""

import multiprocessing
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Literal, Protocol, Self, cast, final

from strikebox.errors import ModerationError, StrikeboxError
from strikebox.generation.backend import Pixels

Code = Literal["unsafe", "leak", "lettering", "unchecked"]

_REASONS: Mapping[Code, Mapping[str, str]] = {
    "unsafe": {
        "en": "The picture may show nudity, so it is not published. Try another seed, or other words.",
        "ru": "На картинке, возможно, нагота, поэтому она не опубликована. "
        "Попробуйте другое зерно или слова.",
    },
    "leak": {
        "en": "The picture repeats one that the style was learned from, so it is not published. "
        "Try another seed.",
        "ru": "Картинка повторяет одну из тех, на которых учился стиль, поэтому она не опубликована. "
        "Попробуйте другое зерно.",
    },
    "lettering": {
        "en": "The picture repeats lettering that the style was learned from, so it is not published. "
        "Try another seed.",
        "ru": "На картинке надпись из тех, на которых учился стиль, поэтому она не опубликована. "
        "Попробуйте другое зерно.",
    },
    "unchecked": {
        "en": "The picture could not be checked, so it is not published. Please try again later.",
        "ru": "Картинку не удалось проверить, поэтому она не опубликована. Попробуйте позже.",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Why a picture is withheld."""

    code: Code
    detail: str  # for the operator: what was found, in a line
    score: float | None = None  # what was measured; None: nothing was
    limit: float | None = None  # from which a picture is withheld, on the scale of the score

    def reason(self, language: str) -> str:
        """What its maker is told, in English where `language` is neither en nor ru."""
        reasons = _REASONS[self.code]
        return reasons.get(language, reasons["en"])


class PictureCheck(Protocol):
    """Looks at a picture (height, width, 3), sRGB."""

    @property
    def name(self) -> str: ...

    def __call__(self, pixels: Pixels) -> Finding | None:
        """Why it must not be published; None where this check finds nothing."""
        ...


Load = Callable[[], Sequence[PictureCheck]]
"""Makes the checks in their own process. It must be picklable. Raises StrikeboxError."""


@final
class Check:
    """Asks every check about a picture, within a time limit: one picture after another."""

    def __init__(self, load: Load, *, seconds: float = 30.0, seconds_to_load: float = 180.0) -> None:
        """`seconds` for one picture, `seconds_to_load` until the checks have loaded what they need."""
        self._load, self._seconds, self._seconds_to_load = load, seconds, seconds_to_load
        self._process: BaseProcess | None = None
        self._one = threading.Lock()  # or who stopped waiting for one answer leaves it to the next picture
        self._pipe: Connection | None = None

    def start(self) -> tuple[str, ...]:
        """Load the checks and wait until they are ready; their names.

        Raises ModerationError where one cannot be loaded, which says why and what to do.
        """
        self.close()
        context = multiprocessing.get_context("spawn")  # a fork would share torch's and SQLite's locks
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(self._load, theirs), daemon=True, name="checks")
        self._process.start()
        theirs.close()
        answer = self._answer(self._seconds_to_load)
        if isinstance(answer, tuple):
            return answer
        self.close()
        reason = "it did not become ready in time" if answer is None else answer
        raise ModerationError(f"pictures cannot be checked: {reason}")

    def __call__(self, pixels: Pixels) -> Finding | None:
        """The first finding; None where the picture is fit to be published. Never raises."""
        with self._one:
            return self._ask(pixels)

    def _ask(self, pixels: Pixels) -> Finding | None:
        try:
            if self._process is None or not self._process.is_alive():
                self.start()
            assert self._pipe is not None
            self._pipe.send(pixels)
            answer = self._answer(self._seconds)
        except (StrikeboxError, OSError) as error:
            self.close()
            return _unchecked(" ".join(str(error).split()))
        if isinstance(answer, _Checked):
            return answer.finding
        self.close()
        return _unchecked(f"no answer within {self._seconds:g} s" if answer is None else str(answer))

    def close(self) -> None:
        """End the process of the checks. The next picture starts a new one."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._pipe = self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self, seconds: float) -> "_Checked | tuple[str, ...] | str | None":
        """What the process says: None where it says nothing in time, a string where it died."""
        assert self._pipe is not None
        try:
            return self._pipe.recv() if self._pipe.poll(seconds) else None
        except (EOFError, OSError):
            return "the process of the checks died"
        except Exception as error:  # what cannot be unpickled raises whatever it likes
            return f"the process of the checks answers nonsense ({type(error).__name__})"


@dataclass(frozen=True, slots=True)
class _Checked:
    """An answer about one picture."""

    finding: Finding | None


def _unchecked(detail: str) -> Finding:
    return Finding(code="unchecked", detail=detail)


def _serve(load: Load, pipe: Connection) -> None:
    """What runs in the process: answers until the pipe is closed, which it is when the worker dies too."""
    with suppress(EOFError, OSError, KeyboardInterrupt):
        try:
            checks = load()
        except StrikeboxError as error:
            pipe.send(" ".join(str(error).split()))
            return
        except Exception as error:  # a library's own; the worker says it in one line
            pipe.send(f"{type(error).__name__}: {' '.join(str(error).split())}")
            return
        pipe.send(tuple(check.name for check in checks))
        while True:
            pipe.send(_Checked(_look(checks, pipe.recv())))


def _look(checks: Sequence[PictureCheck], pixels: Pixels) -> Finding | None:
    for check in checks:
        try:
            finding = cast(object, check(pixels))
        except Exception as error:  # whatever it is, the picture was not checked
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            return _unchecked(f"{check.name}: {reason}")
        if finding is not None:
            return finding if isinstance(finding, Finding) else _unchecked(f"{check.name}: answers nonsense")
    return None
