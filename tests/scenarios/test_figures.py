"""What readers see: the same sums at every width, and nothing where nothing is known."""

import json
from typing import cast

import pytest

from tests.harness import Answer, Json, a_wedding_request
from tests.scenarios.language import (
    Day,
    Told,
    ago,
    backup,
    connections,
    guest_acts,
    health_check,
    heartbeat,
    photos,
    requests,
)

ONE_S, MINUTES = ("1s", "10m"), (("1m", "2h"), ("5m", "2h"), ("1h", "2h"))


def a_saturday(*, guests: int = 120, vendors: tuple[str, ...] = ("v1", "v2")) -> Day:
    """The window has been open for 50 minutes."""
    request = a_wedding_request(guests=guests, vendors=vendors)
    return Day("2026-06-20", starts="14:50", weddings={"w1": request})


def metrics(day: Day, wedding: str = "w1") -> dict[str, Json]:
    return cast("dict[str, Json]", day.page_of(wedding)["metrics"])


def live(day: Day) -> dict[str, Json]:
    return cast("dict[str, Json]", day.snapshot["weddingMetrics"])


def system(day: Day) -> dict[str, Json]:
    return cast("dict[str, Json]", day.snapshot["systemHealth"])


@pytest.mark.parametrize("wedding", [None, "w1"])
@pytest.mark.parametrize("stat", ["count", "sum"])
def test_at_every_width_the_same_is_counted(stat: str, wedding: str | None) -> None:
    saturday = a_saturday()
    sent = {"count": 0.0, "sum": 0.0}
    for step in saturday.every(seconds=37, until="14:57"):
        told = (
            *requests(wedding="w1", ms=100.0 + 7 * step, number=1 + step % 3),
            *requests(wedding="w1", ms=90.0, status=500),
            *ago(requests(wedding="w1", ms=50.0), seconds=20),
        )
        saturday.push(told)
        sent["count"] += sum(each.times for each in told)
        sent["sum"] += sum(each.times * each.value for each in told)
    sums = {
        window: sum(
            saturday.buckets(
                "api.request", window=window, stat=stat, wedding=wedding, time_range=time_range
            ).values()
        )
        for window, time_range in (ONE_S, *MINUTES)
    }
    assert sums == dict.fromkeys(sums, pytest.approx(sent[stat]))


def test_buckets_begin_at_whole_widths() -> None:
    saturday = a_saturday()
    saturday.bundle.advance(3)
    saturday.push(photos("w1", completed=2)).at("14:56:10").push(photos("w1", completed=3))

    def buckets(window: str, time_range: str) -> dict[str, float]:
        return saturday.buckets("photo.upload", window=window, time_range=time_range)

    assert buckets(*ONE_S) == {"14:50:03": 2, "14:56:10": 3}
    assert [buckets(*each) for each in MINUTES] == [
        {"14:50": 2, "14:56": 3},
        {"14:50": 2, "14:55": 3},
        {"14:00": 5},
    ]


def test_the_snapshot_has_exactly_these_members_and_null_where_nothing_is_known() -> None:
    day = Day("2026-06-20")
    assert day.snapshot.body == {
        "timestamp": "2026-06-20T12:00:00Z",
        "systemHealth": {
            "overallScore": None,
            "apiResponseTime": None,
            "errorRate": None,
            "throughput": None,
            "activeConnections": None,
        },
        "weddingMetrics": {
            "activeWeddings": 0,
            "photoUploadsPerMinute": None,
            "vendorActivityScore": None,
            "guestEngagement": None,
            "weddingSystemHealth": None,
        },
        "alerts": {"critical": 0, "high": 0, "medium": 0, "weddingRelated": 0},
    }


def test_of_a_wedding_that_nobody_heard_of_nothing_is_known() -> None:
    assert live(a_saturday()) == {
        "activeWeddings": 1,
        "photoUploadsPerMinute": None,
        "vendorActivityScore": None,
        "guestEngagement": None,
        "weddingSystemHealth": None,
    }


def test_the_page_has_exactly_these_members_and_null_where_nothing_is_known() -> None:
    day = a_saturday()
    assert day.page_of("w1").body == {
        "weddingId": day.wedding_id("w1"),
        "coupleName": "Ann & Bo",
        "weddingDate": "2026-06-20",
        "status": "today",
        "metrics": {
            "photosUploaded": None,
            "photosProcessing": None,
            "photosFailed": None,
            "vendorsOnline": None,
            "guestActivity": None,
            "systemPerformance": {"responseTime": None, "errorRate": None, "uptime": None},
            "backupStatus": None,
        },
        "realTimeActivity": [],
    }


