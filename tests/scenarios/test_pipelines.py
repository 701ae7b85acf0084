"""What tenants derive: each transform by its documented fixture, rules, schemas, replays."""

import json
import re
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl

import pytest

from infra.local.event_sources import kinesis_event
from tests.builders import utc
from tests.functions.stage import FUNCTIONS, Context
from tests.harness import Bundle, Point, a_point, a_wedding_request
from wedsync.metrics.columns import ints
from wedsync.metrics.frame import FrameColumns, encode
from wedsync.resources import Resource
from wedsync.tenancy import Tenant

NOON = utc("2026-06-20T14:05")
PATH = "/api/metrics/pipelines"
GUIDE = Path(__file__).parents[2] / "docs" / "pipelines.md"
EXAMPLES = re.compile(r"```json fixture\n(.*?)```", re.DOTALL)
FIXTURES = [json.loads(each) for each in EXAMPLES.findall(GUIDE.read_text())]


def declared(bundle: Bundle, name: str, body: object) -> None:
    answer = bundle.put_document(f"{PATH}/{name}", body)
    assert answer.status == 200, answer


def lines(bundle: Bundle, **query: str) -> list[dict[str, Any]]:
    found = bundle.request("GET", "/api/metrics/series", query={"timeRange": "1h", **query})
    assert found.status == 200, found
    return cast("list[dict[str, Any]]", found["series"])


def sums(bundle: Bundle, metric: str, **query: str) -> dict[str, float]:
    """The sum of each line of a metric, by its dimensions."""
    return {
        json.dumps(line["dims"]): sum(value for _, value in line["points"])
        for line in lines(bundle, name=metric, stat="sum", **query)
    }


def counts(bundle: Bundle, metric: str) -> float:
    found = lines(bundle, name=metric, stat="count")
    return float(sum(value for line in found for _, value in line["points"]))


def replayed(bundle: Bundle) -> None:
    """Every record of every shard is delivered once more."""
    for mapping in bundle.machine.streams.mappings:
        records = bundle.cloud.stream(Resource.METRICS_STREAM).records(mapping.shard_id)
        if records:
            event = kinesis_event(
                records, "arn:aws:kinesis:x:0:stream/wedsync-metrics", bundle.settings
            )
            FUNCTIONS["streams-metrics"].run(event, Context(), bundle.cloud, bundle.settings)


def test_the_guide_shows_every_transform() -> None:
    types = [each["pipeline"]["transforms"][0]["type"] for each in FIXTURES]
    assert types == ["filter", "calculate", "normalize", "join", "aggregate"]


@pytest.mark.parametrize(
    "fixture", FIXTURES, ids=lambda each: each["pipeline"]["transforms"][0]["type"]
)
def test_a_fixture_of_the_guide_gives_what_it_says_however_often_it_is_delivered(
    fixture: dict[str, Any],
) -> None:
    with Bundle(at=NOON) as bundle:
        wedding = bundle.register({**a_wedding_request(), "style": "rustic"})
        declared(bundle, "example", fixture["pipeline"])
        for point in fixture["points"]:
            members = {**point, "weddingId": wedding} if point.get("weddingId") else point
            bundle.put({**a_point("x", bundle.now), **members})
        bundle.drain()
        replayed(bundle)
        found = sums(bundle, "derived.example", groupBy=fixture["groupBy"])
        assert found == {json.dumps(dims): total for dims, total in fixture["sums"]}
        assert counts(bundle, "derived.example") == fixture["count"]
        # What went in is counted as well, and once.
        assert counts(bundle, fixture["points"][0]["name"]) == len(fixture["points"])


SECONDS = {"type": "calculate", "value": {"op": "divide", "of": [{"field": "value"}, 1000]}}


