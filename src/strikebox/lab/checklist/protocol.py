"""Rows on the design: can it tell the seed from the recipe, and does pass 1 matter where it starts?"""

from math import log2

from strikebox.flow import LatentSpectrum, schedule, strength_at, time_shift
from strikebox.generation.backend import Model, Size
from strikebox.lab.blueprint import blueprint
from strikebox.lab.checklist.row import Row, Verdict, judged
from strikebox.lab.design import Design
from strikebox.lab.statistics import smallest_p
from strikebox.lab.words import count_words
from strikebox.recipe import ImageToImage, Strength

SIGNIFICANT = 0.05
_LEAST_SUBJECTS = next(n for n in range(1, 99) if smallest_p(n) < SIGNIFICANT)
_STEPS = 28  # of FLUX.2-klein, where no pass says others
_STRENGTHS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
_USUAL = 0.9
_SWEEP = (0.5, 0.9)  # start sigmas: below, pass 2 hardly redraws; above, hardly anything crosses


def seeds(design: Design) -> Row:
    """Would the design notice that a seed, not the prompt, makes the picture?"""
    n, subjects = len(design.seeds), len(design.subjects)
    figure = f"{design.name}: {count_words(n, 'seed')} x {count_words(subjects, 'subject')}"
    values = {"design": design.name, "seeds": n, "subjects": subjects, "smallest_p": smallest_p(subjects)}
    findings: list[tuple[Verdict, str]] = []
    if n < 2:
        findings.append(
            ("stop", "With one seed a good seed cannot be told from a good recipe; run two or more.")
        )
    if subjects < 2:
        findings.append(
            ("stop", "With one subject nothing shows whether seeds rule; run two subjects or more.")
        )
    if n >= 2 and subjects >= 2:
        findings.append(("go", "Two subjects under one seed are compared with two under different seeds."))
        findings += _subjects(subjects)
    return judged("seeds", "Seed-dependence protocol", figure, values, *findings)


def _subjects(subjects: int) -> list[tuple[Verdict, str]]:
    least = smallest_p(subjects)
    if least < SIGNIFICANT:
        return []
    reach = f"With {subjects} subjects the least p of any difference between two recipes is {least:.3g}"
    return [("look", f"{reach}; {_LEAST_SUBJECTS} subjects would do.")]


def strengths(design: Design, model: Model, pictures: int, spectrum: LatentSpectrum | None) -> Row:
    """Which strengths are which start sigmas here, and which throw pass 1 away.

    Bits are those of `spectrum`, or at most those of latents of unit variance.
    """
    size, steps = design.size or model.size, _steps(design)
    grain = model.pixels_per_token
    power = spectrum or LatentSpectrum.white(
        size.height // grain, size.width // grain, model.architecture.in_channels
    )
    mu, needed = time_shift(model.tokens(size), steps), log2(max(2, pictures))
    limit, lost = _limit(power, needed), _lost(design, model, size, spectrum, pictures)
    sigmas = schedule(steps, mu)
    table = [_entry(strength, steps, sigmas, power, needed) for strength in _STRENGTHS]
    usual = sigmas[Strength(_USUAL).start_index(steps)]
    return judged(
        "strengths",
        "Strength sweep protocol, in sigma",
        f"strength {_USUAL} starts at sigma {usual:.3f}",
        {"steps": steps, "strengths": table, "highest_sigma": limit, "cannot_matter": lost},
        _sweep(limit, mu, pictures),
        *_starts(lost),
    )


def _sweep(limit: float, mu: float, pictures: int) -> tuple[Verdict, str]:
    low, high = _SWEEP[0], min(_SWEEP[1], limit)
    same = f"which are strengths {strength_at(low, mu):.2f} to {strength_at(high, mu):.2f}"
    above = f"above sigma {limit:.3f} too few bits cross to name one of {count_words(pictures, 'picture')}"
    return "go", f"Sweep start sigmas {low:g} to {high:.2g}, {same}; {above}."


def _starts(lost: list[str]) -> list[tuple[Verdict, str]]:
    if not lost:
        return []
    named = f"{', '.join(lost[:3])} and {len(lost) - 3} more" if len(lost) > 3 else ", ".join(lost)
    return [("look", f"In {named} pass 1 cannot matter: pass 2 starts too close to noise.")]


def _steps(design: Design) -> int:
    passes = (p for recipe in design.recipes for p in recipe.passes if isinstance(p, ImageToImage))
    return next((p.steps for p in passes), _STEPS)


def _lost(
    design: Design, model: Model, size: Size, spectrum: LatentSpectrum | None, pictures: int
) -> list[str]:
    """Recipes, controls aside, with a pass that starts where too little of the one before is left."""
    drawn = (
        blueprint(r, model, size, spectrum, max(2, pictures)) for r in design.recipes if not r.control_of
    )
    return [
        one.recipe.name
        for one in drawn
        if any(s.entrance and s.entrance.verdict == "cannot matter" for s in one.stations)
    ]


def _entry(
    strength: float, steps: int, sigmas: list[float], power: LatentSpectrum, needed: float
) -> dict[str, object]:
    sigma = sigmas[Strength(strength).start_index(steps)]
    bits = power.bits_across(sigma)
    return {"strength": strength, "sigma": sigma, "bits": bits, "matters": bits >= needed}


def _limit(power: LatentSpectrum, needed: float) -> float:
    """The highest start sigma at which `needed` bits can cross: they fall as sigma rises."""
    low, high = 1e-3, 1.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if power.bits_across(middle) >= needed else (low, middle)
    return low
