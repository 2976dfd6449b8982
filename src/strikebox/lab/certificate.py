"""A certificate: at most so many of a recipe's pictures repeat a training picture.

A picture counts as a repeat where it is more like a training picture than any of n held-out pictures is. Of
honest pictures one in n + 1 does so by chance, so the bound, which is exact, errs on the safe side.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil, log

from strikebox.lab.statistics import upper_bound

LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What was found of a recipe."""

    recipe: str  # name
    title: str
    pictures: int
    repeats: int  # pictures above every held-out one
    held_out: int
    descriptors: tuple[str, ...]  # by which pictures were compared

    @property
    def at_most(self) -> float:
        """The share of the recipe's pictures that repeat a training picture is no higher, at 95%."""
        return upper_bound(self.repeats, self.pictures, LEVEL)

    @property
    def by_chance(self) -> float:
        """Repeats to be expected among as many honest pictures."""
        return self.pictures / (self.held_out + 1)

    @property
    def words(self) -> str:
        """The certificate as a sentence."""
        return (
            f"At most {self.at_most:.1%} of the pictures of {self.title} repeat a training picture, at "
            f"{LEVEL:.0%}: {self.repeats} of {self.pictures} are more like one than any of {self.held_out} "
            f"held-out pictures is, by {' and '.join(self.descriptors)}; chance alone would give "
            f"{self.by_chance:.1f}."
        )

    def facts(self) -> dict[str, object]:
        """All of it as JSON."""
        return {**asdict(self), "at_most": self.at_most, "level": LEVEL, "by_chance": self.by_chance}


def certify(
    recipe: str,
    title: str,
    scores: Sequence[float],
    held_out: Sequence[float],
    descriptors: Sequence[str],
) -> Certificate:
    """The certificate of pictures with leakage `scores`, beside those of held-out pictures.

    Raises ValueError where either is empty.
    """
    if not scores or not held_out:
        raise ValueError("needs at least one picture and one held-out picture")
    limit = max(held_out)
    return Certificate(
        recipe=recipe,
        title=title,
        pictures=len(scores),
        repeats=sum(score > limit for score in scores),
        held_out=len(held_out),
        descriptors=tuple(descriptors),
    )


def pictures_for(share: float) -> int:
    """Pictures, none of them a repeat, that certify at most `share`: (1 - share)^n = 0.05.

    59 for 5%, 299 for 1%. Raises ValueError unless 0 < share < 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"{share} is no share between 0 and 1")
    return ceil(log(1 - LEVEL) / log(1 - share))
