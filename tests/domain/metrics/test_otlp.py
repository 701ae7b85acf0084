import contextlib
import itertools
import json
import random
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.metrics.exports import (
    DELTA,
    START_NS,
    Sdk,
    a_histogram,
    a_sum,
    as_json,
    at,
    attributes,
    bins,
    export,
)
from wedsync.metrics.body import Poison
from wedsync.metrics.distribution import Amount, Distribution, Exponential, observations, since
from wedsync.metrics.exported import Exported, points_of
from wedsync.metrics.otlp import MOST_DATA_POINTS, Export, read_export
from wedsync.metrics.otlp_wire import is_export
from wedsync.metrics.point import Kind, Point


def read(document: object) -> Export:
    return read_export(json.dumps(document).encode())


def points(exported: Export) -> list[Point]:
    return [point for each in exported.points for point in points_of(each, each.reading)]


def busy(sdk: Sdk) -> Sdk:
    """Something of every instrument."""
    served = sdk.meter.create_counter("served")
    served.add(3, {"wedding.id": "w1", "route": "/rsvp"})
    served.add(2.5, {"wedding.id": "w2"})
    sdk.meter.create_up_down_counter("connected").add(-4)
    sdk.meter.create_gauge("host.cpu", unit="%").set(41.5, {"host": "h1"})
    for value in (0.004, 0.2, 0.2, 12.0):
        sdk.meter.create_histogram("photo.upload", unit="s").record(value, {"outcome": "completed"})
        sdk.meter.create_histogram("waits.exp", unit="ms").record(value)
    return sdk


@pytest.mark.parametrize("delta", [True, False])
def test_json_and_protocol_buffers_say_the_same(*, delta: bool) -> None:
    body = busy(Sdk(delta=delta, exponential=True)).export()
    exported = read_export(body)
    assert len(exported.points) == 6
    assert exported.rejected == ()
    assert read_export(as_json(body)) == exported
    assert is_export(body)
    assert is_export(as_json(body))


def test_each_instrument_of_the_sdk_becomes_what_it_means() -> None:
    found = {(point.name, point.kind): point for point in points(read_export(busy(Sdk()).export()))}
    assert set(found) == {
        ("served", Kind.COUNTER),
        ("connected", Kind.GAUGE),
        ("host.cpu", Kind.GAUGE),
        ("photo.upload", Kind.TIMER),
        ("waits.exp", Kind.TIMER),
    }
    assert found["served", Kind.COUNTER].values == (2.5,)
    assert found["connected", Kind.GAUGE].values == (-4.0,)
    assert found["host.cpu", Kind.GAUGE].values == (41.5,)
    assert found["served", Kind.COUNTER].wedding_id == "w2"
    assert dict(found["host.cpu", Kind.GAUGE].dims) == {"host": "h1", "service": "gallery"}


def test_times_are_told_in_milliseconds_and_keep_their_sum() -> None:
    uploads = [
        point for point in points(read_export(busy(Sdk()).export())) if point.name == "photo.upload"
    ]
    assert sum(point.observations for point in uploads) == 4
    told = sum(sum(point.values) * point.count for point in uploads)
    assert told == pytest.approx(4 + 200 + 200 + 12_000)


def test_what_a_data_point_belongs_to_may_stand_among_its_own_attributes_or_its_resources() -> None:
    own = {**at(1), "asInt": "1", "attributes": attributes({"wedding__id": "own", "a": "b"})}
    for resource, expected in (({}, "own"), ({"wedding__id": "around"}, "own")):
        (point,) = points(read(export(a_sum("n", own), service__name="s", **resource)))
        assert (point.wedding_id, dict(point.dims)) == (expected, {"a": "b", "service": "s"})
    (around,) = points(
        read(export(a_sum("n", {**at(1), "asInt": 1}), wedding__id="w", vendor__id="v"))
    )
    assert (around.wedding_id, around.vendor_id, around.dims) == ("w", "v", ())


@pytest.mark.parametrize("value", ["7", 7, 7.0])
def test_whole_numbers_are_texts_or_numbers(value: object) -> None:
    (point,) = points(read(export(a_sum("n", {**at(1), "asInt": value}))))
    assert point.values == (7.0,)


def test_a_sum_that_counts_events_of_the_catalogue_is_as_many_events() -> None:
    (point,) = points(read(export(a_sum("guest.activity", {**at(1), "asInt": 12}))))
    assert (point.kind, point.values, point.count) == (Kind.EVENT, (1.0,), 12)


