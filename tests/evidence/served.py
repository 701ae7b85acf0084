"""A corpus played through the whole bundle: records in, notifications out."""

from datetime import UTC, datetime

from tests.evidence.corpus import FIRST_MINUTE, Corpus
from tests.evidence.score import Page
from tests.harness import Bundle, Point
from wedsync.alerting.streams.minute import OCTAVES, Counts

_VALUES = 8
"""As many different response times as a client tells of in one record."""


def play(corpus: Corpus) -> list[Page]:
    """Each minute, put one record a stream on Kinesis, and let a minute pass."""
    start = datetime.fromtimestamp(FIRST_MINUTE * 60, UTC)
    with Bundle(at=start) as bundle:
        for at in range(corpus.days * 1440):
            for number, minutes in enumerate(corpus.streams):
                counts = minutes.counts(at)
                if counts is not None:
                    bundle.put(*_points(counts, _service(number)), partition_key=_service(number))
            bundle.advance(60)
        return _pages(bundle, start)


def _pages(bundle: Bundle, start: datetime) -> list[Page]:
    pages: list[Page] = []
    for said in bundle.notifications():
        if said.kind != "page" or said.tier != 0 or said.alert_id is None:
            continue
        alert = bundle.get(f"/api/metrics/alerts/{said.alert_id}")
        service = str(alert["service"])
        number = int(service.removeprefix("svc-")) if service.startswith("svc-") else -1
        minutes = (said.at - start).total_seconds() / 60
        pages.append(Page(stream=number, at=minutes, rule=str(alert["ruleId"])))
    return pages


def _service(number: int) -> str:
    return f"svc-{number}"


def _points(counts: Counts, service: str) -> list[Point]:
    refused = counts.total - counts.judged
    points = [_point(counts, service, "200", ms, count) for ms, count in _told(counts.times)]
    for status, count in (("503", counts.failed), ("404", refused)):
        if count:
            points.append(_point(counts, service, status, 20.0, count))
    return points


def _told(times: tuple[tuple[int, int], ...]) -> list[tuple[float, int]]:
    """Response times in as many groups as are told, each by its middle."""
    told: list[tuple[float, int]] = []
    size = -(-len(times) // _VALUES)
    for first in range(0, len(times), max(1, size)):
        group = times[first : first + size]
        count = sum(each for _, each in group)
        octaves = sum(OCTAVES[number] * each for number, each in group) / count
        told.append((2**octaves, count))
    return told


def _point(counts: Counts, service: str, status: str, ms: float, count: int) -> Point:
    return {
        "name": "api.request",
        "kind": "timer",
        "ts": (counts.minute * 60 + 5) * 1000,
        "value": ms,
        "count": count,
        "eventId": f"{service}-{counts.minute}-{status}-{ms:.3f}",
        "dims": {"service": service, "route": "/", "status": status},
    }
