"""How a day went is told when it is over, from what lasts longer than its minutes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from tests.builders import utc
from tests.functions.web import settings
from tests.harness import Answer, Bundle, Json, Point, a_point, a_wedding_request
from wedsync.flows.rollup import roll_up_hours
from wedsync.resources import Resource

DAY = "2026-06-20"
OPENS, CLOSES = utc(f"{DAY}T14:00"), utc(f"{DAY}T20:30")
OVER = utc("2026-06-21T00:30")
"""The window closed hours ago, and the date is another one now."""


@pytest.fixture
def bundle() -> Iterator[Bundle]:
    with Bundle(at=utc(f"{DAY}T10:00"), shards=1, packs=3) as bundle:
        yield bundle


def register(bundle: Bundle, **members: object) -> str:
    """Its window is open from 14:00 to 20:30, and the cake is planned for the morning."""
    request = a_wedding_request(zone="UTC", until="18:30", vendors=["photo-1"])
    timeline = cast("list[dict[str, object]]", request["timeline"])
    cake = {"id": "cake", "kind": "other", "title": "Cake", "startsAt": f"{DAY}T11:00:00"}
    return bundle.register({**request, "timeline": [cake, *timeline], **members})


def served(wedding_id: str, at: datetime, *, ms: float = 200) -> Point:
    dims = {"service": "site", "status": "200"}
    return a_point("api.request", at, value=ms, weddingId=wedding_id, dims=dims)


def upload(wedding_id: str, at: datetime, outcome: str, *, times: int = 1) -> Point:
    dims = {"outcome": outcome}
    return a_point("photo.upload", at, value=700, weddingId=wedding_id, dims=dims, count=times)


def began(wedding_id: str, at: datetime, item: str) -> Point:
    return a_point("timeline.item", at, kind="event", weddingId=wedding_id, dims={"item": item})


def put(bundle: Bundle, *points: Point, at: datetime | None = None) -> None:
    """Let points come at their own time, or later, without playing what lies between."""
    bundle.clock.set(at or datetime.fromtimestamp(cast("int", points[-1]["ts"]) / 1000, UTC))
    bundle.put(*points)
    deliver(bundle)


def deliver(bundle: Bundle) -> None:
    """Let the stream bring what lies on it."""
    bundle.clock.advance(2)
    bundle.machine.run_source(bundle.machine.streams)


def play_the_day(bundle: Bundle, wedding_id: str) -> None:
    """Four minutes with requests, of which one was slow; 200 uploads; both items began."""
    put(bundle, began(wedding_id, utc(f"{DAY}T11:09"), "cake"))
    put(bundle, served(wedding_id, OPENS - timedelta(minutes=1), ms=4_000))
    for minute, ms in ((0, 300), (61, 200), (61, 250), (200, 2_000)):
        put(bundle, served(wedding_id, OPENS + timedelta(minutes=minute), ms=ms))
    put(bundle, began(wedding_id, utc(f"{DAY}T16:12"), "ceremony"))
    put(bundle, upload(wedding_id, utc(f"{DAY}T17:00"), "completed", times=199))
    put(bundle, upload(wedding_id, utc(f"{DAY}T17:01"), "failed"))
    put(bundle, served(wedding_id, CLOSES - timedelta(seconds=1), ms=100))
    put(bundle, served(wedding_id, CLOSES + timedelta(minutes=1), ms=4_000))


def success(bundle: Bundle, wedding_id: str) -> Answer:
    answer = bundle.get(f"/api/weddings/{wedding_id}/success")
    assert answer.status == 200, answer
    return answer


def parts(answer: Answer) -> dict[str, float | None]:
    return cast("dict[str, float | None]", answer["parts"])


def figures(answer: Answer) -> dict[str, Json]:
    return cast("dict[str, Json]", answer["figures"])


PARTS = {"health": 18.75, "photos": 25, "timeline": 12.5, "incidents": 25}


def test_it_appears_once_the_wedding_is_completed_and_its_parts_sum_to_the_score(
    bundle: Bundle,
) -> None:
    wedding_id = register(bundle)
    play_the_day(bundle, wedding_id)
    early = success(bundle, wedding_id)
    assert (early["status"], early["score"], early["figures"]) == ("today", None, None)
    assert set(parts(early).values()) == {None}
    bundle.clock.set(OVER)
    told = success(bundle, wedding_id)
    assert told["status"] == "completed"
    assert parts(told) == PARTS
    assert (told["score"], told["outOf"], told["unknown"]) == (81.25, 100, {})
    found = figures(told)
    items = cast("list[dict[str, Json]]", found.pop("items"))
    assert found == {
        "minutes": 390,
        "minutesKnown": 4,
        "minutesWell": 3,
        "photosCompleted": 199,
        "photosFailed": 1,
        "photoSuccess": 99.5,
        "criticalIncidents": 0,
    }
    late = [(each["id"], each["minutesLate"], each["onPlan"]) for each in items]
    assert late == [("cake", 9.0, True), ("ceremony", 12.0, False)]


def test_it_stays_the_same_when_minutes_and_hours_are_gone(bundle: Bundle) -> None:
    wedding_id = register(bundle)
    play_the_day(bundle, wedding_id)
    bundle.clock.set(OVER)
    live = success(bundle, wedding_id)
    assert roll_up_hours(bundle.services, bundle.now)
    for days in (1, 3, 500):
        bundle.clock.set(OVER + timedelta(days=days))
        later = success(bundle, wedding_id)
        assert figures(later) == figures(live)
        assert later["score"] == live["score"] == 81.25


def test_what_comes_late_is_told_too_and_minutes_stay_what_they_were_on_time(
    bundle: Bundle,
) -> None:
    wedding_id = register(bundle)
    play_the_day(bundle, wedding_id)
    bundle.clock.set(OVER)
    roll_up_hours(bundle.services, bundle.now)
    put(
        bundle,
        upload(wedding_id, utc(f"{DAY}T17:00"), "failed", times=4),
        began(wedding_id, utc(f"{DAY}T16:09"), "ceremony"),
        served(wedding_id, utc(f"{DAY}T18:00"), ms=4_000),
        at=OVER + timedelta(hours=1),
    )
    told = success(bundle, wedding_id)
    assert figures(told)["photosFailed"] == 5
    assert figures(told)["minutesKnown"] == 4
    assert parts(told) == {**PARTS, "photos": 0}
    put(bundle, began(wedding_id, utc(f"{DAY}T16:13"), "ceremony"), at=OVER + timedelta(hours=2))
    items = cast("list[dict[str, Json]]", figures(success(bundle, wedding_id))["items"])
    assert [each["minutesLate"] for each in items] == [9.0, 13.0]


def test_a_point_on_time_that_was_held_up_changes_its_minute(bundle: Bundle) -> None:
    """As a redrive brings it: with its first arrival."""
    wedding_id = register(bundle)
    play_the_day(bundle, wedding_id)
    at = utc(f"{DAY}T19:30")
    bundle.clock.set(at)
    bundle.put(served(wedding_id, at, ms=4_000))
    bundle.clock.set(OVER)
    roll_up_hours(bundle.services, bundle.now)
    assert figures(success(bundle, wedding_id))["minutesKnown"] == 4
    deliver(bundle)
    told = figures(success(bundle, wedding_id))
    assert (told["minutesKnown"], told["minutesWell"]) == (5, 3)


def test_parts_that_nobody_could_know_are_null_and_said_to_be(bundle: Bundle) -> None:
    wedding_id = register(bundle, timeline=[])
    bundle.clock.set(OVER + timedelta(days=1))
    told = success(bundle, wedding_id)
    assert (told["score"], told["outOf"]) == (None, 0)
    assert set(parts(told).values()) == {None}
    assert cast("dict[str, str]", told["unknown"]).keys() == PARTS.keys()


@pytest.mark.parametrize(
    ("opened", "resolved", "severity", "counted"),
    [
        (f"{DAY}T15:00", f"{DAY}T15:30", "critical", 1),
        (f"{DAY}T15:00", f"{DAY}T15:30", "high", 0),
        (f"{DAY}T11:00", f"{DAY}T14:30", "critical", 1),
        (f"{DAY}T11:00", f"{DAY}T13:30", "critical", 0),
        (f"{DAY}T21:00", None, "critical", 0),
        (f"{DAY}T15:00", None, "critical", 1),
    ],
)
def test_a_critical_incident_counts_if_it_touched_the_window(
    bundle: Bundle, opened: str, resolved: str | None, severity: str, counted: int
) -> None:
    wedding_id = register(bundle)
    other = register(bundle, coupleName="Others")
    put(bundle, served(wedding_id, OPENS))
    bundle.clock.set(utc(opened))
    body = {"title": "Down", "severity": severity, "weddingId": wedding_id}
    first = bundle.post("/api/monitoring/incidents", body)["incidentId"]
    second = bundle.post("/api/monitoring/incidents", body)["incidentId"]
    if resolved is not None:
        bundle.clock.set(utc(resolved))
        for each in (first, second):
            assert bundle.post(f"/api/monitoring/incidents/{each}/resolve").status == 200
    bundle.clock.set(OVER)
    told = success(bundle, wedding_id)
    assert figures(told)["criticalIncidents"] == 2 * counted
    assert parts(told)["incidents"] == (0 if counted else 25)
    assert figures(success(bundle, other))["criticalIncidents"] == 0


def test_a_wedding_whose_pack_changed_within_an_hour_is_judged_as_a_whole(bundle: Bundle) -> None:
    wedding_id = register(bundle)
    put(bundle, served(wedding_id, OPENS), upload(wedding_id, OPENS, "completed"))
    bundle.clock.set(OPENS + timedelta(minutes=10))
    assert bundle.put_document("/api/settings", settings(packs=7)).status == 200
    for minutes in (11, 30):
        at = OPENS + timedelta(minutes=minutes)
        put(bundle, served(wedding_id, at), upload(wedding_id, at, "completed"))
    bundle.clock.set(OVER)
    live = figures(success(bundle, wedding_id))
    roll_up_hours(bundle.services, bundle.now)
    bundle.clock.advance(2)
    assert figures(success(bundle, wedding_id)) == live
    assert (live["minutesKnown"], live["photosCompleted"]) == (3, 3)


def test_hours_far_from_the_day_leave_nothing(bundle: Bundle) -> None:
    wedding_id = register(bundle, date="2026-07-25", timeline=[])
    put(bundle, served(wedding_id, OPENS))
    bundle.clock.set(OVER)
    roll_up_hours(bundle.services, bundle.now)
    table = bundle.cloud.table(Resource.WINDOWS)
    assert table.query(f"demo#success#{wedding_id}").items == ()
