"""/api/v1/pictures: look, search, vote, report, delete; /api/v1/budget."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from strikebox.site import problem_kinds as kinds
from strikebox.site.api.identity import Actor
from strikebox.site.api.models import (
    BudgetAnswer,
    PagesAnswer,
    PictureAnswer,
    ReportAnswer,
    ReportOrder,
    VoteAnswer,
)
from strikebox.site.api.openapi import OPTIONAL_KEY, described
from strikebox.site.api.places import Id, base_of
from strikebox.site.context import Site
from strikebox.site.pictures import Picture, PictureState, Sort
from strikebox.site.problem_kinds import Kind
from strikebox.site.problems import Problem, Refused

_MISSING: dict[PictureState, Kind] = {"deleted": kinds.GONE, "taken down": kinds.TAKEN_DOWN}
_THERE = (kinds.NOT_FOUND, kinds.GONE, kinds.TAKEN_DOWN)
_Words = Annotated[str, Query(max_length=200, description="All of them begin words of the subject.")]
_After = Annotated[str | None, Query(max_length=400, description="`after` of the page before.")]
_Most = Annotated[int, Query(ge=1, le=100)]


def router(site: Site) -> APIRouter:
    """The routes for pictures."""
    routes = APIRouter(tags=["pictures"])
    _reading(routes, site)
    _writing(routes, site)
    return routes


def shown(site: Site, id: str) -> Picture:
    """The public picture with this id. Raises Refused with what became of it."""
    picture = site.pictures.find(id)
    if picture is not None and picture.is_public:
        return picture
    kind = kinds.NOT_FOUND if picture is None else _MISSING.get(picture.state, kinds.NOT_FOUND)
    raise Refused(Problem(kind=kind))


def _reading(routes: APIRouter, site: Site) -> None:
    @routes.get("/pictures", responses=described(kinds.CURSOR))
    def pictures(
        request: Request,
        response: Response,
        sort: Sort = "newest",
        q: _Words = "",
        after: _After = None,
        limit: _Most = 24,
    ) -> PagesAnswer:
        """Published pictures: the newest first, those with the most votes, or the Hall of Fame."""
        base = base_of(request, site)
        answer = PagesAnswer.of(site.pictures.page(sort, q, after, limit), base)
        if answer.after is not None:
            query = urlencode({"sort": sort, "q": q, "limit": limit, "after": answer.after})
            response.headers["Link"] = f'<{base}/api/v1/pictures?{query}>; rel="next"'
        return answer

    @routes.get("/pictures/{id}", responses=described(*_THERE))
    def picture(request: Request, id: Id) -> PictureAnswer:
        """A picture and how it was made."""
        return PictureAnswer.of(shown(site, id), base_of(request, site))

    @routes.get("/budget", tags=["site"], responses=described())
    def budget() -> BudgetAnswer:
        """Today's money: when it is spent, the site takes no orders until midnight."""
        return BudgetAnswer.of(site.budget.today())


def _writing(routes: APIRouter, site: Site) -> None:
    there = described(*_THERE, writes=True)

    @routes.put("/pictures/{id}/vote", responses=there, openapi_extra=OPTIONAL_KEY)
    def vote(id: Id, who: Actor) -> VoteAnswer:
        """Vote for a picture. Doing so again changes nothing."""
        shown(site, id)
        return VoteAnswer(votes=site.votes.cast(id, who.client))

    @routes.delete("/pictures/{id}/vote", responses=there, openapi_extra=OPTIONAL_KEY)
    def unvote(id: Id, who: Actor) -> VoteAnswer:
        """Take a vote back."""
        shown(site, id)
        return VoteAnswer(votes=site.votes.withdraw(id, who.client))

    @routes.post("/pictures/{id}/reports", status_code=201, responses=there, openapi_extra=OPTIONAL_KEY)
    def report(id: Id, body: ReportOrder, who: Actor) -> ReportAnswer:
        """Say what is wrong with a picture. A person looks at it."""
        shown(site, id)
        return ReportAnswer(id=site.reports.file(id, who.client, body.reason, body.text))

    @routes.delete(
        "/pictures/{id}",
        status_code=204,
        responses=described(*_THERE, kinds.NOT_YOURS, writes=True),
        openapi_extra=OPTIONAL_KEY,
    )
    def delete(id: Id, who: Actor) -> None:
        """Delete a picture that you ordered, for good."""
        if not site.pictures.delete(id, who.client):
            shown(site, id)
            raise Refused(Problem(kind=kinds.NOT_YOURS))
