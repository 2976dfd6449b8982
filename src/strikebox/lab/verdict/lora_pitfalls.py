"""Pitfalls of the LoRA: over-cooking, leakage at textbook settings, memorisation, collapse by seed."""

from dataclasses import dataclass

from strikebox.lab.measured import Measured
from strikebox.lab.statistics import holm
from strikebox.lab.verdict.finding import Finding, Pitfall
from strikebox.lab.verdict.table import Row, Table
from strikebox.recipe import Edit, Recipe, TextToImage

BROKEN = 0.5  # of the base model's share of whole pictures: below it a scale has over-cooked
TEXTBOOK = 1.0  # the scale at which a LoRA was trained
LEAKS = 0.05  # share of pictures that a textbook setting may repeat at most
LOCKED = 0.05  # two subjects under one seed may be this much more alike than under two, over the base model

_OVER_COOKING = Pitfall("over-cooking", "Over-cooking")
_TEXTBOOK = Pitfall("textbook-leakage", "Leakage at textbook settings")
_MEMORISATION = Pitfall("memorisation", "Memorisation of a small dataset")
_SEED_COLLAPSE = Pitfall("seed-collapse", "Collapse that depends on the seed")


def over_cooking(measured: Measured, table: Table) -> Finding:
    """Does raising the scale cost the subject, and from where on?

    Without a judge that knows the subjects the noise alarm speaks alone: texture shows no subject.
    """
    kept = _kept_by_scale(table)
    if not kept:
        return _OVER_COOKING.open(
            "Neither anatomy nor noise was measured, or no recipe has the LoRA on throughout one pass; "
            "sweep its scale."
        )
    broken = [one for one in kept if one.share < BROKEN]
    if not broken:
        return _not_cooked(kept)
    first = broken[0]
    below = [one.scale for one in kept if one.scale < first.scale and one.share >= BROKEN]
    onset = f"between {max(below):g} and {first.scale:g}" if below else f"at {first.scale:g} or below"
    return _OVER_COOKING.found(
        f"At scale {first.scale:g}, {first.words}. It sets in {onset}.",
        *(one.row.recipe.name for one in broken),
        scale=first.scale,
        anatomy_left=first.share if first.judged else None,
        noise=first.row.noise.estimate,
        last_sound_scale=max(below, default=None),
    )


def _not_cooked(kept: list["_Kept"]) -> Finding:
    highest, worst = kept[-1], min(kept, key=lambda one: one.share)
    figure = (
        f"Up to scale {highest.scale:g} nothing is worse than this: at scale {worst.scale:g} {worst.words}."
    )
    if not highest.judged:
        return _OVER_COOKING.open(f"{figure} Whether the subject stays whole was not measured.")
    return _OVER_COOKING.cleared(figure, highest_scale=highest.scale)


def textbook_leakage(measured: Measured, table: Table) -> Finding:
    """Do settings that every tutorial recommends repeat training pictures?"""
    rows = [row for row in table.candidates if _is_textbook(row.recipe) and row.leaked.estimate is not None]
    if not rows:
        return _TEXTBOOK.open(
            measured.missing.get("leakage", "No recipe applies the LoRA throughout at a scale of at most 1.")
        )
    leaking = [row for row in rows if (row.leaked.exact_low or 0.0) > LEAKS]
    worst = max(rows, key=lambda row: row.leaked.estimate or 0.0)
    rate = worst.leaked
    figure = (
        f"{worst.recipe.title}: {rate.hits} of {rate.n} pictures repeat a training picture "
        f"({rate.exact_low:.0%} to {rate.exact_high:.0%})."
    )
    evidence = {"leaked": rate.estimate, "low": rate.exact_low, "high": rate.exact_high}
    if leaking:
        return _TEXTBOOK.found(figure, *(row.recipe.name for row in leaking), **evidence)
    if rate.hits:
        return _TEXTBOOK.open(
            f"{figure} That is too few to call it more than {LEAKS:.0%}; make more pictures."
        )
    return _TEXTBOOK.cleared(
        f"{figure} At most {rate.at_most:.0%} do, at 95%.", worst.recipe.name, **evidence
    )


