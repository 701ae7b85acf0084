"""The metrics that built-in figures are made of. Others are stored and can be queried as well."""

from dataclasses import dataclass

from wedsync.metrics.point import Kind
from wedsync.metrics.series import DEPLOYED, GUEST_LIST, TIMELINE_ITEM, TIMELINE_SYNC


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogMetric:
    """One metric: what its numbers mean, and which figures it feeds.

    ``outcomes``: the only values of its dimension ``outcome`` that say anything (none: any does).
    """

    name: str
    kind: Kind
    unit: str
    dims: tuple[str, ...]
    meaning: str
    outcomes: tuple[str, ...] = ()


CATALOG = (
    CatalogMetric(
        name="api.request",
        kind=Kind.TIMER,
        unit="ms",
        dims=("service", "route", "status", "device"),
        meaning="A request: response time (p95), error rate (status 500 and above), throughput",
    ),
    CatalogMetric(
        name="system.response_time",
        kind=Kind.GAUGE,
        unit="ms",
        dims=("service",),
        meaning="A wedding's response time where no request is told of (latest value)",
    ),
    CatalogMetric(
        name="api.connections",
        kind=Kind.GAUGE,
        unit="connections",
        dims=("service",),
        meaning="Active connections: the sum over services of the latest value",
    ),
    CatalogMetric(
        name="photo.upload",
        kind=Kind.TIMER,
        unit="ms",
        dims=("outcome",),
        meaning="An upload that started, completed or failed: photo counts and failure rate",
        outcomes=("started", "completed", "failed"),
    ),
    CatalogMetric(
        name="photo.upload.failure_rate",
        kind=Kind.GAUGE,
        unit="%",
        dims=(),
        meaning="A failure rate that the sender worked out; it decides alone",
    ),
    CatalogMetric(
        name="vendor.heartbeat",
        kind=Kind.EVENT,
        unit="events",
        dims=("vendorId",),
        meaning="A vendor is online",
    ),
    CatalogMetric(
        name="vendor.activity",
        kind=Kind.EVENT,
        unit="events",
        dims=("vendorId",),
        meaning="A vendor did something: vendor activity score",
    ),
    CatalogMetric(
        name="guest.activity",
        kind=Kind.EVENT,
        unit="events",
        dims=("guestId", "action"),
        meaning="A guest did something: guest activity and engagement",
    ),
    CatalogMetric(
        name=TIMELINE_SYNC,
        kind=Kind.TIMER,
        unit="ms",
        dims=("outcome",),
        meaning="The timeline reached a device, or failed to: guarantee under 100 ms, failure rate",
    ),
    CatalogMetric(
        name=TIMELINE_ITEM,
        kind=Kind.EVENT,
        unit="events",
        dims=("item",),
        meaning="An item of the wedding's timeline (its id) began: wedding success",
    ),
    CatalogMetric(
        name=GUEST_LIST,
        kind=Kind.TIMER,
        unit="ms",
        dims=("outcome",),
        meaning="The guest list was shown, or failed to be: guarantee under 1 s, failure rate",
    ),
    CatalogMetric(
        name="notification.delivery",
        kind=Kind.TIMER,
        unit="ms",
        dims=("outcome",),
        meaning="A notification reached a vendor",
    ),
    CatalogMetric(
        name="backup.run",
        kind=Kind.EVENT,
        unit="events",
        dims=("outcome",),
        meaning="A backup succeeded or failed: backup status",
        outcomes=("success", "failed"),
    ),
    CatalogMetric(
        name="health.check",
        kind=Kind.EVENT,
        unit="events",
        dims=("component", "outcome"),
        meaning="A check of a component was ok or failed: availability, system failures",
    ),
    CatalogMetric(
        name="payment.attempt",
        kind=Kind.EVENT,
        unit="events",
        dims=("outcome",),
        meaning="A payment was tried: completed or failed",
        outcomes=("completed", "failed"),
    ),
    CatalogMetric(
        name=DEPLOYED,
        kind=Kind.EVENT,
        unit="events",
        dims=("service", "version"),
        meaning="A version of a service was deployed: told in the post-mortems of its time",
    ),
    CatalogMetric(
        name="booking.created",
        kind=Kind.EVENT,
        unit="events",
        dims=("vendorId",),
        meaning="A vendor was booked",
    ),
    *(
        CatalogMetric(
            name=f"host.{part}",
            kind=Kind.GAUGE,
            unit="%",
            dims=("host",),
            meaning=f"How much of a host's {part} is in use: resource limits",
        )
        for part in ("cpu", "memory", "disk")
    ),
    CatalogMetric(
        name="db.connections",
        kind=Kind.GAUGE,
        unit="connections",
        dims=("service",),
        meaning="Open connections to a database",
    ),
    CatalogMetric(
        name="cache.hit_rate",
        kind=Kind.GAUGE,
        unit="%",
        dims=("service",),
        meaning="The share of reads that a cache answered",
    ),
    CatalogMetric(
        name="function.run",
        kind=Kind.TIMER,
        unit="ms",
        dims=("function", "outcome"),
        meaning="A run of one of the bundle's own functions",
        outcomes=("ok", "failed"),
    ),
    CatalogMetric(
        name="function.throttled",
        kind=Kind.COUNTER,
        unit="runs",
        dims=("function",),
        meaning="Runs of a function that were held back",
    ),
    CatalogMetric(
        name="function.concurrency",
        kind=Kind.GAUGE,
        unit="runs",
        dims=("function",),
        meaning="The most runs of a function at once in a minute",
    ),
    CatalogMetric(
        name="stream.lag",
        kind=Kind.GAUGE,
        unit="ms",
        dims=("stream",),
        meaning="How long the oldest record read in a minute had waited on a stream",
    ),
    CatalogMetric(
        name="stream.throttled",
        kind=Kind.COUNTER,
        unit="calls",
        dims=("stream", "operation"),
        meaning="Reads and writes that a stream held back (operation: read or write)",
    ),
    CatalogMetric(
        name="queue.waiting",
        kind=Kind.GAUGE,
        unit="messages",
        dims=("queue",),
        meaning="The most messages that waited on a queue in a minute",
    ),
    CatalogMetric(
        name="queue.lag",
        kind=Kind.GAUGE,
        unit="ms",
        dims=("queue",),
        meaning="How long the oldest message of a queue had waited",
    ),
    CatalogMetric(
        name="table.units",
        kind=Kind.COUNTER,
        unit="units",
        dims=("table", "operation"),
        meaning="Units that a table was asked for (operation: read or write)",
    ),
    CatalogMetric(
        name="table.throttled",
        kind=Kind.COUNTER,
        unit="calls",
        dims=("table", "operation"),
        meaning="Reads and writes that a table held back",
    ),
)
BY_NAME = {metric.name: metric for metric in CATALOG}


def has_unknown_outcome(metric: str, outcome: str | None) -> bool:
    """Whether a point of this metric would silently count for nothing, by its outcome."""
    known = BY_NAME.get(metric)
    return known is not None and bool(known.outcomes) and outcome not in (None, *known.outcomes)
