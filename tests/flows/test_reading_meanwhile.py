"""Whoever reads while a job makes hours or days finds all that was acknowledged, once."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from tests.builders import utc
from tests.harness import TENANT, Bundle, a_point, a_wedding_request
from wedsync.cloud import Cloud, Table
from wedsync.cloud.forwarding import ForwardingCloud, ForwardingTable
from wedsync.flows.derive import compact
from wedsync.flows.live import wedding_page
from wedsync.flows.query import SeriesQuery
from wedsync.flows.rollup import roll_up_days, roll_up_hours
from wedsync.flows.series import read_series
from wedsync.metrics.asking import Stat, Window
from wedsync.resources import Resource
from wedsync.stores.services import Services

NOON = utc("2026-06-20T12:00")


class Interrupted(ForwardingCloud):
    """Before the ``at``-th call of any table something else happens, once."""

    def __init__(self, cloud: Cloud, at: int, happens: Callable[[], object]) -> None:
        super().__init__(cloud)
        self.left = at
        self._happens = happens

    def called(self) -> None:
        self.left -= 1
        if self.left == 0:
            self._happens()

    def table(self, resource: Resource) -> Table:
        return _Table(super().table(resource), self.called)


class _Table(ForwardingTable):
    def __init__(self, table: Table, happens: Callable[[], None]) -> None:
        super().__init__(table)
        self._happens = happens

    def called(self, call: str, *partitions: str) -> None:
        del call, partitions
        self._happens()


def interrupted(
    opened: Callable[[], Bundle], happens: Callable[[Bundle], object]
) -> Iterator[tuple[Services, Bundle]]:
    """The stores of a world of its own for each call at which something may happen."""
    for at in range(1, 100):
        with opened() as bundle:
            cloud = Interrupted(bundle.cloud, at, partial(happens, bundle))
            yield Services(cloud, bundle.settings), bundle
            if cloud.left > 0:
                assert at > 5
                return
    raise AssertionError("it never ends")


def uploaded(bundle: Bundle, wedding_id: str, number: int) -> None:
    for each in range(number):
        bundle.put(
            a_point(
                "photo.upload",
                bundle.now,
                weddingId=wedding_id,
                eventId=f"{bundle.now} {each}",
                dims={"outcome": "completed"},
            )
        )
    bundle.machine.streams.run_due()


def with_minutes_behind_the_hours() -> Bundle:
    bundle = Bundle(at=NOON, packs=1, shards=1)
    wedding_id = bundle.register(a_wedding_request())
    uploaded(bundle, wedding_id, 3)
    bundle.clock.advance(480)
    compact(bundle.services, bundle.now)
    uploaded(bundle, wedding_id, 5)
    bundle.clock.advance(600)
    return bundle


def test_a_page_is_whole_while_hours_are_made() -> None:
    def make(bundle: Bundle) -> object:
        return compact(bundle.services, bundle.now)

    for services, bundle in interrupted(with_minutes_behind_the_hours, make):
        (wedding,) = bundle.services.weddings.page(TENANT, on=None, limit=1, cursor=None).weddings
        assert wedding_page(services, TENANT, wedding).value.facts.uploads_completed == 8


def with_a_day_to_be_made() -> Bundle:
    bundle = Bundle(at=NOON, packs=1, shards=1)
    uploaded(bundle, "wed_somebodys", 2)
    bundle.clock.advance(4200)
    roll_up_hours(bundle.services, bundle.now)
    roll_up_days(bundle.services, bundle.now)
    bundle.clock.advance(39 * 3600)
    roll_up_hours(bundle.services, bundle.now)
    return bundle


def test_a_series_of_days_is_whole_while_days_are_made() -> None:
    def make(bundle: Bundle) -> object:
        return roll_up_days(bundle.services, bundle.now)

    for services, bundle in interrupted(with_a_day_to_be_made, make):
        query = SeriesQuery(
            name="photo.upload",
            stat=Stat.COUNT,
            window=Window.DAY,
            start=NOON - timedelta(days=1),
            end=bundle.now,
        )
        (line,) = read_series(services, TENANT, query).lines
        assert [value for _, value in line.points] == [2]
