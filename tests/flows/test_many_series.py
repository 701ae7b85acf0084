"""A minute of more series than an item holds is counted, closed, rolled up, copied and shown."""

import random
from collections.abc import Mapping
from typing import cast

from infra.local.first_start import MadeKey
from tests.builders import utc
from tests.harness import Bundle, a_point, a_wedding_request
from wedsync.cloud.limits import ITEM_BYTES
from wedsync.flows.derive import compact
from wedsync.flows.history import copy_history
from wedsync.flows.rollup import roll_up_days, roll_up_hours
from wedsync.flows.times import minute_of
from wedsync.settings import History
from wedsync.tenancy import Role, Tenant

NOON = utc("2026-06-20T12:00:05")
NAME = "custom.metric"
SERIES = 20_000
OF_THE_WEDDING = 11_000
OTHER = Tenant("zeta")


def count(bundle: Bundle, window: str, wedding_id: str, key: MadeKey) -> float:
    asked = {"name": NAME, "stat": "count", "weddingId": wedding_id}
    found = bundle.get("/api/metrics/series", key=key, timeRange="5d", window=window, **asked)
    assert found.status == 200, found
    lines = cast("list[Mapping[str, list[tuple[int, float]]]]", found["series"])
    return sum(value for line in lines for _, value in line["points"])


def test_a_minute_of_twenty_thousand_series_stops_nothing_and_nobody() -> None:
    chance = random.Random(1)
    with Bundle(at=NOON, packs=1, shards=1, history=History.TIMESTREAM) as bundle:
        others = bundle.key(Role.ADMIN, tenant=OTHER)
        # Its window is not open, so that the minute itself is copied for the tenant alone.
        weddings = {
            bundle.register(a_wedding_request(on="2026-06-27")): bundle.key(),
            bundle.register(a_wedding_request(), key=others): others,
        }
        wedding_id, theirs = weddings
        for start in range(0, SERIES, 500):
            bundle.put(
                *(
                    a_point(
                        NAME,
                        bundle.now,
                        value=chance.uniform(1, 1e6),
                        dims={"route": f"{chance.getrandbits(256):x}"},
                        **({"weddingId": wedding_id} if number < OF_THE_WEDDING else {}),
                    )
                    for number in range(start, start + 500)
                )
            )
        device = bundle.key(Role.DEVICE, tenant=OTHER)
        bundle.put_signed(a_point(NAME, bundle.now, weddingId=theirs), device=device)
        bundle.drain()
        bundle.clock.advance(300)
        services = bundle.services
        compact(services, bundle.now)
        minute = minute_of(NOON)
        closed = services.windows.closed(bundle.tenant, 0, [minute])[minute]
        assert len(closed.on_time) > ITEM_BYTES
        assert closed.sent_on_time == SERIES
        (hour,) = services.windows.hours(bundle.tenant, wedding_id)
        assert len(hour.block.encode()) > ITEM_BYTES
        for each, key in weddings.items():
            assert bundle.get(f"/api/metrics/wedding/{each}", key=key).status == 200
            assert bundle.get("/api/metrics/real-time", key=key).status == 200
        bundle.clock.advance(4800)
        assert roll_up_hours(services, bundle.now) == 2
        assert copy_history(services, bundle.now) > OF_THE_WEDDING
        bundle.clock.advance(2 * 86400)
        roll_up_hours(services, bundle.now)
        assert roll_up_days(services, bundle.now) == 4
        for window in ("1h", "1d"):
            assert [count(bundle, window, each, key) for each, key in weddings.items()] == [
                OF_THE_WEDDING,
                1,
            ]
