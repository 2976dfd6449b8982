"""What hangs in the Hall of Fame, and the votes that suggest it."""

from fastapi import APIRouter, Request, Response

from strikebox.site.admin import reading
from strikebox.site.admin.parts import Parts, back, text_of, why_of
from strikebox.site.admin.session import Operator
from strikebox.site.pages.forms import Fields

_CANDIDATES = 48


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/admin", include_in_schema=False)
    site = parts.site

    @routes.get("/hall")
    def hall(request: Request, who: Operator, after: str | None = None) -> Response:
        hanging = site.pictures.page("hall", after=after)
        voted = site.pictures.page("ever", most=_CANDIDATES).pictures
        candidates = [picture for picture in voted if picture.hall is None and picture.votes > 0]
        return parts.page(request, "hall", who, hanging=hanging, candidates=candidates)

    @routes.post("/hall/{id}/admit")
    def admit(id: str, who: Operator, fields: Fields) -> Response:
        site.hall.admit(id, who, why_of(fields))
        return back("hall", "admitted")

    @routes.post("/hall/{id}/dismiss")
    def dismiss(id: str, who: Operator, fields: Fields) -> Response:
        site.hall.dismiss(id, who, why_of(fields))
        return back("hall", "dismissed")

    @routes.get("/votes")
    def votes(request: Request, who: Operator) -> Response:
        database = site.database
        return parts.page(
            request,
            "votes",
            who,
            total=site.votes.total(),
            by_day=reading.votes_by_day(database),
            voters=reading.busiest_voters(database),
            best=site.pictures.page("week", most=20).pictures,
        )

    @routes.post("/votes/discard")
    def discard(who: Operator, fields: Fields) -> Response:
        client = text_of(fields, "client", 128)
        reading.discard_votes(site.database, site.log, client, who, why_of(fields))
        return back("votes", "discarded")

    return routes
