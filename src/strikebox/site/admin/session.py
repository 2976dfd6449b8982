"""Who is in charge: whoever knows the password, or whom a trusted proxy names."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast, final

import structlog
from fastapi import Depends, HTTPException, Request

from strikebox.site.clients import cookie, cookie_name
from strikebox.site.passwords import check_hash, check_password
from strikebox.site.settings import Settings
from strikebox.site.signing import Signer

LOGIN = "/admin/login"
_AGE = 12 * 3600  # seconds
_NAME = "admin"  # of the cookie
_OPERATOR = "operator"  # who knows the password
_LONGEST_NAME = 100  # characters of a name that a proxy gives

_log = structlog.get_logger("strikebox.admin")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """The sessions of one site. Another password ends them all."""

    signer: Signer
    password_hash: str | None
    proxy_header: str | None  # None: no proxy is believed
    clock: Callable[[], float] = time.time

    @classmethod
    def of(cls, settings: Settings, secret: bytes) -> "Sessions":
        """Raises SettingsError on a password hash that is none."""
        admin = settings.admin
        if admin.password_hash is not None:
            check_hash(admin.password_hash)
        header = admin.proxy_header
        if header is not None and settings.limits.trusted_hops == 0:
            # Anybody could send that header: there is no proxy in front that would take it away.
            _log.warning("admin.proxy_header is ignored: limits.trusted_hops is 0")
            header = None
        return cls(
            signer=Signer.of(secret, f"admin {admin.password_hash}"),
            password_hash=admin.password_hash,
            proxy_header=header,
        )

    @property
    def is_open(self) -> bool:
        """Whether anybody can be in charge at all."""
        return self.password_hash is not None or self.proxy_header is not None

    def who(self, request: Request) -> str | None:
        """The name for the audit log; None: nobody in charge."""
        if self.proxy_header is not None:
            name = request.headers.get(self.proxy_header, "").strip()
            if name and name.isprintable():
                return name[:_LONGEST_NAME]
        if self.password_hash is None:
            return None
        until = self.signer.read(request.cookies.get(cookie_name(request, _NAME)))
        return _OPERATOR if until is not None and int(until) > self.clock() else None

    def is_right(self, password: str) -> bool:
        """Whether that is the password. Takes a tenth of a second, whatever the answer."""
        return self.password_hash is not None and check_password(password, self.password_hash)

    def begin(self, request: Request) -> str:
        """The Set-Cookie line of a session that begins now."""
        value = self.signer.sign(str(int(self.clock() + _AGE)))
        return cookie(request, _NAME, value, _AGE, same_site="Strict")

    def end(self, request: Request) -> str:
        """The Set-Cookie line after which the browser has none."""
        return cookie(request, _NAME, "", 0, same_site="Strict")


def operator(request: Request) -> str:
    """Who is in charge. Raises HTTPException: to the login page, or 404 where nobody can be."""
    sessions = cast(Sessions, request.app.state.sessions)
    if not sessions.is_open:
        raise HTTPException(404)
    who = sessions.who(request)
    if who is not None:
        return who
    if sessions.password_hash is None:
        raise HTTPException(403)
    raise HTTPException(303, headers={"Location": LOGIN, "Cache-Control": "no-store"})


Operator = Annotated[str, Depends(operator)]
