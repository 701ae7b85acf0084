"""The server tells of itself as anybody would: on the stream, for the tenant that operates it."""

from datetime import timedelta
from typing import Any, cast

from infra.local.own_metrics import EVERY, MOST_KEPT, OwnMetrics
from tests.builders import utc
from tests.harness import Bundle
from wedsync.cloud.own import SERVICE

NOON = utc("2026-06-20T14:05")


def lines(bundle: Bundle, name: str, **query: str) -> list[dict[str, Any]]:
    asked = {"name": name, "timeRange": "5m", "stat": "count", **query}
    found = bundle.request("GET", "/api/metrics/series", query=asked)
    return cast("list[dict[str, Any]]", found["series"])


def test_twelve_readings_a_minute_and_every_request_are_counted() -> None:
    puts: list[int] = []
    with Bundle(at=NOON, accept_unsigned=False) as bundle:
        own = OwnMetrics(bundle.cloud, bundle.settings, after_put=lambda: puts.append(1))
        assert own.run_due() == {}
        for number in range(12):
            own.note(route="GET /api/weddings", status=500 if number == 3 else 200, took_ms=12)
            bundle.clock.set(own.next_due())
            assert own.run_due() == {"own-metrics": 1}
        assert own.next_due() == NOON + 13 * EVERY
        bundle.drain()
        assert len(puts) == 12
        for name in ("host.cpu", "host.memory", "host.disk"):
            (line,) = lines(bundle, name, groupBy="host")
            assert line["dims"] == {"host": SERVICE}
            assert sum(count for _, count in line["points"]) == 12
        counted = {
            line["dims"]["outcome"]: sum(count for _, count in line["points"])
            for line in lines(bundle, "api.request", groupBy="outcome")
        }
        assert counted == {"ok": 11, "error": 1}
        assert bundle.get("/api/metrics/ingest/rejections").items == []


def test_more_requests_than_fit_leave_out_the_oldest() -> None:
    with Bundle(at=NOON) as bundle:
        own = OwnMetrics(bundle.cloud, bundle.settings, after_put=lambda: None)
        for number in range(MOST_KEPT + 5):
            own.note(route="GET /api/weddings", status=404 if number < 5 else 200, took_ms=1)
        bundle.clock.set(NOON + timedelta(seconds=5))
        own.run_due()
        bundle.drain()
        (line,) = lines(bundle, "api.request")
        assert sum(count for _, count in line["points"]) == MOST_KEPT
