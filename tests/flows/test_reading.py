"""Minutes are read as they are, and those without data cost next to nothing."""

from datetime import timedelta

from infra.cost.counted import Calls, CountedCloud
from tests.builders import utc
from tests.harness import TENANT, Bundle, a_point
from wedsync.flows.readers import window_reader
from wedsync.flows.times import minute_of
from wedsync.stores.services import Services

NOON = utc("2026-06-20T12:00")
HOUR = 60


def test_what_was_never_closed_is_found_and_what_is_empty_is_not_looked_for() -> None:
    with Bundle(at=NOON, shards=1, packs=1) as bundle:
        for ago in (50, 20, 19, 0):
            point = a_point("guest.activity", bundle.now, kind="event", eventId=f"{ago}")
            point["ts"] = round((NOON - timedelta(minutes=ago)).timestamp() * 1000)
            bundle.put(point)
        bundle.clock.set(NOON)
        bundle.machine.streams.run_due()
        calls = Calls()
        services = Services(CountedCloud(bundle.cloud, calls), bundle.settings)
        bundle.clock.advance(30)
        read = window_reader(services, TENANT, bundle.now).minutes(
            0, minute_of(NOON) - HOUR, minute_of(NOON)
        )
        counted = {
            each.minute - minute_of(NOON): each.both().points for each in read if each.both()
        }
        assert counted == {-50: 1, -20: 1, -19: 1, 0: 1}
        assert calls.calls.total() < 16, "there are 61 minutes"
