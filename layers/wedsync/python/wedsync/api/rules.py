"""Bodies of alert rules."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, JsonValue, TypeAdapter, ValidationError, model_validator

from wedsync.alerting.catalog import PlatformRule
from wedsync.alerting.feedback import MOST_STEPS, Tally, leniency, steps
from wedsync.alerting.model import Alert
from wedsync.alerting.own.condition import comparisons
from wedsync.alerting.own.rule import Rule
from wedsync.alerting.severity import Severity
from wedsync.api.alerts import SeverityReasonReply
from wedsync.api.conditions import WholeCondition, written
from wedsync.api.contacts import RoleName
from wedsync.api.shape import Instant, Name, Reply, Request, Text, Title, require_unchanged
from wedsync.api.validation import refused

PolicyName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
_MOST_NOTIFICATIONS = 20


class NotificationRequest(Request):
    """Who hears of it: a role, or an escalation policy whose ladder is climbed."""

    role: RoleName | None = None
    policy: PolicyName | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.role is None) == (self.policy is None):
            raise ValueError("either a role or a policy")
        return self


class RuleRequest(Request):
    """A rule as it is made, or as a merge patch leaves it."""

    name: Title
    description: Text = ""
    condition: WholeCondition
    severity: Annotated[Severity, Field(strict=False)]
    wedding_specific: bool = False
    notifications: Annotated[
        list[NotificationRequest], Field(default_factory=list, max_length=_MOST_NOTIFICATIONS)
    ]
    auto_resolve: bool = True
    is_active: bool = True

    @model_validator(mode="after")
    def _climbs_one_ladder(self) -> Self:
        if len({each.policy for each in self.notifications if each.policy is not None}) > 1:
            raise ValueError("an alert climbs one ladder: notifications name one policy at most")
        return self

    @model_validator(mode="after")
    def _looks_at_minutes_of_weddings(self) -> Self:
        recent = all(each.is_recent for each in comparisons(self.condition.condition()))
        if self.wedding_specific and not recent:
            raise ValueError("a wedding's windows have at most an hour")
        return self

    @property
    def policy(self) -> str | None:
        """The ladder that it names, if it does."""
        return next((each.policy for each in self.notifications if each.policy is not None), None)

    def rule(
        self, *, rule_id: str, created_at: datetime, created_by: str, at: datetime, version: int
    ) -> Rule:
        """The rule that this describes."""
        roles = [each.role for each in self.notifications if each.role is not None]
        return Rule(
            rule_id=rule_id,
            name=self.name,
            description=self.description,
            condition=self.condition.condition(),
            severity=self.severity,
            wedding_specific=self.wedding_specific,
            roles=tuple(dict.fromkeys(roles)),
            policy=self.policy,
            auto_resolve=self.auto_resolve,
            active=self.is_active,
            created_at=created_at,
            created_by=created_by,
            updated_at=at,
            version=version,
        )


_MOVING = frozenset({"precision", "adaptation", "lastTriggered"})
"""Members that change by themselves: what a patch says of them means nothing."""
_requests = TypeAdapter(RuleRequest)


def patched(rule: Rule, patch: Mapping[str, object], *, at: datetime) -> tuple[Rule, bool]:
    """The rule after a JSON merge patch, and whether its ladder is named anew. Raises Invalid.

    A condition is replaced as a whole: a comparison that kept a member of another one would be
    neither.
    """
    document = _as_request(rule)
    beside = {name: value for name, value in patch.items() if name not in document}
    patch = {name: value for name, value in patch.items() if name in document}
    told = RuleReply.of(rule).model_dump(mode="json", by_alias=True)
    require_unchanged(beside, told, moving=_MOVING, settable=document)
    kept = {name: value for name, value in (document | dict(patch)).items() if value is not None}
    try:
        request = _requests.validate_json(json.dumps(kept))
    except ValidationError as error:
        found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise refused(found) from None
    changed = request.rule(
        rule_id=rule.rule_id,
        created_at=rule.created_at,
        created_by=rule.created_by,
        at=at,
        version=rule.version,
    )
    since = at if changed.condition != rule.condition else rule.condition_since
    changed = replace(changed, condition_since=since)
    return changed, changed.policy is not None and changed.policy != rule.policy


def _as_request(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name,
        "description": rule.description,
        "condition": written(rule.condition),
        "severity": rule.severity.value,
        "weddingSpecific": rule.wedding_specific,
        "notifications": _notifications(rule),
        "autoResolve": rule.auto_resolve,
        "isActive": rule.active,
    }


def _notifications(rule: Rule) -> list[dict[str, str]]:
    roles = [{"role": role} for role in rule.roles]
    return roles if rule.policy is None else [*roles, {"policy": rule.policy}]


class PrecisionReply(Reply):
    """How right the rule has been by what people said of its alerts; null while nobody has."""

    true_positives: int
    false_positives: int
    precision: float | None

    @classmethod
    def of(cls, tally: Tally | None) -> "PrecisionReply":
        """This tally."""
        found = tally or Tally(rule_id="")
        return cls(
            true_positives=found.true_positives,
            false_positives=found.false_positives,
            precision=found.precision,
        )


class AdaptationReply(Reply):
    """What it has learned from that: by which share of themselves its thresholds are moved."""

    adaptive: bool
    steps: int
    most_steps: int
    leniency: float

    @classmethod
    def of(cls, rule: Rule, tally: Tally | None) -> "AdaptationReply":
        """What this rule has learned from this tally."""
        return cls(
            adaptive=rule.severity is not Severity.CRITICAL,
            steps=steps(rule, tally),
            most_steps=MOST_STEPS,
            leniency=leniency(rule, tally),
        )


class RuleReply(Reply):
    """A rule. One of the platform's own is ``readOnly``: it holds for every tenant as it is.

    The condition of a platform rule is told in its description, and ``severity`` is its worst.
    ``lastTriggered``: when the newest of its alerts fired, silenced or not; null where none did.
    """

    rule_id: str
    name: str
    description: str
    condition: dict[str, JsonValue] | None
    severity: Severity
    wedding_specific: bool
    notifications: list[dict[str, str]]
    auto_resolve: bool
    is_active: bool
    read_only: bool
    precision: PrecisionReply
    adaptation: AdaptationReply | None
    last_triggered: datetime | None
    created_at: datetime | None
    created_by: str | None
    updated_at: datetime | None
    version: int

    @classmethod
    def of(
        cls,
        rule: Rule,
        tally: Tally | None = None,
        *,
        last_triggered: datetime | None = None,
    ) -> "RuleReply":
        """A tenant's rule."""
        return cls(
            rule_id=rule.rule_id,
            name=rule.name,
            description=rule.description,
            condition=_conditions.validate_python(written(rule.condition)),
            severity=rule.severity,
            wedding_specific=rule.wedding_specific,
            notifications=_notifications(rule),
            auto_resolve=rule.auto_resolve,
            is_active=rule.active,
            read_only=False,
            precision=PrecisionReply.of(tally),
            adaptation=AdaptationReply.of(rule, tally),
            last_triggered=last_triggered,
            created_at=rule.created_at,
            created_by=rule.created_by,
            updated_at=rule.updated_at,
            version=rule.version,
        )

    @classmethod
    def of_platform(
        cls,
        rule: PlatformRule,
        tally: Tally | None = None,
        *,
        last_triggered: datetime | None = None,
    ) -> "RuleReply":
        """One of the platform's own."""
        return cls(
            rule_id=rule.rule_id,
            name=rule.name,
            description=rule.description,
            condition=None,
            severity=rule.severity,
            wedding_specific=rule.wedding_specific,
            notifications=[],
            auto_resolve=True,
            is_active=True,
            read_only=True,
            precision=PrecisionReply.of(tally),
            adaptation=None,
            last_triggered=last_triggered,
            created_at=None,
            created_by=None,
            updated_at=None,
            version=0,
        )


