"""What is sent is counted once, at its own time, or refused with its reason."""

import json
from typing import cast

import pytest

from tests.harness import Json, a_wedding_request
from tests.scenarios.language import (
    WIDE,
    Day,
    ago,
    at,
    between,
    guest_acts,
    heartbeat,
    pages,
    photo_failures,
    photos,
    requests,
)
from wedsync.tenancy import Role, Tenant

INGEST = "/api/metrics/ingest"


def a_saturday(*, twice: bool = False, accept_unsigned: bool = True) -> Day:
    """It is 14:50."""
    return Day(
        "2026-06-20",
        starts="14:50",
        weddings={"w1": a_wedding_request()},
        twice=twice,
        accept_unsigned=accept_unsigned,
    )


def rejections(day: Day) -> list[dict[str, Json]]:
    return day.bundle.get("/api/metrics/ingest/rejections").items


def quality(day: Day) -> dict[str, float]:
    return cast("dict[str, float]", json.loads(day.snapshot.headers["x-data-quality"]))


def figures(day: Day) -> list[object]:
    """Everything that readers see of what was counted."""
    snapshot = {**day.snapshot.members, "timestamp": None}
    series = [
        day.buckets("photo.upload", window=window, wedding=wedding, time_range=time_range)
        for window, time_range in (("1s", "10m"), ("1m", "1h"), ("5m", "1h"), ("1h", "2h"))
        for wedding in (None, "w1")
    ]
    return [snapshot, day.page_of("w1").body, *series, day.alerts]


def test_a_bad_record_between_two_good_ones_costs_only_itself() -> None:
    saturday = a_saturday()
    for points in (photos("w1", completed=1), None, photos("w1", completed=1)):
        if points is None:
            saturday.bundle.put(b'{"name": "photo.up', partition_key="w1")
        else:
            saturday.bundle.put(*saturday.points(points), partition_key="w1")
    ran = saturday.bundle.drain()
    assert ran["streams-metrics"] == 1
    assert saturday.buckets("photo.upload", window="1m") == {"14:50": 2}
    (rejected,) = rejections(saturday)
    assert rejected["reason"]
    assert rejected["raw"] == '{"name": "photo.up'


@pytest.mark.parametrize(
    ("member", "value", "pointer"),
    [
        ("kind", "thermometer", "/kind"),
        ("dataType", "horoscope", "/dataType"),
        ("priority", "whenever", "/priority"),
        ("value", "much", "/value"),
        ("ts", None, "/ts"),
    ],
)
def test_a_bad_point_beside_good_ones_costs_only_itself(
    member: str, value: object, pointer: str
) -> None:
    saturday = a_saturday()
    good, bad, also_good = saturday.points(*(photos("w1", completed=1) for _ in range(3)))
    saturday.deliver([good, {**bad, member: value}, also_good])
    assert saturday.buckets("photo.upload", window="1m") == {"14:50": 2}
    (rejected,) = rejections(saturday)
    assert rejected["index"] == 1
    assert pointer in str(rejected["pointer"])
    assert rejected["reason"]


def test_a_batch_that_is_sent_again_changes_nothing_and_is_shown_as_duplicates() -> None:
    saturday = a_saturday()
    points = saturday.points(
        photos("w1", completed=40, failed=5, started=50),
        requests(wedding="w1", number=30, status=500),
        heartbeat("w1", "v1"),
        guest_acts("w1", "g1", "g2"),
    )
    saturday.deliver(points)
    before = figures(saturday)
    assert quality(saturday)["duplicates"] == 0
    saturday.deliver(points)
    saturday.deliver(points[:2], partition_key="another shard")
    assert figures(saturday) == before
    assert quality(saturday)["duplicates"] == len(points) + 2
    assert saturday.heard(at("14:50"))


def test_a_batch_that_is_delivered_twice_counts_once() -> None:
    once, twice = a_saturday(), a_saturday(twice=True)
    for day in (once, twice):
        day.push(*(photos("w1", completed=1, failed=1) for _ in range(3)))
        day.at("14:53")
    assert figures(twice) == figures(once)
    assert (quality(once)["accepted"], quality(twice)["accepted"]) == (6, 6)
    assert (quality(once)["duplicates"], quality(twice)["duplicates"]) == (0, 6)


def test_the_same_event_id_at_another_time_is_another_point() -> None:
    saturday = a_saturday()
    (first,) = saturday.points(photos("w1", completed=1))
    second = {**first, "ts": cast("int", first["ts"]) + 1}
    saturday.deliver([first]).deliver([second])
    assert saturday.buckets("photo.upload", window="1m") == {"14:50": 2}


