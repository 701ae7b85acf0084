"""The same random operations, through both implementations, give the same answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from tests.cloud.conftest import SATURDAY
from wedsync.aws.cloud import AwsCloud
from wedsync.cloud import (
    EVERYTHING,
    EXPIRES_AT,
    Absent,
    Attribute,
    Condition,
    ConditionFailed,
    Equals,
    Item,
    Key,
    LessThan,
    Sort,
    Table,
)
from wedsync.cloud.paging import Place
from wedsync.resources import Resource

START = int(SATURDAY.timestamp())
PARTITIONS = ("p", "q")
PLACES = ("A", "a", "a#1", "\uffee", "\U0001f48d")
STATES = ("firing", "resolved")
VALUES: Mapping[str, tuple[Attribute, ...]] = {
    "n": (-1, 0, 10**37),
    "s": ("", "a", "\uffee", "\U0001f48d"),
    "b": (b"\x7f", b"\x80", b"\x80\x00"),
}


@dataclass(frozen=True)
class Put:
    item: Item
    when: Condition | None


@dataclass(frozen=True)
class Delete:
    key: Key
    when: Condition | None


@dataclass(frozen=True)
class Advance:
    key: Key
    by: int
    at_least: int
    at_most: int


@dataclass(frozen=True)
class Get:
    key: Key


@dataclass(frozen=True)
class GetMany:
    keys: tuple[Key, ...]


@dataclass(frozen=True)
class Walk:
    partition: str
    index: str | None
    sort: Sort
    limit: int | None
    descending: bool
    after: Place | None


@dataclass(frozen=True)
class Wait:
    seconds: int


Step = Put | Delete | Advance | Get | GetMany | Walk | Wait
places = st.sampled_from(PLACES)
keys = st.builds(Key, st.sampled_from(PARTITIONS), places)
attributes = st.fixed_dictionaries(
    {name: st.sampled_from(values) for name, values in VALUES.items()},
    optional={
        "more": st.binary(max_size=3),
        "state_of": st.sampled_from(STATES),
        "state_since": places,
        EXPIRES_AT: st.sampled_from([START, START + 10, START + 20]),
    },
)
compared = st.sampled_from([(name, v) for name, values in VALUES.items() for v in values])
mixed = st.tuples(st.sampled_from(["n", "s", "b", "none"]), compared.map(lambda pair: pair[1]))
conditions = st.one_of(
    st.none(),
    st.just(Absent()),
    (compared | mixed).map(lambda pair: Equals(*pair)),
    compared.map(lambda pair: LessThan(*pair)),
)
sorts = st.one_of(
    st.just(EVERYTHING),
    st.builds(Sort, begins_with=places),
    st.builds(Sort, at_least=places),
    st.builds(Sort, at_most=places),
    st.builds(Sort, at_least=places, at_most=places),
)
limits = st.none() | st.integers(1, 5)
afters = st.none() | st.builds(Place, places)
walks = st.one_of(
    st.builds(
        Walk, st.sampled_from(PARTITIONS), st.none(), sorts, limits, st.booleans(), after=afters
    ),
    st.builds(
        Walk,
        st.sampled_from(STATES),
        st.just("by_state"),
        sorts,
        limits,
        st.booleans(),
        after=st.none(),
    ),
)
items = st.builds(Item, keys, attributes)
steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(Put, items, conditions),
    st.builds(Delete, keys, conditions),
    st.builds(
        Advance, keys, st.sampled_from([1, 2]), st.sampled_from([-2, 0, 1]), st.integers(0, 4)
    ),
    st.builds(Get, keys),
    st.builds(GetMany, st.lists(keys, unique=True, max_size=6).map(tuple)),
    walks,
    st.builds(Wait, st.just(10)),
)
at_first = st.lists(items.map(lambda item: Put(item, None)), min_size=3, max_size=10)
histories = st.tuples(at_first, st.lists(steps, min_size=5, max_size=20)).map(
    lambda parts: [*parts[0], *parts[1]]
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories)
def test_local_and_aws_answer_alike(aws: AwsCloud, clock: ManualClock, history: list[Step]) -> None:
    clock.set(SATURDAY)
    there = aws.table(Resource.ALERTS)
    with LocalCloud(None, clock=clock, ids=SeededIds(1)) as machine:
        here = machine.table(Resource.ALERTS)
        try:
            for step in history:
                if isinstance(step, Wait):
                    clock.advance(step.seconds)
                else:
                    assert answer(here, step) == answer(there, step), step
        finally:
            for step in history:
                match step:
                    case Put(item=Item(key=key)) | Advance(key=key):
                        there.delete(key)


def answer(table: Table, step: Put | Delete | Advance | Get | GetMany | Walk) -> object:
    """What a step tells its caller, in a form that compares."""
    told: object = "done"
    try:
        match step:
            case Put(item, when):
                table.put(item, when=when)
            case Delete(key, when):
                table.delete(key, when=when)
            case Advance(key, by, at_least, at_most):
                told = table.advance(key, "n", by=by, at_least=at_least, at_most=at_most)
            case Get(key):
                told = table.get(key)
            case GetMany(wanted):
                told = {item.key: item for item in table.get_many(wanted)}
            case Walk():
                told = list(by_place(walk(table, step), step.index is not None))
    except ConditionFailed as failed:
        return ("failed", failed.current)
    except ValueError:
        return "refused"
    return told


def walk(table: Table, step: Walk) -> Iterator[Item]:
    """All pages of a query."""
    after = None if step.after is None else step.after.encode()
    while True:
        page = table.query(
            step.partition,
            sort=step.sort,
            index=step.index,
            limit=step.limit,
            after=after,
            descending=step.descending,
        )
        assert step.limit is None or len(page.items) <= step.limit
        yield from page.items
        after = page.next
        if after is None:
            return


def by_place(items: Iterator[Item], indexed: bool) -> Iterator[tuple[str, dict[Key, Item]]]:  # noqa: FBT001 - one of two orders
    """Items of one place of an index come in no order: what is compared is the set of them."""
    for place, group in groupby(
        items, key=lambda i: i.text("state_since") if indexed else i.key.sk
    ):
        members = list(group)
        assert len({item.key for item in members}) == len(members)
        yield place, {item.key: item for item in members}
