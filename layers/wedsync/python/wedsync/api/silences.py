"""Bodies of silences."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from wedsync.alerting.severity import Severity
from wedsync.alerting.silences import LONGEST, Matchers, Silence
from wedsync.api.shape import Instant, Name, Reply, Request, Text, Title
from wedsync.errors import Invalid

_MOST = 50


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[
    list[Name],
    Field(default_factory=list, max_length=_MOST),
    BeforeValidator(_listed, json_schema_input_type=str | list[str]),
]
Severities = Annotated[
    list[Annotated[Severity, Field(strict=False)]],
    Field(default_factory=list, max_length=len(Severity)),
    BeforeValidator(_listed, json_schema_input_type=str | list[str]),
]


class MatchersRequest(Request):
    """What is meant: an alert must fit each member that is given, with any of its values."""

    rule_id: Names
    wedding_id: Names
    service: Names
    severity: Severities

    @model_validator(mode="after")
    def _name_something(self) -> Self:
        if not (self.rule_id or self.wedding_id or self.service or self.severity):
            raise ValueError("at least one of ruleId, weddingId, service, severity")
        return self


class SilenceRequest(Request):
    """A silence as it is made. ``force`` needs a ``reason``."""

    matchers: MatchersRequest
    starts_at: Instant | None = None
    ends_at: Instant
    comment: Text = ""
    force: bool = False
    reason: Title | None = None

    @model_validator(mode="after")
    def _is_forced_with_a_reason(self) -> Self:
        if self.force and self.reason is None:
            raise ValueError("whoever forces it says why: reason")
        return self

    def silence(self, *, silence_id: str, created_by: str, now: datetime) -> Silence:
        """The silence that this describes. Raises Invalid where its times make no sense."""
        starts = self.starts_at or now
        if self.ends_at <= max(starts, now):
            raise Invalid.field("/endsAt", "over", "it ends after it starts, and after now")
        if self.ends_at - starts > LONGEST:
            raise Invalid.field("/endsAt", "too-long", f"it lasts at most {LONGEST.days} days")
        return Silence(
            silence_id=silence_id,
            matchers=Matchers(
                rule_ids=tuple(dict.fromkeys(self.matchers.rule_id)),
                wedding_ids=tuple(dict.fromkeys(self.matchers.wedding_id)),
                services=tuple(dict.fromkeys(self.matchers.service)),
                severities=tuple(dict.fromkeys(self.matchers.severity)),
            ),
            starts_at=starts,
            ends_at=self.ends_at,
            comment=self.comment,
            created_at=now,
            created_by=created_by,
            forced_because=self.reason if self.force else None,
        )


class SilenceState(StrEnum):
    """Where a silence stands now."""

    PENDING = "pending"
    ACTIVE = "active"
    OVER = "over"


class MatchersReply(Reply):
    """What is meant; an empty list means everything."""

    rule_id: list[str]
    wedding_id: list[str]
    service: list[str]
    severity: list[Severity]


class SilenceReply(Reply):
    """A silence. ``reason`` is why it was forced, if it was."""

    silence_id: str
    matchers: MatchersReply
    starts_at: datetime
    ends_at: datetime
    state: SilenceState
    comment: str
    forced: bool
    reason: str | None
    created_at: datetime
    created_by: str
    version: int

    @classmethod
    def of(cls, silence: Silence, *, now: datetime) -> "SilenceReply":
        """This silence as it stands now."""
        state = SilenceState.ACTIVE
        if now < silence.starts_at:
            state = SilenceState.PENDING
        elif now >= silence.ends_at:
            state = SilenceState.OVER
        return cls(
            silence_id=silence.silence_id,
            matchers=MatchersReply(
                rule_id=list(silence.matchers.rule_ids),
                wedding_id=list(silence.matchers.wedding_ids),
                service=list(silence.matchers.services),
                severity=list(silence.matchers.severities),
            ),
            starts_at=silence.starts_at,
            ends_at=silence.ends_at,
            state=state,
            comment=silence.comment,
            forced=silence.forced_because is not None,
            reason=silence.forced_because,
            created_at=silence.created_at,
            created_by=silence.created_by,
            version=silence.version,
        )


class SilenceListReply(Reply):
    """Silences of the last month, in the order in which they were made."""

    items: list[SilenceReply]
    next_cursor: str | None
    effective_limit: int