def test_points_without_an_event_id_are_told_apart_by_their_place() -> None:
    saturday = a_saturday(twice=True)
    plain = [
        {name: value for name, value in point.items() if name != "eventId"}
        for point in saturday.points(photos("w1", completed=1))
    ] * 2
    saturday.deliver(plain)
    assert saturday.buckets("photo.upload", window="1m") == {"14:50": 2}


def test_what_comes_ten_minutes_late_corrects_its_minute() -> None:
    saturday = a_saturday().push(photos("w1", completed=1))
    saturday.push(ago(photos("w1", failed=1), minutes=10))
    for wedding in (None, "w1"):
        assert saturday.buckets("photo.upload", window="1m", wedding=wedding) == {
            "14:40": 1,
            "14:50": 1,
        }
    assert quality(saturday)["late"] == 0
    assert quality(saturday)["accepted"] == 2


def test_what_comes_half_an_hour_late_changes_the_hour_alone() -> None:
    saturday = a_saturday().push(photos("w1", completed=1))
    saturday.push(ago(photos("w1", failed=1), minutes=30))
    for wedding in (None, "w1"):
        for window in ("1m", "5m"):
            assert saturday.buckets("photo.upload", window=window, wedding=wedding) == {"14:50": 1}
        assert saturday.buckets("photo.upload", window="1h", wedding=wedding) == {"14:00": 2}
    assert quality(saturday)["late"] == 1
    assert quality(saturday)["accepted"] == 2


def test_what_came_late_is_shown_for_a_quarter_of_an_hour() -> None:
    saturday = a_saturday()
    saturday.push(ago(photos("w1", failed=1), hours=3))
    assert quality(saturday.at("15:04"))["late"] == 1
    assert quality(saturday.at("15:06"))["late"] == 0


def test_what_came_late_twice_is_one_late_point() -> None:
    saturday = a_saturday(twice=True)
    points = saturday.points(ago(photos("w1", failed=1), hours=3))
    saturday.deliver(points).deliver(points)
    assert quality(saturday)["late"] == 1


@pytest.mark.parametrize(
    ("since", "code"), [({"minutes": -6}, "in-the-future"), ({"hours": 25}, "too-late")]
)
def test_what_is_out_of_time_is_refused_and_shown(since: dict[str, float], code: str) -> None:
    saturday = a_saturday()
    saturday.push(photos("w1", completed=1), ago(photos("w1", failed=1), **since))
    assert saturday.buckets("photo.upload", window="1h", time_range="48h") == {"14:00": 1}
    (rejected,) = rejections(saturday)
    assert rejected["code"] == code
    assert rejected["reason"]
    assert (quality(saturday)["accepted"], quality(saturday)["rejected"]) == (1, 1)


def test_what_is_almost_out_of_time_is_counted() -> None:
    saturday = a_saturday()
    saturday.push(ago(photos("w1", completed=1), minutes=-5), ago(photos("w1", failed=1), hours=24))
    metrics = cast("dict[str, Json]", saturday.page_of("w1")["metrics"])
    assert (metrics["photosUploaded"], metrics["photosFailed"]) == (1, 1)
    assert rejections(saturday) == []


def test_photos_that_failed_a_while_ago_still_call_somebody() -> None:
    saturday = a_saturday().push(ago(photo_failures("w1", rate=5.0), minutes=3))
    saturday.expects_only(at("14:50"), *pages(0, *WIDE[0]))


def test_a_record_that_nobody_signed_is_set_aside() -> None:
    saturday = a_saturday(accept_unsigned=False).push(photo_failures("w1", rate=5.0))
    saturday.expects_silence(between("14:50", "14:51"))
    assert saturday.buckets("photo.upload", window="1h") == {}
    (rejected,) = rejections(saturday)
    assert rejected["code"] == "unsigned"


def test_a_signed_record_is_counted_for_its_device() -> None:
    saturday = a_saturday(accept_unsigned=False)
    device = saturday.bundle.key(Role.DEVICE)
    saturday.bundle.put_signed(*saturday.points(photo_failures("w1", rate=5.0)), device=device)
    saturday.bundle.drain()
    saturday.expects_only(at("14:50"), *pages(0, *WIDE[0]))


@pytest.mark.parametrize("accept_unsigned", [False, True])
def test_a_signature_that_does_not_fit_is_set_aside(*, accept_unsigned: bool) -> None:
    saturday = a_saturday(accept_unsigned=accept_unsigned)
    body = json.dumps(saturday.points(photos("w1", completed=1))).encode()
    signed = saturday.bundle.signed(body, device=saturday.bundle.key(Role.DEVICE))
    saturday.bundle.put(signed.replace(b'"count": 1', b'"count": 9'))
    saturday.bundle.drain()
    assert saturday.buckets("photo.upload", window="1h") == {}
    (rejected,) = rejections(saturday)
    assert rejected["code"] == "wrong-signature"


