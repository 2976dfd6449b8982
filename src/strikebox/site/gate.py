"""What every order and act goes through: who asks, from where, how fast, and with what proof.

Pages, the JSON API and the OpenAI-compatible one all order here, so they have one set of rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, final

import sqlalchemy as sa
from fastapi import Request

from strikebox.errors import ProofNeeded
from strikebox.jobs.schema import jobs, orders
from strikebox.recipe import check_subject
from strikebox.site.clients import Clients
from strikebox.site.context import Site
from strikebox.site.in_flight import InFlight
from strikebox.site.limits import MINUTE, Limits
from strikebox.site.orders import Ticket
from strikebox.site.proof import Proof
from strikebox.site.signing import Signer

_PRESSED = 0.5  # share of the queue's room: above it browsers must work for an order


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who orders, where no cookie says it."""

    client: str  # for limits and ownership
    network: str
    per_day: int | None = None  # a friend's own quota; None: everybody's
    is_friend: bool = False  # has an API key, and need not prove anything


@final
@dataclass(frozen=True, slots=True)
class Gate:
    """The rules of one site in one process."""

    site: Site
    clients: Clients
    limits: Limits
    proof: Proof
    in_flight: InFlight

    @classmethod
    def of(cls, site: Site) -> "Gate":
        limits = Limits(site.database)
        key = Signer.of(site.secret, "proof of work").scramble("key")
        return cls(
            site, Clients(Signer.of(site.secret, "client")), limits, Proof(key, limits.first_time), InFlight()
        )

    def client(self, request: Request) -> str:
        """The visitor's id, from the cookie; a new one, with its cookie, where there is none."""
        return self.clients.of(request)

    def known_client(self, request: Request) -> str | None:
        """The visitor's id, if there is a cookie that says it."""
        return self.clients.known(request)

    def order(
        self,
        request: Request,
        subject: str,
        seed: int | None = None,
        *,
        proof: str = "",
        asker: Asker | None = None,
        key: str | None = None,
        body_digest: str | None = None,
    ) -> Ticket:
        """Order a picture. `asker`: who, instead of the visitor's cookie.

        Raises SubjectError, ProofNeeded, KeyInFlight, and whatever Orders.place raises.
        """
        asker = asker or Asker(client=self.client(request), network=network_of(request))
        check_subject(subject)
        if key is None:
            return self._place(subject, seed, asker, proof, None, None)
        with self.in_flight.alone(asker.client, key):
            # A proof is good for one order, and who asks twice sends the same one.
            placed = self.site.orders.placed(asker.client, key, body_digest)
            return placed or self._place(subject, seed, asker, proof, key, body_digest)

    def check_write(self, request: Request) -> None:
        """Count a vote, a report or the like. Raises TooMany."""
        self.limits.act(network_of(request))

    def needs_proof(self, request: Request) -> bool:
        """Whether an order from here must bring a solved challenge."""
        return self._needs_proof(network_of(request))

    def challenge(self) -> Mapping[str, object]:
        """A challenge to solve: algorithm, challenge, maxnumber, salt, signature."""
        return self.proof.challenge()

    def _place(
        self, subject: str, seed: int | None, asker: Asker, proof: str, key: str | None, digest: str | None
    ) -> Ticket:
        if not asker.is_friend:
            self._check_proof(asker.network, proof)
        return self.site.orders.place(
            subject,
            asker.client,
            seed=seed,
            network=asker.network,
            key=key,
            body_digest=digest,
            per_day=asker.per_day,
        )

    def _check_proof(self, network: str, proof: str) -> None:
        if self._needs_proof(network) and not self.proof.is_solved(proof):
            raise ProofNeeded(
                "Many ask at once, so an order must bring a solved challenge from /api/v1/challenge."
            )

    def _needs_proof(self, network: str) -> bool:
        limits = self.site.settings.limits
        if limits.proof_of_work != "pressure":
            return limits.proof_of_work == "always"
        lately, waiting = self._pressure(network)
        return lately >= limits.burst or waiting >= max(limits.queue * _PRESSED, 1)

    def _pressure(self, network: str) -> tuple[int, int]:
        """Orders of a network within the minute, and all jobs that wait."""
        counted = sa.select(sa.func.count())
        minute = orders.c.created > self.site.database.now - MINUTE
        lately = counted.select_from(orders).where(orders.c.network == network, minute)
        waiting = counted.select_from(jobs).where(jobs.c.state == "waiting")
        with self.site.database.reading() as connection:
            row = connection.execute(sa.select(lately.scalar_subquery(), waiting.scalar_subquery())).one()
        return int(row[0]), int(row[1])


def gate_of(request: Request) -> Gate:
    """The gate of the site that answers this request."""
    return cast(Gate, request.app.state.gate)


def network_of(request: Request) -> str:
    """Stands for the network that a request comes from, without telling it."""
    return cast(str, request.scope["state"]["network"])
