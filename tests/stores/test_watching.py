"""Which weddings are read at a tick, and what is remembered of the ticks before."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.builders import a_wedding, an_event, utc
from tests.functions.cases import WEDDING, an_incident
from tests.functions.stage import NOW, TENANT, Stage
from tests.functions.web import OTHER_TENANT
from wedsync.incidents.lifecycle import resolve
from wedsync.stores.weddings import OPENING_SHARDS
from wedsync.weddings.model import Wedding
from wedsync.weddings.phase import Stage as Installation
from wedsync.weddings.phase import has_run, reach

DAY = timedelta(days=1)
DISTANCES = (-40, -5, -2, -1, 0, 1, 2, 3, 6, 8, 20, 29, 31, 40, 200, 900)


def weddings_far_and_near() -> list[Wedding]:
    usual = [
        a_wedding(wedding_id=f"w{days}", on=(NOW + days * DAY).date(), zone="UTC")
        for days in DISTANCES
    ]
    brunch = NOW + 50 * DAY
    in_parts = a_wedding(
        wedding_id="parts",
        on=(NOW - 10 * DAY).date(),
        zone="UTC",
        events=[an_event("Brunch", brunch, brunch + timedelta(hours=2))],
    )
    return [*usual, in_parts]


def read(stage: Stage, at: datetime, *, page_size: int | None = None) -> list[tuple[str, str]]:
    ahead = reach(at, stage=Installation.PROD)
    return [
        (tenant.id, wedding.wedding_id)
        for shard in OPENING_SHARDS
        for tenant, wedding in stage.services.weddings.opening(
            shard, at, at, ahead=ahead, page_size=page_size
        )
    ]


@pytest.mark.parametrize("time", ["14:05:10", "14:06:00", "14:08:00", "14:10:00", "14:15:00"])
def test_a_tick_reads_every_wedding_that_has_a_run_then_of_every_tenant(
    stage: Stage, time: str
) -> None:
    at = utc(f"2026-06-20T{time}")
    for number, wedding in enumerate(weddings_far_and_near()):
        stage.services.weddings.add((TENANT, OTHER_TENANT)[number % 2], wedding)
    found = read(stage, at)
    due = {
        each.wedding_id
        for each in weddings_far_and_near()
        if has_run(each, [at], stage=Installation.PROD)
    }
    assert len(found) == len(set(found))
    assert due <= {wedding_id for _, wedding_id in found}
    assert {tenant for tenant, _ in found} == {TENANT.id, OTHER_TENANT.id}
    assert sorted(read(stage, at, page_size=1)) == sorted(found)


def test_between_minutes_only_what_is_open_or_just_was_is_read(stage: Stage) -> None:
    for wedding in weddings_far_and_near():
        stage.services.weddings.add(TENANT, wedding)
    found = {wedding_id for _, wedding_id in read(stage, utc("2026-06-20T14:05:10"))}
    assert found == {"w-2", "w-1", "w0", "parts"}


def test_a_wedding_that_moves_is_read_at_its_new_place_alone(stage: Stage) -> None:
    weddings = stage.services.weddings
    at = utc("2026-06-20T14:05:10")
    far = weddings.add(TENANT, replace(WEDDING, date=(NOW + 90 * DAY).date(), timeline=()))
    assert read(stage, at) == []
    moved = weddings.save(TENANT, replace(far, date=NOW.date()), expected=1)
    assert read(stage, at) == [(TENANT.id, moved.wedding_id)]
    weddings.remove(TENANT, moved)
    assert read(stage, utc("2026-06-20T14:15:00")) == []


def test_the_tick_through_which_all_was_judged_never_moves_back(stage: Stage) -> None:
    windows = stage.services.windows
    assert windows.judged().through is None
    for tick in (NOW, NOW + timedelta(seconds=10), NOW):
        windows.advance_judged(tick, left={})
    assert windows.judged().through == NOW + timedelta(seconds=10)


def test_active_incidents_tell_of_their_weddings(stage: Stage) -> None:
    incidents = stage.services.incidents
    stored = incidents.begin(TENANT, an_incident(), after=None)
    assert list(incidents.about_weddings()) == [(TENANT, WEDDING.wedding_id)]
    (found,) = incidents.of_wedding(TENANT, WEDDING.wedding_id)
    assert found.incident_id == an_incident().incident_id
    assert list(incidents.of_wedding(OTHER_TENANT, WEDDING.wedding_id)) == []
    assert list(incidents.of_wedding(TENANT, "wed_other")) == []
    over = resolve(stored.value, by="mia", at=NOW).incident
    incidents.save(TENANT, over, expected=stored.version)
    assert list(incidents.about_weddings()) == []
    assert list(incidents.of_wedding(TENANT, WEDDING.wedding_id)) == []
