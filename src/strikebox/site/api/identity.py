"""Who a program is: a friend with a key, a visitor's browser with its cookie, or just its network."""

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import BaseModel

from strikebox.site import problem_kinds as kinds
from strikebox.site.gate import Asker, gate_of, network_of
from strikebox.site.problems import Problem, Refused

ANONYMOUS = frozenset({"", "anonymous"})  # for clients that cannot do without a key

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]+$",
        max_length=200,
        description="Stands for this one order: sent again with the same body it orders nothing new.",
    ),
]


def asker_of(request: Request) -> Asker:
    """Who orders, votes or reports. Raises Refused (401) on a key that is not valid."""
    secret = _secret(request.headers.get("authorization"))
    if secret not in ANONYMOUS:
        key = gate_of(request).site.api_keys.check(secret)
        if key is None:
            detail = "The API key is unknown or was revoked; ask the operator for another, or send none."
            raise Refused(Problem(kind=kinds.UNAUTHORIZED, detail=detail))
        return Asker(client=key.client, network=key.client, per_day=key.per_day, is_friend=True)
    network = network_of(request)
    known = gate_of(request).known_client(request)
    return Asker(client=known or f"net:{network}", network=network)


def actor_of(request: Request) -> Asker:
    """The same for a vote or report, which is counted. Raises TooMany."""
    gate_of(request).check_write(request)
    return asker_of(request)


Who = Annotated[Asker, Depends(asker_of)]
Actor = Annotated[Asker, Depends(actor_of)]


def digest(body: BaseModel) -> str:
    """Tells one order from another under the same Idempotency-Key; who asks again may have a new proof."""
    return hashlib.sha256(body.model_dump_json(exclude={"altcha"}).encode()).hexdigest()


def _secret(header: str | None) -> str:
    """What stands behind Bearer; empty where no Authorization was sent. Raises Refused."""
    scheme, _, secret = (header or "Bearer").strip().partition(" ")
    if scheme.lower() != "bearer":
        detail = "Send the key as Authorization: Bearer KEY."
        raise Refused(Problem(kind=kinds.UNAUTHORIZED, detail=detail))
    return secret.strip()
