"""The results of a benchmark as one page that works offline."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from strikebox.lab.bench.figures import Figure, Results
from strikebox.lab.words import money_words, number_words, share_words

NOTHING = "–"

# The lab's reports bring their data frames along, which a machine that only measures speed need not have.
_TEMPLATES = Environment(
    loader=PackageLoader("strikebox.lab.bench"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table, in words."""

    case: str
    cells: tuple[str, ...]
    notes: tuple[str, ...]


HEADINGS = (
    "s a picture",
    "× stock",
    "× fair",
    "pictures/s",
    "TFLOP/s",
    "of ceiling",
    "peak GiB",
    "a picture",
    "PSNR, dB",
)


def html(results: Results) -> str:
    """The whole page."""
    sides = sorted({figure.side for figure in results.figures})
    css = files("strikebox") / "lab" / "report" / "templates" / "report.css"
    return _TEMPLATES.get_template("bench.html").render(
        work=results.work,
        weights=sorted({figure.weights for figure in results.figures}),
        machine=[(key, _words(value)) for key, value in results.machine.items()],
        ceiling=_number(results.ceiling_tflops, 0),
        headings=HEADINGS,
        tables=[(side, rows(results, side)) for side in sides],
        css=Markup(css.read_text("utf-8")),
    )


def markdown(results: Results, side: int) -> str:
    """The table of one size for a page of the documentation."""
    lines = ["| | " + " | ".join(HEADINGS) + " |", "|---" * (len(HEADINGS) + 1) + "|"]
    lines += [f"| {row.case} | " + " | ".join(row.cells) + " |" for row in rows(results, side)]
    return "\n".join(lines)


def rows(results: Results, side: int) -> Sequence[Row]:
    """Lines of one size, in the order in which they were measured."""
    return [_row(results, figure) for figure in results.figures if figure.side == side]


def _row(results: Results, figure: Figure) -> Row:
    batch = f", {figure.batch} at a time" if figure.batch > 1 else ""
    cells = (
        _number(figure.seconds, 3),
        _number(results.against(figure, "stock"), 2),
        _number(results.against(figure, "fair"), 2),
        NOTHING if not figure.seconds else _number(1 / figure.seconds, 2),
        _number(figure.tflops, 0),
        NOTHING if figure.share is None else share_words(figure.share),
        _number(figure.peak_gib, 1),
        NOTHING if figure.dollars is None else money_words(figure.dollars),
        _number(figure.psnr, 1),
    )
    said = (f"failed: {figure.error}",) if figure.error else ()
    return Row(f"{figure.case}{batch} ({figure.weights})", cells, (*figure.notes, *said))


def _number(value: float | None, digits: int) -> str:
    return NOTHING if value is None else number_words(value, digits)


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {one}" for key, one in value.items())  # pyright: ignore[reportUnknownVariableType]
    return str(value)
