import random
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.metrics.block import ANY, Block, merge_all, parted
from wedsync.metrics.blockcodec import (
    SMALL_CELLS,
    Encoded,
    UnreadableBlock,
    decode_all,
    joined,
)
from wedsync.metrics.blockcolumns import Columned, uncolumned
from wedsync.metrics.columns import Accepted, Columns
from wedsync.metrics.fold import merge_rows, never, slots
from wedsync.metrics.health import health_score
from wedsync.metrics.point import Kind, Point
from wedsync.metrics.scores import scored_in, wedding_scores
from wedsync.metrics.smallblock import packed, unpacked

T0 = 1_750_000_020_000


def a_point(name: str = "api.request", value: float = 100.0, **members: object) -> Point:
    point = Point(name=name, kind=Kind.TIMER, ts_ms=T0, values=(value,))
    return replace(point, **members)  # type: ignore[arg-type]


def a_block(*points: Point) -> Block:
    """A block of points that all lie in one minute."""
    accepted = [
        Accepted(
            point=point, frame_id=random.Random(n).getrandbits(64), copy=n, tenant="t",
            arrival_ms=point.ts_ms, late=False, created_at_ms=T0,
        )
        for n, point in enumerate(points)
    ]  # fmt: skip
    (rows,) = slots(Columns.of(accepted), packs=lambda *_: 1)
    return Block.decode(merge_rows(None, rows).content.on_time)


def request(status: int, ms: float, wedding_id: str | None = "w1", *, ts_ms: int = T0) -> Point:
    dims = (("service", "api"), ("status", str(status)))
    return a_point(value=ms, wedding_id=wedding_id, dims=dims, ts_ms=ts_ms)


BLOCK = a_block(
    request(200, 10),
    request(200, 20, "w2"),
    request(503, 900),
    request(200, 30, None),
    a_point("photo.upload", 5000, wedding_id="w1", vendor_id="v1", dims=(("outcome", "failed"),)),
    a_point("api.connections", 7, kind=Kind.GAUGE, dims=(("service", "api"),)),
    a_point("api.connections", 9, kind=Kind.GAUGE, dims=(("service", "api"),), ts_ms=T0 + 5000),
    a_point("api.connections", 3, kind=Kind.GAUGE, dims=(("service", "web"),), ts_ms=T0 + 1000),
)


def test_a_selection_is_by_metric_wedding_vendor_and_dimensions() -> None:
    assert BLOCK.points == 8
    assert BLOCK.select("api.request").summary().count == 4
    assert BLOCK.select("api.request", wedding_id="w1").summary().sum == 910
    assert BLOCK.select("api.request", wedding_id=None).summary().sum == 30
    assert BLOCK.select(vendor_id="v1").summary().count == 1
    assert BLOCK.select("api.request", status="200").summary().max == 30
    assert BLOCK.select("api.request", status="200", service=None).summary().count == 0
    assert BLOCK.select("nothing").summary().count == 0
    assert BLOCK.select("api.request", wedding_id="nobody").by("status") == {}


def test_groups_are_dimensions_weddings_vendors_or_metrics() -> None:
    by_status = BLOCK.select("api.request").by("status")
    assert {key: each.count for key, each in by_status.items()} == {("200",): 3, ("503",): 1}
    by_wedding = BLOCK.select("api.request").by("wedding_id", "status")
    assert {key: each.sum for key, each in by_wedding.items()} == {
        (None, "200"): 30, ("w1", "200"): 10, ("w1", "503"): 900, ("w2", "200"): 20,
    }  # fmt: skip
    assert BLOCK.select().by("metric", "vendor_id")["photo.upload", "v1"].count == 1
    assert BLOCK.select("api.request").by()[()].count == 4


def test_the_latest_value_of_a_gauge_is_the_newest_by_time() -> None:
    gauges = BLOCK.select("api.connections")
    assert gauges.latest() == (9.0, T0 + 5000)
    assert gauges.latest_by("service") == {"api": (9.0, T0 + 5000), "web": (3.0, T0 + 1000)}
    assert BLOCK.totals("api.connections").latest_by("service") == gauges.latest_by("service")
    assert BLOCK.select("api.request").latest() is None


def test_totals_hold_every_second() -> None:
    totals = BLOCK.totals("api.request")
    by_outcome = {key: each.count for key, each in totals.by("outcome").items()}
    assert by_outcome == {("ok",): 3, ("error",): 1}
    connections = BLOCK.totals("api.connections").per_second()
    assert {second: each.sum for second, each in connections.items()} == {0: 7, 1: 3, 5: 9}


