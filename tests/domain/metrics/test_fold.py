"""The promise of ingest: every frame that arrives at least once is counted exactly once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.metrics.block import ANY, Block, totals_of
from wedsync.metrics.blockcodec import SMALL_CELLS, parts_of
from wedsync.metrics.columns import Accepted, Columns
from wedsync.metrics.facts import WeddingFacts, happening
from wedsync.metrics.fold import (
    MOST_BLOCKS,
    SlotContent,
    SlotKey,
    SlotMerge,
    merge_rows,
    never,
    slots,
)
from wedsync.metrics.point import Kind, Point
from wedsync.metrics.series import Dims, pack_of, total_of
from wedsync.metrics.summary import Summary

T0 = 1_750_000_020_000  # the start of a minute
Items = dict[SlotKey, SlotContent]
Named = tuple[str | None, str | None, str, Kind, Dims]


def packs(tenant: str, _created_at_ms: int) -> int:
    return 3 if tenant == "a" else 1


def a_point(**members: object) -> Point:
    point = Point(name="api.request", kind=Kind.TIMER, ts_ms=T0, values=(100.0,))
    return replace(point, **members)  # type: ignore[arg-type]


def an_accepted(point: Point | None = None, **members: object) -> Accepted:
    point = point or a_point()
    accepted = Accepted(
        point=point, frame_id=1, copy=0, tenant="a", arrival_ms=point.ts_ms + 500, late=False
    )
    return replace(accepted, **members)  # type: ignore[arg-type]


def deliver(items: Items, batch: Sequence[Accepted], *, seconds: bool = False) -> list[SlotMerge]:
    """What the ingest flow does, on a table that is a dict."""
    merges = []
    columns = Columns.of(batch)
    for rows in slots(columns, packs=packs, keep_seconds=columns.weddings if seconds else never):
        merge = merge_rows(items.get(rows.key), rows)
        items[rows.key] = merge.content
        merges.append(merge)
    return merges


def comparable(items: Items) -> dict[SlotKey, SlotContent]:
    """What items amount to, in however many blocks."""
    return {
        key: replace(
            content,
            duplicates=0,
            on_time=Block.decode(content.on_time).encode(),
            late=Block.decode(content.late).encode(),
        )
        for key, content in items.items()
    }


points = st.builds(
    Point,
    name=st.sampled_from(
        ["api.request", "photo.upload", "host.cpu", "vendor.heartbeat", "guest.activity",
         "health.check", "backup.run", "timeline.item", "custom"]
    ),
    kind=st.sampled_from(Kind),
    ts_ms=st.integers(T0 - 30_000, T0 + 89_999),
    values=st.lists(st.integers(-1000, 1000).map(float), min_size=1, max_size=3).map(tuple),
    count=st.sampled_from([1, 1, 1, 2, 9]),
    wedding_id=st.sampled_from([None, "w1", "w2", "w3"]),
    vendor_id=st.sampled_from([None, "v1", "v2"]),
    guest_id=st.sampled_from([None, "g1", "g2", "g3"]),
    source=st.sampled_from([None, "s1"]),
    dims=st.sampled_from(
        [(), (("outcome", "failed"),), (("outcome", "ok"),), (("outcome", "completed"),),
         (("status", "503"),), (("component", "db"), ("outcome", "failed")), (("host", "h1"),),
         (("item", "vows"),)]
    ),
)  # fmt: skip


@st.composite
def frames(draw: st.DrawFn) -> list[list[Accepted]]:
    """Frames as they exist in the world: a point with an event id, or several points at once."""
    world = []
    for number in range(draw(st.integers(1, 10))):
        tenant = draw(st.sampled_from(["a", "b"]))
        created = draw(st.none() | st.integers(T0 - 40_000, T0 + 90_000))
        size = 1 if created is None else draw(st.integers(1, 4))
        world.append(
            [
                an_accepted(
                    replace(point, event_id=f"e{number}" if created is None else None),
                    frame_id=(number + 1) * 0x1234_5678_9ABC_DEF1 % 2**64,
                    tenant=tenant,
                    created_at_ms=created,
                    late=point.ts_ms < T0 - 20_000,
                )
                for point in draw(st.lists(points, min_size=size, max_size=size))
            ]
        )
    return world


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[list[Accepted]], list[list[Accepted]]]:
    """The world's frames, and batches that bring each at least once, in any order and cut."""
    world = draw(frames())
    sent = draw(
        st.permutations(
            [*range(len(world)), *draw(st.lists(st.integers(0, len(world) - 1), max_size=15))]
        )
    )
    cuts = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=4)))
    batches = []
    for low, high in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        batch: list[Accepted] = []
        copy = 0
        for frame in sent[low:high]:
            batch += [replace(each, copy=copy) for each in world[frame]]
            if world[frame][0].point.event_id is None or draw(st.booleans()):
                copy += 1  # several points with event ids may share a record
        batches.append(batch)
    return world, batches


