"""Streams of requests, judged: at once by what comes, and every minute by what does not.

The look at the end of a minute advances every stream of a tenant by what the stored windows hold
of its newest minutes; nothing else writes streams. So a look that is repeated or raced changes
nothing, late points are taken in while their minute is read again, and a batch that is delivered
anew is judged by the same minutes as before.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from wedsync.alerting.finding import Finding
from wedsync.alerting.severity import Severity
from wedsync.alerting.streams.confirmation import confirmation
from wedsync.alerting.streams.detector import judge, minutes_unreported, unreported
from wedsync.alerting.streams.findings import (
    TELEMETRY,
    TELEMETRY_GAP,
    findings_of,
    telemetry_gap,
    together,
)
from wedsync.alerting.streams.minute import STALLED_MS, Counts, remembered
from wedsync.alerting.streams.stream import REREAD, Stream
from wedsync.cloud.own import SERVICE
from wedsync.flows.alerts import Judged, apply_findings
from wedsync.flows.climbing import climbing_findings
from wedsync.flows.observe import WINDOW_MINUTES
from wedsync.flows.readers import window_reader
from wedsync.flows.reading import CLOSES_AFTER_MS, MinuteRead
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.tenantwide import tenant_findings
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of
from wedsync.flows.wake import StreamsWake, wake_later
from wedsync.isolation import Units, in_turn
from wedsync.metrics.requests import requests_by_service
from wedsync.stores.frontiers import Frontier
from wedsync.stores.services import Services
from wedsync.stores.streams import Board
from wedsync.tenancy import Tenant

CLOSES_AFTER = timedelta(milliseconds=CLOSES_AFTER_MS)

Read = dict[str, dict[int, Counts]]
"""Requests by service and minute."""


def plan_look(services: Services) -> None:
    """Ask to be woken when the minute that is over is known, where anybody lately had data."""
    now = services.now()
    if _active(services, _minute_over(now + CLOSES_AFTER)):
        wake_later(services, StreamsWake(), after_seconds=CLOSES_AFTER_MS // 1000)


def look_at_streams(services: Services) -> int:
    """Advance and judge the streams of every tenant that lately had data; how many tenants."""
    now = services.now()
    over = _minute_over(now)
    packs = _active(services, over)
    units = Units(out_of_time=services.out_of_time)
    for tenant in in_turn(sorted(packs), over):
        name = "a look at the streams"
        units.done(tenant.id, name, _look_at, services, tenant, packs[tenant], over, now)
    units.finish()
    return len(packs)


def _uncollected(services: Services, tenant: Tenant, minutes: Iterable[int]) -> frozenset[int]:
    """Minutes of which the bundle's own requests may not have come: no silence of theirs is one.

    What was put when the frontier moved on may still be on its way, so the last minute counts too.
    """
    if tenant != services.settings.operator_tenant:
        return frozenset()
    collected = services.frontiers.get(Frontier.VITALS)
    if collected is None:
        return frozenset()
    return frozenset(minute for minute in minutes if minute >= collected - 1)


def _minute_over(now: datetime) -> int:
    """The newest minute that is over and whose records have come."""
    return minute_of(now - CLOSES_AFTER) - 1


def _active(services: Services, over: int) -> dict[Tenant, set[int]]:
    """The packs of every tenant that had data in this minute's hour or the one before."""
    hour = over // MINUTES_PER_HOUR
    packs: dict[Tenant, set[int]] = {}
    for each in (hour - 1, hour):
        for active in services.windows.active(each):
            packs.setdefault(active.tenant, set()).add(active.pack)
    return packs


