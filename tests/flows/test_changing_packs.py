"""The number of packs changes while points come: each is still counted once, and found."""

import random
from dataclasses import replace
from datetime import timedelta

from tests.builders import utc
from tests.flows.test_derived_windows import values
from tests.functions.web import settings
from tests.harness import Bundle, Point, a_point, a_wedding_request
from wedsync.cloud import Span
from wedsync.flows.query import SeriesQuery
from wedsync.flows.rollup import roll_up_days, roll_up_hours
from wedsync.flows.series import read_series
from wedsync.flows.tenant_settings import settings_of
from wedsync.metrics.asking import Stat, Window
from wedsync.resources import Resource
from wedsync.settings import History

DAY = utc("2026-06-20T12:00")
WEDDINGS = 3


def counted(bundle: Bundle, window: Window, wedding_id: str | None) -> float:
    query = SeriesQuery(
        name="photo.upload",
        stat=Stat.COUNT,
        window=window,
        start=bundle.now - timedelta(hours=4),
        end=bundle.now + timedelta(minutes=6),
        wedding_id=wedding_id,
    )
    found = read_series(bundle.services, bundle.tenant, query)
    return sum(value for line in found.lines for _, value in line.points)


def uploaded(bundle: Bundle, wedding_id: str) -> object:
    metrics = bundle.get(f"/api/metrics/wedding/{wedding_id}")["metrics"]
    assert isinstance(metrics, dict)
    return metrics["photosUploaded"]