@pytest.mark.parametrize(
    ("temporality", "kind"),
    [(DELTA, Kind.COUNTER), (2, Kind.GAUGE), ("AGGREGATION_TEMPORALITY_CUMULATIVE", Kind.GAUGE)],
)
def test_a_sum_that_may_fall_is_told_as_it_stands_or_as_it_changed(
    temporality: int, kind: Kind
) -> None:
    metric = a_sum("n", {**at(1), "asDouble": -2.5}, temporality=temporality, monotonic=False)
    (exported,) = read(export(metric)).points
    (point,) = points_of(exported, exported.reading)
    assert (point.kind, point.values, exported.running) == (kind, (-2.5,), False)


def test_a_summary_gives_its_mean_as_often_as_it_counted_and_its_quantiles_as_gauges() -> None:
    metric = {
        "name": "waits",
        "unit": "s",
        "summary": {
            "dataPoints": [
                {
                    **at(1),
                    "count": 4,
                    "sum": 6.0,
                    "quantileValues": [{"quantile": 0.5, "value": 1.0}, {"quantile": 1}],
                }
            ]
        },
    }
    exported = read(export(metric))
    assert [each.running for each in exported.points] == [True, False]
    timer, gauge = points(exported)
    assert (timer.kind, timer.values, timer.count) == (Kind.TIMER, (1500.0,), 4)
    assert (gauge.kind, gauge.values, dict(gauge.dims)) == (
        Kind.GAUGE,
        (1000.0,),
        {"quantile": "0.5"},
    )


def test_a_data_point_without_a_recorded_value_is_no_data() -> None:
    exported = read(export(a_sum("n", {**at(1), "flags": 1})))
    assert exported == Export((), ())


BAD = [
    ({"asInt": "1", "startTimeUnixNano": "0"}, "missing"),
    ({"asInt": "1", "timeUnixNano": "5", "startTimeUnixNano": "6"}, "bad-start"),
    ({**at(1)}, "missing"),
    ({**at(1), "asInt": "1.5"}, "bad-number"),
    ({**at(1), "asInt": "9" * 30}, "bad-number"),
    ({**at(1), "asInt": True}, "bad-number"),
    ({**at(1), "asDouble": "NaN"}, "not-finite"),
    ({**at(1), "asDouble": "much"}, "bad-number"),
    ({**at(1), "asInt": -1}, "went-back"),
    ({**at(1), "asInt": 1, "attributes": attributes({"a b": "c"})}, "bad-dims"),
    ({**at(1), "asInt": 1, "attributes": attributes({f"a{n}": "b" for n in range(17)})},
     "too-many-dims"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_bad_data_point_costs_only_itself(bad: dict[str, object], reason: str) -> None:
    good = {**at(1), "asInt": "1"}
    exported = read(export(a_sum("n", good, bad, good)))
    assert [each.index for each in exported.points] == [0, 2]
    (rejected,) = exported.rejected
    assert (rejected.index, rejected.code) == (1, reason)
    assert rejected.pointer.endswith("/sum/dataPoints/1")


@pytest.mark.parametrize(
    ("data_point", "reason"),
    [
        (bins([1, 2], [1, 1]), "bad-histogram"),
        (bins([2, 1], [1, 1, 1]), "bad-histogram"),
        (bins([1], [1, 1]) | {"count": 3}, "bad-histogram"),
        (bins([1], [2, -1]), "bad-histogram"),
        ({"bucketCounts": "1"}, "malformed-otlp"),
    ],
)
def test_a_histogram_that_does_not_add_up_is_refused(
    data_point: dict[str, object], reason: str
) -> None:
    exported = read(export(a_histogram("n", {"count": 1, **at(1), **data_point})))
    assert [each.code for each in exported.rejected] == [reason]


def test_an_unknown_temporality_is_refused() -> None:
    exported = read(export(a_sum("n", {**at(1), "asInt": 1}, temporality=0)))
    assert [each.code for each in exported.rejected] == ["unknown-temporality"]


def test_an_export_has_its_bounds() -> None:
    many = [{**at(1), "asInt": 1}] * (MOST_DATA_POINTS + 1)
    with pytest.raises(Poison, match="at most 5000"):
        read(export(a_sum("n", *many)))


def test_empty_things_cost_no_more_than_data_points() -> None:
    scopes: dict[str, object] = {"scopeMetrics": [{}] * 100}
    point = {**at(1), "count": 2_000, "positive": {"bucketCounts": [1] * 2_000}}
    bins = {"dataPoints": [point] * 400, "aggregationTemporality": DELTA}
    for body in (
        b"\n\x00" * 1_000_000,
        json.dumps({"resourceMetrics": [scopes] * 1000}).encode(),
        json.dumps(export(*[{}] * (MOST_DATA_POINTS + 1))).encode(),
        json.dumps(export({"name": "n", "exponentialHistogram": bins})).encode(),
    ):
        began = time.process_time()
        with pytest.raises(Poison):
            read_export(body)
        assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "body",
    [b"[]", b"7", b'{"resourceMetrics": {}}', b'{"resourceMetrics": [1]}', b"\n\x05\x01", b"\x00",
     b'{"resourceMetrics":[{"resource":{"attributes":[{"key":1}]}}]}', b"{"],
)  # fmt: skip
def test_what_is_no_export_is_poison(body: bytes) -> None:
    with pytest.raises(Poison):
        read_export(body)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"resourceMetrics":[]}'])
