"""An audit's own sections: certificates, what was memorised, and the checklist."""

from markupsafe import Markup

from strikebox.lab.report import memorised
from strikebox.lab.report.facts import Facts
from strikebox.lab.report.templates import fill


def certificates(facts: Facts) -> Markup | None:
    """One for each recipe that was certified, and what could not be found out."""
    if facts.audit is None:
        return None
    return fill(
        "certificates.html",
        certificates=[(one, f"{one.at_most:.1%}") for one in facts.audit.certificates],
        missing=facts.audit.missing,
    )


def heat_map(facts: Facts) -> Markup | None:
    """The training pictures by how well the LoRA knows them."""
    if facts.audit is None or facts.audit.memorised is None:
        return None
    return memorised.heat_map(facts.audit.memorised, facts.training)


def checklist(facts: Facts) -> Markup | None:
    """What to know of the LoRA and its training set."""
    return None if facts.audit is None else fill("checklist.html", checklist=facts.audit.checklist)
