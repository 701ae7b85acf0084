"""The platform's own rules as they are listed: what each looks at, and how bad it can be."""

from dataclasses import dataclass

from wedsync.alerting.climbing import RULE_ID as RESOURCE_FORECAST
from wedsync.alerting.infrastructure import RESOURCE_LIMIT, SYSTEM_FAILURE
from wedsync.alerting.own.rule import CUSTOM
from wedsync.alerting.performance import PERFORMANCE_DEGRADATION
from wedsync.alerting.photos import PHOTO_UPLOAD_FAILURES
from wedsync.alerting.refusals import REFUSED_KEYS
from wedsync.alerting.severity import Severity
from wedsync.alerting.streams.detector import Rule as StreamRule
from wedsync.alerting.streams.findings import TELEMETRY, TELEMETRY_GAP, rule_id
from wedsync.alerting.tenantwide import BUSINESS, PAYMENT_FAILURES, REFUSED_CALLERS, SECURITY
from wedsync.alerting.workflows import GUEST_LIST_FAILURES, TIMELINE_SYNC_FAILURES

PLATFORM = "platform."
ALERT_TYPES = (
    PHOTO_UPLOAD_FAILURES,
    GUEST_LIST_FAILURES,
    TIMELINE_SYNC_FAILURES,
    PERFORMANCE_DEGRADATION,
    SYSTEM_FAILURE,
    RESOURCE_LIMIT,
    SECURITY,
    BUSINESS,
    TELEMETRY,
    CUSTOM,
)
"""The types that alerts can have; those of a tenant's own rules are custom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRule:
    """A rule that holds for every tenant and that none can change. ``severity`` is its worst.

    ``wedding_specific``: it is judged for each wedding, and beside them for what has none.
    """

    rule_id: str
    name: str
    description: str
    severity: Severity
    wedding_specific: bool


PLATFORM_RULES = (
    PlatformRule(
        rule_id=PLATFORM + PHOTO_UPLOAD_FAILURES,
        name="Photo uploads fail",
        description="More than 1 % of a wedding's photo uploads fail on its day",
        severity=Severity.CRITICAL,
        wedding_specific=True,
    ),
    PlatformRule(
        rule_id=PLATFORM + GUEST_LIST_FAILURES,
        name="Guest lists cannot be loaded",
        description="More than 2, 5 or 10 % of a wedding's guest lists fail; on its day any of it",
        severity=Severity.CRITICAL,
        wedding_specific=True,
    ),
    PlatformRule(
        rule_id=PLATFORM + TIMELINE_SYNC_FAILURES,
        name="The timeline does not reach the devices",
        description="More than 2, 5 or 10 % of a wedding's syncs fail; on its day any of it",
        severity=Severity.CRITICAL,
        wedding_specific=True,
    ),
    PlatformRule(
        rule_id=PLATFORM + PERFORMANCE_DEGRADATION,
        name="Performance is degraded",
        description="Response time, errors or availability of a wedding or a service",
        severity=Severity.CRITICAL,
        wedding_specific=True,
    ),
    PlatformRule(
        rule_id=PLATFORM + SYSTEM_FAILURE,
        name="A component fails",
        description="Two health checks of one component failed within 60 s",
        severity=Severity.CRITICAL,
        wedding_specific=True,
    ),
    PlatformRule(
        rule_id=PLATFORM + RESOURCE_LIMIT,
        name="A host runs full",
        description="Processor, memory or disk of a host above 80, 90 and 95 %",
        severity=Severity.CRITICAL,
        wedding_specific=True,
    ),
    PlatformRule(
        rule_id=RESOURCE_FORECAST,
        name="A host will run full",
        description="Memory or disk of a host climbs steadily, and reaches 95 % within 30 minutes",
        severity=Severity.HIGH,
        wedding_specific=False,
    ),
    PlatformRule(
        rule_id=rule_id(StreamRule.FAILED_REQUESTS),
        name="Requests of a service fail",
        description="More failures than chance explains at the service's usual figures",
        severity=Severity.CRITICAL,
        wedding_specific=False,
    ),
    PlatformRule(
        rule_id=rule_id(StreamRule.SLOW_REQUESTS),
        name="A service answers slowly",
        description="Answers slower than the service's own past",
        severity=Severity.CRITICAL,
        wedding_specific=False,
    ),
    PlatformRule(
        rule_id=rule_id(StreamRule.TRAFFIC_DROP),
        name="Requests of a service stay away",
        description="Fewer requests than the service's own past leads to expect",
        severity=Severity.CRITICAL,
        wedding_specific=False,
    ),
    PlatformRule(
        rule_id=PLATFORM + REFUSED_CALLERS,
        name="Callers are refused",
        description="More than 20 % of requests, and 50, were answered 401 or 403 in 5 minutes",
        severity=Severity.HIGH,
        wedding_specific=False,
    ),
    PlatformRule(
        rule_id=PLATFORM + REFUSED_KEYS,
        name="Keys are refused",
        description="50 records or requests under several keys proved no right in 5 minutes",
        severity=Severity.HIGH,
        wedding_specific=False,
    ),
    PlatformRule(
        rule_id=PLATFORM + PAYMENT_FAILURES,
        name="Payments fail",
        description="More than 5 % of payments, and 5, failed in 5 minutes",
        severity=Severity.HIGH,
        wedding_specific=False,
    ),
    PlatformRule(
        rule_id=TELEMETRY_GAP,
        name="Reports are lost",
        description="Most services of a tenant report nothing at once",
        severity=Severity.CRITICAL,
        wedding_specific=False,
    ),
)