def test_how_fresh_and_complete_an_answer_is_stands_beside_it() -> None:
    day = a_saturday().push(photos("w1", completed=1))
    for answer in (day.snapshot, day.page_of("w1")):
        assert {"x-as-of", "x-cache", "server-timing", "x-data-quality"} <= answer.headers.keys()
        quality = json.loads(answer.headers["x-data-quality"])
        assert (quality["score"], quality["freshnessSeconds"]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("told", "score"),
    [
        (requests(ms=120.0, number=1000), 100.0),
        (requests(ms=2000.0, number=1000), 68.0),
        (requests(ms=3000.0, number=1000), 44.0),
        ((*requests(ms=120.0, number=900), *requests(number=100, status=500)), 20.0),
    ],
)
def test_the_score_of_the_last_whole_minute(told: Told, score: float) -> None:
    # Without the other axes a fault would weigh more: they are there, and well.
    day = Day("2026-06-20").push(told, health_check("database", "ok", times=1000))
    assert system(day)["overallScore"] is None
    # Percentiles come from histograms, and may be 1 % off.
    assert system(day.at("14:01:30"))["overallScore"] == pytest.approx(score, abs=1.0)


def test_the_system_over_the_last_whole_minute() -> None:
    day = Day("2026-06-20").push(
        requests(ms=200.0, number=594), requests(ms=200.0, number=6, status=503)
    )
    day.push(connections("gallery", 40), connections("check-in", 2))
    figures = system(day.at("14:01:30"))
    assert figures["apiResponseTime"] == pytest.approx(200.0, rel=0.01)
    assert (figures["errorRate"], figures["throughput"]) == (1.0, 10.0)
    assert figures["activeConnections"] == 42.0
    later = system(day.at("14:06:30"))
    assert later == dict.fromkeys(later)


def test_the_weddings_health_is_the_mean_over_open_windows_and_names_the_worst() -> None:
    weddings = {
        "well": a_wedding_request(),
        "slow": a_wedding_request(couple="Cy & Di"),
        "silent": a_wedding_request(couple="Ed & Flo"),
        "over": a_wedding_request(on="2026-06-13"),
    }
    day = Day("2026-06-20", weddings=weddings)
    checks = [health_check("database", "ok", wedding=each, times=100) for each in weddings]
    del checks[2]
    day.push(
        *checks,
        requests(wedding="well", number=1000),
        requests(wedding="slow", number=1000, ms=5000.0),
        requests(wedding="over", number=1000, status=500),
    )
    answer = day.at("14:01:10").snapshot
    figures = cast("dict[str, float]", answer["weddingMetrics"])
    assert figures["activeWeddings"] == 3
    assert figures["weddingSystemHealth"] == pytest.approx((100.0 + 20.0) / 2, abs=0.5)
    worst = json.loads(answer.headers["x-worst-wedding"])
    assert worst["weddingId"] == day.wedding_id("slow")
    assert worst["score"] == pytest.approx(20.0, abs=0.5)


def test_shares_of_vendors_and_guests_over_open_windows() -> None:
    day = a_saturday(guests=50).push(
        heartbeat("w1", "v1"), heartbeat("w1", "not assigned"), guest_acts("w1", "g1", "g2", "g2")
    )
    assert (live(day)["vendorActivityScore"], live(day)["guestEngagement"]) == (50.0, 4.0)
    assert metrics(day)["guestActivity"] == 2
    day.at("15:05:01")
    assert live(day)["vendorActivityScore"] == 0.0
    assert live(day.at("15:49"))["guestEngagement"] == 4.0
    assert (live(day.at("15:51"))["guestEngagement"], metrics(day)["guestActivity"]) == (0.0, 0)


def test_photos_of_the_last_whole_minute() -> None:
    day = a_saturday().push(photos("w1", completed=7, started=10, failed=0))
    assert live(day)["photoUploadsPerMinute"] is None
    assert live(day.at("14:51:30"))["photoUploadsPerMinute"] == 7
    assert live(day.at("14:52:30"))["photoUploadsPerMinute"] == 0


def test_photos_are_counted_since_the_wedding_was_registered() -> None:
    day = a_saturday().push(photos("w1", completed=7, started=10, failed=1))
    figures = metrics(day.at("15:20"))
    assert [figures[f"photos{each}"] for each in ("Uploaded", "Processing", "Failed")] == [7, 2, 1]


def test_of_two_vendors_one_of_whom_is_silent_for_six_minutes_one_is_online() -> None:
    day = a_saturday().push(heartbeat("w1", "v1"), heartbeat("w1", "v2"))
    assert metrics(day)["vendorsOnline"] == 2
    day.at("14:54").push(heartbeat("w1", "v1"))
    assert metrics(day.at("14:56"))["vendorsOnline"] == 1
    assert metrics(day.at("15:20"))["vendorsOnline"] == 0


