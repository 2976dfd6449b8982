"""The small plots of a report: a figure along a sweep, and recipes by style and anatomy."""
# pyright: reportUnknownMemberType=false
# matplotlib leaves the type of its keyword arguments open.

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import log2
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from strikebox.lab.report import inline
from strikebox.lab.report.inline import CARD, INK, RED, RULE, SOFT, TEXT, WOOD
from strikebox.lab.verdict.grades import Ladder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TICK_ROOM = 0.13  # of the axis, which a number below it takes
_LEAST_ZONE = 0.09  # a word that holds for less of an axis has no room beside it


@dataclass(frozen=True, slots=True)
class At:
    """A figure at one value of a sweep; None where it was not measured."""

    x: float
    y: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A figure along a sweep."""

    key: str  # unique on the page
    points: tuple[At, ...]  # x rises
    doubling: bool  # x is spaced by its logarithm
    ladder: Ladder
    reference: float | None  # the baseline's
    description: str  # for those who do not see it


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A recipe by style and anatomy."""

    style: float
    whole: float
    label: str  # short, or empty
    chosen: bool
    sound: bool


def curve_plot(curve: Curve) -> Markup:
    """A line with its band; words begin at the thin lines, the baseline is dashed."""
    figure, axes = inline.axes(330, 180, right=56, bottom=22)
    _scale(axes, curve)
    for word, low, high in _zones(curve.ladder, *axes.get_ylim()):
        _level(axes, low, RULE, 1, "-")
        if high - low > _LEAST_ZONE:
            side = axes.get_yaxis_transform()
            axes.text(1.03, (low + high) / 2, word, transform=side, color=SOFT, fontsize=TEXT, va="center")
    if curve.reference is not None:
        _level(axes, curve.reference, INK, 1.2, (0, (4, 3)))
    for run in _unbroken(curve.points, lambda at: at.low is not None and at.high is not None):
        _draw_band(axes, run)
    for run in _unbroken(curve.points, lambda at: at.y is not None):
        _draw_line(axes, run)
    return inline.markup(figure, curve.key, curve.description)


def front_plot(dots: Sequence[Dot], description: str) -> Markup:
    """Style across, anatomy up: discs are sound, diamonds are not; the chosen one is boxed."""
    figure, axes = inline.axes(360, 250, right=12, bottom=40)
    styles = [dot.style for dot in dots]
    axes.set_xlim(min(0.0, *styles) - 0.06, max(1.0, *styles) + 0.06)
    axes.set_ylim(-0.06, 1.1)
    _in_percent(axes)
    axes.set_xlabel("style fidelity", fontsize=TEXT, color=SOFT)
    for dot in dots:
        shape, face, edge = ("o", INK, INK) if dot.sound else ("D", CARD, RED)
        _mark(axes, dot, shape, 8, face, edge)
        if dot.chosen:
            _mark(axes, dot, "s", 16, "none", RED)
    named = [dot for dot in dots if dot.label]
    looks: dict[str, Any] = {"color": INK, "fontsize": 12, "weight": 700, "ha": "center", "va": "center"}
    for dot, (x, y) in zip(named, _label_places(axes, named, dots), strict=True):
        axes.text(x, y, dot.label, parse_math=False, **looks)
    return inline.markup(figure, "front", description)


def _scale(axes: "Axes", curve: Curve) -> None:
    """The ends and ticks of both axes."""
    if curve.doubling:
        axes.set_xscale("log", base=2)
    ticks = list(_ticks(curve))
    axes.set_xticks(ticks, [f"{value:g}" for value in ticks])
    axes.minorticks_off()
    if curve.ladder.column == "style":
        known = [at.y for at in curve.points if at.y is not None]
        axes.set_ylim(min(0.0, *known) - 0.05, max(1.0, *known) + 0.05)
    else:
        axes.set_ylim(-0.03, 1.03)
        _in_percent(axes)


def _ticks(curve: Curve) -> Iterator[float]:
    """The values of a sweep that have room below the axis."""
    place = log2 if curve.doubling else float
    first, last = place(curve.points[0].x), place(curve.points[-1].x)
    free = first
    for at in curve.points:
        if place(at.x) >= free - 1e-9:
            free = place(at.x) + _TICK_ROOM * (last - first)
            yield at.x


def _in_percent(axes: "Axes") -> None:
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])


def _zones(ladder: Ladder, bottom: float, top: float) -> Iterator[tuple[str, float, float]]:
    """Words with where each begins and ends, within a plot."""
    edges = (bottom, *(start for start in ladder.starts if start < top), top)
    for word, (low, high) in zip(ladder.words, pairwise(edges), strict=False):
        yield word, low, high


def _level(axes: "Axes", y: float, color: str, width: float, style: Any) -> None:
    y = _within(axes, y)
    axes.axhline(y, color=color, linewidth=width, linestyle=style, clip_on=False, zorder=1)


def _within(axes: "Axes", y: float) -> float:
    low, high = axes.get_ylim()
    return min(high, max(low, y))


def _unbroken(points: Sequence[At], known: Callable[[At], bool]) -> Iterator[list[At]]:
    """Points that follow each other and are `known`; a gap stays a gap."""
    return (list(run) for there, run in groupby(points, key=known) if there)


def _draw_band(axes: "Axes", run: Sequence[At]) -> None:
    xs = [at.x for at in run]
    lows, highs = [_within(axes, at.low or 0.0) for at in run], [_within(axes, at.high or 0.0) for at in run]
    axes.fill_between(xs, lows, highs, color=WOOD, alpha=0.55, linewidth=0, clip_on=False, zorder=2)
    axes.vlines(xs, lows, highs, color=WOOD, linewidth=2, clip_on=False, zorder=2)


def _draw_line(axes: "Axes", run: Sequence[At]) -> None:
    xs, ys = [at.x for at in run], [_within(axes, at.y or 0.0) for at in run]
    looks: dict[str, Any] = {"color": RED, "linewidth": 2, "markersize": 7, "markeredgecolor": CARD}
    axes.plot(xs, ys, marker="o", clip_on=False, zorder=3, **looks)


def _mark(axes: "Axes", dot: Dot, shape: str, size: float, face: str, edge: str) -> None:
    looks: dict[str, Any] = {"markerfacecolor": face, "markeredgecolor": edge, "markeredgewidth": 1.8}
    axes.plot([dot.style], [dot.whole], shape, markersize=size, clip_on=False, **looks)


def _label_places(axes: "Axes", named: Sequence[Dot], dots: Sequence[Dot]) -> Iterator[tuple[float, float]]:
    """Beside each of `named`, where neither a dot nor an earlier label stands."""
    taken = [_pixels(axes, dot) for dot in dots]
    for dot in named:
        (x, y), half = _pixels(axes, dot), 3.6 * len(dot.label)
        sides = ((half + 12, 0), (0, 18), (-half - 12, 0), (0, -18), (half + 9, 14), (-half - 9, 14))
        free = (
            (dx, dy)
            for dx, dy in sides
            if all(abs(x + dx - a) > half + 7 or abs(y + dy - b) > 14 for a, b in taken)
        )
        dx, dy = next(free, sides[1])
        taken.append((x + dx, y + dy))
        place = axes.transData.inverted().transform((x + dx, y + dy))
        yield float(place[0]), float(place[1])


def _pixels(axes: "Axes", dot: Dot) -> tuple[float, float]:
    x, y = axes.transData.transform((dot.style, dot.whole))
    return float(x), float(y)