def test_a_rule_yields_its_series_from_the_next_batch_to_the_last_before_it_is_removed() -> None:
    with Bundle(at=NOON) as bundle:

        def point() -> Point:
            return a_point("api.request", bundle.now, value=500, dims={"service": "gallery"})

        bundle.put(point())
        bundle.drain()
        rule = {
            "timeWindow": "1m", "groupByFields": ["dims.service"],
            "aggregationFunctions": ["count", "p95"], "outputFields": ["answers", "slowness"],
            "filterConditions": [{"field": "value", "atLeast": 500}],
        }  # fmt: skip
        body = {
            "source": {"names": ["api.request"]},
            "transforms": [{"type": "aggregate", "rule": rule}],
        }
        declared(bundle, "slow", body)
        bundle.put(point(), point(), {**point(), "value": 20})
        bundle.drain()
        reply = bundle.get(f"{PATH}/slow")
        hrefs = {
            each["field"]: each["href"] for each in cast("list[dict[str, str]]", reply["outputs"])
        }
        for field, value in (("answers", 2), ("slowness", 500)):
            (line,) = lines(bundle, **dict(parse_qsl(hrefs[field].partition("?")[2])))
            assert (line["dims"], [v for _, v in line["points"]]) == (
                {"service": "gallery"},
                [value],
            )
        assert bundle.delete(f"{PATH}/slow").status == 204
        bundle.put(point())
        bundle.drain()
        assert counts(bundle, "derived.slow") == 2
        assert counts(bundle, "api.request") == 5


def test_what_the_schema_refuses_is_parked_with_the_pointer_and_costs_only_itself() -> None:
    with Bundle(at=NOON) as bundle:
        schema = {
            "value": {"minimum": 0, "maximum": 10},
            "dims": {"required": ["team"], "properties": {"team": {"enum": ["media"]}}},
        }
        body = {"source": {"names": ["x"]}, "transforms": [SECONDS], "outputSchema": schema}
        declared(bundle, "strict", body)
        media, other = {"team": "media"}, {"team": "other"}
        for value, dims in ((5000, media), (11_000, media), (5000, other), (5000, {}), (-1, media)):
            bundle.put(a_point("x", bundle.now, value=value, dims=dims))
        bundle.drain()
        replayed(bundle)
        parked = bundle.get("/api/metrics/ingest/rejections").items
        assert sorted(str(each["pointer"]) for each in parked) == [
            "/dims/team", "/dims/team", "/value", "/value"
        ]  # fmt: skip
        assert {each["code"] for each in parked} == {"output-schema"}
        assert (counts(bundle, "derived.strict"), counts(bundle, "x")) == (1, 5)


def test_a_value_that_cannot_be_worked_out_is_parked() -> None:
    with Bundle(at=NOON) as bundle:
        share = {"op": "divide", "of": [{"field": "value"}, {"field": "dims.size"}]}
        body = {"source": {"names": ["x"]}, "transforms": [{"type": "calculate", "value": share}]}
        declared(bundle, "share", body)
        for size in ("4", "0", "many"):
            bundle.put(a_point("x", bundle.now, value=8, dims={"size": size}))
        bundle.drain()
        assert sums(bundle, "derived.share") == {"{}": 2}
        parked = bundle.get("/api/metrics/ingest/rejections").items
        assert {str(each["code"]) for each in parked} == {"output-not-a-number"}
        assert len(parked) == 2


def test_a_value_that_is_spread_beyond_all_numbers_is_parked() -> None:
    with Bundle(at=NOON) as bundle:
        spread = {"type": "normalize", "from": [0, 1e-300], "to": [0, 1]}
        declared(bundle, "spread", {"source": {"names": ["x"]}, "transforms": [spread]})
        for value in (0, 1e15):
            bundle.put(a_point("x", bundle.now, value=value))
        bundle.drain()
        assert sums(bundle, "derived.spread") == {"{}": 0}
        (parked,) = bundle.get("/api/metrics/ingest/rejections").items
        assert parked["code"] == "output-not-a-number"


def test_a_value_that_cannot_be_worked_out_excuses_none_beside_it_from_the_schema() -> None:
    with Bundle(at=NOON) as bundle:
        inverse = {"op": "divide", "of": [1, {"field": "value"}]}
        body = {
            "source": {"names": ["x"]},
            "transforms": [{"type": "calculate", "value": inverse}],
            "outputSchema": {"value": {"minimum": 0, "maximum": 10}},
        }
        declared(bundle, "inverse", body)
        bundle.put(*(a_point("x", bundle.now, value=value) for value in (0, 4, -1, 0.01)))
        bundle.drain()
        assert sums(bundle, "derived.inverse") == {"{}": 0.25}
        parked = bundle.get("/api/metrics/ingest/rejections").items
        assert sorted(str(each["code"]) for each in parked) == [
            "output-not-a-number", "output-schema", "output-schema"
        ]  # fmt: skip


