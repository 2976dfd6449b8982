"""What the site is: its recipe, report, policy and money."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse

from strikebox import recipe as recipes
from strikebox.site.pages.blueprints import draw
from strikebox.site.pages.home import box_of
from strikebox.site.pages.parts import Parts
from strikebox.site.pages.promises import promises_of
from strikebox.site.pages.served import cost_of, lora_of, model_name
from strikebox.site.problem_kinds import KINDS
from strikebox.site.remembered import Remembered
from strikebox.site.serving import recommending_run

# The report is one file with its own style and script inside. In a sandbox it reaches nothing of the site.
_REPORT_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "font-src data:; sandbox allow-scripts"
)
_COUNTED = 60.0  # seconds for which the site's numbers are shown as they were
_CERTIFICATES = b'id="certificates"'


@dataclass(frozen=True, slots=True)
class Counted:
    """The site in numbers."""

    pictures: int  # that everybody may see
    votes: int


def router(parts: Parts) -> APIRouter:
    pages = APIRouter()
    site = parts.site
    report = _report(parts)
    promises = promises_of(site.settings)
    counted = Remembered(
        lambda: Counted(site.pictures.counts().get("public", 0), site.votes.total()), _COUNTED
    )

    @pages.get("/about")
    def about(request: Request) -> Response:
        model, recipe, language = parts.model, site.recipe, parts.templates.words(request).language
        return parts.templates.page(
            request,
            "about.html",
            recipe=recipe,
            model=model_name(parts),
            lora=lora_of(recipe, parts.lora),
            cost=cost_of(parts),
            blueprint=model
            and draw(recipes.dumps(recipe), recipe.name, model, model.size, parts.spectrum, language),
            report=report is not None,
            certificate=report is not None and _has_certificates(report, report.stat().st_mtime),
            counted=counted(),
            promises=promises,
            days=site.settings.retention_days,
            box=box_of(site.budget.today()),
        )

    @pages.get("/about/report")
    def report_page() -> Response:
        if report is None or not report.is_file():
            raise HTTPException(404)
        headers = {"Content-Security-Policy": _REPORT_CSP, "Cache-Control": "public, max-age=600"}
        return FileResponse(report, media_type="text/html", headers=headers)

    @pages.get("/policy")
    def policy(request: Request) -> Response:
        return parts.templates.page(request, "policy.html", promises=promises)

    @pages.get("/docs/api")
    def api(request: Request) -> Response:
        return parts.templates.page(request, "api.html", kinds=KINDS)

    return pages


def _report(parts: Parts) -> Path | None:
    """The report of the run that recommends the recipe, if there is one."""
    run = recommending_run(parts.site.settings.recipe)
    path = None if run is None else run / "report.html"
    return path if path is not None and path.is_file() else None


@lru_cache(maxsize=4)
def _has_certificates(report: Path, changed: float) -> bool:
    """Whether the report has a section of certificates; read once after each change."""
    return _CERTIFICATES in report.read_bytes()