def test_a_device_speaks_for_its_own_tenant_alone() -> None:
    saturday = a_saturday()
    stranger = saturday.bundle.key(Role.DEVICE, tenant=Tenant("elsewhere"))
    claimed = [
        {**point, "tenantId": saturday.bundle.tenant.id}
        for point in saturday.points(photo_failures("w1", rate=50.0))
    ]
    saturday.bundle.put_signed(*claimed, device=stranger)
    saturday.bundle.put_signed(*saturday.points(photo_failures("w1", rate=50.0)), device=stranger)
    saturday.bundle.drain()
    saturday.expects_silence(between("14:50", "14:51"))
    assert saturday.buckets("photo.upload", window="1h") == {}


def test_over_http_each_point_is_taken_or_named() -> None:
    saturday = a_saturday()
    good, bad = saturday.points(photos("w1", completed=1), photos("w1", completed=1))
    other, future = saturday.points(
        photos("w1", completed=1), ago(photos("w1", completed=1), minutes=-6)
    )
    answer = saturday.bundle.post(INGEST, [good, {**bad, "kind": "?"}, other, good, future])
    assert answer.status == 202
    assert answer.members.keys() == {"accepted", "duplicates", "rejected"}
    assert (answer["accepted"], answer["duplicates"]) == (2, 1)
    rejected = cast("list[dict[str, Json]]", answer["rejected"])
    assert [each["index"] for each in rejected] == [1, 4]
    assert all(each.keys() == {"index", "code", "detail"} for each in rejected)
    saturday.bundle.drain()
    assert saturday.buckets("photo.upload", window="1m") == {"14:50": 2}
    assert len(rejections(saturday)) == 2


def test_over_http_what_was_counted_is_met_again_as_a_duplicate() -> None:
    saturday = a_saturday()
    points = saturday.points(photos("w1", completed=1, failed=1))
    assert saturday.bundle.post(INGEST, points)["accepted"] == 2
    saturday.bundle.drain()
    again = saturday.bundle.post(INGEST, points)
    assert (again["accepted"], again["duplicates"]) == (0, 2)
    saturday.bundle.drain()
    assert saturday.buckets("photo.upload", window="1m") == {"14:50": 2}
    assert (quality(saturday)["accepted"], quality(saturday)["duplicates"]) == (2, 2)


def test_over_http_repeats_within_a_request_are_told_as_duplicates_too() -> None:
    saturday = a_saturday()
    (point,) = saturday.points(photos("w1", completed=1))
    answer = saturday.bundle.post(INGEST, [point, point, point])
    assert (answer["accepted"], answer["duplicates"]) == (1, 2)
    saturday.bundle.drain()
    assert (quality(saturday)["accepted"], quality(saturday)["duplicates"]) == (1, 2)


@pytest.mark.parametrize("over_http", [False, True])
@pytest.mark.parametrize("late", [5, 14, 15, 30, 600])
def test_a_copy_is_told_when_it_comes_however_old_its_point_is(
    late: int, *, over_http: bool
) -> None:
    saturday = a_saturday()
    points = saturday.points(ago(photos("w1", completed=1, failed=1), minutes=late))

    def send() -> None:
        if over_http:
            saturday.bundle.post(INGEST, points)
            saturday.bundle.drain()
        else:
            saturday.deliver(points)

    send()
    assert quality(saturday)["duplicates"] == 0
    send()
    assert quality(saturday)["duplicates"] == 2
    saturday.at("14:55")
    send()
    assert quality(saturday)["duplicates"] == 4
    saturday.at("15:12")
    assert quality(saturday)["duplicates"] == 0


def test_copies_that_a_crash_delivers_again_are_told_once_for_each_delivery() -> None:
    saturday = a_saturday(twice=True)
    points = saturday.points(ago(photos("w1", completed=1), minutes=30))
    saturday.deliver(points)
    assert quality(saturday)["duplicates"] == 1


def test_over_http_nothing_good_is_a_bad_request() -> None:
    saturday = a_saturday()
    (point,) = saturday.points(photos("w1", completed=1))
    answer = saturday.bundle.post(INGEST, [{**point, "kind": "?"}, {"name": "x"}])
    assert answer.status == 400
    errors = cast("list[dict[str, Json]]", answer["errors"])
    assert [str(each["pointer"]).split("/")[1] for each in errors] == ["0", "1"]
    saturday.bundle.drain()
    assert saturday.buckets("photo.upload", window="1h") == {}


def test_over_http_failing_photos_call_somebody_too() -> None:
    saturday = a_saturday()
    saturday.bundle.post(INGEST, saturday.points(photo_failures("w1", rate=2.0)))
    saturday.bundle.drain()
    saturday.expects_only(at("14:50"), *pages(0, *WIDE[0]))
