"""The operator's password, as its hash: scrypt with the parameters in front, so that they may grow."""

import base64
import hashlib
import hmac
import secrets

from strikebox.errors import SettingsError

_N, _R, _P = 2**15, 8, 3  # OWASP Password Storage Cheat Sheet, scrypt: 32 MiB, three passes
_SALT = 16  # bytes
_KIND = "scrypt"
_MOST_N, _MOST_RP = 2**20, 64  # a hash from elsewhere may not eat the machine
_LONGEST = 1024  # characters of a password


def hash_password(password: str, salt: bytes | None = None) -> str:
    """What goes into `password_hash`: scrypt$N$r$p$salt$key. `salt` is drawn unless given.

    Raises SettingsError on a password that is too short to be one, or too long to be typed.
    """
    if not 8 <= len(password) <= _LONGEST:
        raise SettingsError(f"the password has {len(password)} characters; take 8 to {_LONGEST}")
    salt = secrets.token_bytes(_SALT) if salt is None else salt
    key = _derive(password, salt, _N, _R, _P)
    return f"{_KIND}${_N}${_R}${_P}${_text(salt)}${_text(key)}"


def check_password(password: str, hashed: str) -> bool:
    """Whether `password` is the one that was hashed. Raises SettingsError on what is no such hash."""
    n, r, p, salt, key = _parsed(hashed)
    if len(password) > _LONGEST:
        return False
    return hmac.compare_digest(_derive(password, salt, n, r, p), key)


def check_hash(hashed: str) -> None:
    """Raises SettingsError on what `hash_password` did not make."""
    _parsed(hashed)


def _parsed(hashed: str) -> tuple[int, int, int, bytes, bytes]:
    try:
        kind, n, r, p, salt, key = hashed.split("$")
        numbers = int(n), int(r), int(p)
        parsed = (*numbers, base64.b64decode(salt), base64.b64decode(key))
    except ValueError:
        kind, parsed = "", (0, 0, 0, b"", b"")
    n, r, p = parsed[:3]
    sound = kind == _KIND and 2 <= n <= _MOST_N and n & (n - 1) == 0 and 0 < r * p <= _MOST_RP
    if not sound or len(parsed[4]) != 32:
        raise SettingsError(
            "admin.password_hash: is no hash of a password; make one with strikebox serve --hash-password"
        )
    return parsed


def _derive(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    memory = 256 * n * r
    text = password.encode(errors="replace")
    return hashlib.scrypt(text, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=32)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
