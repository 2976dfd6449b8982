"""The manner of our drawings: a matchbox label in cream, ink, wood and one red, 360 units wide.

Colours are CSS variables (--label-paper, --label-ink, --label-red, --label-wood) with fallbacks. There are no
ids and no style sheets, so that a page may hold any number of drawings.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from math import cos, inf, pi, sin
from typing import Final, TypedDict, Unpack

WIDTH: Final = 360

PAPER = "var(--label-paper,#f5ebd3)"
INK = "var(--label-ink,#231f1b)"
RED = "var(--label-red,#c8301e)"
WOOD = "var(--label-wood,#e2c692)"
_SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"


class Style(TypedDict, total=False):
    """How text looks."""

    weight: int
    fill: str
    anchor: str  # start, middle or end
    spacing: float  # between letters, in units


@dataclass(slots=True)
class Sheet:
    """SVG elements from top to bottom; `y` is how far down it is filled."""

    y: float = 0
    parts: list[str] = field(default_factory=list[str])

    def draw(self, *elements: str) -> None:
        self.parts += elements

    def lines(
        self, lines: Iterable[str], x: float, size: float, gap: float = 1.35, **style: Unpack[Style]
    ) -> None:
        """Lines of text below each other."""
        for words in lines:
            self.y += size * gap
            self.draw(text(words, x, self.y, size, **style))


def drawing(sheet: Sheet, description: str) -> str:
    """The sheet, framed, as an SVG element that scales; `description` is for those who do not see it."""
    height = round(sheet.y + 24)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-label="{_safe(description)}" style="max-width:100%;height:auto;'
        f'font-family:{escape(_SANS)};fill:{INK}">{_frame(height)}{"".join(sheet.parts)}</svg>\n'
    )


def text(words: str, x: float, y: float, size: float, **style: Unpack[Style]) -> str:
    """One line of text, its foot at `y`."""
    spacing, fill = style.get("spacing"), style.get("fill", INK)
    spaced = "" if spacing is None else f"letter-spacing:{spacing}px;"
    looks = f"font-size:{size}px;font-weight:{style.get('weight', 400)};fill:{fill};{spaced}"
    anchor = style.get("anchor", "start")
    return f'<text x="{x:g}" y="{y:.1f}" style="{looks}text-anchor:{anchor}">{_safe(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, width: float = 1, dash: str = "none") -> str:
    """A straight line in ink; `dash` as in SVG."""
    looks = f"stroke:{INK};stroke-width:{width};stroke-dasharray:{dash}"
    return f'<line x1="{x1:g}" y1="{y1:.1f}" x2="{x2:g}" y2="{y2:.1f}" style="{looks}"/>'


def bar(x1: float, x2: float, y: float, fill: str) -> str:
    """A stick around height `y`."""
    looks = f"fill:{fill};stroke:{INK};stroke-width:.8"
    return f'<rect x="{x1:g}" y="{y - 3:.1f}" width="{x2 - x1:.1f}" height="6" style="{looks}"/>'


def arrow(x: float, top: float, bottom: float, broken: bool) -> str:
    """An arrow downwards."""
    head = f'<path d="M{x - 5.5},{bottom - 9:.1f}h11l-5.5,9z"/>'
    return line(x, top, x, bottom - 7, 2, "3 4" if broken else "none") + head


def double_rule(y: float, thick_first: bool) -> str:
    """A thick line and a thin one across the label, 4 units apart."""
    upper, lower = (2.4, 0.8) if thick_first else (0.8, 2.4)
    return line(18, y, WIDTH - 18, y, upper) + line(18, y + 4, WIDTH - 18, y + 4, lower)


def stamp(words: str, x: float, y: float) -> str:
    """A rubber stamp, its upper left corner at `x`, `y`; 23 units high."""
    width = 9.1 * len(words) + 18
    box = f'<rect x="{x:g}" y="{y:.1f}" width="{width:.0f}" height="23" rx="2" style="fill:none;'
    inside = text(
        words.upper(), x + width / 2, y + 16, 12, weight=800, fill=RED, anchor="middle", spacing=0.8
    )
    return f'<g transform="rotate(-1.5 {x:g} {y + 12:.1f})">{box}stroke:{RED};stroke-width:2"/>{inside}</g>'


def _frame(height: float) -> str:
    outer = f'<rect x="3" y="3" width="{WIDTH - 6}" height="{height - 6}" rx="4" style="fill:{PAPER};'
    inner = f'<rect x="9" y="9" width="{WIDTH - 18}" height="{height - 18}" style="fill:none;'
    return f'{outer}stroke:{INK};stroke-width:3"/>{inner}stroke:{INK};stroke-width:.9"/>'


def sunburst(top: float, bottom: float) -> str:
    """Rays behind the title, cut off by the inner frame."""
    left, x, rays = 9.5, WIDTH / 2, 15
    edge = [_on_edge(pi * k / (2 * rays), x - left, bottom - 9.5) for k in range(2 * rays + 1)]
    # Over the corner of the box; on one side of it that is one of the two ends.
    wedges = [
        (a, (max(a[0], b[0], key=abs), max(a[1], b[1])), b)
        for a, b in zip(edge[::2], edge[1::2], strict=False)
    ]
    path = "".join(
        f"M{x},{bottom:.1f}L{' '.join(f'{x + dx:.1f},{bottom - dy:.1f}' for dx, dy in w)}Z" for w in wedges
    )
    return f'<path d="{path}" style="fill:{WOOD};opacity:.42"/>'


def _on_edge(angle: float, half_width: float, height: float) -> tuple[float, float]:
    """Where a ray from the middle of a box's lower side meets its border."""
    across, up = cos(angle), sin(angle)
    reach = min(half_width / abs(across) if across else inf, height / up if up > 1e-9 else inf)
    return across * reach, up * reach


def _safe(words: str) -> str:
    """Escaped for XML, which no control character may enter."""
    return escape("".join(c if c.isprintable() else " " for c in words))
