"""The kinds of problems, one a line. `docs/api` lists them; a code never changes its meaning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from strikebox import errors
from strikebox.errors import StrikeboxError


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of problem. `code` never changes its meaning."""

    status: int
    code: str
    title: str
    word: str  # its heading and text on a page: [error] in words/


def _kind(status: int, code: str, title: str, word: str) -> Kind:
    return Kind(status=status, code=code, title=title, word=word)


BAD_REQUEST = _kind(400, "bad-request", "The request cannot be understood", "bad_request")
INVALID = _kind(422, "invalid-request", "The request has wrong or missing fields", "bad_request")
CURSOR = _kind(422, "invalid-cursor", "The place in the list does not exist", "bad_request")
SUBJECT = _kind(422, "invalid-subject", "The subject cannot become a prompt", "subject")
REFUSED = _kind(422, "prompt-refused", "The content policy does not allow these words", "refused")
KEY_REUSED = _kind(
    422, "idempotency-key-reused", "The Idempotency-Key stood for another order", "bad_request"
)
KEY_BUSY = _kind(409, "idempotency-key-in-flight", "The first order is still being answered", "too_many")
UNAUTHORIZED = _kind(401, "invalid-api-key", "The API key is not valid", "forbidden")
FORBIDDEN = _kind(403, "forbidden", "That is not allowed", "forbidden")
CROSS_ORIGIN = _kind(403, "cross-origin", "The request came from another site", "forbidden")
PROOF = _kind(403, "proof-of-work-required", "A solved challenge must come with the order", "proof")
NOT_FOUND = _kind(404, "not-found", "There is no such thing", "not_found")
METHOD = _kind(405, "method-not-allowed", "The address does not take this method", "method")
JOB_OVER = _kind(409, "job-over", "The job is over already", "bad_request")
NOT_YOURS = _kind(403, "not-yours", "Only who ordered it may do that", "forbidden")
GONE = _kind(410, "deleted", "The picture was deleted", "gone")
TAKEN_DOWN = _kind(410, "taken-down", "The picture was taken down", "taken_down")
TOO_LARGE = _kind(413, "too-large", "The request is too large", "too_large")
MEDIA_TYPE = _kind(415, "unsupported-media-type", "The content type is not taken here", "bad_request")
TOO_MANY = _kind(429, "too-many", "Too many requests", "too_many")
QUEUE_FULL = _kind(429, "queue-full", "The queue is full", "queue_full")
INTERNAL = _kind(500, "internal", "Something broke here", "internal")
FAILED = _kind(502, "job-failed", "The picture could not be made", "internal")
BUDGET = _kind(503, "budget-spent", "The day's budget is spent", "budget")
DATABASE = _kind(503, "database-unavailable", "The database cannot be used", "closed")
STORAGE = _kind(503, "storage-unavailable", "Files cannot be read or written", "closed")
TIMEOUT = _kind(504, "not-done-in-time", "The picture is not done yet", "closed")

KINDS: tuple[Kind, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Kind))

# The first class that an error is an instance of decides. Their messages are shown to whoever asked.
FOR_VISITORS: Sequence[tuple[type[StrikeboxError], Kind]] = (
    (errors.ProofNeeded, PROOF),
    (errors.PromptRefused, REFUSED),
    (errors.SubjectError, SUBJECT),
    (errors.TooMany, TOO_MANY),
    (errors.QueueFull, QUEUE_FULL),
    (errors.BudgetSpent, BUDGET),
    (errors.KeyReused, KEY_REUSED),
    (errors.KeyInFlight, KEY_BUSY),
    (errors.MissingPicture, NOT_FOUND),
    (errors.CursorError, CURSOR),
)
# These name files and addresses, which are the operator's business: they go to the log.
FOR_OPERATORS: Sequence[tuple[type[StrikeboxError], Kind]] = (
    (errors.JobsError, DATABASE),
    (errors.StoreError, STORAGE),
)
_PHRASES: Mapping[int, str] = {status.value: status.phrase for status in HTTPStatus}
BY_STATUS: Mapping[int, Kind] = {
    400: BAD_REQUEST,
    401: UNAUTHORIZED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    405: METHOD,
    413: TOO_LARGE,
    415: MEDIA_TYPE,
    422: INVALID,
    429: TOO_MANY,
    503: STORAGE,
}


def of_status(status: int) -> Kind:
    """The kind of a status of HTTP, 400 to 599, that has no error of its own. Each keeps its number."""
    if (known := BY_STATUS.get(status)) is not None:
        return known
    title = _PHRASES.get(status, "The request cannot be answered")
    return _kind(status, f"status-{status}", title, "bad_request" if status < 500 else "closed")
