"""However points are wrapped, they are counted once, at their own time, for the right tenant."""

import base64
import gzip
import json
import random
import zlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import cast

import brotli
import pytest
import zstandard

from tests.domain.metrics.exports import Sdk, a_histogram, a_sum, attributes, bins, export
from tests.domain.metrics.test_kpl import aggregate, peers_aggregate
from tests.harness import Answer, Json, Point, a_wedding_request
from tests.scenarios.language import Day, photos
from wedsync.tenancy import Role, Tenant

INGEST, OTLP = "/api/metrics/ingest", "/v1/metrics"


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


def a_photo(day: Day, **members: object) -> Point:
    (point,) = day.points(photos("w1", completed=1))
    return {**point, **members}


def without_id(point: Point) -> Point:
    return {name: value for name, value in point.items() if name != "eventId"}


def lines(*points: Point, end: str = "\n") -> bytes:
    return "".join(json.dumps(point) + end for point in points).encode()


# Shapes of a body


WRAPPED: dict[str, Callable[[list[Point]], bytes]] = {
    "an array": lambda points: json.dumps(points).encode(),
    "one a line": lambda points: lines(*points),
    "one a line, as Windows ends them": lambda points: lines(*points, end="\r\n"),
    "one a line, with empty ones": lambda points: b"\n" + lines(*points, end="\n\n \n"),
    "a data stream": lambda points: json.dumps(
        {
            "streamId": "s-1",
            "sourceId": "gallery",
            "dataType": "user_interaction",
            "timestamp": points[0]["ts"],
            "sourceSystem": "app",
            "priority": "high",
            "metadata": {"region": "eu"},
            "validationRules": [],
            "data": [
                {name: each for name, each in point.items() if name != "ts"} for point in points
            ],
        }
    ).encode(),
    "data payloads": lambda points: json.dumps(
        [{"sourceId": "gallery", "priority": "urgent", "payload": point} for point in points]
    ).encode(),
    "base64": lambda points: base64.b64encode(json.dumps(points).encode()),
    "gzip": lambda points: gzip.compress(json.dumps(points).encode()),
    "zlib": lambda points: zlib.compress(json.dumps(points).encode()),
    "base64 of gzip": lambda points: base64.b64encode(gzip.compress(lines(*points))),
    "zstd": lambda points: zstandard.compress(lines(*points)),
}


@pytest.mark.parametrize("shape", WRAPPED)
@pytest.mark.parametrize("kind", ["application/json", "text/plain;charset=UTF-8", None])
def test_every_shape_counts_over_http_whatever_its_content_type(
    shape: str, kind: str | None
) -> None:
    saturday = a_saturday()
    points = [a_photo(saturday) for _ in range(3)]
    headers = {} if kind is None else {"content-type": kind}
    answer = saturday.bundle.post(INGEST, WRAPPED[shape](points), headers=headers)
    assert (answer.status, answer["accepted"], answer["rejected"]) == (202, 3, [])
    saturday.bundle.drain()
    assert saturday.buckets("photo.upload", window="1m") == {"14:50": 3}


@pytest.mark.parametrize("shape", WRAPPED)
def test_every_shape_counts_on_the_stream(shape: str) -> None:
    saturday = a_saturday()
    device = saturday.bundle.key(Role.DEVICE)
    body = WRAPPED[shape]([a_photo(saturday) for _ in range(3)])
    saturday.bundle.put(body, saturday.bundle.signed(body, device=device))
    saturday.bundle.drain()
    # The two senders are not the same, and neither are their points.
    assert saturday.buckets("photo.upload", window="1m") == {"14:50": 6}
    assert rejections(saturday) == []


def bare_deflate(body: bytes) -> bytes:
    return zlib.compress(body, wbits=-15)


