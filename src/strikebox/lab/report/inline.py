"""matplotlib's figures as SVG elements of a page: no fonts, colours or ids of their own.

matplotlib is imported only when something is drawn. It knows no CSS variables, so it draws in stand-in
colours, which `markup` replaces. Sizes are pixels of the page.
"""
# pyright: reportUnknownMemberType=false
# matplotlib leaves the type of its keyword arguments open.

import io
import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, RED, WOOD, RULE, CARD = (f"#0{n}0{n}0{n}" for n in range(1, 7))
TEXT = 11

_VARIABLES = {INK: "ink", SOFT: "soft", RED: "red", WOOD: "wood", RULE: "rule", CARD: "card"}
_INCH = 72  # matplotlib's SVG has as many units an inch
_LEFT, _TOP = 38, 8  # margins

_CLEANING = (
    (r' width="[\d.]+pt" height="[\d.]+pt"', ""),
    (r' xmlns(:xlink)?="[^"]*"| version="1.1"', ""),
    (r"<style.*?</style>", ""),  # it would hold for the whole page
    (r'<g id="[^"]*"', "<g"),
    (r'(<(?:path|clipPath)) id="', r'\1 id="KEY-'),
    (r'<use xlink:href="#', '<use href="#KEY-'),
    (r'clip-path="url\(#', 'clip-path="url(#KEY-'),
    (r" font-family: [^;]*;", ""),
    (r' transform="rotate\(-0[^"]*"', ""),
    (r" *\n(?=[LCMz\"])", ""),
    (r">\s+<", "><"),
)


def axes(width: float, height: float, right: float, bottom: float) -> tuple["Figure", "Axes"]:
    """A figure of `width` x `height` with one plot, its right and bottom margins as given."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / _INCH, height / _INCH), dpi=_INCH)
    inside = (width - _LEFT - right) / width, (height - bottom - _TOP) / height
    plot = figure.add_axes((_LEFT / width, bottom / height, *inside))
    plot.spines[["top", "right"]].set_visible(False)
    plot.spines[["left", "bottom"]].set_color(INK)
    plot.tick_params(color=INK, labelcolor=SOFT, labelsize=TEXT)
    return figure, plot


def markup(figure: "Figure", key: str, description: str) -> Markup:
    """The figure as an element; `key` tells its ids from those of others on the page."""
    import matplotlib

    buffer, nothing = io.StringIO(), dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    for pattern, new in _CLEANING:
        text = re.sub(pattern, new.replace("KEY", key), text)
    text = re.sub(r"<[^>]*>", _shorter, text)
    head = f'<svg class="plot" role="img" aria-label="{escape(description)}" '
    return Markup(text.replace("<svg ", head, 1))  # the text in it is escaped by matplotlib


def _shorter(tag: re.Match[str]) -> str:
    """A tag in the page's colours, to a tenth of a pixel."""
    text = re.sub(r"(\.\d)\d+", r"\1", tag[0])
    for stand_in, name in _VARIABLES.items():
        text = text.replace(stand_in, f"var(--{name})")
    return text
