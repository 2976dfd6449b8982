"""Text that only this site can have written: signed with a key that is derived from the site's secret."""

import hmac
from dataclasses import dataclass
from typing import final

_DIGEST = "sha256"
_LONGEST = 512  # characters that are looked at


@final
@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for one purpose; what was signed for another is refused."""

    key: bytes

    @classmethod
    def of(cls, secret: bytes, purpose: str) -> "Signer":
        """A key of its own for each purpose."""
        return cls(hmac.digest(secret, f"strikebox {purpose}".encode(), _DIGEST))

    def sign(self, text: str) -> str:
        """`text`, a dot, its signature. `text` has no dot."""
        return f"{text}.{self._signature(text)}"

    def read(self, signed: str | None) -> str | None:
        """The text that was signed; None where there is none, or somebody else wrote it."""
        if signed is None or len(signed) > _LONGEST or not signed.isascii():
            return None
        text, _, signature = signed.rpartition(".")
        return text if hmac.compare_digest(signature, self._signature(text)) else None

    def scramble(self, text: str) -> str:
        """32 hexadecimal digits that stand for `text`, and tell nobody without the secret what it is."""
        return self._signature(text)[:32]

    def _signature(self, text: str) -> str:
        return hmac.new(self.key, text.encode(), _DIGEST).hexdigest()
