"""Live answers tell what all hours of a wedding tell, though the final ones are read as one."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders import utc
from tests.harness import Bundle, a_point, a_wedding_request
from wedsync.cloud import Key
from wedsync.flows.readers import window_reader
from wedsync.flows.recent import RecentWedding
from wedsync.flows.rollup import roll_up_days, roll_up_hours
from wedsync.metrics.block import Block
from wedsync.metrics.facts import WeddingFacts
from wedsync.resources import Resource
from wedsync.weddings.model import Wedding
from wedsync.weddings.timeline import operational_window

MONDAY = utc("2026-06-15T05:20")
HOURS_OF_FIVE_DAYS = 24 * 5


def live(bundle: Bundle, wedding: Wedding) -> tuple[WeddingFacts, float | None]:
    reader = window_reader(bundle.services, bundle.tenant, bundle.now)
    recent = RecentWedding(bundle.services, reader, wedding, bundle.now)
    return recent.facts, recent.uptime_percent()


def told_by_every_hour(
    bundle: Bundle, wedding: Wedding
) -> tuple[WeddingFacts, Mapping[tuple[str | None, ...], int]]:
    """The facts of all stored hours, and the health checks of those behind the opening."""
    hours = bundle.services.windows.hours(bundle.tenant, wedding.wedding_id)
    opened = operational_window(wedding).start
    behind = [each.block for each in hours if each.hour * 3600 >= int(opened.timestamp())]
    checks = Block.merge(behind).select("health.check", wedding_id=wedding.wedding_id)
    facts = WeddingFacts.merge(each.block.facts(wedding.wedding_id) for each in hours)
    return facts, {name: each.count for name, each in checks.by("outcome").items()}


def test_what_comes_before_the_opening_is_no_uptime_and_what_comes_behind_it_is() -> None:
    with Bundle(at=MONDAY, packs=1, shards=1) as bundle:
        wedding_id = bundle.register(a_wedding_request(on="2026-06-17", ceremony="16:40"))
        wedding = bundle.services.weddings.find(bundle.tenant, wedding_id)
        assert wedding is not None
        opened = operational_window(wedding).start
        assert opened.minute == 40
        for minutes, outcome in ((-100, "failed"), (-20, "failed"), (10, "failed"), (70, "failed")):
            bundle.clock.set(opened + timedelta(minutes=minutes))
            bundle.put(
                a_point("health.check", bundle.now, weddingId=wedding_id, dims={"outcome": outcome})
            )
            bundle.machine.streams.run_due()
        for _ in range(9):
            bundle.clock.advance(86_400)
            roll_up_hours(bundle.services, bundle.now)
            roll_up_days(bundle.services, bundle.now)
        bundle.put(
            a_point("health.check", bundle.now, weddingId=wedding_id, dims={"outcome": "ok"})
        )
        bundle.machine.streams.run_due()
        for _ in range(7):
            bundle.clock.advance(86_400)
            roll_up_hours(bundle.services, bundle.now)
            roll_up_days(bundle.services, bundle.now)
        kept = bundle.services.windows.earlier(bundle.tenant, wedding_id)
        assert kept is not None
        facts, checks = told_by_every_hour(bundle, wedding)
        assert checks == {("failed",): 1, ("ok",): 1}
        assert live(bundle, wedding) == (facts, 50.0)


def put_anything(bundle: Bundle, wedding_id: str, chance: random.Random) -> None:
    late = timedelta(minutes=chance.choice([0, 0, 3, 600]))
    at = bundle.now - late
    outcome = chance.choice(["ok", "ok", "failed"])
    point = chance.choice(
        [
            a_point("photo.upload", at, dims={"outcome": "completed"}),
            a_point("photo.upload", at, dims={"outcome": "failed"}),
            a_point("health.check", at, dims={"outcome": outcome, "service": "edge"}),
            a_point("guest.activity", at, guestId=f"guest-{chance.randint(1, 9)}"),
            a_point("vendor.heartbeat", at, vendorId=f"photo-{chance.randint(1, 3)}"),
        ]
    )
    bundle.put({**point, "weddingId": wedding_id})
    bundle.machine.streams.run_due()


@pytest.mark.parametrize("seed", range(2))
def test_what_is_put_together_tells_what_the_hours_told(seed: int) -> None:
    chance = random.Random(seed)
    with Bundle(at=MONDAY, seed=seed, packs=2, shards=1) as bundle:
        # The window opens in the middle of an hour for one of them.
        request = a_wedding_request(on="2026-06-17", ceremony=chance.choice(["16:00", "16:40"]))
        wedding_id = bundle.register(request)
        put_together = 0
        for _ in range(60):
            put_anything(bundle, wedding_id, chance)
            bundle.clock.advance(chance.choice([20, 900, 5000, 20_000, 60_000]))
            if chance.random() < 0.7:
                roll_up_hours(bundle.services, bundle.now)
                roll_up_days(bundle.services, bundle.now)
            if chance.random() > 0.3:
                continue
            wedding = bundle.services.weddings.find(bundle.tenant, wedding_id)
            assert wedding is not None
            # Nothing that was put together for another window is told of this one.
            moved = replace(wedding, date=wedding.date - timedelta(days=1), timeline=())
            answers = [live(bundle, each) for each in (wedding, moved)]
            windows = bundle.services.windows
            kept = windows.earlier(bundle.tenant, wedding_id)
            if kept is not None:
                put_together += 1
                hours = windows.hours(bundle.tenant, wedding_id, first=kept.through)
                assert len(hours) <= HOURS_OF_FIVE_DAYS
                key = Key(bundle.tenant.partition("earlier", wedding_id), "hours")
                table = bundle.cloud.table(Resource.WINDOWS)
                item = table.get(key)
                assert item is not None
                table.delete(key)
                assert [live(bundle, each) for each in (wedding, moved)] == answers
                table.put(item)
        assert put_together > 3
        assert all(uptime is not None for _, uptime in answers)
