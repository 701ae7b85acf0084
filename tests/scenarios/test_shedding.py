"""Overload over HTTP: what can wait is told to, an open wedding is heard to the last."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.builders import utc
from tests.harness import Answer, Bundle, a_point, a_wedding_request
from wedsync.cloud import Arrived
from wedsync.flows.shedding import report_lag
from wedsync.metrics.columns import ints
from wedsync.metrics.frame import OWN_TIME, FrameColumns, encode
from wedsync.rates import Rate
from wedsync.tenancy import Role, Tenant

NOON = utc("2026-06-20T14:05")
PATH = "/api/metrics/ingest"


def behind(bundle: Bundle, seconds: float) -> None:
    """The consumer takes what has waited so long."""
    bundle.services.pressure.report(
        "wedsync-metrics:shard-0", timedelta(seconds=seconds), now=bundle.now
    )


def sent(bundle: Bundle, priority: str | None = None, **members: object) -> Answer:
    point = a_point("guest.activity", bundle.now, kind="event")
    said = {} if priority is None else {"priority": priority}
    return bundle.post(PATH, {**point, **said, **members})


def test_the_least_urgent_wait_first_and_the_wedding_of_the_hour_last() -> None:
    with Bundle(at=NOON, limits=True) as bundle:
        live = bundle.register(a_wedding_request())
        later = bundle.register(a_wedding_request(on="2026-09-19"))
        tried: list[Callable[[], Answer]] = [
            lambda: sent(bundle, "low"),
            lambda: sent(bundle),
            lambda: sent(bundle, "high", weddingId=later),
            lambda: sent(bundle, "critical"),
            lambda: sent(bundle, "low", weddingId=live),
        ]
        for seconds, taken in ((30, 5), (70, 4), (200, 3), (400, 2), (1000, 1), (4000, 0)):
            bundle.clock.advance(30)
            behind(bundle, seconds)
            answers = [each() for each in tried]
            assert [each.status for each in answers] == [429] * (5 - taken) + [202] * taken
            for each in answers[: 5 - taken]:
                assert each["type"] == "urn:wedsync:problem:too-many-requests"
                assert 5 <= int(each.headers["retry-after"]) <= 60


def test_it_ends_when_the_consumer_has_caught_up_or_is_not_heard_of_for_a_minute() -> None:
    with Bundle(at=NOON, limits=True) as bundle:
        behind(bundle, 600)
        assert sent(bundle).status == 429
        behind(bundle, 0)
        bundle.clock.advance(2)
        assert sent(bundle).status == 202
        behind(bundle, 600)
        bundle.clock.advance(2)
        assert sent(bundle).status == 429
        bundle.clock.advance(60)
        assert sent(bundle).status == 202


def arrived(at: datetime) -> Arrived:
    return Arrived(
        stream="wedsync-metrics",
        shard="shard-0",
        sequence="1",
        data=b"{}",
        arrived_at_ms=round(at.timestamp() * 1000),
    )


def test_the_consumer_tells_while_it_is_behind_and_once_it_is_not() -> None:
    with Bundle(at=NOON, limits=True) as bundle:
        bundle.put(a_point("guest.activity", bundle.now, kind="event"))
        bundle.clock.advance(200)
        bundle.drain()
        assert bundle.services.pressure.lag(now=bundle.now) == timedelta(seconds=200)
        assert sent(bundle).status == 429
    with Bundle(at=NOON, limits=True) as bundle:
        services = bundle.services
        told = []
        for waited in (20, 40, 300, 310, 10, 5):
            report_lag(services, [arrived(bundle.now - timedelta(seconds=waited))])
            told.append(services.pressure.lag(now=bundle.now).total_seconds())
            bundle.clock.advance(3)
        # In between no more than once in five seconds.
        assert told == [0, 40, 40, 310, 10, 10]


def test_what_is_refused_leaves_nothing_and_may_come_again_under_its_key() -> None:
    with Bundle(at=NOON, limits=True) as bundle:
        behind(bundle, 600)
        once = {"idempotency-key": "once"}
        points = [
            a_point("guest.activity", bundle.now, kind="event"),
            a_point("guest.activity", bundle.now - timedelta(days=3), kind="event"),
        ]
        assert bundle.post(PATH, points, headers=once).status == 429
        assert bundle.get("/api/metrics/ingest/rejections").items == []
        bundle.clock.advance(61)
        answer = bundle.post(PATH, points, headers=once)
        assert (answer.status, answer["accepted"]) == (202, 1)
        assert "idempotency-replayed" not in answer.headers


def _frame(priority: str, at: datetime) -> bytes:
    return encode(
        FrameColumns(
            places=[(None, None, "gallery")],
            metrics=[("cache.hit_rate", "gauge", "system_metric", priority)],
            dims=[()],
            series=[(0, 0, 0)],
            series_of=ints([0]),
            ts_ms=ints([round(at.timestamp() * 1000)]),
            value=ints([90]).astype("f8"),
        ),
        frame_id=7,
        created_at_ms=OWN_TIME,
        compress=False,
    )


@pytest.mark.parametrize("priority", ["low", "high"])
def test_priority_is_heard_in_every_form(priority: str) -> None:
    with Bundle(at=NOON, limits=True) as bundle:
        behind(bundle, 100 if priority == "low" else 200)
        point = {**a_point("guest.activity", bundle.now, kind="event"), "priority": priority}
        doubtful = json.dumps({**point, "eventId": "a\\b"})
        columns = {
            "columns": {
                "name": "guest.activity", "kind": "event", "priority": priority,
                "ts": [round(bundle.now.timestamp() * 1000)],
            }
        }  # fmt: skip
        wanted = 429 if priority == "low" else 202
        frame = _frame(priority, bundle.now)
        for body in (point, [point], doubtful, columns, {"payload": [point]}, frame):
            assert bundle.post(PATH, body).status == wanted
        # Whatever lies beside it, the most urgent point decides.
        assert bundle.post(PATH, [point, {**point, "priority": "high"}]).status == 202


def test_a_tenant_may_send_so_many_points_and_its_urgent_ones_longest() -> None:
    rate = Rate(per_minute=60, burst=20)
    with Bundle(at=NOON, limits=True, tenant_points=rate) as bundle:
        live = bundle.register(a_wedding_request())
        devices = [bundle.key(Role.DEVICE), bundle.key(Role.VENDOR, vendor_id="photo-1")]
        for priority, room in (("low", 10), ("normal", 4), ("high", 3), ("critical", 2)):
            for number in range(room):
                point = a_point("guest.activity", bundle.now, kind="event", priority=priority)
                answer = bundle.post(PATH, point, key=devices[number % 2])
                assert answer.status == 202, (priority, number)
            refused = sent(bundle, priority)
            assert (refused.status, refused.headers["retry-after"]) == (429, "1")
        assert sent(bundle, "low", weddingId=live).status == 202
        assert sent(bundle, "low", weddingId=live).status == 429
        rival = bundle.key(tenant=Tenant("rival"))
        assert bundle.post(PATH, a_point("a", bundle.now), key=rival).status == 202
        bundle.clock.advance(3)
        three = [a_point("a", bundle.now, priority="critical", weddingId=live) for _ in range(3)]
        assert [bundle.post(PATH, three).status for _ in range(2)] == [202, 429]


def test_an_export_waits_as_well() -> None:
    with Bundle(at=NOON, limits=True) as bundle:
        behind(bundle, 600)
        ns = str(round(bundle.now.timestamp()) * 10**9)
        metric = {"name": "a", "gauge": {"dataPoints": [{"asDouble": 1, "timeUnixNano": ns}]}}
        body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
        assert bundle.post("/v1/metrics", body).status == 429
        bundle.clock.advance(61)
        assert bundle.post("/v1/metrics", body).status == 200


def test_without_limits_everything_is_taken() -> None:
    with Bundle(at=NOON) as bundle:
        behind(bundle, 5000)
        assert sent(bundle, "low").status == 202
