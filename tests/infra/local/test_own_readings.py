"""On one machine the process itself knows what its functions did, if somebody wants to be told."""

from datetime import timedelta
from typing import cast

import pytest

from infra.local.own_readings import KEPT_MINUTES, MOST_RUNS, OwnRuns
from infra.registry import registry
from tests.builders import utc
from tests.harness import Bundle, Json
from wedsync.cloud.own import SETTLED_MINUTES
from wedsync.flows.times import minute_of
from wedsync.resources import Resource

NOON = utc("2026-06-20T12:00")


def counted(bundle: Bundle, name: str, group_by: str) -> dict[str, int]:
    query = {"name": name, "timeRange": "2h", "window": "1m", "stat": "count", "groupBy": group_by}
    answer = bundle.request("GET", "/api/metrics/series", query=query)
    series = cast("list[dict[str, dict[str, str] | list[tuple[Json, int]]]]", answer["series"])
    return {
        cast("dict[str, str]", line["dims"])[group_by]: sum(
            count for _, count in cast("list[tuple[Json, int]]", line["points"])
        )
        for line in series
    }


@pytest.mark.parametrize("wanted", [True, False])
def test_runs_are_told_where_they_are_wanted(*, wanted: bool) -> None:
    with Bundle(at=NOON, functions=registry()) as bundle:
        bundle.cloud.own_runs.wanted = wanted
        bundle.advance(600)
        bundle.get("/api/weddings")
        bundle.advance(600)
        checked = counted(bundle, "health.check", "component")
        ran = counted(bundle, "function.run", "function")
    assert bool(checked) == bool(ran) == wanted
    if wanted:
        assert checked["schedules-minute"] == 20 - SETTLED_MINUTES
        assert "weddings-listing" not in checked, "whoever asked has heard how it went"
        assert ran["weddings-listing"] == 1


def test_requests_and_the_machine_are_told_by_the_server_alone() -> None:
    with Bundle(at=NOON) as bundle:
        bundle.cloud.own_runs.wanted = True
        for _ in range(5):
            bundle.get("/api/weddings")
            bundle.advance(60)
        bundle.advance(300)
        names = {
            each.name
            for resource in (Resource.VITALS, Resource.USAGE)
            for each in bundle.cloud.readings(resource)
            .read(minute_of(NOON), minute_of(bundle.now))
            .readings
        }
    assert names == {"health.check", "function.run"}


def test_what_is_kept_is_the_last_hour_and_no_more_runs_than_can_be_held() -> None:
    with Bundle(at=NOON) as bundle:
        own = OwnRuns(bundle.clock)
        own.wanted = True
        declaration = next(
            each.declaration for each in registry() if each.declaration.name == "schedules-minute"
        )
        for _ in range(MOST_RUNS + 5):
            own.note(declaration, took_ms=1.0, failed=False)
        (well,) = (each for each in own.usage(minute_of(NOON)) if each.dims["outcome"] == "ok")
        assert len(well.values) == MOST_RUNS
        bundle.clock.set(NOON + timedelta(minutes=KEPT_MINUTES + 1))
        own.note(declaration, took_ms=1.0, failed=True)
        assert not list(own.usage(minute_of(NOON)))
        (failed,) = (
            each for each in own.vitals(minute_of(bundle.now)) if each.dims["outcome"] == "failed"
        )
        assert sum(many for _, many in failed.values) == 1
