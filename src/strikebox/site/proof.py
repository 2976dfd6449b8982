"""Proof of work: under pressure a browser does a small sum before it may order (altcha.org, self-hosted).

The sum: find the number below `maxnumber` for which SHA-256(salt + number) is the challenge. Half a second
for one visitor; for a robot that wants thousands, hours.
"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast, final

from altcha import v1 as altcha

_MOST = 60_000  # hashes; 30,000 on average
_LIFETIME = 600.0  # seconds
_LONGEST = 2000  # characters of an answer


@final
@dataclass(frozen=True, slots=True)
class Proof:
    """Challenges of one site."""

    key: str  # signs challenges, so none need be kept
    first_time: Callable[[str], bool]  # so that no answer counts twice
    clock: Callable[[], float] = time.time

    def challenge(self) -> Mapping[str, object]:
        """A new challenge, as altcha's widgets read it."""
        expires = datetime.fromtimestamp(self.clock() + _LIFETIME, UTC)
        options = altcha.ChallengeOptions(max_number=_MOST, hmac_key=self.key, expires=expires)
        made = altcha.create_challenge(options)
        return {
            "algorithm": made.algorithm,
            "challenge": made.challenge,
            "maxnumber": made.max_number,
            "salt": made.salt,
            "signature": made.signature,
        }

    def is_solved(self, answer: str) -> bool:
        """Whether `answer` (base64 of JSON) solves a challenge of ours, and is the first to."""
        solved = _parsed(answer)
        if solved is None:
            return False
        valid, _ = altcha.verify_solution(cast(Any, solved), self.key)
        return valid and self.first_time(str(solved["challenge"]))


def _parsed(answer: str) -> dict[str, str | int] | None:
    """The answer's fields, if they are all there and of their kinds."""
    if len(answer) > _LONGEST:
        return None
    try:
        fields = json.loads(base64.b64decode(answer, validate=True))
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    known = cast(dict[str, object], fields)
    texts = all(isinstance(known.get(name), str) for name in ("algorithm", "challenge", "salt", "signature"))
    ascii_only = texts and all(v.isascii() for v in known.values() if isinstance(v, str))
    if not ascii_only or type(known.get("number")) is not int or known["algorithm"] != "SHA-256":
        return None
    return cast(dict[str, str | int], known)
