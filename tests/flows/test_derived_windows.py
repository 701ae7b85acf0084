"""What readers are given agrees with what was sent, however it arrived."""

import json
import random
from datetime import timedelta
from hashlib import sha256
from typing import cast

from tests.builders import utc
from tests.harness import Answer, Bundle
from wedsync.cloud import Arrived
from wedsync.flows.derive import compact
from wedsync.flows.ingest import ingest
from wedsync.flows.rollup import roll_up_hours
from wedsync.metrics.block import Block

DAY = utc("2026-06-20T12:00")
NONE = timedelta()


def a_wedding() -> dict[str, object]:
    return {
        "coupleName": "Ana & Bo",
        "date": "2026-06-20",
        "venue": {"timeZone": "Europe/Madrid"},
        "guestCount": 120,
        "timeline": [
            {
                "id": "ceremony",
                "kind": "ceremony",
                "title": "Ceremony",
                "startsAt": "2026-06-20T16:30:00",
                "endsAt": "2026-06-20T23:00:00",
            }
        ],
    }


def an_upload(bundle: Bundle, wedding_id: str, event: str, *, late: timedelta) -> dict[str, object]:
    return {
        "name": "photo.upload",
        "kind": "timer",
        "ts": int((bundle.now - late).timestamp() * 1000),
        "value": 500,
        "eventId": event,
        "weddingId": wedding_id,
        "dims": {"outcome": "completed"},
    }


def uploaded(bundle: Bundle, wedding_id: str) -> object:
    metrics = bundle.get(f"/api/metrics/wedding/{wedding_id}")["metrics"]
    assert isinstance(metrics, dict)
    return metrics["photosUploaded"]


def values(found: Answer) -> list[float]:
    lines = cast("list[dict[str, list[tuple[int, float]]]]", found["series"])
    return [value for line in lines for _, value in line["points"]]


def total(bundle: Bundle, window: str, *, wedding_id: str | None = None, hours: int = 5) -> float:
    query = {"name": "photo.upload", "stat": "count", "window": window, "timeRange": f"{hours}h"}
    if wedding_id is not None:
        query["weddingId"] = wedding_id
    found = bundle.request("GET", "/api/metrics/series", query=query)
    assert found.status == 200, found
    return sum(values(found))


def test_a_page_counts_every_photo_once_through_hours_of_late_and_repeated_points() -> None:
    chance = random.Random(0)
    with Bundle(at=DAY, seed=0, shards=1) as bundle:
        wedding_id = bundle.register(a_wedding())
        sent = on_time = 0
        history: list[dict[str, object]] = []
        for minute in range(75):
            for each in range(chance.randint(0, 3)):
                late = timedelta(minutes=chance.choice([0, 0, 0, 1, 4, 12, 40, 90]))
                point = an_upload(bundle, wedding_id, f"{minute}-{each}", late=late)
                history.append(point)
                bundle.put(point)
                sent += 1
                on_time += late <= timedelta(minutes=15)
            if history and chance.random() < 0.3:
                bundle.put(chance.choice(history))
            bundle.advance(60)
            if minute % 25 == 0:
                assert uploaded(bundle, wedding_id) == (sent or None)
        assert uploaded(bundle, wedding_id) == sent
        assert total(bundle, "1h", wedding_id=wedding_id) == sent
        assert total(bundle, "1h") == sent
        assert total(bundle, "5m", wedding_id=wedding_id) == on_time
        assert total(bundle, "1m", wedding_id=wedding_id) == on_time
        assert total(bundle, "1m") == on_time


def test_a_page_is_still_complete_after_compaction_has_missed_its_runs() -> None:
    with Bundle(at=DAY, shards=1) as bundle:
        wedding_id = bundle.register(a_wedding())
        bundle.put(an_upload(bundle, wedding_id, "early", late=timedelta(0)))
        bundle.machine.run_due()
        bundle.clock.advance(40 * 60)  # nobody worked in between
        bundle.put(an_upload(bundle, wedding_id, "later", late=timedelta(0)))
        bundle.machine.run_due()
        assert uploaded(bundle, wedding_id) == 2


