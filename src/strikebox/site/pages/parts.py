"""What every page is made with."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi.responses import RedirectResponse

from strikebox.flow import LatentSpectrum
from strikebox.generation.backend import Model
from strikebox.lora.header import Header
from strikebox.site.context import Site
from strikebox.site.templates_env import Templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The site, its templates, and what is known of the model without its weights."""

    site: Site
    templates: Templates
    model: Model | None = None  # that the workers use; None: no blueprints are drawn
    lora: Header | None = None  # that the workers use; None: not known here
    spectrum: LatentSpectrum | None = None  # of its latents; None: not measured


def see_other(place: str) -> RedirectResponse:
    """Go on with a GET: what a form answers, so that reloading sends nothing twice."""
    return RedirectResponse(place, 303)


def local(place: str) -> str:
    """`place` where it is a path of this site, else the first page: nobody is sent elsewhere."""
    try:
        parts = urlsplit(place)
    except ValueError:
        return "/"
    ours = place.startswith("/") and not place.startswith(("//", "/\\")) and not parts.netloc
    return place if ours and place.isprintable() and len(place) < 500 else "/"
