"""Each recipe drawn to scale, with its TOML."""

from markupsafe import Markup

from strikebox import recipe as recipes
from strikebox.lab import blueprint_svg
from strikebox.lab.blueprint import blueprint
from strikebox.lab.report.facts import Facts
from strikebox.lab.report.templates import fill


def section(facts: Facts) -> Markup | None:
    """The blueprints, in the order of the design."""
    run, spectrum = facts.run, facts.run.spectrum
    drawn = [
        (
            recipe,
            Markup(
                blueprint_svg.svg(blueprint(recipe, run.model, run.design.size, spectrum))
            ),  # escapes itself
            recipes.dumps(recipe),
        )
        for recipe in run.design.recipes
    ]
    return fill("blueprints.html", drawn=drawn)