def test_uptime_counts_health_checks_from_the_minute_the_window_opens() -> None:
    with Bundle(at=utc("2026-06-20T12:20"), shards=1) as bundle:
        wedding_id = bundle.register(a_wedding())  # the window opens at 12:30 UTC

        def check(outcome: str) -> None:
            bundle.put(
                {
                    "name": "health.check",
                    "kind": "event",
                    "ts": int(bundle.now.timestamp() * 1000),
                    "eventId": f"{bundle.now.isoformat()}{outcome}",
                    "weddingId": wedding_id,
                    "dims": {"component": "database", "outcome": outcome},
                }
            )
            bundle.advance(60)

        check("failed")
        page = bundle.get(f"/api/metrics/wedding/{wedding_id}")["metrics"]
        assert page["systemPerformance"]["uptime"] is None  # type: ignore[index, call-overload] # JSON
        bundle.advance(10 * 60)
        for outcome in ("ok", "ok", "ok", "failed"):
            check(outcome)
        for _ in range(30):
            bundle.advance(60)
            page = bundle.get(f"/api/metrics/wedding/{wedding_id}")["metrics"]
            assert page["systemPerformance"]["uptime"] == 75.0  # type: ignore[index, call-overload] # JSON


def test_a_batch_that_fits_no_item_is_counted_in_parts() -> None:
    with Bundle(at=DAY, shards=1) as bundle:
        ts = int(bundle.now.timestamp() * 1000)
        for record in range(20):
            bundle.put(
                *(
                    {
                        "name": "api.request",
                        "kind": "timer",
                        "ts": ts,
                        "value": number,
                        "eventId": str(number),
                        "source": "edge",
                        "dims": {
                            "route": sha256(str(number).encode()).hexdigest(),
                            "service": "edge",
                            "status": "200",
                        },
                    }
                    for number in range(record * 500, record * 500 + 500)
                ),
                partition_key="edge",
            )
        bundle.machine.run_due()
        found = bundle.get(
            "/api/metrics/series", name="api.request", stat="count", window="1m", timeRange="5m"
        )
        assert values(found) == [10_000]


def test_a_late_point_hides_none_of_those_that_come_after_it() -> None:
    """Making an hour anew for it must not claim minutes for which points are still coming."""
    with Bundle(at=DAY, shards=1) as bundle:
        wedding_id = bundle.register(a_wedding())
        bundle.advance(20 * 60)
        bundle.put(an_upload(bundle, wedding_id, "late", late=timedelta(minutes=4)))
        bundle.machine.run_due()
        assert uploaded(bundle, wedding_id) == 1
        bundle.clock.advance(20)
        for event, seconds in (("just over", 60), ("nearly settled", 80)):
            late = timedelta(seconds=seconds)
            bundle.put(an_upload(bundle, wedding_id, event, late=late))
        bundle.machine.run_due()
        bundle.clock.advance(1)  # an answer is remembered for a second
        assert uploaded(bundle, wedding_id) == 3


def test_what_is_handed_out_again_when_its_minutes_have_expired_is_parked_and_changes_nothing() -> (
    None
):
    with Bundle(at=DAY, shards=1, packs=1) as bundle:
        wedding_id = bundle.register(a_wedding())
        bundle.put(*(an_upload(bundle, wedding_id, f"{n}", late=NONE) for n in range(20)))
        bundle.machine.streams.run_due()
        for hours, parked in ((46, 0), (2, 5)):
            for _ in range(hours):
                bundle.clock.advance(3600)
                compact(bundle.services, bundle.now)
                roll_up_hours(bundle.services, bundle.now)
            again = [
                Arrived(
                    stream="metrics",
                    shard="0",
                    sequence=f"{hours}{n}",
                    data=json.dumps(
                        an_upload(bundle, wedding_id, f"{hours} {n}", late=bundle.now - DAY)
                    ).encode(),
                    arrived_at_ms=int(DAY.timestamp() * 1000),
                )
                for n in range(5)
            ]
            done = ingest(again, bundle.services)
            assert (done.accepted, done.rejected) == (5 - parked, parked)
            assert uploaded(bundle, wedding_id) == 25
        assert total(bundle, "1h", hours=60) == 25
        rows = bundle.get("/api/metrics/ingest/rejections").items
        assert {str(row["code"]) for row in rows} == {"too-old"}


def test_copies_that_come_late_make_no_hour_anew_and_new_points_do() -> None:
    with Bundle(at=DAY + timedelta(hours=2, seconds=30)) as bundle:
        wedding_id = bundle.register(a_wedding())
        sent_at = bundle.now

        def made() -> int:
            return sum(bundle.services.windows.remade(bundle.tenant).values())

        def more_made_by(event: str) -> int:
            before = made()
            told = an_upload(bundle, wedding_id, event, late=bundle.now - sent_at)
            bundle.put_record(json.dumps(told).encode(), partition_key=wedding_id)
            bundle.drain()
            return made() - before

        assert more_made_by("e1") == 0
        bundle.advance(20 * 60)
        assert made() > 0
        assert [more_made_by(event) for event in ("e1", "e1", "e2", "e2")] == [0, 0, 1, 0]
        (hour,) = bundle.services.windows.hours(bundle.tenant, wedding_id)
        assert Block.decode(hour.data).points == 2
