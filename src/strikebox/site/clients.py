"""Who a visitor is: a random number in a signed cookie. There are no accounts, and no names.

The cookie is set when a page first needs to know its visitor, so pages that need not can be cached.
"""

import re
import secrets
from dataclasses import dataclass
from typing import Any, final

from fastapi import Request
from starlette.datastructures import MutableHeaders

from strikebox.site.signing import Signer

_ID = re.compile(r"[0-9a-f]{32}")
_AGE = 400 * 86400  # seconds; browsers keep no cookie longer (RFC 6265bis, section 5.5)


@final
@dataclass(frozen=True, slots=True)
class Clients:
    """The visitors of one site."""

    signer: Signer

    def known(self, request: Request) -> str | None:
        """The visitor's id, if the cookie says it and was signed here."""
        state = _state(request)
        if "client" not in state:
            id = self.signer.read(request.cookies.get(cookie_name(request)))
            state["client"] = id if id is not None and _ID.fullmatch(id) else None
        return state["client"]

    def of(self, request: Request) -> str:
        """The visitor's id; a new one where there was none, whose cookie `remember` sets."""
        if (id := self.known(request)) is None:
            id = _state(request)["client"] = secrets.token_hex(16)
        _state(request)["remember_client"] = True
        return id

    def remember(self, request: Request, headers: MutableHeaders) -> None:
        """Add the cookie to an answer, if its page asked who the visitor is."""
        if _state(request).get("remember_client"):
            value = self.signer.sign(_state(request)["client"])
            headers.append("set-cookie", cookie(request, "client", value, _AGE))


def cookie_name(request: Request, name: str = "client") -> str:
    """Behind https no other site or subdomain can set a cookie of this name (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def cookie(request: Request, name: str, value: str, seconds: int, same_site: str = "Lax") -> str:
    """A Set-Cookie line that no script can read."""
    secure = "; Secure" if request.url.scheme == "https" else ""
    full_name = cookie_name(request, name)
    return f"{full_name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite={same_site}{secure}"


def _state(request: Request) -> dict[str, Any]:
    """What this request's middleware and page tell one another."""
    return request.scope.setdefault("state", {})
