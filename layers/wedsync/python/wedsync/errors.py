"""Every error that a caller can be answered with, as one tree.

::

    WedSyncError                    500 internal
    ├── Invalid                     400 the request is wrong; names the fields
    │   └── ResolutionNotKept       400 this window is not kept for this series
    ├── Unauthenticated             401
    ├── Forbidden                   403
    ├── NotFound                    404 unknown, or another tenant's
    │   ├── WeddingNotFound
    │   ├── AlertNotFound
    │   ├── RuleNotFound
    │   ├── SilenceNotFound
    │   ├── IncidentNotFound
    │   ├── ContactNotFound
    │   ├── PolicyNotFound
    │   ├── RunbookNotFound
    │   ├── ExecutionNotFound
    │   └── PipelineNotFound
    ├── MethodNotAllowed            405
    ├── Conflict                    409 the state does not allow it
    │   ├── AlertAlreadyResolved
    │   ├── IncidentAlreadyResolved
    │   ├── IncidentOvertaken       another incident of the same wedding or fault followed
    │   ├── TimelineFull            people have written all that one incident holds
    │   ├── LadderExhausted
    │   ├── TooManyRules            a tenant keeps so many and no more
    │   ├── WeddingLeaving          its removal has begun
    │   ├── CriticalSilence         it would hide the worst from a wedding that is under way
    │   └── RequestInProgress       same Idempotency-Key, not answered yet
    ├── PreconditionFailed          412 If-Match
    ├── TooLarge                    413
    ├── UnsupportedMediaType        415
    ├── Unprocessable               422
    │   └── IdempotencyKeyReused    same Idempotency-Key, another body
    ├── TooManyRequests             429 with Retry-After
    └── Unavailable                 503 with Retry-After: a dependency is down
        ├── Throttled               nothing was written
        ├── OutcomeUnknown          it may have been written
        └── TooMuchContention       others kept writing the same thing
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """What is wrong with one member of a request.

    ``pointer`` is an RFC 6901 JSON pointer into the body (``/venue/timeZone``),
    or the name of a query or path parameter.
    """

    pointer: str
    code: str
    detail: str


def member_pointer(name: str) -> str:
    """A member's part of a JSON pointer (RFC 6901)."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


class WedSyncError(Exception):
    """Something that a caller can be told."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self, detail: str = "", *, errors: Sequence[FieldError] = (), left_traces: bool = False
    ) -> None:
        """``detail`` is shown to the caller: it must hold no secret and no internal name.

        ``left_traces``: something was stored all the same, and must not be once more when the
        request is repeated under its Idempotency-Key.
        """
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = tuple(errors)
        self.left_traces = left_traces


class Invalid(WedSyncError):
    """The request itself is wrong."""

    status = 400
    code = "invalid-request"
    title = "The request is not valid"

    @classmethod
    def field(cls, pointer: str, code: str, detail: str) -> "Invalid":
        """One wrong field, by its JSON pointer."""
        return cls.fields((FieldError(pointer=pointer, code=code, detail=detail),))

    @classmethod
    def fields(cls, errors: Sequence[FieldError]) -> "Invalid":
        """Some wrong fields; the detail is the first one, with its place."""
        if not errors:
            return cls()
        first = errors[0]
        detail = f"{first.pointer}: {first.detail}" if first.pointer else first.detail
        return cls(detail, errors=errors)


class ResolutionNotKept(Invalid):
    """This window is not kept for this series."""

    code = "resolution-not-kept"
    title = "This resolution is not kept"


class Unauthenticated(WedSyncError):
    """No caller could be proved."""

    status = 401
    code = "unauthenticated"
    title = "A valid token is required"


class Forbidden(WedSyncError):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"
    title = "Your role does not allow this"


class NotFound(WedSyncError):
    """Unknown, or another tenant's: the two answer alike."""

    status = 404
    code = "not-found"
    title = "Not found"


class WeddingNotFound(NotFound):
    """No such wedding for this caller."""

    code = "wedding-not-found"
    title = "No such wedding"


class AlertNotFound(NotFound):
    """No such alert for this caller."""

    code = "alert-not-found"
    title = "No such alert"


class RuleNotFound(NotFound):
    """No such alert rule for this caller."""

    code = "rule-not-found"
    title = "No such alert rule"


class SilenceNotFound(NotFound):
    """No such silence for this caller."""

    code = "silence-not-found"
    title = "No such silence"


class IncidentNotFound(NotFound):
    """No such incident for this caller."""

    code = "incident-not-found"
    title = "No such incident"


