"""What was rolled up is far cheaper to read than what it was made from."""

from collections.abc import Sequence

from tests.builders import utc
from tests.functions.stage import RecordingCloud
from tests.harness import TENANT, Bundle, a_point
from wedsync.cloud import EVERYTHING, Condition, Item, Key, Page, Sort, Table
from wedsync.flows.query import SeriesQuery, Stat, Window
from wedsync.flows.rollup import roll_up_hours
from wedsync.flows.series import Found, read_series
from wedsync.resources import Resource
from wedsync.stores.services import Services

NOON = utc("2026-06-20T12:00")


class CountedTable:
    """Counts the calls, and the items that they give."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.calls = 0
        self.items = 0

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        found = self._table.get(key, consistent=consistent)
        self._count([] if found is None else [found])
        return found

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> tuple[Item, ...]:
        found = self._table.get_many(keys, consistent=consistent)
        self._count(found)
        return found

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        raise AssertionError(f"a reader writes nothing: {item.key} {when}")

    def delete(self, key: Key, *, when: Condition | None = None) -> None:
        raise AssertionError(f"a reader removes nothing: {key} {when}")

    def query(
        self,
        partition: str,
        *,
        sort: Sort = EVERYTHING,
        index: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        descending: bool = False,
        consistent: bool = True,
    ) -> Page:
        page = self._table.query(
            partition,
            sort=sort,
            index=index,
            limit=limit,
            after=after,
            descending=descending,
            consistent=consistent,
        )
        self._count(page.items)
        return page

    def _count(self, found: Sequence[Item]) -> None:
        self.items += len(found)
        self.calls += 1


class CountedCloud(RecordingCloud):
    """A cloud with one counted table."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle.cloud, set(), set())
        self.windows = CountedTable(bundle.cloud.table(Resource.WINDOWS))

    def table(self, resource: Resource) -> Table:
        return self.windows if resource is Resource.WINDOWS else super().table(resource)


def read(bundle: Bundle, query: SeriesQuery) -> tuple[Found, int, int]:
    """The answer, and how many calls and items it took."""
    cloud = CountedCloud(bundle)
    found = read_series(Services(cloud, bundle.settings), TENANT, query)
    return found, cloud.windows.calls, cloud.windows.items


def test_a_query_of_hours_takes_less_than_two_fifths_of_the_calls_and_items_of_minutes() -> None:
    with Bundle(at=NOON, shards=1) as bundle:
        for _ in range(6 * 4):
            bundle.put(*(a_point("api.request", bundle.now, source=f"s{n}") for n in range(4)))
            bundle.machine.streams.run_due()
            bundle.clock.advance(15 * 60)
        query = SeriesQuery(
            name="api.request", stat=Stat.P95, window=Window.HOUR, start=NOON, end=bundle.now
        )
        from_minutes, calls, items = read(bundle, query)
        bundle.clock.advance(3 * 60)
        roll_up_hours(bundle.services, bundle.now)
        from_hours, fewer_calls, fewer_items = read(bundle, query)
        assert from_minutes == from_hours
        assert len(from_hours.lines[0].points) == 6
        assert fewer_calls <= 0.4 * calls, (fewer_calls, calls)
        assert fewer_items <= 0.4 * items, (fewer_items, items)
