"""What a rule found in one observation, breach or not."""

from dataclasses import dataclass
from enum import StrEnum

from wedsync.alerting.observation import Scope
from wedsync.alerting.severity import Impact, Severity, SeverityReason

KEEP_FIRING_SECONDS = 300
PENDING_SECONDS = 60


class Outcome(StrEnum):
    """What the window says about the rule."""

    BREACH = "breach"
    """Past the threshold, with enough evidence."""
    HOLD = "hold"
    """Neither past the threshold nor well inside it: opens nothing, resolves nothing."""
    CLEAR = "clear"
    """Well inside the threshold."""
    SILENT = "silent"
    """The window is empty, but the last sample is younger than 300 s: what it said stands."""
    NO_DATA = "no_data"
    """No sample for 300 s. Missing data is not health: it resolves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisOutcome:
    """What one of the things that a rule looks at says."""

    axis: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule's judgement of one scope.

    ``group`` holds the labels that tell episodes of the same rule and scope apart; the severity
    never does. ``severity`` is None unless the outcome is a breach. ``axes`` tells which of the
    rule's inputs were seen, so that an input that vanished cannot pass for one that recovered.
    """

    rule_id: str
    type: str
    scope: Scope
    group: tuple[tuple[str, str], ...] = ()
    outcome: Outcome
    axes: tuple[AxisOutcome, ...] = ()
    severity: Severity | None = None
    reasons: tuple[SeverityReason, ...] = ()
    value: float | None = None
    threshold: float | None = None
    message: str
    impact: Impact
    auto_escalate: bool = False
    auto_resolve: bool = True
    may_raise: bool = True
    """Whether the severity is sure enough to raise an alert that fires already."""
    shared_incident: str | None = None
    """The incident that this has in common with others, where its own scope is not the fault's."""
    roles: tuple[str, ...] = ()
    """Whom its rule asks to be told, where it names anybody."""
    policy: str | None = None
    """The ladder that its rule asks for."""
    tags: tuple[str, ...] = ()
    for_seconds: int = PENDING_SECONDS
    keep_firing_for_seconds: int = KEEP_FIRING_SECONDS

    def __post_init__(self) -> None:
        """Refuse a breach without a severity and reasons, and anything else with them."""
        breach = self.outcome is Outcome.BREACH
        if breach != (self.severity is not None) or breach != bool(self.reasons):
            raise ValueError("a breach, and only a breach, has a severity with its reasons")

    @property
    def breaching_axes(self) -> frozenset[str]:
        """The inputs that are past the threshold now."""
        return frozenset(each.axis for each in self.axes if each.outcome is Outcome.BREACH)