def test_a_block_of_one_wedding_tells_of_no_other() -> None:
    only = BLOCK.only("w1")
    assert only.wedding_ids() == ("w1",)
    assert only.points == 3
    assert not only.totals()
    assert only.facts("w1") == BLOCK.facts("w1")
    assert "w2" not in only.strings
    assert not BLOCK.only("nobody")


def test_totals_alone_tell_of_no_wedding() -> None:
    totals = BLOCK.totals_only()
    assert totals.wedding_ids() == ()
    assert totals.points == 8
    assert "w1" not in totals.strings
    assert len(totals.encode()) < len(BLOCK.encode())


def test_blocks_of_several_minutes_give_up_their_seconds() -> None:
    later = a_block(request(200, 40, ts_ms=T0 + 60_000))
    both = Block.merge([BLOCK, later])
    assert both.minute is None
    assert both.totals("api.request").per_second() == {}
    assert both.select("api.request").summary().sum == 1000
    assert Block.merge([BLOCK, BLOCK.only("w1")]).minute == BLOCK.minute
    assert Block.decode(both.encode()).encode() == both.encode()


def test_an_empty_block_is_neutral_and_has_no_bytes() -> None:
    assert Block.empty().encode() == b""
    assert not Block.decode(b"")
    assert Block.merge([Block.empty(), BLOCK, Block.empty()]).encode() == BLOCK.encode()
    assert not Block.merge([])
    assert Block.empty().points == 0
    assert Block.empty().facts("w1") == Block.empty().facts(None)


def test_a_text_with_a_control_character_is_never_written() -> None:
    with pytest.raises(ValueError, match="control"):
        a_block(a_point("bad\x1ename"))


series = st.builds(
    a_point,
    name=st.sampled_from(["api.request", "custom", "guest.activity", "health.check"]),
    value=st.integers(-100, 100).map(float),
    kind=st.sampled_from(Kind),
    ts_ms=st.integers(T0, T0 + 119_999),
    count=st.sampled_from([1, 1, 10]),
    wedding_id=st.sampled_from([None, "w1", "w2", "Wé"]),
    vendor_id=st.sampled_from([None, "v1"]),
    guest_id=st.sampled_from([None, "g1", "g2"]),
    dims=st.sampled_from([(), (("outcome", "failed"),), (("a", "b"), ("c", "d"))]),
)


@st.composite
def blocks(draw: st.DrawFn) -> list[Block]:
    every = []
    for number in range(draw(st.integers(1, 4))):
        batch = [
            Accepted(
                point=point, frame_id=draw(st.integers(0, 2**64 - 1)), copy=number, tenant="t",
                arrival_ms=0, late=False,
            )
            for point in draw(st.lists(series, min_size=1, max_size=8))
        ]  # fmt: skip
        columns = Columns.of(batch)
        keep_seconds = columns.weddings if number % 2 else never
        every += [
            Block.decode(merge_rows(None, rows).content.on_time)
            for rows in slots(columns, packs=lambda *_: 1, keep_seconds=keep_seconds)
        ]
    return every


