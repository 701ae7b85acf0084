"""An item that grows too large is sealed, and its chain still counts each frame once."""

import random
from datetime import UTC, datetime

from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from wedsync.metrics.block import Block
from wedsync.metrics.chain import SEAL_BYTES
from wedsync.metrics.columns import Accepted, Columns
from wedsync.metrics.fold import slots
from wedsync.metrics.point import Kind, Point
from wedsync.resources import Resource
from wedsync.stores.hot_windows import HotWindowStore
from wedsync.tenancy import Tenant

NOW = datetime(2026, 6, 20, 12, 0, 30, tzinfo=UTC)
MINUTE = int(NOW.timestamp()) // 60


def accepted(number: int, *, copy: int = 0) -> Accepted:
    point = Point(
        name="api.request",
        kind=Kind.TIMER,
        ts_ms=int(NOW.timestamp() * 1000),
        values=(float(number),),
        wedding_id="w1",
        dims=(("route", f"/{'x' * 180}/{number}"), ("service", str(number * 7919 % 65521))),
    )
    return Accepted(
        point=point,
        frame_id=number + 1,
        copy=copy,
        tenant="t1",
        arrival_ms=point.ts_ms,
        late=False,
    )


def store() -> HotWindowStore:
    cloud = LocalCloud(None, clock=ManualClock(NOW), ids=SeededIds(1))
    return HotWindowStore(cloud.table(Resource.HOT_WINDOWS))


def merge(hot: HotWindowStore, batch: list[Accepted]) -> tuple[int, int]:
    merged, too_large = hot.merge(slots(Columns.of(batch), packs=lambda *_: 1), now=NOW)
    assert not too_large
    return sum(each.accepted for each in merged), sum(each.duplicates for each in merged)


def test_frames_are_counted_once_across_a_chain_of_sealed_items() -> None:
    hot = store()
    chance = random.Random(7)
    everyone = list(range(24_000))
    sent: list[int] = []
    counted = 0
    for start in range(0, len(everyone), 3000):
        fresh = everyone[start : start + 3000]
        again = chance.sample(sent, min(len(sent), 500))
        batch = [accepted(number) for number in (*fresh, *again)]
        chance.shuffle(batch)
        new, copies = merge(hot, batch)
        assert (new, copies) == (len(fresh), len(again))
        counted += new
        sent += fresh
    items = hot.minute(Tenant("t1"), 0, MINUTE)
    assert len(items) > 1, "the fixture no longer fills an item"
    assert all(len(each.content.ids) + len(each.content.on_time) <= SEAL_BYTES for each in items)
    assert counted == len(everyone)
    assert Block.merge(each.on_time() for each in items).points == len(everyone)
    assert merge(hot, [accepted(number) for number in everyone[:2000]]) == (0, 2000)
    shares = slots(Columns.of([accepted(number) for number in sent[:9]]), packs=lambda *_: 1)
    ((met,), _) = hot.merge(shares, now=NOW)
    assert met.items[:-1] == met.sealed == items[:-1], "what follows from them is told again"


def test_a_share_that_no_item_could_hold_is_refused_whole() -> None:
    hot = store()
    (share,) = slots(Columns.of([accepted(number) for number in range(60_000)]), packs=lambda *_: 1)
    assert hot.merge([share], now=NOW) == ([], [share])
    assert hot.minute(Tenant("t1"), 0, MINUTE) == ()
