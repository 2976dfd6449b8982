"""Reports and takedowns: what people said, what was withheld, what is done about it. All of it is logged."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response

from strikebox.errors import MissingPicture
from strikebox.site.admin.parts import Parts, back, why_of
from strikebox.site.admin.session import Operator
from strikebox.site.pages.forms import Fields
from strikebox.site.sending import send

Listed = Literal["public", "withheld", "taken down"]


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/admin", include_in_schema=False)
    _reports(routes, parts)
    _pictures(routes, parts)
    return routes


def _reports(routes: APIRouter, parts: Parts) -> None:
    site = parts.site

    @routes.get("/reports")
    def reports(request: Request, who: Operator) -> Response:
        open_ones = site.reports.open()
        pictures = {report.picture: site.pictures.find(report.picture) for report in open_ones}
        return parts.page(request, "reports", who, reports=open_ones, pictures=pictures)

    @routes.post("/reports/{id}/close")
    def close(id: int, who: Operator, fields: Fields) -> Response:
        if not 0 < id < 2**31 or not site.reports.close(id, who, why_of(fields)[:64] or "kept"):
            raise HTTPException(404)
        return back("reports", "closed")


def _pictures(routes: APIRouter, parts: Parts) -> None:
    site = parts.site

    @routes.get("/pictures")
    def pictures(
        request: Request, who: Operator, state: Listed = "withheld", after: str | None = None
    ) -> Response:
        page = site.pictures.in_state(state, after)
        return parts.page(
            request, "pictures", who, page=page, state=state, states=("withheld", "taken down", "public")
        )

    @routes.get("/pictures/{id}")
    def picture(request: Request, id: str, who: Operator) -> Response:
        found = site.pictures.find(id)
        if found is None:
            raise MissingPicture("There is no such picture.")
        return parts.page(
            request,
            "picture",
            who,
            picture=found,
            reports=site.reports.of(id),
            entries=site.log.read(target=id),
        )

    @routes.get("/pictures/{id}/file")
    def file(
        id: str, who: Operator, of: Annotated[Literal["thumbnail", "file"], Query()] = "file"
    ) -> Response:
        """Pictures that the public does not see are seen here."""
        found = site.pictures.find(id)
        if found is None or found.state == "deleted":
            raise MissingPicture("There is no such picture.")
        name = found.thumbnail if of == "thumbnail" else found.file
        return send(site.media, name, {"Cache-Control": "private, no-store"})

    @routes.post("/pictures/{id}/take-down")
    def take_down(id: str, who: Operator, fields: Fields) -> Response:
        site.reports.take_down(id, who, why_of(fields))
        return back(_came_from(fields), "taken_down")

    @routes.post("/pictures/{id}/restore")
    def restore(id: str, who: Operator, fields: Fields) -> Response:
        site.reports.restore(id, who, why_of(fields))
        return back(_came_from(fields), "restored")


def _came_from(fields: Fields) -> str:
    return "reports" if fields.get("from") == "reports" else "pictures"