@given(case=deliveries(), seconds=st.booleans())
@settings(max_examples=50, deadline=None)
def test_any_order_copies_and_cuts_leave_what_one_delivery_leaves(
    case: tuple[list[list[Accepted]], list[list[Accepted]]], *, seconds: bool
) -> None:
    world, batches = case
    once: Items = {}
    deliver(once, [replace(p, copy=n) for n, frame in enumerate(world) for p in frame],
            seconds=seconds)  # fmt: skip
    often: Items = {}
    merges = [merge for batch in batches for merge in deliver(often, batch, seconds=seconds)]

    assert comparable(often) == comparable(once)
    sent = sum(len(batch) for batch in batches)
    unique = sum(len(frame) for frame in world)
    assert sum(merge.accepted for merge in merges) == unique
    assert sum(merge.duplicates for merge in merges) == sent - unique
    assert sum(merge.late for merge in merges) == sum(p.late for frame in world for p in frame)

    for batch in batches:  # replayed once more: nothing changes
        assert not any(merge.accepted for merge in deliver(often, batch, seconds=seconds))
    assert comparable(often) == comparable(once)


@given(world=frames(), seconds=st.booleans())
@settings(max_examples=50, deadline=None)
def test_what_is_stored_is_what_a_loop_over_the_points_counts(
    world: list[list[Accepted]], *, seconds: bool
) -> None:
    items: Items = {}
    every = [replace(p, copy=n) for n, frame in enumerate(world) for p in frame]
    deliver(items, every, seconds=seconds)

    expected: dict[tuple[SlotKey, bool], list[Accepted]] = defaultdict(list)
    for each in every:
        point = each.point
        created = point.ts_ms if each.created_at_ms is None else each.created_at_ms
        key = SlotKey(
            tenant=each.tenant,
            pack=pack_of(point.pack_key, packs(each.tenant, created)),
            minute=point.ts_ms // 60_000,
            slot=created // 10_000,
        )
        expected[key, each.late].append(each)
    assert set(items) == {key for key, _ in expected}

    for key, content in items.items():
        for late, stored in ((False, content.on_time), (True, content.late)):
            members = expected.get((key, late), [])
            counted = content.points_late if late else content.points_on_time
            block = Block.decode(stored)
            assert block.points == counted == sum(each.point.observations for each in members)
            totals = Block.decode(totals_of(stored))
            assert totals.encode() == block.totals_only().encode()
            check(block, members, seconds=seconds)


