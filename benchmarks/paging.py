"""From a record that shows a breach to the page: how long a person is not yet told."""

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from benchmarks.report import Differs, Section, Table, number, quantile, times
from benchmarks.served import UNROUTED, Client, clock, served

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

_RUNS = 20
_LONGEST_SECONDS = 15.0
_LOOK_SECONDS = 0.002
_GOOD, _FAILED = 20, 5
_BAR_MS = 5_000.0


def measure(*, quick: bool) -> Section:
    """Each run breaches at a wedding of its own; a few before them warm the server."""
    warming = 1 if quick else 3
    with served() as server, server.client() as client:
        kinesis = server.kinesis()
        weddings = [client.open_wedding(each) for each in range(warming + _RUNS)]
        found = [_page(client, kinesis, server.stream, each) for each in weddings][warming:]
        unrouted = [client.ask("GET", UNROUTED).ms for _ in range(100)]
    floor = quantile(unrouted, 0.5)
    table = Table(
        columns=("record put → page visible", "ms", "404's p50 ms", "ratio", "bar (p99)", "of it"),
        rows=[
            (
                f"p{q}",
                number(quantile(found, q / 100)),
                number(floor),
                times(quantile(found, q / 100) / floor),
                number(_BAR_MS),
                f"{quantile(found, q / 100) / _BAR_MS:.1%}",
            )
            for q in (50, 95)
        ],
    )
    said = (
        f"{_RUNS} weddings in turn: one put_records call of {_GOOD + _FAILED} records with "
        f"{_FAILED} failed uploads, from the call until the page of that wedding stands under "
        "`/_local/notifications`. On AWS a stream is polled about once a second on top of it."
    )
    return Section(
        name="paging",
        title="From a breach to the page",
        said=said,
        tables=(table,),
        figures={
            **{f"p{q} ms": quantile(found, q / 100) for q in (50, 95)},
            "most ms": max(found),
            "404 p50 ms": floor,
        },
    )


def _page(client: Client, kinesis: "KinesisClient", stream: str, wedding_id: str) -> float:
    seen = cast("int", client.document("GET", "/_local/notifications?since=0")["next"])
    records: list[PutRecordsRequestEntryTypeDef] = [
        {"Data": json.dumps(_upload(wedding_id, each)).encode(), "PartitionKey": wedding_id}
        for each in range(_GOOD + _FAILED)
    ]
    began = time.perf_counter()
    if kinesis.put_records(StreamName=stream, Records=records)["FailedRecordCount"]:
        raise Differs("the stream refused a record")
    while time.perf_counter() - began < _LONGEST_SECONDS:
        page = client.document("GET", f"/_local/notifications?since={seen}")
        items = cast("list[Mapping[str, Mapping[str, object]]]", page["items"])
        if any(
            item["attributes"].get("wedding_id") == wedding_id
            and item["attributes"].get("kind") == "page"
            for item in items
        ):
            return (time.perf_counter() - began) * 1000
        time.sleep(_LOOK_SECONDS)
    raise Differs(f"no page for {wedding_id}")


def _upload(wedding_id: str, number_: int) -> dict[str, object]:
    return {
        "eventId": f"upload-{number_}",
        "name": "photo.upload",
        "kind": "timer",
        "ts": round(clock.now().timestamp() * 1000),
        "value": 500,
        "weddingId": wedding_id,
        "dims": {"outcome": "completed" if number_ < _GOOD else "failed"},
    }
