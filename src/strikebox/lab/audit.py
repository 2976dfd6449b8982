"""An audit of one LoRA: what to know of its training set, what it memorised, how many of its pictures leak.

It stands beside the verdict of a run over the LoRA's scales, which says how the LoRA is to be used.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import ceil

from strikebox import recipe as recipes
from strikebox.errors import DesignError
from strikebox.lab import certificate
from strikebox.lab import design as designs
from strikebox.lab import sweep as sweeps
from strikebox.lab.certificate import Certificate
from strikebox.lab.checklist import Checklist
from strikebox.lab.dataset import Dataset
from strikebox.lab.design import Design
from strikebox.lab.measure import Instruments, OnProgress, References, leakage
from strikebox.lab.measure.looked import Looked
from strikebox.lab.memorised import Memorised
from strikebox.lab.run import Run
from strikebox.lab.verdict import Verdict
from strikebox.recipe import Recipe

TEXTBOOK = "style-prompt-lora_scale-1"  # in the design: the LoRA as tutorials use it
MOST_SUBJECTS = 5  # of the run over scales
_FIRST_SEED = 1001  # of the certificate: pictures that nothing was chosen by


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """All of it but the verdict."""

    checklist: Checklist
    certificates: tuple[Certificate, ...]
    memorised: Memorised | None
    missing: tuple[str, ...]  # what could not be found out, and what to do, a sentence each

    def facts(self) -> dict[str, object]:
        """All of it as JSON."""
        return {
            "checklist": self.checklist.facts(),
            "certificates": [one.facts() for one in self.certificates],
            "memorised": None if self.memorised is None else self.memorised.facts(),
            "missing": list(self.missing),
        }


def subjects(training: Dataset) -> tuple[str, ...]:
    """What the training pictures are said to show, the most frequent first, then by first appearance."""
    named = [picture.subject for picture in training.pictures if picture.subject]
    return tuple(sorted(dict.fromkeys(named), key=lambda one: -named.count(one)))


def scales(chosen: Sequence[str], trigger: str | None) -> Design:
    """The shipped design `audit` with these subjects and trigger words.

    Without trigger words the LoRA alone is swept, and recipes that ask for them are left out. Raises
    DesignError where there is no subject.
    """
    if not chosen:
        raise DesignError("the dataset names no subjects; say what to draw (--subject), once for each")
    design = designs.load("audit")
    kept = design.recipes if trigger else _without_trigger(design)
    return replace(design, recipes=kept, subjects=tuple(chosen[:MOST_SUBJECTS]), style=trigger)


def certifying(run: Run, verdict: Verdict, chosen: Sequence[str], share: float) -> Design:
    """Enough new pictures of the recipe to ship, and of the LoRA as tutorials use it, to certify `share`.

    Raises DesignError unless 0 < share < 1.
    """
    try:
        pictures = certificate.pictures_for(share)
    except ValueError as error:
        raise DesignError(f"{error}; give one such as 0.05") from None
    drawn = tuple(chosen[:pictures])
    names = {verdict.recommendation.recipe, TEXTBOOK, TEXTBOOK.replace("style-prompt", "lora")}
    certified = tuple(r for r in run.design.recipes if r.name in names and r.uses_lora)
    seeds = tuple(seed for seed, _ in zip(count(_FIRST_SEED), range(ceil(pictures / len(drawn)))))
    return Design(
        name="certificate",
        title="Certificate",
        description=f"Do at most {share:.1%} of the pictures repeat a training picture?",
        recipes=certified,
        subjects=drawn,
        seeds=seeds,
        style=run.design.style,
        size=run.design.size,
    )


def certificates(
    run: Run,
    instruments: Instruments,
    references: References,
    on_progress: OnProgress = lambda name, done, of: None,
) -> tuple[Certificate, ...]:
    """A certificate for each recipe of a finished run; none where there is nothing to compare with."""
    training, held_out = references.training, references.held_out
    if training is None or held_out is None:
        return ()
    looked = Looked(run, run.table(), instruments, references, on_progress)
    found = leakage.compare(looked, training, held_out)
    if found.held_out is None:
        return ()
    names = [one.name for one in instruments.copies]
    limits = found.held_out.tolist()
    return tuple(
        certificate.certify(
            recipe.name, recipe.title, found.scores[looked.rows(recipe)].tolist(), limits, names
        )
        for recipe in run.design.recipes
    )


def _without_trigger(design: Design) -> tuple[Recipe, ...]:
    swept = {point.value for series in sweeps.series(design.recipes) for point in series.points}
    plain = tuple(recipe for recipe in design.recipes if "style" not in recipe.needs)
    lora = recipes.load("lora")
    return (*plain, *(sweeps.at_value(lora, "lora_scale", value) for value in sorted(swept)))
