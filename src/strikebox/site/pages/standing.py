"""How a job stands, in words and numbers that its page and its events show."""

from dataclasses import dataclass
from math import ceil

from strikebox.jobs import State
from strikebox.site.failures import is_withheld, told
from strikebox.site.progress import Progress
from strikebox.site.words import Words

_STICK = 420  # units that the match is long, as its drawing has it
_MINUTES_FROM = 100  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is shown of a job."""

    version: int
    state: State
    final: bool
    headline: str
    time: str  # that is left
    detail: str
    done: float  # share, 0 to 1
    burnt: int  # units of the match
    preview: str | None  # its address


def standing(progress: Progress, words: Words) -> Standing:
    """`progress` in the visitor's language."""
    headline = "withheld" if is_withheld(progress.failure) else progress.state
    done = _share(progress)
    step = progress.preview_step
    return Standing(
        version=progress.version,
        state=progress.state,
        final=progress.is_final,
        headline=words(f"job.{headline}"),
        time=_time(progress, words),
        detail=_detail(progress, words),
        done=done,
        burnt=_STICK if progress.is_final else round(_STICK * done),
        preview=None if step is None else f"/jobs/{progress.id}/preview.webp?step={step}",
    )


def _share(progress: Progress) -> float:
    if progress.state == "done":
        return 1.0
    return round(progress.steps_done / progress.steps, 3) if progress.steps else 0.0


def _time(progress: Progress, words: Words) -> str:
    if progress.is_final:
        return ""
    return words("job.nobody") if progress.nobody else _time_left(progress.seconds_left, words)


def _time_left(seconds: float | None, words: Words) -> str:
    if seconds is None:
        return words("job.unknown_left")
    if seconds < 1:
        return words("job.soon")
    if seconds < _MINUTES_FROM:
        return words("job.seconds_left", n=ceil(seconds))
    return words("job.minutes_left", n=ceil(seconds / 60))


def _detail(progress: Progress, words: Words) -> str:
    match progress.state:
        case "waiting" if progress.ahead:
            return words("job.ahead", n=progress.ahead)
        case "waiting":
            return words("job.next")
        case "running" if progress.steps:
            return words("job.steps", done=progress.steps_done, steps=progress.steps)
        case "failed" if progress.failure is not None:
            return told(progress.failure, words)
        case _:
            return ""
