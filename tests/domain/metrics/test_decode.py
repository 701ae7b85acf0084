import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.metrics.decode import DecodedRecord, decode_record
from wedsync.metrics.point import DataType, Kind, Point, Priority

TS = 1_750_000_000_000
GOOD = {"name": "api.request", "kind": "timer", "ts": TS, "value": 120}


def decoded(value: object) -> DecodedRecord:
    return decode_record(json.dumps(value).encode())


def the_point(value: object) -> Point:
    record = decoded(value)
    assert record.rejected == ()
    ((_, point),) = record.points
    return point


def test_a_point_needs_only_a_name_a_kind_a_time_and_a_value() -> None:
    assert the_point(GOOD) == Point(name="api.request", kind=Kind.TIMER, ts_ms=TS, values=(120.0,))


def test_every_member_of_the_envelope_is_read() -> None:
    point = the_point(
        {
            "v": 1,
            "eventId": "e1",
            "tenantId": "t1",
            "streamId": "s1",
            "dataType": "booking_event",
            "source": "app",
            "priority": "high",
            "weddingId": "w1",
            "vendorId": "v1",
            "guestId": "g1",
            "ts": "2025-06-15T15:06:40Z",
            "name": "x",
            "kind": "gauge",
            "values": [1, 2.5],
            "count": 3,
            "dims": {"b": "2", "a": 1, "c": None, "d": True},
            "metadata": {"anything": [1]},
            "validationRules": [],
        }
    )
    assert point == Point(
        name="x",
        kind=Kind.GAUGE,
        ts_ms=TS,
        values=(1.0, 2.5),
        count=3,
        wedding_id="w1",
        vendor_id="v1",
        guest_id="g1",
        source="app",
        dims=(("a", "1"), ("b", "2"), ("d", "true")),
        event_id="e1",
        data_type=DataType.BOOKING_EVENT,
        priority=Priority.HIGH,
        tenant_id="t1",
        stream_id="s1",
    )
    assert point.observations == 6


def test_ids_among_the_dimensions_are_lifted_out_of_them() -> None:
    point = the_point({**GOOD, "dims": {"vendorId": "v1", "guestId": "g1", "action": "look"}})
    assert (point.vendor_id, point.guest_id, point.dims) == ("v1", "g1", (("action", "look"),))