def test_an_export_may_be_empty(body: bytes) -> None:
    assert read_export(body) == Export((), ())


@pytest.mark.parametrize("body", [b'{"name":"resourceMetrics"}', b'\n{"name": "a"}', b"", b"\n"])
def test_other_records_are_no_exports(body: bytes) -> None:
    assert not is_export(body)


# Distributions


def mean(reading: Distribution | Exponential) -> float:
    found = observations(reading)
    return sum(value * count for value, count in found) / sum(count for _, count in found)


@given(values=st.lists(st.floats(-50, 2000), min_size=1, max_size=60), extremes=st.booleans())
@settings(max_examples=200, deadline=None)
def test_values_never_leave_their_bins_and_keep_their_sum(
    *, values: list[float], extremes: bool
) -> None:
    bounds = (0.0, 5.0, 10.0, 100.0, 1000.0)
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[sum(value > bound for bound in bounds)] += 1
    told = Distribution(
        bounds=bounds,
        counts=tuple(counts),
        total=sum(values),
        lowest=min(values) if extremes else None,
        highest=max(values) if extremes else None,
    )
    found = observations(told)
    assert sum(count for _, count in found) == len(values)
    places = [place for place, count in enumerate(counts) if count]
    for (value, count), place in zip(found, places, strict=True):
        assert count == counts[place]
        assert place == 0 or value >= bounds[place - 1]
        assert place == len(bounds) or value <= bounds[place]
    if extremes:
        assert mean(told) == pytest.approx(sum(values) / len(values), rel=1e-6, abs=1e-6)


def test_without_a_sum_values_stand_in_the_middle() -> None:
    told = Distribution(bounds=(10.0, 20.0, 40.0), counts=(1, 2, 3, 0))
    assert observations(told) == [(5.0, 1), (15.0, 2), (30.0, 3)]


def test_a_histogram_without_bounds_is_its_mean() -> None:
    assert observations(Distribution(bounds=(), counts=(4,), total=6.0)) == [(1.5, 4)]
    assert observations(Distribution(bounds=(), counts=(4,), total=-6.0)) == [(-1.5, 4)]


@pytest.mark.parametrize("scale", [-2, 0, 3, 8, 20])
def test_an_exponential_bin_is_off_by_no_more_than_is_stated(scale: int) -> None:
    rng = random.Random(scale)
    base = 2.0 ** (2.0**-scale)
    allowed = (base - 1) / (base + 1) * (1 + 1e-9)
    for _ in range(50):
        index = rng.randrange(0, max(2, int(40 * 2**scale)) if scale >= 0 else 8)
        low = base**index
        (found,) = observations(Exponential(scale=scale, zero=0, positive={index: 2}, negative={}))
        for true in (low, low * base, low * base**0.5):
            assert abs(found[0] - true) / true <= allowed + 1e-6


def test_bins_merge_when_a_client_coarsens_its_scale() -> None:
    before = Exponential(scale=3, zero=1, positive={8: 2, 9: 1}, negative={4: 1})
    after = Exponential(scale=2, zero=1, positive={4: 4, 90: 1}, negative={2: 1})
    grown = since(after, before)
    assert grown == Exponential(scale=2, zero=0, positive={4: 1, 90: 1}, negative={})


