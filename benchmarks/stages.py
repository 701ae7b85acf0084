"""What the stream function does between a batch's text and its items, each step timed apart."""

import json
import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.report import Differs
from wedsync.flows.closing import CLOSED_TOGETHER
from wedsync.metrics.block import merge_all
from wedsync.metrics.body import open_body
from wedsync.metrics.chain import content_bytes
from wedsync.metrics.columns import Columns
from wedsync.metrics.fold import SlotContent, SlotKey, merge_many, never, slots
from wedsync.metrics.intake import Intake, Sender
from wedsync.metrics.reading import BodiesRead, BodyReader
from wedsync.runtime.stream_consumers import from_base64

STEPS = ("decode", "identify", "fold", "pack", "roll up")
_PACKS = 8
_EVENT_BYTES = 6 * 1024 * 1024
_ENVELOPE_BYTES = 582
_KEY = b"a key of this benchmark alone"
_TENANT = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolled:
    """One pack's windows: minutes with the seconds in them, five minutes, the hour."""

    minutes: tuple[bytes, ...]
    five_minutes: bytes
    hour: bytes


@dataclass(slots=True)
class Run:
    """One pass over the workload: CPU seconds by step, and what it left."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    items: dict[SlotKey, SlotContent] = field(default_factory=dict)
    rolled: tuple[Rolled, ...] = ()
    puts: int = 0
    write_units: int = 0

    @property
    def total_seconds(self) -> float:
        """Of all steps."""
        return sum(self.seconds.values())

    @property
    def from_columns_seconds(self) -> float:
        """Of what comes after decoding."""
        return sum(self.seconds[step] for step in ("fold", "pack", "roll up"))


def events_of(records: Sequence[bytes]) -> tuple[tuple[bytes, ...], ...]:
    """The records cut as Lambda hands them out: at most 6 MB with base64 and envelope."""
    events: list[list[bytes]] = [[]]
    size = 0
    for record in records:
        more = 4 * len(record) // 3 + _ENVELOPE_BYTES
        if size + more > _EVENT_BYTES:
            events.append([])
            size = 0
        events[-1].append(record)
        size += more
    return tuple(map(tuple, events))


def data_of(event: str) -> list[str]:
    """The records of an event, as the runtime hands them over: in base64."""
    return [each["kinesis"]["data"] for each in json.loads(event)["Records"]]


def records_of(event: str) -> list[bytes]:
    """The records of an event."""
    return list(map(from_base64, data_of(event)))


def read_records(texts: Sequence[str], reader: BodyReader) -> BodiesRead:
    """A batch of records read and checked point by point, whoever sent them."""
    return reader.read(list(enumerate(open_body(from_base64(text)) for text in texts)))


def read_all(events: Sequence[Sequence[bytes]], run: Run, reader: BodyReader) -> list[Columns]:
    """Every event's text as columns of points that are told apart."""
    sequence = 0
    found = []
    for event in events:
        began = time.process_time()
        read = reader.read(list(enumerate(map(open_body, event))))
        began = _step(run, "decode", began)
        found.append(_counted(read, len(event), reader, sequence))
        sequence += len(event)
        _step(run, "identify", began)
    return found


def judged(bodies: Sequence[bytes], reader: BodyReader, *, sequence: int) -> Columns:
    """A batch of unsigned records, read and told apart."""
    return _counted(reader.read(list(enumerate(bodies))), len(bodies), reader, sequence)


def _counted(read: BodiesRead, records: int, reader: BodyReader, sequence: int) -> Columns:
    arrival_ms = int(max(part.ts_ms.max() for part in read.parts))
    senders = {
        number: Sender(
            tenant=_TENANT,
            device="",
            vendor_id=None,
            batch_id=None,
            stream="metrics",
            shard="0",
            sequence=str(sequence + number),
            arrival_ms=arrival_ms,
        )
        for number in range(records)
    }
    intake = Intake(read, senders, reader.lexicon, valid_tenant=bool)
    columns, refused = intake.judged({}, _KEY, kept_since_ms=0)
    if columns is None or refused or read.rejected:
        raise Differs("a point of the workload was refused")
    return columns


def fold_all(
    batches: Iterable[Columns], run: Run, *, every_second: bool = False, packs: int = _PACKS
) -> None:
    """What the stream function does with each event; the store is a dictionary."""
    for columns in batches:
        began = time.process_time()
        shares = slots(
            columns,
            packs=lambda _tenant, _created_at_ms: packs,
            keep_seconds=columns.weddings if every_second else never,
        )
        began = _step(run, "fold", began)
        merged = merge_many([(run.items.get(share.key), share) for share in shares])
        _step(run, "pack", began)
        for share, each in zip(shares, merged, strict=True):
            run.items[share.key] = each.content
            run.puts += 1
            run.write_units += math.ceil(content_bytes(each.content) / 1024)
    began = time.process_time()
    run.rolled = tuple(_rolled(run.items))
    _step(run, "roll up", began)


def _step(run: Run, name: str, began: float) -> float:
    now = time.process_time()
    run.seconds[name] += now - began
    return now


def _rolled(items: Mapping[SlotKey, SlotContent]) -> Iterator[Rolled]:
    slots_of: dict[tuple[int, int], list[bytes]] = {}
    for key in sorted(items):
        slots_of.setdefault((key.pack, key.minute), []).append(items[key].on_time)
    minutes: dict[int, list[bytes]] = {}
    for (pack, _), data in zip(slots_of, _merged(list(slots_of.values())), strict=True):
        minutes.setdefault(pack, []).append(data)
    five_minutes = _merged(list(minutes.values()))
    hours = _merged([[each] for each in five_minutes])
    for each, five, hour in zip(minutes.values(), five_minutes, hours, strict=True):
        yield Rolled(minutes=tuple(each), five_minutes=five, hour=hour)


def _merged(groups: Sequence[Sequence[bytes]]) -> list[bytes]:
    """As minutes are closed: so many packs at a go."""
    return [
        data
        for start in range(0, len(groups), CLOSED_TOGETHER)
        for data in merge_all(groups[start : start + CLOSED_TOGETHER])
    ]