def test_pipelines_are_their_tenants_and_change_version_by_version() -> None:
    with Bundle(at=NOON) as bundle:
        body = {"source": {"names": ["x"]}, "transforms": [SECONDS]}
        assert bundle.get(f"{PATH}/mine").status == 404
        declared(bundle, "mine", body)
        rival = bundle.key(tenant=Tenant("rival"))
        assert bundle.get(f"{PATH}/mine", key=rival).status == 404
        assert bundle.get(PATH, key=rival).items == []
        assert bundle.put_document(f"{PATH}/mine", body, if_match='"7"').status == 412
        answer = bundle.put_document(f"{PATH}/mine", {**body, "description": "!"}, if_match='"1"')
        assert (answer.status, answer["version"], answer.headers["etag"]) == (200, 2, '"2"')
        assert [each["id"] for each in bundle.get(PATH).items] == ["mine"]
        assert bundle.delete(f"{PATH}/mine", if_match='"1"').status == 412
        assert bundle.delete(f"{PATH}/mine", if_match='"2"').status == 204
        bundle.put(a_point("x", bundle.now, value=8))
        bundle.post("/api/metrics/ingest", a_point("x", bundle.now), key=rival)
        bundle.drain()
        assert counts(bundle, "derived.mine") == 0


@pytest.mark.parametrize(
    ("transform", "pointer"),
    [
        ({"type": "filter"}, "/transforms/0"),
        ({"type": "filter", "where": {"field": "value", "equals": 1}}, "/transforms/0/where"),
        ({"type": "filter", "where": {"field": "secret", "equals": "a"}}, "/transforms/0/where"),
        ({"type": "calculate", "value": "value * 2"}, "/transforms/0/value"),
        ({"type": "calculate", "value": {"field": "weddingId"}}, "/transforms/0/value"),
        ({"type": "normalize", "from": [1, 1], "to": [0, 1]}, "/transforms/0"),
        ({"type": "join", "on": "dims.a"}, "/transforms/0"),
        (
            {"type": "filter", "where": {"not": {"field": "name", "exists": True}}, "on": "source"},
            "/transforms/0",
        ),
        ({"type": "explode"}, "/transforms/0/type"),
    ],
)
def test_a_wrong_transform_is_refused_by_its_member(
    transform: dict[str, object], pointer: str
) -> None:
    with Bundle(at=NOON) as bundle:
        body = {"source": {"names": ["x"]}, "transforms": [transform]}
        answer = bundle.put_document(f"{PATH}/wrong", body)
        assert answer.status == 400
        assert [each["pointer"] for each in cast("list[dict[str, str]]", answer["errors"])] == [
            pointer
        ]


def test_nobody_sends_what_pipelines_derive() -> None:
    with Bundle(at=NOON) as bundle:
        answer = bundle.post("/api/metrics/ingest", a_point("derived.mine", bundle.now))
        assert answer.status == 400
        assert cast("list[dict[str, str]]", answer["errors"])[0]["code"] == "reserved-name"


def test_what_a_large_frame_derives_fits_items_however_much_is_joined_to_it() -> None:
    series = 600
    with Bundle(at=NOON, shards=1) as bundle:
        added = {f"d{number}": "x" * 250 for number in range(8)}
        join = {"type": "join", "on": "source", "table": {"gallery": added}}
        declared(bundle, "wide", {"source": {"names": ["x"]}, "transforms": [join]})
        frame = encode(
            FrameColumns(
                places=[(None, None, "gallery")],
                metrics=[("x", "counter")],
                dims=[(("n", str(number)),) for number in range(series)],
                series=[(0, 0, number) for number in range(series)],
                series_of=ints(range(series)),
                ts_ms=ints([round(bundle.now.timestamp() * 1000)] * series),
                value=ints([1] * series).astype("f8"),
            ),
            frame_id=7,
            created_at_ms=round(bundle.now.timestamp() * 1000),
            compress=False,
        )
        for _ in range(2):
            bundle.put(frame)
        bundle.drain()
        replayed(bundle)
        assert counts(bundle, "derived.wide") == series
        assert counts(bundle, "x") == series
        assert bundle.get("/api/metrics/ingest/rejections").items == []
