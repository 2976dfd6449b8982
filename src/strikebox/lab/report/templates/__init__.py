"""The files of which pages are filled. Whatever enters a template is escaped unless it is Markup."""

from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_ENVIRONMENT = Environment(
    loader=PackageLoader("strikebox.lab.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def fill(template: str, **values: object) -> Markup:
    """The template's markup with `values` in it."""
    return Markup(_ENVIRONMENT.get_template(template).render(values))


def asset(name: str) -> str:
    """The text of a file that goes into a page as it is."""
    return (files(__name__) / name).read_text("utf-8")