def test_an_sdk_that_coarsens_its_scale_is_followed_exactly() -> None:
    sdk = Sdk(exponential=True)
    histogram = sdk.meter.create_histogram("waits.exp")
    readings = []
    for values in ((1.0, 1.01), (1.02, 900.0), (1e-3, 7e5)):
        for value in values:
            histogram.record(value)
        (each,) = read_export(sdk.export()).points
        readings.append(each.reading)
    scales = [each.scale for each in readings if isinstance(each, Exponential)]
    assert len(set(scales)) == 3
    grown = [since(newer, older) for older, newer in itertools.pairwise(readings)]
    assert [sum(count for _, count in observations(each)) for each in grown] == [2, 2]
    found = [value for each in grown for value, _ in observations(each)]
    for value, true in zip(sorted(found), sorted((1.02, 900.0, 1e-3, 7e5)), strict=True):
        assert value == pytest.approx(true, rel=0.2)


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        (Amount(1), Amount(2)),
        (Distribution(bounds=(1.0,), counts=(1, 0)), Distribution(bounds=(1.0,), counts=(0, 1))),
        (Distribution(bounds=(1.0,), counts=(1, 0)), Distribution(bounds=(2.0,), counts=(0, 0))),
        (Amount(1), Distribution(bounds=(), counts=(1,))),
        (
            Exponential(scale=1, zero=0, positive={}, negative={}),
            Exponential(scale=1, zero=0, positive={3: 1}, negative={}),
        ),
        (
            Exponential(scale=1, zero=0, positive={}, negative={}),
            Exponential(scale=1, zero=1, positive={}, negative={}),
        ),
    ],
)
def test_what_cannot_have_grown_is_refused(newer: Amount, older: Amount) -> None:
    with pytest.raises(Poison):
        since(newer, older)


def test_large_whole_numbers_are_subtracted_exactly() -> None:
    assert since(Amount(2**60 + 1), Amount(2**60)) == Amount(1)


def test_bins_that_were_hit_equally_often_share_a_point() -> None:
    (exported,) = read(export(a_histogram("n", {**at(1), **bins([1, 2, 3], [1, 2, 1, 2])}))).points
    found = points_of(exported, exported.reading)
    assert [(point.values, point.count) for point in found] == [((0.5, 2.5), 1), ((1.5, 3.0), 2)]
    assert len({point.event_id for point in found}) == 2


def exported(**changes: object) -> Exported:
    (each,) = read(export(a_sum("n", {**at(1), "asInt": 5}))).points
    return replace(each, **changes)  # type: ignore[arg-type] # one of its own members


def test_the_ids_of_points_tell_series_starts_and_times_apart() -> None:
    ids = [
        points_of(each, each.reading)[0].event_id
        for each in (
            exported(),
            exported(series="another"),
            exported(since_ns=START_NS - 1),
            exported(at_ns=START_NS + 5),
        )
    ]
    assert len(set(ids)) == 4
    assert ids[0] == points_of(exported(), exported().reading)[0].event_id


@pytest.mark.parametrize("amount", [1e16, 1e300])
def test_what_no_point_may_hold_is_refused(amount: float) -> None:
    with pytest.raises(Poison):
        points_of(exported(), Amount(amount))


# Whatever comes


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["1", "-1", str(START_NS)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from([
            "resourceMetrics", "scopeMetrics", "metrics", "sum", "gauge", "histogram", "summary",
            "exponentialHistogram", "dataPoints", "attributes", "key", "value", "asInt", "asDouble",
            "timeUnixNano", "startTimeUnixNano", "name", "unit", "bucketCounts", "explicitBounds",
            "count", "aggregationTemporality", "scale", "positive", "offset", "flags",
            "stringValue",
        ]), inner, max_size=5),
    max_leaves=30,
)  # fmt: skip


@given(_json, st.sampled_from(["sum", "gauge", "histogram", "exponentialHistogram", "summary"]))
@settings(max_examples=300, deadline=None)
def test_arbitrary_documents_are_read_refused_or_poison(value: object, form: str) -> None:
    point = value if isinstance(value, dict) else {"attributes": value}
    whole = export({"name": "n", form: {"dataPoints": [{**at(1), **point}],
                                        "aggregationTemporality": 1}})  # fmt: skip
    for document in (value, {"resourceMetrics": value}, whole):
        with contextlib.suppress(Poison):
            found = read_export(json.dumps(document).encode())
            for each in found.points:
                with contextlib.suppress(Poison):
                    points_of(each, each.reading)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_protocol_buffers_are_read_refused_or_poison(data: st.DataObject) -> None:
    body = bytearray(_BUSY)
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    for each in (bytes(body), bytes(body[:cut]), data.draw(st.binary(max_size=100))):
        with contextlib.suppress(Poison):
            for one in read_export(each).points:
                with contextlib.suppress(Poison):
                    points_of(one, one.reading)


_BUSY = busy(Sdk(exponential=True)).export()
