"""Silences: for a while, what matches is recorded and nobody is told.

A silence that nobody forced never hides a critical alert of a wedding whose window is open, also
where the wedding was registered after the silence was made.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from wedsync.alerting.model import Alert
from wedsync.alerting.severity import Severity

LONGEST = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matchers:
    """What a silence is about: each one that names anything must name the alert's own."""

    rule_ids: tuple[str, ...] = ()
    wedding_ids: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()

    def match(self, alert: Alert) -> bool:
        """Whether the alert is meant."""
        pairs: tuple[tuple[tuple[str, ...], str | None], ...] = (
            (self.rule_ids, alert.rule_id),
            (self.wedding_ids, alert.wedding_id),
            (self.services, alert.service),
            (self.severities, alert.severity),
        )
        return all(not wanted or own in wanted for wanted, own in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """From ``starts_at`` up to ``ends_at``. ``forced_because``: why it may hide even the worst."""

    silence_id: str
    matchers: Matchers
    starts_at: datetime
    ends_at: datetime
    comment: str
    created_at: datetime
    created_by: str
    forced_because: str | None = None
    version: int = 0

    def holds(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.starts_at <= now < self.ends_at

    def hides(self, alert: Alert, now: datetime) -> bool:
        """Whether nobody is told of this alert now."""
        if not self.holds(now) or not self.matchers.match(alert):
            return False
        context = alert.wedding_context
        guarded = alert.severity is Severity.CRITICAL and context is not None and context.in_window
        return not guarded or self.forced_because is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Critical:
    """A rule that can open critical alerts of weddings; ``by_service``: of one service at one."""

    rule_id: str
    by_service: bool = False


def hidden_rules(silence: Silence, rules: Iterable[Critical]) -> tuple[str, ...]:
    """The ids of those critical rules of weddings that the silence is about."""
    matchers = silence.matchers
    if matchers.severities and Severity.CRITICAL not in matchers.severities:
        return ()
    return tuple(
        rule.rule_id
        for rule in rules
        if (not matchers.rule_ids or rule.rule_id in matchers.rule_ids)
        and (not matchers.services or rule.by_service)
    )


def silencing(silences: Iterable[Silence], alert: Alert, now: datetime) -> Silence | None:
    """The silence that hides the alert, if one does: the one that lasts longest."""
    hiding = [each for each in silences if each.hides(alert, now)]
    return max(hiding, key=lambda each: (each.ends_at, each.silence_id), default=None)
