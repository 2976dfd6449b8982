"""A heat map of the training pictures: how well the LoRA knows each, the best known first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from markupsafe import Markup

from strikebox.errors import DatasetError
from strikebox.lab.memorised import Known, Memorised
from strikebox.lab.report.known_plot import known_plot
from strikebox.lab.report.pictures import small_url
from strikebox.lab.report.templates import fill
from strikebox.lab.words import count_words, number_words, p_words, share_words
from strikebox.metrics.memorisation import lowered

MOST_SHOWN = 1000
_SIDE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A training picture; without `url` it cannot be shown, and `why` says so."""

    name: str
    url: str | None
    why: str
    gap: str
    heat: int  # 0 to 100: from the lowest gap of all pictures to the highest
    flagged: bool
    facts: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in large, with what it says."""

    term: str
    number: str
    words: str


def heat_map(memorised: Memorised, paths: Mapping[str, Path]) -> Markup:
    """The section; `paths` finds training pictures by name, and one that it lacks is named and not shown."""
    ordered = sorted(memorised.pictures, key=lambda one: -one.gap)
    shown = ordered[:MOST_SHOWN]
    ends = _ends(memorised)
    tiles = [_tile(one, paths.get(one.name), ends) for one in shown]
    return fill(
        "memorised.html",
        figures=list(_figures(memorised)),
        words=list(_words(memorised)),
        plot=known_plot(memorised),
        caption=_caption(memorised),
        ends=[number_words(end) for end in ends],
        groups=list(_groups(memorised, tiles)),
        hidden=len(ordered) - len(shown),
        notes=memorised.notes,
        marked=any(tile.flagged for tile in tiles),
        sigmas=", ".join(f"{sigma:g}" for sigma in memorised.sigmas),
        tested=memorised.reason is None,
        level=share_words(memorised.level),
    )


def _tile(one: Known, path: Path | None, ends: tuple[float, float]) -> Tile:
    url, why = _thumbnail(path)
    return Tile(
        name=one.name,
        url=url,
        why=why,
        gap=number_words(one.gap),
        heat=_heat(one.gap, *ends),
        flagged=bool(one.flagged),
        facts="; ".join(_facts(one)),
    )


def _thumbnail(path: Path | None) -> tuple[str | None, str]:
    if path is None:
        return None, "not at hand"
    try:
        return small_url(path, _SIDE), ""
    except DatasetError:
        return None, "cannot be read"


def _facts(one: Known) -> Iterator[str]:
    if one.caption is not None:
        yield one.caption
    yield f"gap {number_words(one.gap)}, {_lowered(one.gap)}"
    if one.p is not None:
        yield f"p {p_words(one.p)}, q {p_words(one.q)}"
    if one.flagged is not None:
        yield "memorised" if one.flagged else "not told from style"


def _lowered(gap: float) -> str:
    share = lowered(gap)
    return f"loss {share_words(abs(share))} {'lower' if share >= 0 else 'higher'} with the LoRA"


def _ends(memorised: Memorised) -> tuple[float, float]:
    every = _gaps(memorised.pictures) + [one.gap for one in memorised.held_out]
    return min(every), max(every)


def _heat(gap: float, low: float, high: float) -> int:
    return round(100 * (gap - low) / (high - low)) if high > low else 50


def _groups(memorised: Memorised, tiles: Sequence[Tile]) -> Iterator[tuple[str, list[Tile]]]:
    """Headings with their tiles; with no p-values one group of all."""
    if memorised.reason is not None:
        yield f"{count_words(len(memorised.pictures), 'training picture')}, best known first", list(tiles)
        return
    found = len(memorised.flagged)
    rest = len(memorised.pictures) - found
    if found:
        yield f"Memorised: {found:,}", [tile for tile in tiles if tile.flagged]
    if rest:
        yield f"Not told from style: {rest:,}", [tile for tile in tiles if not tile.flagged]


def _figures(memorised: Memorised) -> Iterator[Figure]:
    count = count_words(len(memorised.pictures), "training picture")
    if memorised.reason is None:
        yield Figure("Memorised", f"{len(memorised.flagged):,}", f"of {count}")
    if (found := memorised.membership) is not None:
        interval = f"{number_words(found.low)} to {number_words(found.high)}"
        yield Figure("Membership", number_words(found.auroc), f"AUROC, {interval}; 0.50 is a guess")
    against = ""
    if memorised.held_out:
        others = lowered(median(one.gap for one in memorised.held_out))
        against = f", {share_words(others)} on held-out ones"
    own = lowered(median(_gaps(memorised.pictures)))
    yield Figure(
        "Loss lowered",
        share_words(own),
        f"on training pictures{against} ({'medians' if against else 'median'})",
    )


def _words(memorised: Memorised) -> Iterator[str]:
    shown = " How many of its pictures show it is another question: leaks and certificates count them."
    yield memorised.words + (shown if memorised.flagged else "")
    if (found := memorised.membership) is not None:
        hits, low, high = (round(100 * area) for area in (found.auroc, found.low, found.high))
        yield (
            "Given a training picture and one that it has never seen, the larger gap names the training "
            f"picture {hits} times in 100 ({low} to {high}, as if pictures were independent); a coin would "
            "50 times."
        )


def _caption(memorised: Memorised) -> str:
    if not memorised.held_out:
        return "Gaps of the training pictures; the thick line is their median."
    least = min((one.gap for one in memorised.flagged), default=None)
    return (
        "Each dot is a training picture, each diamond one that was held out; thick lines are medians."
        + ("" if least is None else " Right of the dashes pictures are memorised.")
    )  # fmt: skip


def _gaps(pictures: Sequence[Known]) -> list[float]:
    return [one.gap for one in pictures]
