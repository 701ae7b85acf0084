"""What the minute's look finds of a tenant as a whole, in the minutes that it has read anyway."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from wedsync.alerting.finding import Finding, Outcome
from wedsync.alerting.tenantwide import (
    PAYMENT,
    REFUSED_STATUSES,
    Cases,
    payment_failures,
    refused_callers,
)
from wedsync.flows.reading import MinuteRead
from wedsync.flows.times import minute_start
from wedsync.metrics.series import API_REQUEST


def tenant_findings(
    minutes: Sequence[MinuteRead], *, opened: frozenset[str], now: datetime
) -> list[Finding]:
    """What breaches, and what is to be known of rules that have an open alert."""
    found = (
        refused_callers(_cases(minutes, API_REQUEST, "status", REFUSED_STATUSES, now), now=now),
        payment_failures(_cases(minutes, PAYMENT, "outcome", frozenset({"failed"}), now), now=now),
    )
    return [each for each in found if each.outcome is Outcome.BREACH or each.rule_id in opened]


def _cases(
    minutes: Sequence[MinuteRead], metric: str, dim: str, wrong: frozenset[str], now: datetime
) -> Cases:
    counts: dict[str | None, int] = {}
    newest: int | None = None
    for each in minutes:
        selection = each.on_time.select(metric)
        if not selection:
            continue
        newest = each.minute if newest is None else max(newest, each.minute)
        for (value,), summary in selection.by(dim).items():
            counts[value] = counts.get(value, 0) + summary.count
    sampled = None
    if newest is not None:
        sampled = min(now, minute_start(newest + 1) - timedelta(seconds=1))
    return Cases(
        total=sum(counts.values()),
        wrong=sum(count for value, count in counts.items() if value in wrong),
        sampled_at=sampled,
    )