def test_an_event_stands_for_one_unless_it_says_otherwise() -> None:
    assert the_point({"name": "x", "kind": "event", "ts": TS}).values == (1.0,)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2025-06-07T23:30:00Z", 1_749_339_000_000),
        ("2025-06-07t23:30:00.999z", 1_749_339_000_999),
        ("2025-06-08T09:30:00.0009999+10:00", 1_749_339_000_000),
        (
            "2024-02-29T00:00:00-11:00",
            int(datetime(2024, 2, 29, 11, tzinfo=UTC).timestamp()) * 1000,
        ),
    ],
)
def test_a_time_may_be_rfc_3339(text: str, ms: int) -> None:
    assert the_point({**GOOD, "ts": text}).ts_ms == ms


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"name": None}, "missing", "/name"),
        ({"name": ""}, "bad-name", "/name"),
        ({"name": "a b"}, "bad-name", "/name"),
        ({"name": "a\n"}, "bad-name", "/name"),
        ({"name": "x" * 201}, "bad-name", "/name"),
        ({"name": 5}, "bad-name", "/name"),
        ({"kind": None}, "missing", "/kind"),
        ({"kind": "meter"}, "unknown-kind", "/kind"),
        ({"kind": ["timer"]}, "unknown-kind", "/kind"),
        ({"dataType": "metric"}, "unknown-data-type", "/dataType"),
        ({"priority": "whenever"}, "unknown-priority", "/priority"),
        ({"v": 2}, "unknown-version", "/v"),
        ({"ts": None}, "missing", "/ts"),
        ({"ts": True}, "bad-ts", "/ts"),
        ({"ts": -1}, "bad-ts", "/ts"),
        ({"ts": 1.5}, "bad-ts", "/ts"),
        ({"ts": 10**300}, "bad-ts", "/ts"),
        ({"ts": "2025-06-07T23:30:00"}, "bad-ts", "/ts"),
        ({"ts": "2025-02-30T00:00:00Z"}, "bad-ts", "/ts"),
        ({"ts": "0001-01-01T00:00:00+23:00"}, "bad-ts", "/ts"),
        ({"ts": "yesterday"}, "bad-ts", "/ts"),
        ({"value": None}, "missing", "/value"),
        ({"value": "5"}, "bad-value", "/value"),
        ({"value": True}, "bad-value", "/value"),
        ({"value": 1e16}, "value-out-of-range", "/value"),
        ({"value": -(10**399)}, "value-out-of-range", "/value"),
        ({"values": [1]}, "ambiguous-value", "/values"),
        ({"value": None, "values": []}, "bad-value", "/values"),
        ({"value": None, "values": [1, None]}, "bad-value", "/values"),
        ({"count": 0}, "bad-count", "/count"),
        ({"count": 1.5}, "bad-count", "/count"),
        ({"count": 10**10}, "bad-count", "/count"),
        ({"weddingId": "w" * 201}, "bad-wedding-id", "/weddingId"),
        ({"weddingId": 5}, "bad-wedding-id", "/weddingId"),
        ({"eventId": "a\u001fb"}, "bad-event-id", "/eventId"),
        ({"weddingID": "w"}, "unknown-member", "/weddingID"),
        ({"dim": {"a": "b"}}, "unknown-member", "/dim"),
        ({"wedding": "w"}, "unknown-member", "/wedding"),
        ({"wedding/i~d": 1, "vendor-id": "v"}, "unknown-member", "/vendor-id"),
        ({"dims": []}, "bad-dims", "/dims"),
        ({"dims": {"a": {}}}, "bad-dims", "/dims"),
        ({"dims": {"a b": "c"}}, "bad-dims", "/dims"),
        ({"dims": {"a": "c" * 257}}, "bad-dims", "/dims"),
        ({"dims": {"a": "c\u0000"}}, "bad-dims", "/dims"),
        ({"dims": {f"d{n}": "x" for n in range(17)}}, "too-many-dims", "/dims"),
    ],
)
def test_one_bad_point_is_named_and_never_costs_its_neighbours(
    change: dict[str, object], code: str, pointer: str
) -> None:
    record = decoded([GOOD, {**GOOD, **change}, GOOD])
    assert [index for index, _ in record.points] == [0, 2]
    (rejected,) = record.rejected
    assert (rejected.index, rejected.code, rejected.pointer) == (1, code, f"/1{pointer}")
    assert rejected.raw.startswith(b"{")


@pytest.mark.parametrize(
    ("element", "code"),
    [
        ('{"name":"x","name":"x"}', "duplicate-key"),
        ('{"name":"x","value":NaN}', "not-finite"),
        ('{"name":"\\ud800"}', "lone-surrogate"),
        ('{"value":' + "9" * 500 + "}", "number-too-long"),
        ('{"name":"x","kind":"timer","ts":5,"value":1e999}', "value-out-of-range"),
        ("5", "not-an-object"),
        ("null", "not-an-object"),
    ],
)
def test_what_json_does_not_allow_costs_only_its_own_point(element: str, code: str) -> None:
    good = json.dumps(GOOD)
    for text in (f"[{good},{element},{good}]", f'{{"data":[{good},{element},{good}]}}'):
        record = decode_record(text.encode())
        assert [index for index, _ in record.points] == [0, 2]
        assert [(each.index, each.code) for each in record.rejected] == [(1, code)]


def test_objects_may_come_line_by_line() -> None:
    good = json.dumps(GOOD)
    record = decode_record(f"{good}\n\nnonsense\r\n{good}\n".encode())
    assert [index for index, _ in record.points] == [0, 2]
    (rejected,) = record.rejected
    assert (rejected.index, rejected.code, rejected.raw) == (1, "malformed-json", b"nonsense")
    assert (rejected.pointer, rejected.detail[:8]) == ("/1", "line 3: ")
    assert [place.line for place in record.places] == [1, 3, 4]