_conditions = TypeAdapter(dict[str, JsonValue])


class RehearsalRequest(Request):
    """A stretch of the past: at most 24 h, of the last 47."""

    start: Annotated[Instant, Field(alias="from")]
    end: Annotated[Instant, Field(alias="to")]
    wedding_id: Name | None = None

    @model_validator(mode="after")
    def _goes_on(self) -> Self:
        if self.end <= self.start:
            raise ValueError("to lies after from")
        return self


class WouldHaveFiredReply(Reply):
    """An alert that there would have been. Where it was not over by then, it has no end."""

    wedding_id: str | None
    service: str | None
    group: dict[str, str]
    severity: Severity
    severity_reasons: list[SeverityReasonReply]
    message: str
    value: float | None
    threshold: float | None
    started_at: datetime
    fired_at: datetime | None
    resolved_at: datetime | None

    @classmethod
    def of(cls, alert: Alert) -> "WouldHaveFiredReply":
        """This one."""
        return cls(
            wedding_id=alert.wedding_id,
            service=alert.service,
            group=dict(alert.group),
            severity=alert.severity,
            severity_reasons=[SeverityReasonReply.of(each) for each in alert.severity_reasons],
            message=alert.message,
            value=alert.value,
            threshold=alert.threshold,
            started_at=alert.started_at,
            fired_at=alert.fired_at,
            resolved_at=alert.resolved_at,
        )


class RehearsalReply(Reply):
    """What a rule would have told, had it been there; ``windows`` of ``weddings`` were judged."""

    rule_id: str
    start: Annotated[datetime, Field(serialization_alias="from")]
    end: Annotated[datetime, Field(serialization_alias="to")]
    windows: int
    weddings: int
    would_have_fired: list[WouldHaveFiredReply]


class RuleListReply(Reply):
    """The tenant's rules, oldest first, and then the platform's."""

    items: list[RuleReply]
