"""What was rolled up is far cheaper to read than what it was made from."""

from infra.cost.counted import Calls, CountedCloud
from tests.builders import utc
from tests.harness import TENANT, Bundle, a_point
from wedsync.flows.query import SeriesQuery
from wedsync.flows.rollup import roll_up_hours
from wedsync.flows.series import Found, read_series
from wedsync.metrics.asking import Stat, Window
from wedsync.stores.services import Services

NOON = utc("2026-06-20T12:00")


def read(bundle: Bundle, query: SeriesQuery) -> tuple[Found, int, int]:
    """The answer, and how many calls and read units it took."""
    calls = Calls()
    services = Services(CountedCloud(bundle.cloud, calls), bundle.settings)
    found = read_series(services, TENANT, query)
    assert not calls.write_units
    return found, calls.calls.total(), calls.read_units.total()


def test_a_query_of_hours_takes_less_than_two_fifths_of_what_minutes_take() -> None:
    with Bundle(at=NOON, shards=1) as bundle:
        for _ in range(3 * 4):
            bundle.put(*(a_point("api.request", bundle.now, source=f"s{n}") for n in range(4)))
            bundle.machine.streams.run_due()
            bundle.clock.advance(15 * 60)
        query = SeriesQuery(
            name="api.request", stat=Stat.P95, window=Window.HOUR, start=NOON, end=bundle.now
        )
        from_minutes, calls, units = read(bundle, query)
        bundle.clock.advance(3 * 60)
        roll_up_hours(bundle.services, bundle.now)
        from_hours, fewer_calls, fewer_units = read(bundle, query)
        assert from_minutes == from_hours
        assert len(from_hours.lines[0].points) == 3
        assert fewer_calls <= 0.4 * calls, (fewer_calls, calls)
        assert fewer_units <= 0.4 * units, (fewer_units, units)