def test_a_pointer_leads_into_the_body_as_it_was_sent() -> None:
    wrong = {**GOOD, "ts": TS * 1000}
    found = {}
    for body in (wrong, [wrong], {"data": [GOOD, wrong]}, {"payload": wrong}):
        (rejected,) = decoded(body).rejected
        found[rejected.pointer] = rejected.detail
    assert list(found) == ["/ts", "/0/ts", "/data/1/ts", "/payload/ts"]
    assert all("looks like epoch microseconds" in each for each in found.values())


def test_members_of_another_name_are_ignored() -> None:
    assert (
        the_point({**GOOD, "resource": 1, "date": 2, "event": 3, "country": 4}).name
        == "api.request"
    )


@pytest.mark.parametrize(
    "own", [{"county": "Kent"}, {"clientid": "c"}, {"kid": "k"}, {"named": "Ann"}, {"sources": []}]
)
def test_a_member_of_ones_own_is_no_slip_where_nothing_would_be_lost(
    own: dict[str, object],
) -> None:
    assert the_point({**GOOD, **own}).name == "api.request"
    assert the_point({**GOOD, "weddingId": "w", "wedding": "Ann & Bo"}).wedding_id == "w"


def test_points_of_data_inherit_the_members_around_them() -> None:
    record = decoded(
        {
            "eventId": "e",
            "timestamp": TS,
            "sourceSystem": "booth",
            "sourceId": "s1",
            "weddingId": "w1",
            "kind": "counter",
            "value": 9,
            "dims": {"a": "1", "b": "1"},
            "payload": [
                {"name": "x"},
                {"name": "y", "ts": TS + 5, "values": [1, 2], "dims": {"b": "2"}, "eventId": "own"},
            ],
        }
    )
    (_, first), (_, second) = record.points
    assert (first.source, first.stream_id, first.wedding_id) == ("booth", "s1", "w1")
    assert (first.values, first.ts_ms, first.event_id) == ((9.0,), TS, "e/0")
    assert (second.values, second.ts_ms, second.event_id) == ((1.0, 2.0), TS + 5, "own")
    assert second.dims == (("a", "1"), ("b", "2"))


def test_an_inherited_event_id_does_not_make_two_points_one() -> None:
    record = decoded({**GOOD, "eventId": "e", "data": [{"value": 1}, {"value": 2}]})
    assert [point.event_id for _, point in record.points] == ["e/0", "e/1"]


def test_a_single_payload_may_be_an_object() -> None:
    assert the_point({"payload": GOOD}).name == "api.request"


@pytest.mark.parametrize("body", [b"", b"\x00", b"5", b"[]", b'"x"', b'{"data":[]}', b"{,}\n{,}"])
def test_a_body_that_cannot_be_read_at_all_is_rejected_whole(body: bytes) -> None:
    record = decode_record(body)
    assert record.points == ()
    (rejected,) = record.rejected
    assert (rejected.index, rejected.raw) == (None, body)


def test_a_record_holds_500_values() -> None:
    assert len(decoded([GOOD] * 500).points) == 500
    for body in (
        [GOOD] * 501,
        {"data": [GOOD] * 501},
        {"name": "x", "kind": "timer", "ts": 5, "values": [1] * 501},
    ):
        (rejected,) = decoded(body).rejected
        assert (rejected.index, rejected.code) == (None, "too-many-points")


def test_values_too_small_for_any_table_are_zero() -> None:
    assert the_point({**GOOD, "value": 1e-200}).values == (0.0,)


MEMBERS = ("v", "name", "kind", "ts", "value", "values", "count", "dims", "data", "payload",
           "eventId", "weddingId", "dataType", "priority", "timestamp", "extra")  # fmt: skip
scalars = st.sampled_from(
    [None, True, 0, 1, -1, TS, 1e15, 1e300, "", "x", "timer", "event", "2025-06-07T23:30:00Z"]
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=6)
    ),
    max_leaves=15,
)


@given(anything.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=80))
@settings(max_examples=400, deadline=None)
def test_every_element_is_a_point_or_a_rejection_and_nothing_is_raised(body: bytes) -> None:
    record = decode_record(body)
    taken = [index for index, _ in record.points]
    refused = [each.index for each in record.rejected]
    assert taken or refused
    if refused == [None]:
        assert not taken
    else:
        numbered = [index for index in refused if index is not None]
        assert sorted([*taken, *numbered]) == list(range(len(taken) + len(refused)))