def test_a_change_of_packs_loses_nothing_and_doubles_nothing() -> None:
    chance = random.Random(0)
    with Bundle(at=DAY, seed=0, packs=3) as bundle:
        weddings = [bundle.register(a_wedding_request(couple=str(n))) for n in range(WEDDINGS)]
        sent: list[Point] = []
        late: list[bool] = []

        def send() -> None:
            for wedding_id in weddings:
                ago = timedelta(minutes=chance.choice((0, 0, 0, 1, 4, 12, 40)))
                point = a_point(
                    "photo.upload",
                    bundle.now - ago,
                    weddingId=wedding_id,
                    dims={"outcome": "completed"},
                )
                sent.append(point)
                late.append(ago > timedelta(minutes=15))
                bundle.put(point)
            bundle.put(*chance.sample(sent, min(len(sent), 4)))

        for minute in range(30):
            if minute in (0, 20):
                told = bundle.request("PUT", "/api/settings", settings(packs=7 - minute // 10))
                assert told.status == 200, told
            send()
            bundle.advance(chance.choice((30, 60, 65)))
        assert len(settings_of(bundle.services, bundle.tenant).packs.changes) == 2

        def seen() -> list[object]:
            return [
                *(counted(bundle, window, None) for window in (Window.MINUTE, Window.HOUR)),
                *(counted(bundle, Window.MINUTE, each) for each in weddings),
                *(counted(bundle, Window.HOUR, each) for each in weddings),
                *(uploaded(bundle, each) for each in weddings),
            ]

        by_wedding = [
            (
                sum(each["weddingId"] == wedding_id for each in sent),
                sum(
                    each["weddingId"] == wedding_id and not was_late
                    for each, was_late in zip(sent, late, strict=True)
                ),
            )
            for wedding_id in weddings
        ]
        every = [all_of for all_of, _ in by_wedding]
        on_time = [each for _, each in by_wedding]
        bundle.advance(360)
        exact = [sum(on_time), sum(every), *on_time, *every, *every]
        assert seen() == exact
        bundle.put(*sent)
        bundle.advance(360)
        assert seen() == exact


def test_failures_on_both_sides_of_a_change_are_judged_together() -> None:
    """Half of what it takes lies in one pack, half in another."""
    with Bundle(at=DAY + timedelta(hours=3), packs=3) as bundle:
        wedding_id = bundle.register(a_wedding_request(guests=1000))
        bundle.request("PUT", "/api/settings", settings(packs=11))
        packs = settings_of(bundle.services, bundle.tenant).packs
        (change,) = packs.changes
        minute = change.since_ms // 60_000
        assert len(packs.homes(wedding_id, minute, minute)) == 2, "another id would prove more"
        bundle.advance(15 * 60 - 20)
        for _ in range(2):
            assert bundle.alerts() == []
            failed = [
                a_point(
                    "photo.upload", bundle.now, weddingId=wedding_id, dims={"outcome": "failed"}
                )
                for _ in range(6)
            ]
            bundle.put(*failed)
            bundle.advance(30)
        (alert,) = bundle.alerts()
        assert alert["type"] == "photo_upload_failures"


def test_another_number_in_a_later_deployment_moves_no_tenant_that_has_points() -> None:
    with Bundle(at=DAY, packs=3) as bundle:
        weddings = [bundle.register(a_wedding_request(couple=str(n))) for n in range(WEDDINGS)]
        points = [a_point("photo.upload", bundle.now, weddingId=each) for each in weddings]
        bundle.put(*points)
        bundle.drain()
        bundle.settings = replace(bundle.settings, packs=11)
        bundle.restart()
        bundle.put(*points)
        bundle.drain()
        assert [counted(bundle, Window.MINUTE, each) for each in weddings] == [1] * WEDDINGS
        assert counted(bundle, Window.MINUTE, None) == WEDDINGS


def test_what_lies_on_both_sides_of_a_change_is_rolled_up_as_one() -> None:
    """Half a wedding's hour lies in one pack, half in another, at a venue of half hours."""
    with Bundle(at=DAY + timedelta(hours=6), packs=3) as bundle:
        wedding_id = bundle.register(a_wedding_request(zone="Asia/Kolkata"))
        bundle.request("PUT", "/api/settings", settings(packs=11))
        packs = settings_of(bundle.services, bundle.tenant).packs
        minute = packs.changes[0].since_ms // 60_000
        assert len(packs.homes(wedding_id, minute, minute)) == 2, "another id would prove more"
        for minutes in (14, 4, 16, 1):  # before and after the change, and before and after midnight
            bundle.clock.advance(minutes * 60)
            point = a_point("photo.upload", bundle.now, weddingId=wedding_id, vendorId="photo-1")
            bundle.put(point)
            bundle.machine.streams.run_due()
        for hours in (20, 60):
            bundle.clock.advance(hours * 3600)
            roll_up_hours(bundle.services, bundle.now)
            roll_up_days(bundle.services, bundle.now)
        bundle.cloud.sweep()
        whose: list[dict[str, str]] = [{}, {"weddingId": wedding_id}, {"vendorId": "photo-1"}]
        for scope in whose:
            for window in ("1h", "1d"):
                found = bundle.request(
                    "GET",
                    "/api/metrics/series",
                    query={
                        "name": "photo.upload",
                        "stat": "count",
                        "window": window,
                        "timeRange": "5d",
                        "zone": "Asia/Kolkata",
                        **scope,
                    },
                )
                assert values(found) == ([2, 2] if window == "1d" else [4]), (scope, window)


def test_a_minute_that_lies_on_both_sides_of_a_change_is_copied_as_one() -> None:
    with Bundle(at=DAY + timedelta(seconds=20), packs=3, history=History.TIMESTREAM) as bundle:
        wedding_id = bundle.register(a_wedding_request())
        bundle.request("PUT", "/api/settings", settings(packs=11))
        packs = settings_of(bundle.services, bundle.tenant).packs
        since_ms = packs.changes[0].since_ms
        minute = since_ms // 60_000
        assert len(packs.homes(wedding_id, minute, minute)) == 2, "another id would prove more"
        bundle.clock.set(DAY + timedelta(minutes=15, seconds=40))
        for seconds in (10, 30):  # the change is at 20
            at = DAY + timedelta(minutes=15, seconds=seconds)
            bundle.put(a_point("photo.upload", at, weddingId=wedding_id))
        bundle.drain()
        bundle.advance(23 * 60)
        named = {"scope": f"wedding#{wedding_id}", "width": "1m", "dims": "*"}
        span = Span(dimensions=named, start_ms=0, end_ms=10**14)
        (row,) = bundle.cloud.time_series(Resource.HISTORY).read(span)
        assert (row.at_ms // 60_000, row.numbers["count"], row.version) == (minute, 2, 2)
