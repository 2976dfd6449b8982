"""The tree of errors. Each message is one line: what is wrong, where, and what to do."""

from collections.abc import Mapping


class StrikeboxError(Exception):
    """Anything a user can mend. The command line prints it and exits with 2."""


class RecipeError(StrikeboxError):
    """A recipe that is missing, malformed or impossible."""


class DesignError(StrikeboxError):
    """A design that is missing, malformed or impossible."""


class SubjectError(StrikeboxError):
    """A subject that cannot become a prompt."""


class ModelError(StrikeboxError):
    """A model that is missing or unreadable, or a size that it cannot make."""


class LoraError(StrikeboxError):
    """A LoRA that is missing, unreadable, or made for another model."""


class DeviceError(StrikeboxError):
    """A device that is not there, or has no room."""


class StoreError(StrikeboxError):
    """A folder that cannot be written or read, or a full disk."""


class RunError(StrikeboxError):
    """A run folder that does not fit what is asked of it."""


class DatasetError(StrikeboxError):
    """A folder of pictures that is missing or holds none that can be read."""


class ExtractorError(StrikeboxError):
    """What looks at pictures is missing: a program, a package or weights."""


class JobsError(StrikeboxError):
    """A database of jobs that is missing, unsound or cannot be reached."""


class LeaseLost(JobsError):
    """A job that another worker has by now, or that was cancelled."""


class ClusterError(StrikeboxError):
    """A cluster that cannot be joined, is not safe to join, or fails again and again."""


class SettingsError(StrikeboxError):
    """A configuration that has an unknown key or an impossible value."""


class VisitorError(StrikeboxError):
    """What a visitor can mend. The message is shown to anybody: it names no path, setting or address."""


class OrderError(VisitorError):
    """A picture that cannot be ordered as it was asked for."""


class PromptRefused(OrderError):
    """A subject that this site does not draw."""

    def __init__(self, message: str, reasons: Mapping[str, str] | None = None) -> None:
        """`reasons`: the message by language, where it is known in several."""
        super().__init__(message)
        self._reasons = reasons or {}

    def reason(self, language: str) -> str | None:
        """What to change, in `language`; None where it is not known in that."""
        return self._reasons.get(language)


class LaterError(OrderError):
    """An order that may succeed later."""

    def __init__(self, message: str, retry_after: float) -> None:
        """`retry_after`: seconds until it is worth trying again, above 0."""
        super().__init__(message)
        self.retry_after = retry_after


class TooMany(LaterError):
    """A client or network that ordered as much as it may for now."""


class QueueFull(LaterError):
    """More is waiting than the site promises to make."""


class BudgetSpent(LaterError):
    """The money of the day is spent or promised."""


class KeyReused(OrderError):
    """An Idempotency-Key that stood for another order."""


class KeyInFlight(LaterError):
    """An Idempotency-Key whose first order is still being answered."""


class ProofNeeded(OrderError):
    """An order that must bring a solved challenge, as long as many ask at once."""


class ModerationError(StrikeboxError):
    """A list of prompt rules that is missing or malformed, or a check of pictures that cannot be set up."""


class ProvenanceError(StrikeboxError):
    """A certificate, a key or a file that a picture cannot be signed with, or read from."""


class MissingPicture(VisitorError):
    """A picture that is not there, or not shown to the public."""


class CursorError(VisitorError):
    """A place in the gallery that no page led to."""
