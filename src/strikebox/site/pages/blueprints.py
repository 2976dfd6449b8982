"""How a picture was made, drawn to scale."""

import re
from dataclasses import replace
from functools import lru_cache
from html import escape, unescape

from markupsafe import Markup

from strikebox import recipe as recipes
from strikebox.flow import LatentSpectrum
from strikebox.generation.backend import Model, Size
from strikebox.lab.blueprint import blueprint
from strikebox.lab.blueprint_svg import svg
from strikebox.site import words as languages
from strikebox.site.pages.parts import Parts
from strikebox.site.pictures import Picture

_STYLE = re.compile(r' style="([^"]*)"')
_ON_THE_PAGE = frozenset({"font-family", "max-width", "height"})  # the style sheet's business


def drawn(parts: Parts, picture: Picture, language: str) -> Markup | None:
    """The blueprint of a picture; None where it was made by a model that is not known here.

    Models are told apart by name: the drawing needs their measures alone, and weights are hashed by workers.
    """
    model = parts.model
    if model is None or picture.model.get("name") != model.name:
        return None
    size = Size(height=picture.height, width=picture.width)
    return draw(picture.toml, picture.recipe, model, size, parts.spectrum, language)


@lru_cache(maxsize=64)
def draw(
    toml: str, name: str, model: Model, size: Size, spectrum: LatentSpectrum | None, language: str
) -> Markup:
    """The blueprint of a recipe as an SVG element without style attributes, which the site's CSP forbids."""
    known, words = spectrum if size == model.size else None, languages.words(language)
    recipe = recipes.parse(toml, name)
    said = replace(
        recipe,
        title=words.translated(recipe.title),
        description=words.translated(recipe.description),
        control_of=recipe.control_of and words.translated(recipe.control_of),
    )
    return Markup(_STYLE.sub(_attributes, svg(blueprint(said, model, size, known), words.blueprint)))


def _attributes(style: re.Match[str]) -> str:
    """`style="fill:red;opacity:.5"` as presentation attributes, which say the same."""
    pairs = (item.partition(":") for item in unescape(style[1]).split(";") if item)
    return "".join(
        f' {name}="{escape(value.strip())}"' for name, _, value in pairs if name not in _ON_THE_PAGE
    )
