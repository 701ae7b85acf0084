"""What it takes a client of AWS to write what a million points amount to, beside computing it."""

import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from benchmarks.report import Section, Table, median, number, times
from benchmarks.stages import Run, fold_all, judged, records_of
from benchmarks.traffic import PACKS, START_MS, a_minute
from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from wedsync.aws.clients import Clients
from wedsync.aws.cloud import AwsCloud
from wedsync.cloud import Condition, Item
from wedsync.cloud.forwarding import ForwardingTable
from wedsync.cloud.protocols import Table as AnyTable
from wedsync.flows.times import at_ms
from wedsync.metrics.columns import Columns
from wedsync.metrics.fold import slots
from wedsync.metrics.reading import BodyReader
from wedsync.resources import Resource
from wedsync.stores.hot_windows import HotWindowStore

_WEDDINGS = 10_000
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "measured", "AWS_SECRET_ACCESS_KEY": "measured"}

Put = tuple[Item, Condition | None]


class _Noted(ForwardingTable):
    """Notes every put, also those that are refused."""

    def __init__(self, table: AnyTable) -> None:
        super().__init__(table)
        self.puts: list[Put] = []

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        """Note it, then let it be decided."""
        self.puts.append((item, when))
        super().put(item, when=when)


class _Body:
    """The body of an answer that says nothing."""

    def stream(self, **_: object) -> Iterator[bytes]:
        """All of it."""
        yield b"{}"


def measure(*, quick: bool) -> Section:
    """Note the puts of a minute, then send them by boto3 to somebody in this process."""
    points, rounds = (200_000, 3) if quick else (1_000_000, 5)
    minute = a_minute(points, weddings=points * _WEDDINGS // 1_000_000)
    reader = BodyReader()

    def decoded() -> Iterator[Columns]:
        for place, event in enumerate(minute.events):
            yield judged(records_of(event), reader, sequence=place * 1_000_000)

    puts = _puts_of(decoded())
    table = _answered_at_once()
    computing, writing = [], []
    for _ in range(rounds):
        computing.append(_cpu(lambda: fold_all(decoded(), Run(), packs=PACKS)))
        writing.append(_cpu(lambda: _send(table, puts)))
    per_million = 1_000_000 / points
    computed, written = median(computing) * per_million, median(writing) * per_million
    requests = len(puts) * per_million
    shown = Table(
        columns=("what", "measured", "reference", "its value", "ratio", "bar"),
        rows=[
            ("client CPU s of writing 1M points", number(written), "computing them",
             number(computed), times(written / computed), "4 : 1"),
            ("requests per 1M points, refused ones too", f"{requests:,.0f}", "", "", "", ""),
            ("CPU ms a request", number(written / requests * 1_000), "", "", "", ""),
        ],
    )  # fmt: skip
    return Section(
        name="writes",
        title="Writing what was counted",
        said=(
            f"The items of {points:,} points as the hot path counts them, put through boto3 "
            "(serialised, signed, answered within the process without a network, read), beside "
            f"what computing them takes, one core; medians of {rounds}, in turns."
        ),
        tables=(shown,),
        figures={"write CPU s per 1M": written, "compute CPU s per 1M": computed},
    )


def _puts_of(batches: Iterator[Columns]) -> Sequence[Put]:
    now = at_ms(START_MS + 60_000)
    with LocalCloud(None, clock=ManualClock(now), ids=SeededIds(1)) as cloud:
        noted = _Noted(cloud.table(Resource.HOT_WINDOWS))
        store = HotWindowStore(noted)
        for columns in batches:
            store.merge(slots(columns, packs=lambda *_: PACKS), now=now)
    return noted.puts


def _answered_at_once() -> AnyTable:
    """The table on AWS, where every request is answered before it is sent."""
    os.environ.update(_CREDENTIALS)  # noqa: TID251 - boto3 signs with what it finds there
    clients = Clients(region="us-east-1")
    events = clients.dynamodb.meta.events
    events.register("before-send.dynamodb.PutItem", cast("Callable[..., None]", _answer))
    cloud = AwsCloud({Resource.HOT_WINDOWS: "hot-windows"}, clients=clients)
    return cloud.table(Resource.HOT_WINDOWS)


def _answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
    headers = HTTPHeaders()
    headers["content-type"] = "application/x-amz-json-1.0"
    return AWSResponse(request.url, 200, headers, _Body())


def _send(table: AnyTable, puts: Sequence[Put]) -> None:
    for item, when in puts:
        table.put(item, when=when)


def _cpu(work: Callable[[], object]) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began