@pytest.mark.parametrize(
    ("told", "minutes", "status"),
    [
        (("success",), 0, "healthy"),
        (("success",), 15, "healthy"),
        (("success",), 16, "warning"),
        (("success",), 60, "warning"),
        (("success",), 61, "failed"),
        (("failed",), 0, "failed"),
    ],
)
def test_how_old_a_backup_may_be_while_the_window_is_open(
    told: tuple[str, ...], minutes: int, status: str
) -> None:
    day = a_saturday().push(*(ago(backup("w1", each), minutes=minutes) for each in told))
    assert metrics(day)["backupStatus"] == status


@pytest.mark.parametrize(("hours", "status"), [(1, "healthy"), (23, "healthy"), (0, "failed")])
def test_a_backup_before_the_window_is_good_for_a_day(hours: int, status: str) -> None:
    day = Day("2026-06-18", weddings={"w1": a_wedding_request()})
    day.push(ago(backup("w1", "success"), hours=hours + 0.5))
    if status == "failed":
        day.push(backup("w1", "failed"))
    assert metrics(day)["backupStatus"] == status


def test_a_wedding_s_own_performance_over_five_minutes_and_its_checks_since_the_window() -> None:
    day = a_saturday()
    day.push(ago(health_check("database", "failed", wedding="w1", times=10), minutes=60))
    day.push(
        requests(wedding="w1", ms=300.0, number=97),
        requests(wedding="w1", ms=300.0, number=3, status=500),
        health_check("database", "ok", wedding="w1", times=399),
        health_check("database", "failed", wedding="w1"),
    )
    found = cast("dict[str, Json]", metrics(day.at("14:54:30"))["systemPerformance"])
    assert found["responseTime"] == pytest.approx(300.0, rel=0.01)
    # What failed at 13:50 was before the window opened at 14:00.
    assert (found["errorRate"], found["uptime"]) == (3.0, 99.75)


def test_the_newest_fifty_things_that_happened_the_newest_first() -> None:
    day = a_saturday()
    for _ in day.every(seconds=10, until="14:59"):
        day.push(photos("w1", completed=1))
    items = cast("list[dict[str, str]]", day.page_of("w1")["realTimeActivity"])
    assert len(items) == 50
    assert items[0]["timestamp"] == "2026-06-20T12:59:00Z"
    assert items[0]["local"] == "2026-06-20T14:59:00+02:00"
    assert [each["timestamp"] for each in items] == sorted(
        (each["timestamp"] for each in items), reverse=True
    )
    assert items[0].keys() == {"timestamp", "local", "type", "vendorId", "guestId", "summary"}


def test_alerts_are_counted_by_severity_and_those_of_weddings_among_them() -> None:
    day = a_saturday().push(
        photos("w1", completed=10, failed=10), requests(number=50, ms=2500.0, service="mail")
    )
    day.at("14:51:30")
    assert day.snapshot["alerts"] == {"critical": 1, "high": 0, "medium": 1, "weddingRelated": 1}


def test_a_wedding_that_is_not_there_has_no_page() -> None:
    assert a_saturday().bundle.get("/api/metrics/wedding/wed_unknown").status == 404


def a_tuesday() -> Day:
    """The windows of these weddings open months later."""
    weddings = {"w1": a_wedding_request(), "w2": a_wedding_request()}
    return Day("2026-02-10", weddings=weddings)


def by_second(day: Day, wedding: str) -> Answer:
    """A wedding's uploads of the last minute."""
    query = {"name": "photo.upload", "stat": "count", "window": "1s", "timeRange": "1m"}
    query["weddingId"] = day.wedding_id(wedding)
    return day.bundle.request("GET", "/api/metrics/series", query=query)


def counts(answer: Answer) -> list[float]:
    lines = cast("list[dict[str, list[tuple[int, float]]]]", answer["series"])
    return [count for line in lines for _, count in line["points"]]


def test_a_wedding_whose_page_is_looked_at_is_kept_by_the_second_and_no_other() -> None:
    tuesday = a_tuesday()
    tuesday.page_of("w1")
    tuesday.at("14:09:59").push(photos("w1", completed=2), photos("w2", completed=2))
    assert counts(by_second(tuesday, "w1")) == [2]
    refused = by_second(tuesday, "w2")
    assert refused.status == 400
    assert refused["type"] == "urn:wedsync:problem:resolution-not-kept"


def test_asking_for_seconds_has_them_kept_from_then_on_until_nobody_asks() -> None:
    tuesday = a_tuesday().push(photos("w1", completed=1))
    assert by_second(tuesday, "w1").status == 400
    for time in ("14:05", "14:14"):
        tuesday.at(time).push(photos("w1", completed=3))
        assert counts(by_second(tuesday, "w1")) == [3]
    tuesday.at("14:26").push(photos("w1", completed=5))
    assert by_second(tuesday, "w1").status == 400
