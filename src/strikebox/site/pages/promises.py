"""What the site tells its visitors of its checks and marks: what its settings turn on, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass

from strikebox.site.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """Keys of words, in the order in which a page says them."""

    not_made: tuple[str, ...]  # what the policy keeps out
    checked: tuple[str, ...]  # what is done about it
    limits: tuple[str, ...]  # what that cannot do
    marked: str  # how files say that a machine made them


def promises_of(settings: Settings) -> Promises:
    """What a site of these settings may promise."""
    marks = settings.provenance.watermark
    return Promises(
        not_made=("policy.not_made_copies",) if settings.moderation.leak else (),
        checked=tuple(_checked(settings)),
        limits=tuple(_limits(settings)),
        marked="about.marked_text" if marks else "about.marked_text_signed",
    )


def _checked(settings: Settings) -> Iterator[str]:
    asked = settings.moderation
    yield "policy.checked_words" if asked.languages else "policy.checked_no_words"
    looks = {
        "policy.checked_classifier": asked.classifier,
        "policy.checked_lettering": asked.lettering,
        "policy.checked_leak": asked.leak,
    }
    yield from (word for word, on in looks.items() if on)
    yield "policy.checked_closed" if any(looks.values()) else "policy.checked_no_pictures"
    yield "policy.checked_reports" if _is_in_charge(settings) else "policy.checked_no_reports"


def _limits(settings: Settings) -> Iterator[str]:
    asked = settings.moderation
    if asked.languages:
        yield "policy.limits_words"
    if asked.classifier:
        yield "policy.limits_classifier"
    if asked.leak or asked.lettering:
        yield "policy.limits_copies"
    yield "policy.limits_text"


def _is_in_charge(settings: Settings) -> bool:
    """Whether there are pages on which somebody can read reports."""
    admin, hops = settings.admin, settings.limits.trusted_hops
    return admin.password_hash is not None or (admin.proxy_header is not None and hops > 0)