@given(blocks(), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_merging_is_commutative_and_associative(every: list[Block], chance: random.Random) -> None:
    at_once = Block.merge(every)
    pile = list(every)
    while len(pile) > 1:
        chance.shuffle(pile)
        pile.append(Block.merge([pile.pop(), pile.pop()]))
    assert pile[0].encode() == at_once.encode()
    assert at_once.points == sum(block.points for block in every)


@given(blocks())
@settings(max_examples=30, deadline=None)
def test_a_block_comes_back_from_its_bytes(every: list[Block]) -> None:
    for block in (*every, Block.merge(every)):
        back = Block.decode(block.encode())
        assert back.encode() == block.encode()
        assert back.select().series() == block.select().series()
        assert back.facts("w1") == block.facts("w1")
        assert back.select().by("wedding_id") == block.select().by("wedding_id")


@given(st.binary(max_size=50), st.integers(0, 400), st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_damaged_bytes_are_unreadable_or_another_block(noise: bytes, at: int, byte: int) -> None:
    good = BLOCK.encode()
    several = joined(parted(good))
    assert Block.decode(several).encode() == good
    for data in (
        noise,
        several[:at],
        several[:at] + bytes([byte]) + several[at + 1 :],
        good[:at],
        good[:at] + bytes([byte]) + good[at + 1 :],
        b"WB\x01" + noise,
    ):
        with suppress(UnreadableBlock):
            Block.decode(data)


def test_any_asks_for_all() -> None:
    assert BLOCK.select("api.request", wedding_id=ANY).summary().count == 4


@pytest.mark.parametrize(
    "values", [[1.0, 2.0], [0.5, 12.25], [0.001, 99.999], [1 / 3, 2.0], [1e15, 1e-130], [-0.5, 7.0]]
)
def test_values_come_back_bit_by_bit_however_they_are_stored(values: list[float]) -> None:
    block = a_block(*(a_point(value=value) for value in values))
    cells = Block.decode(block.encode()).select().grid.cells
    assert cells.keys.tolist() == sorted(values)


def test_a_thousand_series_take_about_thirty_bytes_each() -> None:
    chance = random.Random(5)
    block = a_block(
        *(
            request(200, round(chance.lognormvariate(5, 1), 1), f"wedding-{n:04}")
            for n in range(1000)
        )
    )
    assert len(block.encode()) < 30_000


def test_the_health_of_every_wedding_is_found_at_once_and_each_as_by_itself() -> None:
    def check(outcome: str, wedding_id: str | None) -> Point:
        dims = (("component", "db"), ("outcome", outcome))
        return a_point("health.check", 1, kind=Kind.EVENT, wedding_id=wedding_id, dims=dims)

    block = a_block(
        *(request(503 if n % 40 == 0 else 200, 100 + 30 * n) for n in range(80)),
        *(request(200, 1250, "w2") for _ in range(3)),
        *(check("ok" if n else "failed", "w2") for n in range(100)),
        *(check("ok", "w3") for _ in range(4)),
        a_point("photo.upload", 5, wedding_id="w4", dims=(("outcome", "failed"),)),
        request(500, 9_000, None),
        check("failed", None),
    )
    scores = wedding_scores(block)
    assert scores == {
        "w1": health_score(block.select(wedding_id="w1").summary().quantile(0.95), 2.5, None).score,
        "w2": health_score(1250.0, 0.0, 99.0).score,
        "w3": 100.0,
    }
    for wedding_id, score in scores.items():
        assert wedding_scores(block.only(wedding_id)) == {wedding_id: score}
    assert wedding_scores(Block.empty()) == {}
    some = scored_in(block, ["w1", "w3", "w4", "w5"])
    assert wedding_scores(some) == {"w1": scores["w1"], "w3": scores["w3"]}
    assert some.wedding_ids() == ("w1", "w3")
    assert not scored_in(Block.empty(), ["w1"])


def a_wide_block(series: int, *, seed: int = 1, decimals: int = 4) -> Block:
    chance = random.Random(seed)
    return a_block(
        *(
            a_point(
                f"m{number % 7}",
                round(chance.lognormvariate(4, 1), number % decimals),
                kind=Kind.GAUGE if number % 3 else Kind.TIMER,
                wedding_id=f"w{number % 5}",
                dims=(("d", str(number)),),
                ts_ms=T0 + chance.randrange(40_000),
            )
            for number in range(series)
            for _ in range(1 + 10 * (number % 11 == 0))
        )
    )


@pytest.mark.parametrize("series", [1, 40, 150, 400])
def test_a_block_is_the_same_in_either_form_of_its_bytes(series: int) -> None:
    """Small blocks are written in another form than large ones; nobody can tell by the content."""
    block = a_wide_block(series)
    cells = len(block.series.cells) + len(block.overall.cells)
    assert (cells <= SMALL_CELLS) is (series < 150)
    stack = block.parts().stack()
    small = unpacked(packed(block.parts())).stack()
    large = uncolumned([Columned(stack).of(0)])
    ((back, _),) = decode_all([block.encode()])
    for other in (small, large, back):
        assert Encoded(other).of(0) == block.encode()
        assert Encoded(other).totals_of(0) == block.totals_only().encode()


def test_small_and_large_blocks_merge_into_one() -> None:
    parts = [a_wide_block(series, seed=series, decimals=1) for series in (1, 300, 40, 500)]
    together = Block.merge(parts).encode()
    assert merge_all([[part.encode() for part in parts]]) == [together]
    halves = [Block.merge(parts[:2]).encode(), Block.merge(parts[2:]).encode()]
    assert merge_all([halves, [], halves[:1]]) == [together, b"", halves[0]]
