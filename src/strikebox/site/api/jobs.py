"""/api/v1/jobs: order a picture, see how it stands, cancel it."""

from fastapi import APIRouter, Request, Response

from strikebox.site import problem_kinds as kinds
from strikebox.site.api.identity import Actor, IdempotencyKey, Who, digest
from strikebox.site.api.models import ChallengeAnswer, JobAnswer, JobOrder
from strikebox.site.api.openapi import OPTIONAL_KEY, described
from strikebox.site.api.places import Id, base_of
from strikebox.site.context import Site
from strikebox.site.gate import gate_of
from strikebox.site.problems import Problem, Refused

_ORDER = (
    kinds.SUBJECT,
    kinds.REFUSED,
    kinds.PROOF,
    kinds.KEY_REUSED,
    kinds.KEY_BUSY,
    kinds.QUEUE_FULL,
    kinds.BUDGET,
)


def router(site: Site) -> APIRouter:
    """The routes for jobs."""
    routes = APIRouter(tags=["jobs"])

    @routes.post(
        "/jobs", status_code=202, responses=described(*_ORDER, writes=True), openapi_extra=OPTIONAL_KEY
    )
    def order(
        request: Request,
        response: Response,
        body: JobOrder,
        who: Who,
        key: IdempotencyKey = None,
    ) -> JobAnswer:
        """Order a picture. It is being made when this answers; look at `links.self` until it is done."""
        ticket = gate_of(request).order(
            request, body.subject, body.seed, proof=body.altcha, asker=who, key=key, body_digest=digest(body)
        )
        answer = _stands(site, ticket.id, base_of(request, site))
        response.headers["Location"] = answer.links.self
        return answer

    @routes.get("/jobs/{id}", responses=described(kinds.NOT_FOUND))
    def job(request: Request, response: Response, id: Id) -> JobAnswer:
        """How a job stands."""
        response.headers["Cache-Control"] = "no-store"
        return _stands(site, id, base_of(request, site))

    @routes.post(
        "/jobs/{id}/cancel",
        responses=described(kinds.NOT_FOUND, kinds.NOT_YOURS, kinds.JOB_OVER, writes=True),
        openapi_extra=OPTIONAL_KEY,
    )
    def cancel(request: Request, id: Id, who: Actor) -> JobAnswer:
        """Cancel a job of yours that is not done. What it cost so far stays spent."""
        job = site.queue.find(id)
        if job is not None and job.client != who.client:
            raise Refused(Problem(kind=kinds.NOT_YOURS))
        if job is not None and not site.orders.cancel(id, who.client):
            raise Refused(Problem(kind=kinds.JOB_OVER))
        return _stands(site, id, base_of(request, site))

    @routes.get("/challenge", responses=described())
    def challenge(request: Request, response: Response) -> ChallengeAnswer:
        """A challenge to solve before an order, if orders need one now (altcha.org)."""
        response.headers["Cache-Control"] = "no-store"
        gate = gate_of(request)
        return ChallengeAnswer.model_validate({"required": gate.needs_proof(request), **gate.challenge()})

    return routes


def _stands(site: Site, id: str, base: str) -> JobAnswer:
    progress = site.progress.of(id)
    if progress is None:
        raise Refused(Problem(kind=kinds.NOT_FOUND, detail="There is no such job, or it is forgotten."))
    return JobAnswer.of(progress, base)
