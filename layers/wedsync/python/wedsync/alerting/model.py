"""An alert: one opening of one fingerprint, from pending to resolved."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wedsync.alerting.observation import Scope
from wedsync.alerting.severity import Impact, Severity, SeverityReason
from wedsync.weddings.model import WeddingContext


class AlertState(StrEnum):
    """Where an episode stands."""

    PENDING = "pending"
    """Breaching, not yet for long enough; nobody was told."""
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    NO_DATA = "noData"
    """Opened by missing data itself, for rules that ask for it. An alert whose series vanishes
    keeps its state and notes since when in ``no_data_since``."""
    SUPPRESSED = "suppressed"
    """Firing, and recorded without telling anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One episode of one rule for one wedding or service.

    The last block is the engine's memory and no part of what clients are shown:
    ``severity`` only rises once the episode fires; ``axes`` are the inputs that breached in it;
    ``clear_since`` begins the streak that resolves it, or tells when the window of one that was
    resolved by hand was first seen clear; ``last_breach_at`` and
    ``last_evaluated_at`` are those of the last evaluation worth storing, so that an alert that
    merely stays as it is costs no write. ``unsettled_since`` is set while what follows from a
    transition (its incident, its notice) has not been done to its end. ``shared_incident`` names
    the incident that it has in common with the alerts of other services. ``roles`` are told, and
    ``policy`` names the ladder, where its rule asks for them. ``told_as`` is the alert under which
    it was told of last, if it has no ladder; that one keeps in ``told_with`` whom it spoke for.
    """

    alert_id: str
    fingerprint: str
    rule_id: str
    type: str
    severity: Severity
    severity_reasons: tuple[SeverityReason, ...]
    state: AlertState
    wedding_id: str | None = None
    service: str | None = None
    message: str
    impact: Impact
    auto_escalate: bool
    value: float | None = None
    threshold: float | None = None
    started_at: datetime
    fired_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None
    incident_id: str | None = None
    wedding_context: WeddingContext | None = None
    version: int = 0
    tags: tuple[str, ...] = ()
    suppressed_by: str | None = None

    group: tuple[tuple[str, str], ...] = ()
    episode: int = 1
    axes: tuple[str, ...] = ()
    auto_resolve: bool = True
    for_seconds: int = 0
    keep_firing_for_seconds: int = 0
    pending_since: datetime | None = None
    clear_since: datetime | None = None
    no_data_since: datetime | None = None
    last_breach_at: datetime
    last_evaluated_at: datetime
    notified_severity: Severity | None = None
    unsettled_since: datetime | None = None
    shared_incident: str | None = None
    resolved_by: str | None = None
    roles: tuple[str, ...] = ()
    policy: str | None = None
    told_as: str | None = None
    told_with: tuple[str, ...] = ()

    @property
    def is_active(self) -> bool:
        """Somebody was told, or would have been, and it is not over."""
        return self.state not in {AlertState.PENDING, AlertState.RESOLVED}

    @property
    def recovered_automatically(self) -> bool:
        """The measurements came back; nobody closed it by hand."""
        return self.state is AlertState.RESOLVED and self.resolved_by is None


def fingerprint(
    *, tenant: str, rule_id: str, scope: Scope, group: tuple[tuple[str, str], ...] = ()
) -> str:
    """Sixteen hex digits that name what an episode is about, whatever its severity.

    The parts are encoded as JSON before hashing, so that no choice of names lets one part run
    into the next; the order of the labels does not matter.
    """
    parts = [tenant, rule_id, scope.wedding_id, scope.service, sorted(group)]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()


def alert_id(of: str, *, episode: int) -> str:
    """Name the n-th episode of a fingerprint, the first being 1."""
    return f"{of}-{episode}"