class ContactNotFound(NotFound):
    """No such contact for this caller."""

    code = "contact-not-found"
    title = "No such contact"


class PolicyNotFound(NotFound):
    """No such escalation policy for this caller."""

    code = "policy-not-found"
    title = "No such escalation policy"


class RunbookNotFound(NotFound):
    """No such runbook for this caller."""

    code = "runbook-not-found"
    title = "No such runbook"


class ExecutionNotFound(NotFound):
    """No such run of a runbook for this caller."""

    code = "execution-not-found"
    title = "No such run of a runbook"


class PipelineNotFound(NotFound):
    """No such pipeline for this caller."""

    code = "pipeline-not-found"
    title = "No such pipeline"


class MethodNotAllowed(WedSyncError):
    """The path is known under other methods."""

    status = 405
    code = "method-not-allowed"
    title = "This path does not take this method"

    def __init__(self, detail: str = "", *, allowed: Sequence[str] = ()) -> None:
        """``allowed``: the methods that the path takes, for the Allow header."""
        super().__init__(detail)
        self.allowed = tuple(allowed)


class Conflict(WedSyncError):
    """The state of the thing does not allow it."""

    status = 409
    code = "conflict"
    title = "The current state does not allow this"


class AlertAlreadyResolved(Conflict):
    """A resolved alert cannot be acknowledged."""

    code = "alert-already-resolved"
    title = "The alert is already resolved"


class IncidentAlreadyResolved(Conflict):
    """A resolved incident cannot be acknowledged or escalated."""

    code = "incident-already-resolved"
    title = "The incident is already resolved"


class IncidentOvertaken(Conflict):
    """Another incident of the same wedding or fault followed it."""

    code = "incident-overtaken"
    title = "A later incident took its place"


class TimelineFull(Conflict):
    """People have written as much on one timeline as is kept."""

    code = "timeline-full"
    title = "The timeline of this incident is full; open another one"


class LadderExhausted(Conflict):
    """Every tier has been paged."""

    code = "ladder-exhausted"
    title = "There is no further tier to escalate to"


class TooManyRules(Conflict):
    """The tenant keeps as many rules as it may."""

    code = "too-many-rules"
    title = "There are too many of them; remove one first"


class WeddingLeaving(Conflict):
    """The removal of the wedding has begun and was not ended: only it can be repeated."""

    code = "wedding-leaving"
    title = "The wedding is being removed"


class CriticalSilence(Conflict):
    """A silence would hide a critical alert of a wedding whose window is open."""

    code = "critical-silence"
    title = "A silence must not hide critical alerts of a wedding under way"


class RequestInProgress(Conflict):
    """A request with the same Idempotency-Key has not been answered yet."""

    code = "request-in-progress"
    title = "A request with this Idempotency-Key is in progress"


class PreconditionFailed(WedSyncError):
    """If-Match names another version."""

    status = 412
    code = "precondition-failed"
    title = "The resource has changed"


class TooLarge(WedSyncError):
    """The body is larger than is taken."""

    status = 413
    code = "too-large"
    title = "The body is too large"


class UnsupportedMediaType(WedSyncError):
    """The body's encoding is not understood."""

    status = 415
    code = "unsupported-media-type"
    title = "The body's encoding is not supported"


class Unprocessable(WedSyncError):
    """Well formed, and yet impossible."""

    status = 422
    code = "unprocessable"
    title = "The request cannot be carried out"


class IdempotencyKeyReused(Unprocessable):
    """The same Idempotency-Key came with another body."""

    code = "idempotency-key-reused"
    title = "This Idempotency-Key was used with another request"


class TooManyRequests(WedSyncError):
    """Over the limit."""

    status = 429
    code = "too-many-requests"
    title = "Too many requests"

    def __init__(self, detail: str = "", *, retry_after_seconds: int = 1) -> None:
        """``retry_after_seconds`` becomes the Retry-After header."""
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(WedSyncError):
    """A dependency is down or slow; the same request may be sent again."""

    status = 503
    code = "unavailable"
    title = "A dependency is unavailable; try again"
    retry_after_seconds = 1


class Throttled(Unavailable):
    """Refused before anything was written."""

    code = "throttled"


class OutcomeUnknown(Unavailable):
    """Failed after it may have been written: only an idempotent write may be repeated."""

    code = "outcome-unknown"


class TooMuchContention(Unavailable):
    """Others kept writing the same thing; what came before it may have been done."""

    code = "too-much-contention"
    title = "Too many concurrent changes; try again"
