"""The answer as one page that works offline."""
# pyright: reportUnknownMemberType=false
# matplotlib leaves the type of its keyword arguments open.

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from strikebox.lab.report import inline
from strikebox.lab.report.inline import INK, RED, SOFT, TEXT, WOOD
from strikebox.lab.words import seconds_words
from strikebox.site.capacity import words
from strikebox.site.capacity.answer import Answer, Goal
from strikebox.site.capacity.words import Asked

_TEMPLATES = Environment(
    loader=PackageLoader("strikebox.site.capacity"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_DASHES = (0, (4, 3))


def html(asked: Asked) -> str:
    """The whole page."""
    css = files("strikebox") / "lab" / "report" / "templates" / "report.css"
    limits = [(one.gpus, words.limit(asked.scenario, one, asked.goal)) for one in asked.answers]
    return _TEMPLATES.get_template("capacity.html").render(
        verdict=words.verdict(asked),
        plots=[
            ("Seconds until 95 of 100 have their picture", _waits(asked.answers, asked.goal)),
            ("Percent of the orders refused", _refused(asked.answers, asked.goal)),
        ],
        headings=words.HEADINGS,
        rows=words.rows(asked.answers),
        limits=[(gpus, limit) for gpus, limit in limits if limit],
        inputs=list(words.inputs(asked)),
        notes=asked.notes,
        css=Markup(css.read_text("utf-8")),
    )


def _waits(answers: Sequence[Answer], goal: Goal) -> Markup:
    """The wait that 95 of 100 do not exceed, with its interval; dashes: what is asked for."""
    figure, axes = _axes(answers)
    known = [(one.gpus, one.wait_p95) for one in answers if one.wait_p95 is not None]
    gpus, waits = [number for number, _ in known], [wait for _, wait in known]
    axes.fill_between(gpus, [w.low for w in waits], [w.high for w in waits], color=WOOD, linewidth=0)
    axes.plot(gpus, [w.mean for w in waits], "o-", color=RED, linewidth=2, markersize=4)
    axes.axhline(goal.wait_p95, color=INK, linewidth=1.2, linestyle=_DASHES)
    axes.set_ylim(0, 1.1 * max([w.high for w in waits] + [goal.wait_p95]))
    said = "; ".join(f"{number} GPUs {seconds_words(wait.mean)}" for number, wait in known)
    return inline.markup(figure, "waits", f"Wait of 95 of 100 by number of GPUs: {said}")


def _refused(answers: Sequence[Answer], goal: Goal) -> Markup:
    """The share of orders that are turned away."""
    figure, axes = _axes(answers)
    gpus = [one.gpus for one in answers]
    low, mean, high = (
        [100 * getattr(one.refused, end) for one in answers] for end in ("low", "mean", "high")
    )
    axes.fill_between(gpus, low, high, color=WOOD, linewidth=0)
    axes.plot(gpus, mean, "o-", color=RED, linewidth=2, markersize=4)
    axes.axhline(100 * goal.refused, color=INK, linewidth=1.2, linestyle=_DASHES)
    axes.set_ylim(0, 1.1 * max([*high, 100 * goal.refused, 1.0]))
    said = "; ".join(f"{one.gpus} GPUs {100 * one.refused.mean:.1f}%" for one in answers)
    return inline.markup(figure, "refused", f"Refused orders by number of GPUs: {said}")


def _axes(answers: Sequence[Answer]) -> "tuple[inline.Figure, inline.Axes]":
    figure, axes = inline.axes(360, 220, right=12, bottom=40)
    axes.set_xlabel("GPUs", fontsize=TEXT, color=SOFT)
    gpus = [one.gpus for one in answers]
    axes.set_xlim(min(gpus) - 0.5, max(gpus) + 0.5)
    axes.locator_params(axis="x", integer=True, nbins=8)
    return figure, axes
