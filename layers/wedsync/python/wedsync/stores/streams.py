"""Request streams as detectors remember them: a few items a tenant, replaced once a minute.

Key: ``tenant#streams / shard``. A service lies in the shard that its name hashes to, so that no
item outgrows its limit before a tenant has a thousand services; what is beyond is not watched.
An item is replaced only by who has read the version that stands there: everybody derives the
same from the same windows, and whoever comes second has nothing to add.
"""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from wedsync.alerting.streams.habit import Habit
from wedsync.alerting.streams.minute import Minute
from wedsync.alerting.streams.rhythm import Rhythm
from wedsync.alerting.streams.stream import Stream
from wedsync.cloud import Absent, ConditionFailed, Equals, Item, Key, Table
from wedsync.cloud.values import EXPIRES_AT
from wedsync.tenancy import Tenant

SHARDS = 8
STREAMS_PER_SHARD = 160
KEPT = timedelta(days=35)
_FORMAT = 1
_QUICK = 1


@dataclass(frozen=True, slots=True)
class Board:
    """A tenant's streams by service, with the versions of the shards that hold them."""

    streams: Mapping[str, Stream] = field(default_factory=dict)
    versions: Mapping[int, int] = field(default_factory=dict)


class StreamStore:
    """Boards by tenant."""

    def __init__(self, table: Table) -> None:
        """On the windows table."""
        self._table = table

    def board(self, tenant: Tenant) -> Board:
        """Every stream of the tenant."""
        return self._read(tenant, range(SHARDS), None)

    def some(self, tenant: Tenant, services: Iterable[str]) -> Mapping[str, Stream]:
        """The streams of these services, as far as there are any."""
        wanted = frozenset(services)
        return self._read(tenant, sorted(map(shard_of, wanted)), wanted).streams

    def replace(self, tenant: Tenant, board: Board, *, now: datetime) -> None:
        """Store streams that were advanced from what ``board`` was read with.

        A shard that somebody else has replaced meanwhile stays as it is.
        """
        shards: dict[int, dict[str, Stream]] = {shard: {} for shard in board.versions}
        for name, stream in sorted(board.streams.items()):
            shard = shards.setdefault(shard_of(name), {})
            if len(shard) < STREAMS_PER_SHARD:
                shard[name] = stream
        for number, streams in sorted(shards.items()):
            version = board.versions.get(number)
            item = Item(
                _key(tenant, number),
                {
                    "format": _FORMAT,
                    "streams": _encoded(streams),
                    "version": (version or 0) + 1,
                    EXPIRES_AT: int((now + KEPT).timestamp()),
                },
            )
            try:
                self._table.put(
                    item, when=Absent() if version is None else Equals("version", version)
                )
            except ConditionFailed:
                continue

    def _read(self, tenant: Tenant, shards: Iterable[int], wanted: frozenset[str] | None) -> Board:
        streams: dict[str, Stream] = {}
        versions: dict[int, int] = {}
        keys = [_key(tenant, shard) for shard in dict.fromkeys(shards)]
        for item in self._table.get_many(keys):
            if item.number("format") == _FORMAT:
                streams.update(_decoded(item.raw("streams"), wanted))
            versions[int(item.key.sk)] = item.number("version")
        return Board(streams, versions)


def shard_of(service: str) -> int:
    """The shard of a service's stream: the same on every machine."""
    digest = blake2b(service.encode("utf-8", "surrogatepass"), digest_size=2, person=b"wsstream")
    return int.from_bytes(digest.digest(), "little") % SHARDS


def _key(tenant: Tenant, shard: int) -> Key:
    return Key(tenant.partition("streams"), f"{shard:03d}")


def _encoded(streams: Mapping[str, Stream]) -> bytes:
    document = {name: _written(stream) for name, stream in streams.items()}
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), _QUICK)


def _decoded(data: bytes, wanted: frozenset[str] | None) -> dict[str, Stream]:
    document = json.loads(zlib.decompress(data))
    names = document if wanted is None else wanted.intersection(document)
    return {name: _stream(document[name]) for name in names}


def _written(stream: Stream) -> dict[str, object]:
    rhythm, habit = stream.rhythm, stream.habit
    return {
        "through": stream.through,
        "seen": stream.seen,
        "quiet_since": stream.quiet_since,
        "learned": stream.learned,
        "hour": stream.hour,
        "halves": stream.halves,
        "rhythm": [rhythm.level, rhythm.spread, rhythm.blocks, rhythm.low_blocks, rhythm.quarter],
        "lately": rhythm.lately,
        "week": b64encode(rhythm.week).decode(),
        "day": b64encode(rhythm.day).decode(),
        "times": habit.times,
        "habit": [
            habit.judged,
            habit.failed,
            habit.minutes,
            habit.objective,
            habit.slow_share,
            habit.centre,
            habit.width,
            habit.wander,
        ],
    }


def _stream(kept: dict[str, Any]) -> Stream:
    level, spread, blocks, low_blocks, quarter = kept["rhythm"]
    judged, failed, minutes, objective, slow_share, centre, width, wander = kept["habit"]
    return Stream(
        through=kept["through"],
        seen=kept["seen"],
        quiet_since=kept["quiet_since"],
        learned=kept["learned"],
        hour=tuple(Minute(*row) for row in kept["hour"]),
        halves=tuple((half, judged, failed) for half, judged, failed in kept["halves"]),
        rhythm=Rhythm(
            level=level,
            spread=spread,
            blocks=blocks,
            low_blocks=low_blocks,
            week=b64decode(kept["week"]),
            day=b64decode(kept["day"]),
            quarter=(quarter[0], quarter[1]),
            lately=tuple((number, rate) for number, rate in kept["lately"]),
        ),
        habit=Habit(
            judged=judged,
            failed=failed,
            times=tuple(kept["times"]),
            minutes=minutes,
            objective=objective,
            slow_share=slow_share,
            centre=centre,
            width=width,
            wander=wander,
        ),
    )
