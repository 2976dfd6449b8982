"""A strip plot: gaps of training pictures above those of held-out ones."""
# pyright: reportUnknownMemberType=false
# matplotlib leaves the type of its keyword arguments open.

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from strikebox.lab.memorised import Memorised
from strikebox.lab.report import inline
from strikebox.lab.report.inline import CARD, INK, RED, RULE, SOFT, TEXT
from strikebox.lab.words import count_words, number_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_MARKS = 400  # of a kind; more would only cover each other
_GOLDEN = 0.618034  # multiples of it modulo 1 spread evenly
_HEIGHT = 0.5  # of a strip


def known_plot(memorised: Memorised) -> Markup:
    """Discs are memorised, circles are not, diamonds were held out; dashes where memory begins."""
    own = [one.gap for one in memorised.pictures]
    others = [one.gap for one in memorised.held_out]
    flagged = [one.gap for one in memorised.flagged]
    rest = [one.gap for one in memorised.pictures if not one.flagged]
    figure, axes = inline.axes(360, 190 if others else 120, right=12, bottom=40)
    axes.set_xlim(*_limits(own + others))
    axes.set_ylim(-0.45 if others else 0.55, 1.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("gap", fontsize=TEXT, color=SOFT)
    axes.axvline(0, color=RULE, linewidth=1, zorder=1)
    if flagged:
        axes.axvline(min(flagged), color=INK, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
    # Without p-values nothing is known to be one or the other: discs, as if of one kind.
    tested = memorised.reason is None
    _strip(axes, 1, own, f"{count_words(len(own), 'training picture')}")
    _marks(axes, 1, flagged if tested else own, "o", RED, CARD)
    _marks(axes, 1, rest if tested else [], "o", CARD, RED)
    if others:
        _strip(axes, 0, others, f"{count_words(len(others), 'held-out picture')}")
        _marks(axes, 0, others, "D", INK, CARD)
    return inline.markup(figure, "known", _description(own, others))


def _strip(axes: "Axes", row: int, gaps: Sequence[float], title: str) -> None:
    """Title and median of a strip."""
    left = axes.get_yaxis_transform()
    axes.text(0, row + 0.36, title, transform=left, color=INK, fontsize=TEXT)
    half = _HEIGHT / 2 + 0.06
    axes.vlines([median(gaps)], row - half, row + half, color=INK, linewidth=2.4, zorder=4)


def _marks(axes: "Axes", row: int, gaps: Sequence[float], shape: str, face: str, edge: str) -> None:
    if not gaps:
        return
    ordered = np.sort(gaps)
    some = ordered[np.linspace(0, len(ordered) - 1, min(len(ordered), _MOST_MARKS)).round().astype(int)]
    heights = row + _HEIGHT * ((np.arange(len(some)) * _GOLDEN) % 1 - 0.5)
    looks: dict[str, Any] = {"markerfacecolor": face, "markeredgecolor": edge, "markeredgewidth": 0.6}
    size = 4.6 if shape == "o" else 3.8
    axes.plot(some, heights, shape, markersize=size, clip_on=False, zorder=3, **looks)


def _limits(gaps: Sequence[float]) -> tuple[float, float]:
    """Both ends with some room; 0, where the LoRA makes no difference, is always there."""
    low, high = min(0.0, *gaps), max(0.0, *gaps)
    room = 0.04 * (high - low) or 1.0
    return low - room, high + room


def _description(own: Sequence[float], others: Sequence[float]) -> str:
    rows = [_range("Training", own)] + ([_range("held-out", others)] if others else [])
    return f"Gaps by picture. {'; '.join(rows)}"


def _range(kind: str, gaps: Sequence[float]) -> str:
    low, middle, high = (number_words(value) for value in (min(gaps), median(gaps), max(gaps)))
    return f"{kind} pictures from {low} to {high}, median {middle}"
