"""What every implementation of a table keeps to, local and AWS alike."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum, StrEnum

import pytest

from infra.local.clock import ManualClock
from wedsync.aws.tables import DynamoTable
from wedsync.cloud import (
    EVERYTHING,
    EXPIRES_AT,
    Absent,
    Attribute,
    Cloud,
    Condition,
    ConditionFailed,
    Equals,
    Item,
    Key,
    LessThan,
    Sort,
    Table,
)
from wedsync.cloud.limits import BATCH_KEYS, ITEM_BYTES
from wedsync.cloud.paging import every
from wedsync.resources import Resource

KEY = Key("t1#alerts", "a1")


@pytest.fixture
def table(cloud: Cloud) -> Table:
    return cloud.table(Resource.ALERTS)


def an_item(sk: str = "a1", pk: str = "t1#alerts", **attributes: Attribute) -> Item:
    return Item(Key(pk, sk), attributes)


def seconds(clock: ManualClock, later: int = 0) -> int:
    return int(clock.now().timestamp()) + later


def walk(
    table: Table,
    partition: str,
    *,
    sort: Sort = EVERYTHING,
    index: str | None = None,
    limit: int | None = None,
    descending: bool = False,
) -> Iterator[Item]:
    after: str | None = None
    while True:
        page = table.query(
            partition, sort=sort, index=index, limit=limit, after=after, descending=descending
        )
        assert limit is None or len(page.items) <= limit
        yield from page.items
        after = page.next
        if after is None:
            return


def keys(items: Iterator[Item]) -> list[str]:
    return [item.key.sk for item in items]


def test_an_item_comes_back_as_it_was_put(table: Table) -> None:
    item = an_item(
        text="Zoë 💍\n\x00",
        empty="",
        none=b"",
        raw=bytes(range(256)),
        zero=0,
        large=10**38 - 1,
        small=-(10**38 - 1),
        begins_with=1,
        _="[0,3]",
    )
    item = Item(item.key, {**item.attributes, "with.dots and spaces": 2})
    table.put(item)
    assert table.get(KEY) == item
    assert table.get(KEY, consistent=False) == item
    assert table.query(KEY.pk).items == (item,)
    assert table.get_many([KEY]) == (item,)


def test_putting_replaces_the_whole_item(table: Table) -> None:
    table.put(an_item(a=1, b=2, raw=b"x"))
    table.put(an_item(b=3))
    assert table.get(KEY) == an_item(b=3)


def test_a_missing_item_is_none_and_deleting_it_changes_nothing(table: Table) -> None:
    assert table.get(KEY) is None
    table.delete(KEY)
    table.put(an_item())
    table.delete(KEY)
    assert table.get(KEY) is None


STORED = an_item(n=5, s="m", b=b"\x80")
WRITES: list[tuple[Condition, bool, bool]] = [
    # condition, happens over STORED, happens over nothing
    (Absent(), False, True),
    (Equals("n", 5), True, False),
    (Equals("n", 6), False, False),
    (Equals("n", "5"), False, False),
    (Equals("s", "m"), True, False),
    (Equals("s", "M"), False, False),
    (Equals("b", b"\x80"), True, False),
    (Equals("missing", 5), False, False),
    (LessThan("n", 6), True, True),
    (LessThan("n", 5), False, True),
    (LessThan("n", 4), False, True),
    (LessThan("n", "z"), False, True),
    (LessThan("s", "n"), True, True),
    (LessThan("s", "m"), False, True),
    (LessThan("b", b"\x81"), True, True),
    (LessThan("b", b"\x7f"), False, True),
    (LessThan("missing", 6), False, True),
]
MOTO_CANNOT_COMPARE = (LessThan("n", "z"),)
"""See ``test_moto_differs``."""


@pytest.mark.parametrize("stored", ["something", "nothing", "something expired"])
@pytest.mark.parametrize("kind", ["put", "delete"])
def test_a_conditional_write_happens_or_says_what_stands_in_the_way(
    table: Table, clock: ManualClock, stored: str, kind: str
) -> None:
    for condition, over_stored, over_nothing in WRITES:
        present = stored == "something"
        if isinstance(table, DynamoTable) and present and condition in MOTO_CANNOT_COMPARE:
            continue
        if stored == "nothing":
            table.delete(KEY)
        elif present:
            table.put(STORED)
        else:
            table.put(Item(KEY, {**STORED.attributes, EXPIRES_AT: seconds(clock)}))
        failure: ConditionFailed | None = None
        try:
            if kind == "put":
                table.put(an_item(new=1), when=condition)
            else:
                table.delete(KEY, when=condition)
        except ConditionFailed as failed:
            failure = failed
        case = f"{kind} when {condition} over {stored}"
        if over_stored if present else over_nothing:
            assert failure is None, case
            assert table.get(KEY) == (an_item(new=1) if kind == "put" else None), case
        else:
            assert failure is not None, case
            assert failure.current == (STORED if present else None), case
            assert table.get(KEY) == (STORED if present else None), case


def test_a_number_begins_at_the_floor_is_carried_on_and_ends_at_the_ceiling(table: Table) -> None:
    def raised() -> int:
        return table.advance(KEY, "n", by=3, at_least=10, at_most=16)

    assert [raised() for _ in range(3)] == [13, 16, 19]
    with pytest.raises(ConditionFailed) as refused:
        raised()
    assert refused.value.current == an_item(n=19)
    assert table.get(KEY) == an_item(n=19)
    assert table.advance(KEY, "n", by=1, at_least=19, at_most=19) == 20
    assert table.advance(KEY, "n", by=5, at_least=40, at_most=40) == 45


def test_raising_a_number_leaves_all_else_as_it_was(table: Table, clock: ManualClock) -> None:
    item = an_item(n=-5, s="m", raw=b"x", expires_at=seconds(clock, 60))
    table.put(item)
    assert table.advance(KEY, "n", by=1, at_least=-9, at_most=0) == -4
    assert table.advance(KEY, "more", by=1, at_least=0, at_most=0) == 1
    assert table.get(KEY) == Item(KEY, {**item.attributes, "n": -4, "more": 1})


def test_what_has_expired_is_no_base_of_a_number(table: Table, clock: ManualClock) -> None:
    table.put(an_item(n=100, s="m", expires_at=seconds(clock, 10)))
    clock.advance(10)
    assert table.advance(KEY, "n", by=2, at_least=5, at_most=50) == 7
    assert table.get(KEY) == an_item(n=7)


def test_what_is_no_number_is_not_raised(table: Table) -> None:
    if isinstance(table, DynamoTable):
        pytest.skip("moto cannot compare types: see test_moto_differs")
    table.put(an_item(n="12"))
    with pytest.raises(ConditionFailed):
        table.advance(KEY, "n", by=1, at_least=0, at_most=10)
    assert table.get(KEY) == an_item(n="12")


def test_of_many_who_raise_a_number_at_once_each_counts_once(local: Cloud) -> None:
    """On SQLite alone: moto looks at conditions and writes without a lock between them."""
    table = local.table(Resource.ALERTS)

    def attempt(_: int) -> int | None:
        try:
            return table.advance(KEY, "n", by=1, at_least=0, at_most=24)
        except ConditionFailed:
            return None

    with ThreadPoolExecutor(8) as eight:
        found = list(eight.map(attempt, range(40)))
    assert sorted(each for each in found if each is not None) == list(range(1, 26))


@pytest.mark.parametrize(
    ("by", "at_least", "at_most"), [(0, 0, 1), (-1, 0, 1), (1, 2, 1), (1, 0, 10**38 - 1)]
)
def test_a_number_that_cannot_be_raised_so_is_refused(
    table: Table, by: int, at_least: int, at_most: int
) -> None:
    with pytest.raises(ValueError, match="n "):
        table.advance(KEY, "n", by=by, at_least=at_least, at_most=at_most)


class Mood(StrEnum):
    CALM = "calm"


class Rank(IntEnum):
    FIRST = 1


def test_members_of_enums_are_their_text_and_their_number(table: Table) -> None:
    table.put(an_item(mood=Mood.CALM, rank=Rank.FIRST, state_of=Mood.CALM, state_since="1"))
    found = table.get(KEY)
    assert found == an_item(mood="calm", rank=1, state_of="calm", state_since="1")
    assert {type(value) for value in found.attributes.values()} == {str, int}
    table.put(an_item(rank=2, mood="calm"), when=Equals("mood", Mood.CALM))
    table.put(an_item(), when=Equals("rank", 2))


def test_text_is_compared_by_its_bytes_and_not_by_utf_16(table: Table) -> None:
    table.put(an_item(s="\ufffd"))
    table.put(an_item(s="x"), when=LessThan("s", "\U0001f48d"))
    assert table.get(KEY) == an_item(s="x")


def test_an_expired_item_is_gone_for_every_reader(table: Table, clock: ManualClock) -> None:
    until = seconds(clock, 60)
    item = an_item(expires_at=until, state_of="t1#firing", state_since="2026")
    table.put(item)
    clock.advance(59.999)
    assert table.get(KEY) == item
    assert table.get_many([KEY]) == (item,)
    assert list(walk(table, KEY.pk)) == [item]
    assert list(walk(table, "t1#firing", index="by_state")) == [item]
    clock.advance(0.001)
    assert table.get(KEY) is None
    assert table.get_many([KEY]) == ()
    assert list(walk(table, KEY.pk)) == []
    assert list(walk(table, "t1#firing", index="by_state")) == []


def test_a_full_page_of_expired_items_hides_nothing_behind_it(
    table: Table, clock: ManualClock
) -> None:
    for number in range(6):
        table.put(an_item(f"s{number}", expires_at=seconds(clock, 0 if number < 5 else 1)))
    assert keys(walk(table, KEY.pk, limit=2)) == ["s5"]


def test_get_many_answers_those_that_exist(table: Table) -> None:
    for number in range(0, BATCH_KEYS, 2):
        table.put(an_item(f"{number:03d}", n=number))
    found = table.get_many([Key(KEY.pk, f"{number:03d}") for number in range(BATCH_KEYS)])
    assert {item.number("n") for item in found} == set(range(0, BATCH_KEYS, 2))
    assert table.get_many([]) == ()


ORDER = ["A", "B", "a", "a#1", "a#2", "a~", "b", "é", "\uffee", "\U0001f48d", "\U0010ffff"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (EVERYTHING, ORDER),
        (Sort(begins_with="a"), ["a", "a#1", "a#2", "a~"]),
        (Sort(begins_with="a#"), ["a#1", "a#2"]),
        (Sort(begins_with="\U0010ffff"), ["\U0010ffff"]),
        (Sort(begins_with="nothing"), []),
        (Sort(at_least="a#2"), ["a#2", "a~", "b", "é", "\uffee", "\U0001f48d", "\U0010ffff"]),
        (Sort(at_most="a#1"), ["A", "B", "a", "a#1"]),
        (Sort(at_least="B", at_most="a#1"), ["B", "a", "a#1"]),
        (Sort(at_least="b", at_most="a"), []),
    ],
)
def test_a_query_gives_a_range_in_the_order_of_utf_8(
    table: Table, sort: Sort, expected: list[str]
) -> None:
    for sk in reversed(ORDER):
        table.put(an_item(sk))
        table.put(an_item(sk, pk="t2#alerts"))
    for limit in (None, 1, 3, 100):
        assert keys(walk(table, KEY.pk, sort=sort, limit=limit)) == expected
        backwards = walk(table, KEY.pk, sort=sort, limit=limit, descending=True)
        assert keys(backwards) == expected[::-1]


@pytest.mark.parametrize("page_size", [None, 1, 2, 5, 6])
def test_every_item_is_read_once_whatever_a_page_holds(table: Table, page_size: int | None) -> None:
    for sk in "ebdac":
        table.put(an_item(sk))
    assert keys(every(table, KEY.pk, page_size=page_size)) == list("abcde")
    some = every(table, KEY.pk, sort=Sort(at_least="b", at_most="d"), page_size=page_size)
    assert keys(some) == list("bcd")


def test_a_page_goes_on_where_the_former_one_ended_although_items_came_and_went(
    table: Table,
) -> None:
    for sk in "bdf":
        table.put(an_item(sk))
    page = table.query(KEY.pk, limit=2)
    assert page.next is not None
    table.delete(Key(KEY.pk, "d"))
    table.put(an_item("c"))
    table.put(an_item("e"))
    assert [i.key.sk for i in table.query(KEY.pk, after=page.next).items] == ["e", "f"]


def test_an_index_holds_the_items_that_have_both_of_its_attributes(table: Table) -> None:
    table.put(an_item("a", state_of="firing", state_since="3", n=1))
    table.put(an_item("b", state_of="firing", state_since="1"))
    table.put(an_item("c", state_of="firing"))
    table.put(an_item("d", state_since="2"))
    table.put(an_item("e", state_of="resolved", state_since="2"))
    assert keys(walk(table, "firing", index="by_state")) == ["b", "a"]
    assert keys(walk(table, "firing", index="by_state", descending=True)) == ["a", "b"]
    assert keys(walk(table, "firing", index="by_state", sort=Sort(at_most="2"))) == ["b"]
    table.put(an_item("a", n=2))
    table.delete(Key(KEY.pk, "b"))
    assert keys(walk(table, "firing", index="by_state")) == []


def test_an_index_pages_through_items_of_one_place(table: Table) -> None:
    for number in range(7):
        table.put(an_item(f"s{number}", pk=f"p{number % 3}", tenant="t1", started_at="same"))
    for descending in (False, True):
        found = walk(table, "t1", index="by_start", limit=2, descending=descending)
        assert sorted(keys(found)) == [f"s{number}" for number in range(7)]


def test_a_page_ends_at_a_megabyte_and_says_so(table: Table) -> None:
    for number in range(4):
        table.put(an_item(f"s{number}", raw=bytes(390_000)))
    page = table.query(KEY.pk)
    assert len(page.items) in (2, 3)
    assert page.next is not None
    assert len(list(walk(table, KEY.pk))) == 4


def test_a_page_of_another_query_is_refused(table: Table) -> None:
    for sk in ("a1", "a2", "b1"):
        table.put(an_item(sk, tenant="t1", started_at=sk))
    page = table.query(KEY.pk, sort=Sort(begins_with="a"), limit=1)
    assert page.next is not None
    for after, index, sort in (
        (page.next, None, Sort(begins_with="b")),
        (page.next, "by_start", EVERYTHING),
        ("", None, EVERYTHING),
        ("!", None, EVERYTHING),
        ("é", None, EVERYTHING),
        ("W10", None, EVERYTHING),
        ("WyIiXQ", None, EVERYTHING),
        ("_" * 3, None, EVERYTHING),
    ):
        with pytest.raises(ValueError, match=r"next"):
            table.query(KEY.pk, sort=sort, index=index, after=after)


def test_a_page_opens_only_the_partition_that_is_asked_for(table: Table) -> None:
    for sk in ("a", "b", "c"):
        table.put(an_item(sk, pk="t1"))
        table.put(an_item(sk, pk="t2", mine=1))
    page = table.query("t1", limit=1)
    assert {item.key.pk for item in table.query("t2", after=page.next).items} == {"t2"}


@pytest.mark.parametrize(
    "item",
    [
        an_item(""),
        an_item(pk=""),
        an_item("x" * 1025),
        an_item(pk="é" * 1025),
        an_item("\ud800"),
        an_item(s="\ud800"),
        an_item(n=10**38),
        an_item(n=-(10**38)),
        an_item(b=True),
        Item(KEY, {"": 1}),
        an_item(expires_at="soon"),
        an_item(state_of=1),
        an_item(state_of=""),
        an_item(state_since="x" * 1025),
        an_item(raw=bytes(ITEM_BYTES)),
        Item(KEY, {"pk": "other"}),
        Item(KEY, {"f": 0.5}),  # type: ignore[dict-item] # what a careless caller would send
    ],
)
def test_what_dynamodb_refuses_is_refused(table: Table, item: Item) -> None:
    with pytest.raises(ValueError, match=r"."):
        table.put(item)
    assert table.get(KEY) is None


def test_a_question_that_dynamodb_refuses_is_refused(table: Table) -> None:
    with pytest.raises(ValueError, match="at most 100"):
        table.get_many([Key("p", str(number)) for number in range(BATCH_KEYS + 1)])
    with pytest.raises(ValueError, match="twice"):
        table.get_many([KEY, KEY])
    with pytest.raises(ValueError, match="limit"):
        table.query(KEY.pk, limit=0)
    with pytest.raises(ValueError, match="index"):
        table.query(KEY.pk, index="by_colour")
    with pytest.raises(ValueError, match="partition"):
        table.query("")
    with pytest.raises(ValueError, match="sort"):
        table.query(KEY.pk, sort=Sort(begins_with=""))
    with pytest.raises(ValueError, match="cannot be an attribute"):
        table.put(an_item(), when=Equals("sk", "a1"))
    with pytest.raises(ValueError, match="digits"):
        table.delete(KEY, when=LessThan("n", 10**40))
