"""The snapshot tells what each open wedding tells by itself, though all are looked at together."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from infra.cost.counted import Calls, CountedCloud
from tests.builders import utc
from tests.harness import Bundle, Point, a_point, a_wedding_request
from wedsync.cloud.memory import Memory
from wedsync.flows.derive import close_last_minute, compact
from wedsync.flows.live import Snapshot, snapshot
from wedsync.flows.readers import window_reader
from wedsync.flows.recent import RecentWedding
from wedsync.flows.recent_totals import SystemFigures
from wedsync.flows.rollup import roll_up_days, roll_up_hours
from wedsync.flows.times import epoch_ms, minute_of
from wedsync.metrics.block import Block
from wedsync.metrics.health import health_score, wedding_system_health
from wedsync.metrics.quality import (
    GAUGE_HOLDS_MS,
    GUEST_ACTIVE_MS,
    VENDOR_ACTIVE_MS,
    guest_engagement,
    vendor_activity_score,
)
from wedsync.metrics.shares import available_percent, error_percent_of_totals
from wedsync.stores.services import Services
from wedsync.weddings.model import Wedding

SUNDAY_BEFORE = utc("2026-06-14T09:00")
THE_DAY = utc("2026-06-20T13:00")
WEDDINGS = 5
VENDORS = ("photo-1", "band-1", "cake-1")


def snapshot_of(bundle: Bundle, memory: Memory | None = None) -> Snapshot:
    services = Services(bundle.cloud, bundle.settings, memory=memory)
    return snapshot(services, bundle.tenant).value


def one_by_one(bundle: Bundle, weddings: Sequence[Wedding]) -> tuple[object, ...]:
    """The snapshot's figures, each wedding read for itself and every total decoded."""
    now = bundle.now
    now_ms = epoch_ms(now)
    reader = window_reader(bundle.services, bundle.tenant, now)
    states = [(each, RecentWedding(bundle.services, reader, each, now)) for each in weddings]
    health = wedding_system_health(
        (wedding.wedding_id, state.health_of_last_minute()) for wedding, state in states
    )
    active = sum(
        vendor.vendor_id in state.facts.vendors_active(now_ms - VENDOR_ACTIVE_MS)
        for wedding, state in states
        for vendor in wedding.vendors
    )
    assigned = sum(len(each.vendors) for each in weddings)
    engaged = sum(
        state.facts.distinct_guests(now_ms - GUEST_ACTIVE_MS)
        for wedding, state in states
        if wedding.guest_count is not None
    )
    guests = sum(each.guest_count or 0 for each in weddings)
    vendors_known = any(state.facts.vendor_seen_ms for _, state in states)
    guests_known = any(state.facts.guests for _, state in states)
    system, photos = totals(bundle, now)
    return (
        system,
        photos,
        health.score,
        health.worst,
        _rounded(vendor_activity_score(active=active, assigned=assigned * vendors_known)),
        _rounded(guest_engagement(active=engaged, guest_count=guests * guests_known)),
    )


def totals(bundle: Bundle, now: datetime) -> tuple[SystemFigures, int | None]:
    current = minute_of(now)
    minutes = {
        minute: Block.merge(
            item.on_time for item in bundle.services.windows.totals(bundle.tenant, minute)
        )
        for minute in range(current - 14, current + 1)
    }
    last = minutes[current - 1]
    requests = last.totals("api.request")
    summary = requests.summary()
    error = error_percent_of_totals(requests)
    known = available_percent(last.totals("health.check"))
    gauges: dict[str | None, tuple[int, float]] = {}
    for block in minutes.values():
        for service, (value, ms) in block.totals("api.connections").latest_by("service").items():
            if ms >= epoch_ms(now) - GAUGE_HOLDS_MS:
                gauges[service] = max(gauges.get(service, (0, 0.0)), (ms, value))
    told = any(minutes[each].totals("photo.upload") for each in range(current - 5, current))
    completed = last.totals("photo.upload", outcome="completed").summary().count
    system = SystemFigures(
        score=health_score(summary.quantile(0.95), error, known).score,
        p95_ms=summary.quantile(0.95),
        error_percent=error,
        requests_per_second=summary.count / 60 if summary.count else None,
        active_connections=sum(value for _, value in gauges.values()) if gauges else None,
    )
    return system, completed if told else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def told(found: Snapshot) -> tuple[object, ...]:
    return (
        found.system,
        found.photo_uploads_per_minute,
        found.wedding_system_health,
        found.worst_wedding,
        found.vendor_activity_score,
        found.guest_engagement,
    )


