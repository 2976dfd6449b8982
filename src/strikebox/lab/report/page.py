"""A page is its sections in order, each a function from facts to markup; None leaves a section out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from strikebox.lab.audit import Audit
from strikebox.lab.report import (
    audited,
    blueprints,
    costs,
    grid,
    handoffs,
    headline,
    leaks,
    limits,
    reproduce,
    sweeps,
    table,
    votes,
)
from strikebox.lab.report.facts import Facts, gather
from strikebox.lab.report.templates import asset, fill
from strikebox.lab.run import Run
from strikebox.lab.verdict import Verdict
from strikebox.lab.words import count_words, seconds_words


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page, with a line in its table of contents."""

    anchor: str
    title: str
    markup: Callable[[Facts], Markup | None]
    short: str | None = None  # in the table of contents
    css: str = "verdict.css"  # beside report.css


_PLAIN = "report.css"

# In the order of reading. What is concluded from the pictures goes in front of them.
SECTIONS = (
    Section("verdict", "Verdict", headline.section),
    Section("certificates", "Certificate", audited.certificates, css="audit.css"),
    Section("memorised", "What was memorised", audited.heat_map, "Memorised", "memorised.css"),
    Section("table", "Table", table.section),
    Section("votes", "What people chose", votes.section, "Votes"),
    Section("leaks", "Evidence of leaks", leaks.section, "Leaks"),
    Section("sweeps", "Sweeps", sweeps.section),
    Section("handoffs", "Does pass 1 matter?", handoffs.section, "Handoffs"),
    Section("pictures", "Pictures", grid.section, css=_PLAIN),
    Section("cost", "Cost", costs.section, css=_PLAIN),
    Section("blueprints", "Blueprints", blueprints.section, css=_PLAIN),
    Section("limits", "What could not be told", limits.limits, "Limits"),
    Section("measures", "How it was measured", limits.measures, "Measures"),
    Section("checklist", "Before an ablation", audited.checklist, "Checklist", "audit.css"),
    Section("reproduce", "Make it again", reproduce.section, css=_PLAIN),
)


def html(
    run: Run,
    dollars_per_hour: float | None = None,
    verdict: Verdict | None = None,
    training: Mapping[str, Path] | None = None,
    audit: Audit | None = None,
) -> str:
    """The whole page; without a verdict the pictures, what they cost and how they were made.

    `training` finds training pictures by the names that the verdict gives them; one that it lacks is named
    and not shown. Raises RunError or StoreError where the run's folder is damaged.
    """
    facts = gather(run, dollars_per_hour, verdict, training, audit)
    made = [(section, markup) for section in SECTIONS if (markup := section.markup(facts)) is not None]
    return str(
        fill(
            "page.html",
            title=run.design.title,
            question=run.design.description,
            counts=_counts(facts),
            summary=_summary(facts),
            sections=made,
            css=Markup("".join(asset(name) for name in sorted({section.css for section, _ in made}))),
            js=Markup(asset("report.js")),
        )
    )


def _counts(facts: Facts) -> list[str]:
    design = facts.run.design
    return [
        count_words(facts.pictures, "picture"),
        count_words(len(design.recipes), "recipe"),
        count_words(len(design.subjects), "subject"),
        count_words(len(design.seeds), "seed"),
    ]


def _summary(facts: Facts) -> str:
    model, plan = facts.run.model, facts.plan
    lora = f" and the LoRA “{model.lora_name}”" if model.lora_name else ""
    made = "All" if facts.made == facts.pictures else f"{facts.made:,} of"
    text = f"{made} {count_words(facts.pictures, 'picture')} made by {model.name}{lora}"
    if facts.made:
        text += f" in {seconds_words(facts.run.seconds)} of generation"
    text += "."
    if plan.guided_steps < plan.guided_steps_alone:
        text += (
            f" What pictures have in common was made once: {plan.guided_steps:,} guided steps did the work "
            f"of {plan.guided_steps_alone:,}."
        )
    return text