def _look_at(services: Services, tenant: Tenant, packs: set[int], over: int, now: datetime) -> None:
    board = services.streams.board(tenant)
    if all(stream.through >= over for stream in board.streams.values()) and board.streams:
        return
    reader = window_reader(services, tenant, now)
    minutes = [
        each for pack in sorted(packs) for each in reader.minutes(pack, over - REREAD + 1, over)
    ]
    read = counted(minutes)
    newest = range(over - REREAD + 1, over + 1)
    blinded = unreported(board.streams, read, newest)
    uncollected = _uncollected(services, tenant, newest)
    streams: dict[str, Stream] = {}
    for name in sorted({*board.streams, *read}):
        known = board.streams.get(name) or Stream(through=min(read[name], default=over) - 1)
        unknown = blinded | uncollected if name == SERVICE else blinded
        stepped = known.step(read.get(name, {}), over, unknown)
        if not stepped.is_forgotten:
            streams[name] = stepped
    services.streams.replace(tenant, Board(streams, board.versions), now=now)
    verdicts = {name: judge(stream, read.get(name, {})) for name, stream in streams.items()}
    opened = _open_rules(services, tenant)
    of_services = {name: rules for name, rules in opened.items() if name is not None}
    findings = together(findings_of(verdicts, open_rules=of_services))
    gap = minutes_unreported(streams.values())
    if gap or TELEMETRY_GAP in opened.get(TELEMETRY, frozenset()):
        findings.append(telemetry_gap(gap, len(streams)))
    wide = opened.get(None, frozenset())
    findings += tenant_findings(minutes, opened=wide, now=now)
    day = TenantDay(tenant, services.weddings, now)
    findings += climbing_findings(reader, sorted(packs), minutes, over, day, opened=opened)
    if findings:
        apply_findings(services, tenant, _judged(findings, now), day)


def judge_streams(
    services: Services, tenant: Tenant, names: Iterable[str], minutes: Sequence[MinuteRead]
) -> list[Finding]:
    """Judge services by their streams and what has come since: the breaches alone."""
    streams = services.streams.some(tenant, names)
    if not streams:
        return []
    first = min(stream.through for stream in streams.values()) + 1
    read = counted([each for each in minutes if each.minute >= first])
    verdicts = {name: judge(stream, read[name]) for name, stream in streams.items() if name in read}
    return findings_of(verdicts, open_rules={})


def confirmed(finding: Finding, minutes: Sequence[MinuteRead], last: int) -> Finding:
    """Ask the minutes of a service's window whether its critical breach lasts.

    What is told by requests alone can be asked; gauges and health checks have no such minutes.
    """
    service = finding.scope.service
    if service is None or finding.severity is not Severity.CRITICAL or not finding.for_seconds:
        return finding
    window = [each for each in minutes if last - WINDOW_MINUTES < each.minute <= last]
    rows = [
        remembered(counts, None) for _, counts in sorted(counted(window).get(service, {}).items())
    ]
    return confirmation(rows).applied(finding)


def counted(minutes: Iterable[MinuteRead]) -> Read:
    """Requests of no wedding, by service and minute, over the packs of a tenant."""
    read: Read = {}
    for each in minutes:
        found = requests_by_service(each.on_time, slower_than_ms=STALLED_MS)
        for service, requests in found.items():
            counts = Counts(
                each.minute,
                requests.total,
                requests.total - requests.refused,
                requests.failed,
                requests.slower,
                requests.times,
            )
            by_minute = read.setdefault(service, {})
            former = by_minute.get(each.minute)
            by_minute[each.minute] = counts if former is None else former.joined(counts)
    return read


def _judged(findings: Iterable[Finding], now: datetime) -> list[Judged]:
    return [Judged(finding=finding, context=None, at=now) for finding in findings]


def _open_rules(services: Services, tenant: Tenant) -> Mapping[str | None, frozenset[str]]:
    """The rules with open alerts, by service (None: of the tenant as a whole)."""
    opened: dict[str | None, set[str]] = {}
    for alert in services.alerts.open_of(tenant):
        if alert.wedding_id is None:
            opened.setdefault(alert.service, set()).add(alert.rule_id)
    return {service: frozenset(rules) for service, rules in opened.items()}