def anything(chance: random.Random, wedding_id: str, at: datetime) -> list[Point]:
    ts = at - timedelta(seconds=chance.choice([0, 0, 5, 40, 200, 4000, 20_000]))
    status = chance.choice(["200", "200", "404", "503"])
    outcome = chance.choice(["ok", "ok", "failed"])
    of: dict[str, Any] = {"weddingId": wedding_id}
    request = {"service": "site", "status": status}
    vendor = chance.choice([*VENDORS, "nobody-1"])
    first, guests = chance.randrange(900), chance.choice([1, 4, 400])
    uploaded = {"outcome": chance.choice(["started", "completed", "failed"])}
    app = {"service": chance.choice(["site", "app"])}
    some: list[list[Point]] = [
        [
            a_point("api.request", ts, value=chance.choice([90, 900, 4000]), dims=request, **of)
            for _ in range(chance.randrange(1, 12))
        ],
        [a_point("health.check", ts, dims={"outcome": outcome}, **of)],
        [a_point("vendor.heartbeat", ts, kind="event", vendorId=vendor, **of)],
        [
            a_point("guest.activity", ts, kind="event", guestId=f"guest-{each}", **of)
            for each in range(first, first + guests)
        ],
        [a_point("photo.upload", ts, dims=uploaded, vendorId="photo-1", **of)],
        [a_point("api.connections", ts, value=chance.randrange(90), kind="gauge", dims=app)],
        [],
    ]
    return chance.choice(some)


def register(bundle: Bundle, chance: random.Random) -> list[Wedding]:
    ids = [
        bundle.register(
            a_wedding_request(
                couple=f"Couple {number}",
                guests=chance.choice([None, 80, 2000]),
                vendors=VENDORS[: chance.randrange(1, 4)],
            )
        )
        for number in range(WEDDINGS)
    ]
    found = bundle.services.weddings.find_many(bundle.tenant, ids)
    return [found[each] for each in ids]


def _calls_of_a_look(bundle: Bundle, memory: Memory) -> int:
    calls = Calls()
    services = Services(CountedCloud(bundle.cloud, calls), bundle.settings, memory=memory)
    snapshot(services, bundle.tenant)
    return calls.calls.total()


def by_the_clock(bundle: Bundle, chance: random.Random) -> None:
    """Some of what runs by the clock, at times that it would not choose."""
    jobs = (close_last_minute, compact, roll_up_hours, roll_up_days)
    for job in chance.sample(jobs, chance.randrange(3)):
        job(bundle.services, bundle.now)


@pytest.mark.parametrize("seed", range(2))
def test_all_together_tell_what_each_tells_by_itself(seed: int) -> None:
    chance = random.Random(seed)
    with Bundle(at=SUNDAY_BEFORE, seed=seed, packs=3, shards=1) as bundle:
        weddings = register(bundle, chance)
        for _ in range(12):
            wedding_id = chance.choice(weddings).wedding_id
            bundle.put(*anything(chance, wedding_id, bundle.now))
            bundle.machine.streams.run_due()
            bundle.clock.advance(40_000)
            roll_up_hours(bundle.services, bundle.now)
            roll_up_days(bundle.services, bundle.now)
        bundle.clock.set(THE_DAY)
        if seed % 2:
            change = {"packs": 5}
            settings = bundle.get("/api/settings").own
            assert bundle.request("PUT", "/api/settings", {**settings, **change}).status == 200
        memory = Memory()
        answers = set()
        for _ in range(50):
            for _ in range(chance.randrange(6)):
                wedding_id = chance.choice(weddings).wedding_id
                bundle.put(*anything(chance, wedding_id, bundle.now))
            bundle.machine.streams.run_due()
            by_the_clock(bundle, chance)
            wanted = one_by_one(bundle, weddings)
            assert told(snapshot_of(bundle, memory)) == wanted, "carried on by a warm process"
            assert told(snapshot_of(bundle)) == wanted, "by one that has just begun"
            answers.add(wanted)
            bundle.clock.advance(chance.choice([1, 2, 7, 25, 61, 400, 1500]))
        assert len(answers) > 20
        assert any(each[-1] and each[-2] and each[2] for each in answers)


@pytest.mark.parametrize("late", [0, 1])
def test_what_a_second_look_costs_grows_little_with_the_number_of_weddings(late: int) -> None:
    found: dict[int, tuple[int, int]] = {}
    for weddings in (6, 24):
        with Bundle(at=THE_DAY, packs=2, shards=1) as bundle:
            ids = [bundle.register(a_wedding_request()) for _ in range(weddings)]
            for each in ids:
                guest = a_point("guest.activity", bundle.now, guestId="g-1", weddingId=each)
                bundle.put(guest)
            bundle.machine.streams.run_due()
            bundle.clock.advance(600)
            compact(bundle.services, bundle.now)
            memory = Memory()
            first = _calls_of_a_look(bundle, memory)
            if late:
                at = bundle.now - timedelta(seconds=500)
                bundle.put(a_point("guest.activity", at, guestId="g-2", weddingId=ids[0]))
                bundle.machine.streams.run_due()
            bundle.clock.advance(1)
            found[weddings] = first, _calls_of_a_look(bundle, memory)
    (cold_of_few, few), (cold_of_many, many) = found[6], found[24]
    assert cold_of_many > cold_of_few + 10
    # An hour of one pack was made anew: those of the other are not read again.
    assert many - few <= (13 * late), found