def check(block: Block, members: list[Accepted], *, seconds: bool) -> None:
    """Compare a block with a plain loop over the points it should hold."""
    by_series: dict[Named, list[Point]] = defaultdict(list)
    by_second: dict[tuple[str, int], list[Point]] = defaultdict(list)
    for each in members:
        p = each.point
        by_series[p.wedding_id, p.vendor_id, p.name, p.kind, p.dims].append(p)
        by_second[p.name, p.ts_ms // 1000 % 60].append(p)
    selection = block.select()
    assert {
        (s.wedding_id, s.vendor_id, s.metric, s.kind, s.dims) for s in selection.series()
    } == set(by_series)
    assert {total_of(s) for s in selection.series()} == set(block.totals().series())
    for name in {point.name for each in members for point in [each.point]}:
        for second, summary in block.totals(name).per_second().items():
            assert same(summary, by_second.pop((name, second)))
        assert same(
            block.select(name).summary(),
            [each.point for each in members if each.point.name == name],
        )
        kept = block.select(name, wedding_id="w1")
        assert kept.seconds_kept == (seconds or not kept)
    assert not by_second
    for (wedding, vendor, name, kind, dims), observed in by_series.items():
        chosen = block.select(name, wedding_id=wedding, vendor_id=vendor).where(dict(dims))
        exact = [s for s in chosen.series() if s.dims == dims and s.kind == kind]
        assert len(exact) == 1
        if len(chosen.series()) == 1:
            assert same(chosen.summary(), observed)


def same(summary: Summary, observed: list[Point]) -> bool:
    values = sorted(v for point in observed for v in point.values for _ in range(point.count))
    return (
        (summary.count, summary.sum) == (len(values), sum(values))
        and (summary.min, summary.max) == (values[0], values[-1])
        and (len(values) > 8 or summary.quantile(0.5) == values[(len(values) - 1) // 2])
    )


@given(frames())
@settings(max_examples=40, deadline=None)
def test_facts_are_what_a_loop_over_the_points_finds(world: list[list[Accepted]]) -> None:
    every = [replace(p, copy=n) for n, frame in enumerate(world) for p in frame if p.tenant == "a"]
    items: Items = {}
    deliver(items, every)
    blocks = [Block.decode(data) for c in items.values() for data in (c.on_time, c.late)]
    merged = Block.merge(blocks)
    for wedding in (None, "w1", "w2"):
        mine = [each.point for each in every if each.point.wedding_id == wedding]
        for facts in (
            merged.facts(wedding),
            WeddingFacts.merge(block.facts(wedding) for block in reversed(blocks)),
        ):
            check_facts(facts, mine, wedding)
    everyone = WeddingFacts.merge(merged.facts(wedding) for wedding in (None, "w1", "w2", "w3"))
    assert merged.facts(ANY) == everyone
    assert merged.wedding_ids() == tuple(
        sorted({each.point.wedding_id for each in every if each.point.wedding_id is not None})
    )


def check_facts(facts: WeddingFacts, mine: list[Point], wedding: str | None) -> None:
    told = [] if wedding is None else [
        (p.ts_ms, p.name, p.vendor_id, p.guest_id, words)
        for p in mine
        if (words := happening(p.name, dict(p.dims))) is not None
    ]  # fmt: skip
    assert [each.ts_ms for each in facts.activity] == sorted((t[0] for t in told), reverse=True)
    assert sorted(map(str, told)) == sorted(
        str((a.ts_ms, a.type, a.vendor_id, a.guest_id, a.summary)) for a in facts.activity
    )
    seen = [p for p in mine if p.vendor_id is not None and wedding is not None]
    beats = [p for p in seen if p.name == "vendor.heartbeat"]
    assert facts.vendor_seen_ms == newest((p.vendor_id, p.ts_ms) for p in seen)
    assert facts.vendor_heartbeat_ms == newest((p.vendor_id, p.ts_ms) for p in beats)
    guests = newest(
        (p.guest_id, p.ts_ms) for p in mine if p.name == "guest.activity" and p.guest_id
    )
    assert sorted(facts.guests.values()) == sorted(guests.values())
    began = newest(
        (dict(p.dims)["item"], p.ts_ms)
        for p in mine
        if p.name == "timeline.item" and ("item", "vows") in p.dims
    )
    assert facts.began_ms == began
    failed = [p for p in mine if p.name == "photo.upload" and ("outcome", "failed") in p.dims]
    assert facts.uploads_failed == sum(p.observations for p in failed)
    checks = [p for p in mine if p.name == "health.check" and ("outcome", "ok") not in p.dims]
    for component, health in facts.health.items():
        times = sorted(
            (p.ts_ms for p in checks if dict(p.dims).get("component", "") == component),
            reverse=True,
        )
        assert health.failed_ms[:1] == tuple(times[:1])


def newest(pairs: Iterable[tuple[str | None, int]]) -> dict[str | None, int]:
    latest: dict[str | None, int] = {}
    for key, ms in pairs:
        latest[key] = max(ms, latest.get(key, ms))
    return latest


def test_points_of_one_frame_are_all_counted_and_a_second_copy_is_not() -> None:
    frame = [an_accepted(a_point(values=(float(n),)), created_at_ms=T0) for n in range(5)]
    (merge,) = deliver({}, [*frame, *(replace(each, copy=1) for each in frame)])
    assert (merge.accepted, merge.duplicates, len(merge.content.ids)) == (5, 5, 8)


def test_an_event_twice_in_one_record_is_counted_once() -> None:
    event = an_accepted(a_point(event_id="e"))
    (merge,) = deliver({}, [event, event])
    assert (merge.accepted, merge.duplicates) == (1, 1)


def test_an_event_in_two_minutes_is_in_two_items() -> None:
    items: Items = {}
    deliver(items, [an_accepted(), an_accepted(a_point(ts_ms=T0 + 60_000), frame_id=2)])
    assert len(items) == 2


def test_late_points_lie_beside_the_others_under_one_set_of_ids() -> None:
    items: Items = {}
    (merge,) = deliver(items, [an_accepted(), an_accepted(frame_id=2, late=True)])
    (content,) = items.values()
    assert (merge.accepted, merge.late) == (2, 1)
    assert (content.points_on_time, content.points_late, len(content.ids)) == (1, 1, 16)
    assert Block.decode(content.on_time).points == Block.decode(content.late).points == 1


def test_the_first_merged_copy_decides_whether_it_was_late() -> None:
    items: Items = {}
    deliver(items, [an_accepted()])
    deliver(items, [an_accepted(late=True)])
    (content,) = items.values()
    assert (content.points_on_time, content.points_late) == (1, 0)


def test_an_empty_batch_changes_nothing() -> None:
    assert deliver({}, []) == []


def test_a_batch_is_told_in_points_as_they_were_sent() -> None:
    (rows,) = slots(
        Columns.of([an_accepted(a_point(values=(1.0, 2.0, 3.0), count=4))]), packs=packs
    )
    merge = merge_rows(None, rows)
    assert (rows.points, merge.accepted, merge.content.points_on_time) == (1, 1, 12)


@pytest.mark.parametrize("kept", [True, False])
def test_seconds_of_a_wedding_are_kept_while_asked_for(*, kept: bool) -> None:
    items: Items = {}
    deliver(items, [an_accepted(a_point(wedding_id="w1", ts_ms=T0 + 7_000))], seconds=kept)
    (content,) = items.values()
    selection = Block.decode(content.on_time).select(wedding_id="w1")
    assert list(selection.per_second()) == ([7] if kept else [])
    assert selection.seconds_kept is kept
    assert selection.summary().count == 1
    assert Block.decode(content.on_time).select(wedding_id=ANY).summary().count == 1


def many(first: int, number: int) -> list[Accepted]:
    """So many points of different series, each a frame."""
    return [
        an_accepted(a_point(event_id=f"e{each}", dims=(("d", str(each)),)), frame_id=each + 1)
        for each in range(first, first + number)
    ]


def test_beside_a_large_block_new_ones_are_put_until_they_are_many() -> None:
    items: Items = {}
    held = []
    total = 0
    for number in range(3 * MOST_BLOCKS):
        added = 3 if number % 3 else SMALL_CELLS + 1
        (merge,) = deliver(items, many(total, added))
        total += added
        content = merge.content
        held.append(sum(not part.totals for part in parts_of(content.on_time)))
        assert Block.decode(content.on_time).points == total
        assert merge.totals() == (totals_of(content.on_time), b"")
        assert Block.decode(totals_of(content.on_time)).totals().summary().count == total
    assert held[: MOST_BLOCKS + 2] == [*range(1, MOST_BLOCKS + 1), 1, 2]
    assert max(held) == MOST_BLOCKS


def test_small_blocks_are_made_one_and_their_totals_are_told() -> None:
    items: Items = {}
    for number in range(3):
        (merge,) = deliver(items, many(number, 1))
        block = Block.decode(merge.content.on_time)
        assert block.encode() == merge.content.on_time
        assert merge.totals() == (block.totals_only().encode(), b"")
    (merge,) = deliver(items, many(3, SMALL_CELLS))
    assert len(parts_of(merge.content.on_time)) == 2
    assert Block.decode(merge.totals()[0]).totals().summary().count == SMALL_CELLS + 3
    late = replace(an_accepted(), frame_id=10_000, late=True)
    for number in range(2):
        (merge,) = deliver(items, [replace(late, frame_id=10_000 + number)])
        assert Block.decode(merge.totals()[1]).totals().summary().count == number + 1
