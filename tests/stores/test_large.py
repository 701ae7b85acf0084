"""An item of any size is stored as a whole or not at all, and a small one costs what it did."""

import random
from collections.abc import Callable

import pytest

from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from tests.functions.stage import NOW, Stage
from wedsync.cloud import Item, Key, Sort, Table
from wedsync.cloud.forwarding import ForwardingTable
from wedsync.cloud.limits import ITEM_BYTES
from wedsync.resources import Resource
from wedsync.stores.large import FITS_BYTES, LargeItems, PiecesMissing

KEY = Key("demo#closed#3", "000029680000")
PIECES = "demo#pieces#closed#3#000029680000"
ENDS = int(NOW.timestamp()) + 3600
FITS = 4096


class Died(BaseException):
    """The process is gone."""


class Watched(ForwardingTable):
    """A table that notes its calls, and may do something before one of them."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self.calls: list[str] = []
        self.before: Callable[[str], None] = lambda _: None

    def called(self, call: str, *partitions: str) -> None:
        del partitions
        self.calls.append(call)
        self.before(call)


def an_item(version: int, size: int, *, key: Key = KEY, seed: int = 0) -> Item:
    chance = random.Random(f"{version} {size} {seed}")
    return Item(
        key,
        {
            "version": version,
            "on_time": chance.randbytes(size),
            "late": b"",
            "scopes": "é" * (size // 7),
            "sent": size,
            "expires_at": ENDS,
        },
    )


def a_table() -> Watched:
    cloud = LocalCloud(None, clock=ManualClock(NOW), ids=SeededIds(1))
    return Watched(cloud.table(Resource.WINDOWS))


@pytest.mark.parametrize("size", [0, 300, FITS - 900, FITS, 3 * FITS, 3 * ITEM_BYTES])
def test_whatever_is_stored_is_read_as_it_was_by_every_way_of_reading(
    stage: Stage, size: int
) -> None:
    large = LargeItems(
        stage.cloud.table(Resource.WINDOWS),
        fits_bytes=FITS_BYTES if size > ITEM_BYTES else FITS,
    )
    others = [an_item(1, 50, key=Key(KEY.pk, sk)) for sk in ("0", "9")]
    item = an_item(4, size)
    for each in (others[1], item, others[0]):
        assert large.put_newer(each)
    assert large.get(KEY) == item
    assert list(large.query(KEY.pk)) == [others[0], item, others[1]]
    assert list(large.query(KEY.pk, Sort(at_least="00", at_most="8"))) == [item]
    found = large.get_many([KEY, *(each.key for each in others), Key(KEY.pk, "none")])
    assert {each.key: each for each in found} == {each.key: each for each in (item, *others)}


def test_only_a_greater_version_replaces_and_no_piece_outlives_its_head(stage: Stage) -> None:
    table = stage.cloud.table(Resource.WINDOWS)
    large = LargeItems(table, fits_bytes=FITS)
    chance = random.Random(3)
    standing: Item | None = None
    for _ in range(25):
        item = an_item(chance.randint(1, 9), chance.choice([10, 9000]), seed=chance.randint(0, 2))
        newer = standing is None or item.number("version") > standing.number("version")
        assert large.put_newer(item) == newer
        standing = item if newer else standing
        assert large.get(KEY) == standing
    large.put_newer(an_item(10, 9000))
    versions = {item.key.sk.split("#")[0] for item in table.query(PIECES).items}
    assert versions == {"10"}
    assert {item.number("expires_at") for item in table.query(PIECES).items} == {ENDS}


def test_a_small_item_costs_one_write_and_one_read() -> None:
    table = a_table()
    large = LargeItems(table)
    large.put_newer(an_item(1, 100_000))
    large.get(KEY)
    list(large.get_many([KEY]))
    list(large.query(KEY.pk))
    assert table.calls == ["put when", "get", "get_many", "query"]


@pytest.mark.parametrize("before", [20, 9000])
def test_who_dies_at_any_call_leaves_the_old_whole_or_the_new_whole(before: int) -> None:
    old, new = an_item(1, before), an_item(2, 9000)
    left: list[Item] = []
    for dies_at in range(1, 40):
        table = a_table()
        large = LargeItems(table, fits_bytes=FITS)
        large.put_newer(old)
        table.calls.clear()

        def die(_: str, table: Watched = table, dies_at: int = dies_at) -> None:
            if len(table.calls) == dies_at:
                raise Died

        table.before = die
        try:
            large.put_newer(new)
        except Died:
            table.before = lambda _: None
            found = large.get(KEY)
            assert found is not None
            left.append(found)
            large.put_newer(new)
            assert large.get(KEY) == new
            continue
        break
    assert [each.number("version") for each in left] == sorted(
        each.number("version") for each in left
    )
    assert all(each in (old, new) for each in left)
    assert old in left


@pytest.mark.parametrize("after", [20, 9000])
@pytest.mark.parametrize("way", ["get", "get_many", "query"])
def test_a_reader_who_is_overtaken_reads_the_newer_whole(way: str, after: int) -> None:
    table = a_table()
    writer = LargeItems(a_view_of(table), fits_bytes=FITS)
    reader = LargeItems(table, fits_bytes=FITS)
    writer.put_newer(an_item(1, 9000))
    newer = [an_item(version, after) for version in (2, 3)]

    def overtake(_: str) -> None:
        if newer and len(table.calls) > 1:
            writer.put_newer(newer.pop(0))

    table.before = overtake
    ways: dict[str, Callable[[], Item | None]] = {
        "get": lambda: reader.get(KEY),
        "get_many": lambda: next(reader.get_many([KEY])),
        "query": lambda: next(reader.query(KEY.pk)),
    }
    read = ways[way]()
    # What shrinks to one item leaves the pieces of the former to expire: they may still be read.
    assert read == an_item(1 if after == 20 else 3, after if after > 20 else 9000)


def a_view_of(table: Watched) -> Table:
    """The same table, unwatched."""
    return table._table  # noqa: SLF001 - the test's own


def test_a_writer_that_comes_too_late_leaves_nothing_behind() -> None:
    table = a_table()
    large = LargeItems(table, fits_bytes=FITS)
    other = LargeItems(a_view_of(table), fits_bytes=FITS)

    def overtake(call: str) -> None:
        if call == "put when":
            other.put_newer(an_item(5, 9000))

    def repeat(_: str) -> None:
        other.put_newer(an_item(6, 9000))

    table.before = overtake
    assert not large.put_newer(an_item(4, 9000))
    assert {each.key.sk.split("#")[0] for each in table.query(PIECES).items} == {"5"}
    # Of two that store the same, the second leaves alone what the first one's head speaks of.
    table.before = repeat
    assert not large.put_newer(an_item(6, 9000))
    assert large.get(KEY) == an_item(6, 9000)


def test_a_piece_that_is_lost_is_told_of_and_never_passed_over() -> None:
    table = a_table()
    large = LargeItems(table, fits_bytes=FITS)
    large.put_newer(an_item(1, 9000))
    table.delete(table.query(PIECES).items[1].key)
    with pytest.raises(PiecesMissing):
        large.get(KEY)