@pytest.mark.parametrize(
    ("encoding", "compress"), [("br", brotli.compress), ("deflate", bare_deflate)]
)
def test_codings_without_a_mark_count_under_their_header(
    encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    saturday = a_saturday()
    for route, body in ((INGEST, [a_photo(saturday)]), ("/api/weddings", a_wedding_request())):
        packed = compress(json.dumps(body).encode())
        headers = {"content-encoding": encoding}
        assert saturday.bundle.post(route, packed, headers=headers).status < 300
        refused = saturday.bundle.post(route, b"\x00\x01", headers=headers)
        assert refused.status == 400
        assert saturday.bundle.post(route, packed, headers={"content-encoding": "x"}).status == 415


def test_a_record_that_inflates_beyond_all_bounds_costs_only_itself() -> None:
    saturday = a_saturday()
    rare = bytes(random.Random(1).choices(b" \n", weights=(97, 3), k=100_000))
    large = gzip.compress(rare * 90)
    assert len(large) > len(rare) * 90 / 100
    saturday.bundle.put(large)
    saturday.deliver([a_photo(saturday)])
    assert saturday.buckets("photo.upload", window="1m") == {"14:50": 1}
    assert [row["code"] for row in rejections(saturday)] == ["too-large"]


# Aggregates


def test_an_aggregate_counts_each_of_its_records_for_its_own_sender() -> None:
    saturday = a_saturday(accept_unsigned=False)
    bundle = saturday.bundle
    device, stranger = bundle.key(Role.DEVICE), bundle.key(Role.DEVICE, tenant=Tenant("rival"))
    point = a_photo(saturday)
    records = [
        bundle.signed(json.dumps(point).encode(), device=device),
        bundle.signed(zstandard.compress(lines(point, a_photo(saturday))), device=device),
        bundle.signed(json.dumps(a_photo(saturday)).encode(), device=stranger),
        json.dumps(a_photo(saturday)).encode(),
        b"{",
    ]
    bundle.put(peers_aggregate(*records))
    bundle.drain()
    assert saturday.buckets("photo.upload", window="1m") == {"14:50": 2}
    assert [row["code"] for row in rejections(saturday)] == ["unsigned", "unsigned"]


def test_points_without_an_id_are_told_apart_by_their_place_in_the_aggregate() -> None:
    saturday = a_saturday(twice=True)
    plain = json.dumps(without_id(a_photo(saturday))).encode()
    saturday.bundle.put(aggregate(plain, plain, lines(*[json.loads(plain)] * 2)))
    saturday.bundle.drain()
    assert saturday.buckets("photo.upload", window="1m") == {"14:50": 4}


def test_a_damaged_aggregate_costs_only_itself() -> None:
    saturday = a_saturday()
    whole = aggregate(json.dumps(a_photo(saturday)).encode())
    saturday.bundle.put(whole[:-1] + b"?", whole, aggregate(whole))
    saturday.bundle.drain()
    assert saturday.buckets("photo.upload", window="1m") == {"14:50": 1}
    codes = {str(row["code"]) for row in rejections(saturday)}
    assert codes == {"broken-aggregate", "nested-aggregate"}


# Rules of AWS IoT Core


def forwarded(payload: object, **said: object) -> bytes:
    """What a rule makes of a message: see the statements in docs/clients.md."""
    return json.dumps({"payload": payload, **said}).encode()


def test_what_a_rule_forwards_takes_the_time_and_the_client_where_a_device_says_none() -> None:
    saturday = a_saturday()
    now_ms = round(saturday.bundle.now.timestamp() * 1000)
    bare = {"name": "host.cpu", "kind": "gauge", "value": 40, "dims": {"host": "h1"}}
    said = {"topic": "wedsync/w1/metrics", "timestamp": now_ms, "clientId": "camera-1"}
    wedding = {"weddingId": saturday.wedding_id("w1")}
    saturday.bundle.put(
        forwarded(bare, **said, **wedding),
        forwarded([bare, {**bare, "ts": now_ms - 60_000}], **said),
        json.dumps({**bare, **said}).encode(),
    )
    saturday.bundle.drain()
    assert saturday.buckets("host.cpu", window="1m") == {"14:49": 1, "14:50": 3}
    assert saturday.buckets("host.cpu", window="1m", wedding="w1") == {"14:50": 1}
    assert rejections(saturday) == []


def test_a_signed_message_is_proved_by_its_own_signature_inside_a_rules_record() -> None:
    saturday = a_saturday(accept_unsigned=False)
    device = saturday.bundle.key(Role.DEVICE)
    signed = saturday.bundle.signed(json.dumps(a_photo(saturday)).encode(), device=device)
    wrapped = forwarded(base64.b64encode(signed).decode(), topic="t", tenantId="rival")
    saturday.bundle.put(wrapped, aggregate(wrapped), signed)
    saturday.bundle.drain()
    assert saturday.buckets("photo.upload", window="1m") == {"14:50": 1}
    assert rejections(saturday) == []
    other = signed.replace(b"completed", b"failed...")
    saturday.bundle.put(
        forwarded(base64.b64encode(other).decode()),
        forwarded(base64.b64encode(signed).decode() + "!"),
        forwarded({"payload": base64.b64encode(signed).decode()}),
    )
    saturday.bundle.drain()
    codes = {str(row["code"]) for row in rejections(saturday)}
    assert codes == {"wrong-signature", "broken-payload", "unsigned"}


# OpenTelemetry


def stated(day: Day, since: str, *, seconds_ago: float = 0) -> dict[str, object]:
    """The times of a data point: when its process began to count, and now."""
    now = day.bundle.now - timedelta(seconds=seconds_ago)
    return {
        "startTimeUnixNano": str(int(day.instant(since).timestamp()) * 1_000_000_000),
        "timeUnixNano": str(round(now.timestamp() * 1000) * 1_000_000),
    }


def served(day: Day, total: int, *, since: str = "14:40", seconds_ago: float = 0) -> Json:
    """An export of a process that has served so many since it began."""
    labels = attributes({"wedding__id": day.wedding_id("w1")})
    point = {**stated(day, since, seconds_ago=seconds_ago), "asInt": str(total)}
    metric = a_sum("served", {**point, "attributes": labels})
    return cast("Json", export(metric, service__name="gallery"))


def send(day: Day, document: Json, *, role: Role = Role.DEVICE) -> Answer:
    answer = day.bundle.post(OTLP, document, key=day.bundle.key(role))
    day.bundle.drain()
    return answer


def put(day: Day, document: Json) -> None:
    device = day.bundle.key(Role.DEVICE)
    day.bundle.put(day.bundle.signed(json.dumps(document).encode(), device=device))
    day.bundle.drain()


WAYS: Mapping[str, Callable[[Day, Json], object]] = {"over HTTP": send, "on the stream": put}


def sums(day: Day, *, name: str = "served", window: str = "1m") -> dict[str, float]:
    return day.buckets(name, window=window, stat="sum", wedding="w1")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("twice", [False, True])
def test_a_running_total_counts_by_what_it_grew(way: str, *, twice: bool) -> None:
    saturday = a_saturday(twice=twice)
    for time, total in (("14:50:10", 10), ("14:51:10", 25), ("14:52:10", 25), ("14:53:10", 26)):
        saturday.at(time)
        for _ in range(2):
            WAYS[way](saturday, served(saturday, total))
    assert sums(saturday) == {"14:50": 10, "14:51": 15, "14:52": 0, "14:53": 1}
    assert rejections(saturday) == []


def test_what_comes_by_both_ways_and_out_of_order_counts_once() -> None:
    saturday = a_saturday().at("14:53:10")
    exports = [served(saturday, total, seconds_ago=180 - 6 * total) for total in (10, 20, 30)]
    for turn in (2, 0, 1, 2):
        put(saturday, exports[turn])
        send(saturday, exports[turn])
    assert sums(saturday) == {"14:53": 30}


def test_a_process_that_begins_anew_counts_from_zero() -> None:
    saturday = a_saturday()
    send(saturday, served(saturday, 100))
    saturday.at("14:52")
    send(saturday, served(saturday, 7, since="14:51"))
    assert sums(saturday) == {"14:50": 100, "14:52": 7}


def test_two_tenants_do_not_share_a_running_total() -> None:
    saturday = a_saturday()
    rival = saturday.bundle.key(Role.DEVICE, tenant=Tenant("rival"))
    assert saturday.bundle.post(OTLP, served(saturday, 50), key=rival).status == 200
    saturday.bundle.drain()
    send(saturday, served(saturday, 10))
    assert sums(saturday) == {"14:50": 10}


def test_a_vendor_cannot_move_the_running_totals_of_others() -> None:
    saturday = a_saturday()
    document = cast("dict[str, object]", served(saturday, 1_000))
    vendor = saturday.bundle.key(Role.VENDOR, vendor_id="vendor-1")
    plain = json.loads(json.dumps(document).replace(saturday.wedding_id("w1"), "wed_unknown"))
    assert saturday.bundle.post(OTLP, plain, key=vendor).status == 200
    saturday.bundle.drain()
    own = json.loads(
        json.dumps(served(saturday, 10)).replace(saturday.wedding_id("w1"), "wed_unknown")
    )
    send(saturday, own)
    assert saturday.buckets("served", window="1m", stat="sum") == {"14:50": 1_010}


def test_a_histogram_over_http_keeps_its_count_and_its_sum() -> None:
    saturday = a_saturday()
    labels = attributes({"wedding__id": saturday.wedding_id("w1"), "outcome": "completed"})
    for time, counts, total in (("14:50:10", [1, 3, 0], 2.0), ("14:51:10", [1, 5, 4], 40.0)):
        saturday.at(time)
        point = {**stated(saturday, "14:40"), **bins([0.5, 1.0], counts, sum=total)}
        metric = a_histogram("photo.upload", {**point, "attributes": labels}, unit="s")
        assert send(saturday, cast("Json", export(metric))).body == {}
    counted = saturday.buckets("photo.upload", window="1m", wedding="w1")
    assert counted == {"14:50": 4, "14:51": 6}
    assert sums(saturday, name="photo.upload") == pytest.approx({"14:50": 2_000, "14:51": 38_000})


def test_what_the_sdk_sends_in_protocol_buffers_is_answered_in_kind() -> None:
    saturday = a_saturday()
    sdk = Sdk()
    sdk.meter.create_counter("served").add(3)
    body = gzip.compress(sdk.export())
    answer = saturday.bundle.post(OTLP, body, headers={"content-encoding": "gzip"})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-protobuf")


def test_a_refused_data_point_is_told_of_and_the_others_count() -> None:
    saturday = a_saturday()
    good = {**stated(saturday, "14:40"), "asInt": 4}
    bad = [
        {**stated(saturday, "14:40"), "asDouble": "NaN"},
        {"timeUnixNano": "1000000000", "asInt": 1},
    ]
    document = cast("Json", export(a_sum("served", good, *bad)))
    answer = send(saturday, document)
    partial = cast("dict[str, str]", answer["partialSuccess"])
    assert (answer.status, partial["rejectedDataPoints"]) == (200, "2")
    assert "not-finite" in partial["errorMessage"]
    assert saturday.buckets("served", window="1m", stat="sum") == {"14:50": 4}
    assert {str(row["code"]) for row in rejections(saturday)} == {"not-finite", "too-late"}
    put(saturday, document)
    assert saturday.buckets("served", window="1m", stat="sum") == {"14:50": 4}


def test_what_is_refused_for_its_time_does_not_move_a_running_total() -> None:
    saturday = a_saturday()
    for way in WAYS.values():
        way(saturday, served(saturday, 90, seconds_ago=-3600))
        way(saturday, served(saturday, 10))
    assert sums(saturday) == {"14:50": 10}
    assert {str(row["code"]) for row in rejections(saturday)} == {"in-the-future"}


def test_what_is_no_export_is_refused_over_http_and_set_aside_on_the_stream() -> None:
    saturday = a_saturday()
    for body in (b"[]", b'{"resourceMetrics":7}', b"\n\x01\x02"):
        assert saturday.bundle.post(OTLP, body).status == 400
        saturday.bundle.put(body)
    saturday.bundle.drain()
    codes = sorted(str(row["code"]) for row in rejections(saturday))
    assert codes == ["malformed-otlp", "malformed-otlp", "no-points"]


def test_more_points_than_a_record_may_hold_go_in_several() -> None:
    saturday = a_saturday()
    labels = [attributes({"n": str(n)}) for n in range(1200)]
    now = stated(saturday, "14:40")
    points = [{**now, "asInt": 1, "attributes": each} for each in labels]
    assert send(saturday, cast("Json", export(a_sum("served", *points)))).status == 200
    assert saturday.buckets("served", window="1m", stat="sum") == {"14:50": 1200}
    assert rejections(saturday) == []