def memorisation(measured: Measured, table: Table) -> Finding:
    """Are pictures nearer to the training set than unseen pictures of the style are?"""
    rows = [row for row in table.candidates if row.recipe.uses_lora and row.group.c_t is not None]
    if not rows or measured.training is None:
        return _MEMORISATION.open(
            measured.missing.get("leakage", "No recipe with the LoRA was compared with its training set.")
        )
    ps = holm([row.group.c_t_p for row in rows])
    near = [row for row, p in zip(rows, ps, strict=True) if _is_below(p) and (row.group.c_t or 0.0) < 0]
    nearest = min(rows, key=lambda row: row.group.c_t or 0.0)
    figure = (
        f"{nearest.recipe.title}: C_T {nearest.group.c_t:.1f}, where less than 0 means that pictures lie "
        f"nearer to the {measured.training:,} training pictures than held-out ones do."
    )
    evidence = {"c_t": nearest.group.c_t, "p": nearest.group.c_t_p, "training": float(measured.training)}
    if near:
        return _MEMORISATION.found(figure, *(row.recipe.name for row in near), **evidence)
    return _MEMORISATION.cleared(f"{figure} No recipe differs from chance.", nearest.recipe.name, **evidence)


def seed_collapse(measured: Measured, table: Table) -> Finding:
    """Does the seed, not the subject, decide what the picture looks like?"""
    rows = [row for row in table.candidates if row.group.seed_lock is not None]
    if not rows:
        return _SEED_COLLAPSE.open(
            measured.missing.get("collapse", "It takes two subjects and two seeds; add some to the design.")
        )
    ps = holm([row.group.seed_lock_p for row in rows])
    base = table.baseline.group.seed_lock or 0.0
    locked = [row for row, p in zip(rows, ps, strict=True) if _is_below(p) and _lock(row) > base + LOCKED]
    worst = max(rows, key=_lock)
    figure = (
        f"{worst.recipe.title}: two subjects are {_lock(worst):+.2f} more alike under one seed than under "
        f"two (base model {base:+.2f})."
    )
    evidence = {"seed_lock": worst.group.seed_lock, "p": worst.group.seed_lock_p, "base": base}
    if locked:
        return _SEED_COLLAPSE.found(figure, *(row.recipe.name for row in locked), **evidence)
    return _SEED_COLLAPSE.cleared(figure, worst.recipe.name, **evidence)


def steady_scale(recipe: Recipe) -> float | None:
    """The scale of a LoRA that is on throughout a single text-to-image pass; None for any other recipe."""
    match recipe.passes:
        case (TextToImage(lora=use),) if use is not None and use.sigma == (0.0, 1.0) and not use.blocks:
            return use.scale if use.scale > 0 else None
        case _:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """How much of the base model's pictures a scale leaves."""

    scale: float
    row: Row
    share: float
    judged: bool  # by anatomy; else by the share that is not texture

    @property
    def words(self) -> str:
        """What is left, and what is texture."""
        noise = self.row.noise.estimate
        texture = None if noise is None else f"{noise:.0%} of the pictures are texture"
        left = f"{self.share:.0%} of the base model's anatomy is left" if self.judged else None
        return ", and ".join(part for part in (left, texture) if part)


def _kept_by_scale(table: Table) -> list[_Kept]:
    """By rising scale; by anatomy where it was measured, else by noise."""
    base = table.baseline.whole.estimate
    found: list[_Kept] = []
    for row in table.rows:
        scale, noise = steady_scale(row.recipe), row.noise.estimate
        if scale is None:
            continue
        if base and row.whole.estimate is not None:
            found.append(_Kept(scale=scale, row=row, share=row.whole.estimate / base, judged=True))
        elif noise is not None:
            found.append(_Kept(scale=scale, row=row, share=1 - noise, judged=False))
    return sorted(found, key=lambda one: one.scale)


def _is_textbook(recipe: Recipe) -> bool:
    """The LoRA on throughout the last pass, which draws from noise, at a scale of at most 1."""
    last = recipe.passes[-1]
    use = last.lora if isinstance(last, TextToImage | Edit) else None
    return use is not None and 0 < use.scale <= TEXTBOOK and use.sigma == (0.0, 1.0)


def _is_below(p: float | None) -> bool:
    return p is not None and p < 0.05


def _lock(row: Row) -> float:
    assert row.group.seed_lock is not None, "only rows that have one are asked"
    return row.group.seed_lock
