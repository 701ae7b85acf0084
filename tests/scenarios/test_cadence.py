"""Every wedding is run at the instants of its cadence: no more, no fewer, whatever the triggers."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

import pytest

from tests.builders import utc
from tests.harness import Bundle, a_point, a_wedding_request
from tests.scenarios.language import every_trigger_twice
from wedsync.weddings.model import Wedding
from wedsync.weddings.phase import Stage, runs_between
from wedsync.weddings.timeline import operational_window

MOMENT = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

OPENS = utc("2026-06-20T14:00")
CLOSES = utc("2026-06-21T01:00")
REQUEST = a_wedding_request(on="2026-06-20", zone="UTC", ceremony="16:00", until="23:00")
DISTANCES = {
    "40 d before": (OPENS - 40 * DAY, {Stage.PROD: 4, Stage.STAGING: 4, Stage.DEV: 4}),
    "20 d before": (OPENS - 20 * DAY, {Stage.PROD: 12, Stage.STAGING: 12, Stage.DEV: 12}),
    "5 d before": (OPENS - 5 * DAY, {Stage.PROD: 30, Stage.STAGING: 30, Stage.DEV: 12}),
    "36 h before": (OPENS - 36 * HOUR, {Stage.PROD: 60, Stage.STAGING: 60, Stage.DEV: 12}),
    "3 h before": (OPENS - 3 * HOUR, {Stage.PROD: 60, Stage.STAGING: 60, Stage.DEV: 12}),
    "in the window": (OPENS + 3 * HOUR, {Stage.PROD: 360, Stage.STAGING: 60, Stage.DEV: 12}),
    "12 h after": (CLOSES + 12 * HOUR, {Stage.PROD: 60, Stage.STAGING: 60, Stage.DEV: 12}),
    "30 h after": (CLOSES + 30 * HOUR, {Stage.PROD: 0, Stage.STAGING: 0, Stage.DEV: 0}),
}
OFF_THE_GRID = timedelta(minutes=7, seconds=13)


class Runs:
    """How many runs the functions themselves told of."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        caplog.set_level(logging.INFO, logger="wedsync")

    def taken(self, name: str = "WeddingRuns") -> int:
        """The number since this was last asked."""
        told = [cast("int", getattr(each, name, 0)) for each in self._caplog.records]
        self._caplog.clear()
        return sum(told)


@pytest.fixture
def runs(caplog: pytest.LogCaptureFixture) -> Runs:
    return Runs(caplog)


def stored(bundle: Bundle, wedding_id: str) -> Wedding:
    return bundle.services.weddings.get(bundle.tenant, wedding_id)


def instants_of_runs(bundle: Bundle, runs: Runs, *, span: timedelta) -> list[datetime]:
    """When runs happened in the span that begins now, one entry each."""
    found: list[datetime] = []
    end = bundle.now + span
    runs.taken()
    while bundle.now < end:
        bundle.advance_to(min(end, bundle.now + 1 * SECOND * (10 - bundle.now.second % 10)))
        found += [bundle.now] * runs.taken()
    return found


def planned(bundle: Bundle, wedding_id: str, *, span: timedelta) -> list[datetime]:
    now = bundle.now
    return list(
        runs_between(
            stored(bundle, wedding_id),
            now + MOMENT,
            now + span + MOMENT,
            stage=bundle.settings.stage,
        )
    )


def answered(bundle: Bundle, wedding_id: str, *, span: timedelta) -> list[datetime]:
    """The runs that the route tells of, each the next one after the former."""
    found: list[datetime] = []
    at, end = bundle.now, bundle.now + span
    while True:
        told = bundle.get(f"/api/weddings/{wedding_id}/monitoring", at=at.isoformat())
        if told["nextRunAt"] is None:
            return found
        at = datetime.fromisoformat(str(told["nextRunAt"]))
        if at > end:
            return found
        found.append(at)


@pytest.mark.parametrize(
    ("distance", "stage"),
    [
        (distance, stage)
        for distance, (_, expected) in DISTANCES.items()
        for stage in Stage
        if stage is Stage.PROD or expected[stage] != expected[Stage.PROD]
    ],
)
def test_in_an_hour_a_wedding_is_run_exactly_when_its_cadence_says_so(
    distance: str, stage: Stage, runs: Runs
) -> None:
    start, expected = DISTANCES[distance]
    with Bundle(at=start + OFF_THE_GRID, stage=stage) as bundle:
        wedding_id = bundle.register(REQUEST)
        assert operational_window(stored(bundle, wedding_id)).start == OPENS
        due = planned(bundle, wedding_id, span=HOUR)
        assert answered(bundle, wedding_id, span=HOUR) == due
        assert len(due) == expected[stage]
        assert instants_of_runs(bundle, runs, span=HOUR) == due


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_only_weddings_runs_are_all_that_wakes_anybody(distance: str) -> None:
    start, expected = DISTANCES[distance]
    with Bundle(at=start) as bundle:
        bundle.register(REQUEST)
        assert bundle.advance(3600).get("streams-wake", 0) == expected[Stage.PROD]


def test_where_the_phase_changes_the_runs_change_with_it(runs: Runs) -> None:
    for edge in (OPENS - 30 * DAY, OPENS - 7 * DAY, OPENS - 48 * HOUR, OPENS, CLOSES):
        with Bundle(at=edge - 20 * MINUTE + SECOND) as bundle:
            wedding_id = bundle.register(REQUEST)
            due = planned(bundle, wedding_id, span=40 * MINUTE)
            assert instants_of_runs(bundle, runs, span=40 * MINUTE) == due


def test_the_last_run_is_a_day_after_the_end(runs: Runs) -> None:
    with Bundle(at=CLOSES + 24 * HOUR - 2 * MINUTE + SECOND) as bundle:
        bundle.register(REQUEST)
        assert instants_of_runs(bundle, runs, span=HOUR) == [
            CLOSES + 24 * HOUR - MINUTE,
            CLOSES + 24 * HOUR,
        ]


LONG = {
    **REQUEST,
    "events": [
        {"name": "Brunch", "startsAt": "2026-06-22T11:00:00", "endsAt": "2026-06-22T13:00:00"},
        {"name": "Trip", "startsAt": "2026-08-02T11:00:00", "endsAt": "2026-08-02T13:00:00"},
    ],
}
"""Open on three days, of which the last comes weeks later."""


@pytest.mark.parametrize(
    "start",
    [
        OPENS - 31 * DAY,
        OPENS - 10 * MINUTE,
        utc("2026-06-21T00:50"),
        utc("2026-06-22T14:50"),
        utc("2026-07-01T00:00"),
        utc("2026-07-31T09:00"),
        utc("2026-08-02T14:50"),
        utc("2026-08-03T14:50"),
    ],
)
@pytest.mark.parametrize("parts", [1, 2])
def test_a_wedding_in_parts_is_run_in_all_of_them_and_between(
    start: datetime, parts: int, runs: Runs
) -> None:
    request = {**LONG, "events": cast("list[object]", LONG["events"])[:parts]}
    with Bundle(at=start + SECOND) as bundle:
        wedding_id = bundle.register(request)
        due = planned(bundle, wedding_id, span=20 * MINUTE)
        assert instants_of_runs(bundle, runs, span=20 * MINUTE) == due


def weddings_at_all_distances() -> Sequence[dict[str, object]]:
    """By the clock of OPENS + 3 h, one wedding at each of the distances."""
    now = OPENS + 3 * HOUR
    requests: list[dict[str, object]] = []
    for start, _ in DISTANCES.values():
        opens = OPENS + (now - start)
        ceremony, ends = opens + 2 * HOUR, opens + 9 * HOUR
        requests.append(
            {
                "coupleName": "Ann & Bo",
                "date": ceremony.date().isoformat(),
                "venue": {"timeZone": "UTC"},
                "timeline": [
                    {
                        "id": "ceremony",
                        "kind": "ceremony",
                        "title": "Ceremony",
                        "startsAt": ceremony.isoformat(),
                        "endsAt": ends.isoformat(),
                    }
                ],
            }
        )
    return requests


@pytest.mark.parametrize("twice", [False, True])
def test_weddings_of_all_phases_do_not_disturb_each_other(*, twice: bool, runs: Runs) -> None:
    functions = every_trigger_twice() if twice else None
    with Bundle(at=OPENS + 3 * HOUR + SECOND, functions=functions) as bundle:
        ids = [bundle.register(each) for each in weddings_at_all_distances()]
        due = sorted(each for one in ids for each in planned(bundle, one, span=HOUR))
        assert len(due) == sum(each[Stage.PROD] for _, each in DISTANCES.values())
        assert instants_of_runs(bundle, runs, span=HOUR) == due
        assert runs.taken("WeddingsJudged") == 0  # nothing was ever told of any of them


@pytest.mark.parametrize("away", [40 * SECOND, 5 * MINUTE, 3 * HOUR, 9 * DAY])
def test_what_was_missed_is_caught_up_once_and_not_in_a_burst(away: timedelta, runs: Runs) -> None:
    with Bundle(at=OPENS - 3 * HOUR + SECOND) as bundle:
        live = bundle.register({**REQUEST, "date": "2026-06-20"})
        bundle.register({**REQUEST, "date": "2026-12-20", "timeline": []})
        bundle.advance_to(OPENS + MINUTE + SECOND)
        missed = planned(bundle, live, span=away)
        runs.taken()
        bundle.clock.advance(away.total_seconds())
        bundle.drain()
        watched = 2 if away > 15 * MINUTE else 1
        over = bundle.now > CLOSES + 24 * HOUR
        assert runs.taken() == watched - over
        assert len(missed) > 1
        due = planned(bundle, live, span=MINUTE)
        assert instants_of_runs(bundle, runs, span=MINUTE) == due


def test_a_wedding_registered_within_a_minute_is_run_at_its_next_tick(runs: Runs) -> None:
    with Bundle(at=OPENS + HOUR) as bundle:
        bundle.advance(62)
        wedding_id = bundle.register(REQUEST)
        due = planned(bundle, wedding_id, span=3 * MINUTE)
        assert due[0] == OPENS + HOUR + MINUTE + 10 * SECOND
        assert instants_of_runs(bundle, runs, span=3 * MINUTE) == due


@pytest.mark.parametrize("by", ["PATCH", "PUT"])
def test_moving_the_ceremony_moves_the_window_and_replans(by: str, runs: Runs) -> None:
    with Bundle(at=OPENS - 30 * HOUR + SECOND) as bundle:
        wedding_id = bundle.register(REQUEST)
        path = f"/api/weddings/{wedding_id}"
        assert len(instants_of_runs(bundle, runs, span=10 * MINUTE)) == 10
        for hours, phase, in_ten_minutes in ((-31, "live", 60), (400, "month", 2)):
            starts = OPENS + 2 * HOUR + hours * HOUR
            item = {
                "id": "ceremony",
                "kind": "ceremony",
                "title": "Ceremony",
                "startsAt": starts.isoformat(),
                "endsAt": (starts + 7 * HOUR).isoformat(),
            }
            moved = (
                bundle.patch(path, {"timeline": [item]})
                if by == "PATCH"
                else bundle.put_document(f"{path}/timeline", {"timeline": [item]})
            )
            assert moved.status == 200
            told = bundle.get(f"{path}/monitoring")
            assert told["phase"] == phase
            assert told["windowStart"] == (starts - 2 * HOUR).isoformat().replace("+00:00", "Z")
            due = planned(bundle, wedding_id, span=10 * MINUTE)
            assert len(due) == in_ten_minutes
            assert instants_of_runs(bundle, runs, span=10 * MINUTE) == due


def test_another_date_or_zone_replans_as_well(runs: Runs) -> None:
    with Bundle(at=utc("2026-06-20T05:30:01")) as bundle:
        wedding_id = bundle.register(a_wedding_request(on="2026-09-20", zone="UTC", ceremony=None))
        for patch, in_ten_minutes in (
            ({"date": "2026-06-20"}, 10),
            ({"venue": {"timeZone": "Europe/Madrid"}}, 60),
            ({"date": "2026-06-21"}, 10),
        ):
            assert bundle.patch(f"/api/weddings/{wedding_id}", patch).status == 200
            due = planned(bundle, wedding_id, span=10 * MINUTE - SECOND)
            assert len(instants_of_runs(bundle, runs, span=10 * MINUTE - SECOND)) == len(due)
            assert len(due) in {in_ten_minutes, in_ten_minutes - 1}


def test_an_open_alert_forces_ten_seconds_and_its_end_lets_go(runs: Runs) -> None:
    with Bundle(at=OPENS - 40 * DAY + SECOND) as bundle:
        wedding_id = bundle.register(REQUEST)
        path = f"/api/weddings/{wedding_id}/monitoring"
        assert bundle.get(path)["intervalSeconds"] == 900
        slow = a_point("system.response_time", bundle.now, kind="gauge", value=9000.0)
        bundle.put({**slow, "weddingId": wedding_id})
        bundle.drain()
        told = bundle.get(path)
        assert told["intervalSeconds"] == 10
        assert told["nextRunAt"] == "2026-05-11T14:00:10Z"
        assert told["reason"] == "every 10 s, forced: alert performance_degradation is pending"
        assert len(instants_of_runs(bundle, runs, span=5 * MINUTE)) == 30
        (alert,) = bundle.alerts()
        assert "is firing" in str(bundle.get(path)["reason"])
        # What is asked of another time is answered by the phase: no alert is foreseen.
        assert bundle.get(path, at="2026-05-11T14:00:00Z")["intervalSeconds"] == 900
        bundle.post(f"/api/metrics/alerts/{alert['alertId']}/resolve")
        bundle.drain()
        assert bundle.get(path)["intervalSeconds"] == 900
        bundle.advance(120)
        due = planned(bundle, wedding_id, span=30 * MINUTE)
        assert instants_of_runs(bundle, runs, span=30 * MINUTE) == due


def test_an_incident_that_somebody_reports_forces_its_wedding_alone(runs: Runs) -> None:
    with Bundle(at=OPENS - 40 * DAY + SECOND) as bundle:
        wedding_id, other = bundle.register(REQUEST), bundle.register(REQUEST)
        report = {"title": "No rings", "severity": "high", "weddingId": wedding_id}
        incident_id = bundle.post("/api/monitoring/incidents", report)["incidentId"]
        told = bundle.get(f"/api/weddings/{wedding_id}/monitoring")
        assert told["intervalSeconds"] == 10
        assert told["reason"] == f"every 10 s, forced: incident {incident_id} is open"
        assert bundle.get(f"/api/weddings/{other}/monitoring")["intervalSeconds"] == 900
        assert len(instants_of_runs(bundle, runs, span=5 * MINUTE)) == 30
        bundle.post(f"/api/monitoring/incidents/{incident_id}/resolve")
        bundle.advance(120)
        assert instants_of_runs(bundle, runs, span=5 * MINUTE) == []


def test_a_run_judges_what_was_counted_and_never_judged(runs: Runs) -> None:
    """The function that counted the points died each time before it judged them."""
    with Bundle(at=OPENS - 20 * HOUR + SECOND) as bundle:
        wedding_id = bundle.register(REQUEST)
        slow = a_point("api.request", bundle.now, value=9000.0, dims={"status": "200"})
        bundle.put({**slow, "weddingId": wedding_id})
        bundle.drain()
        for alert in bundle.services.alerts.open_of(bundle.tenant):
            kept = bundle.services.alerts.get(bundle.tenant, alert.alert_id)
            bundle.services.alerts.keep(bundle.tenant, None, former=kept)
        assert bundle.alerts() == []
        runs.taken()
        bundle.advance(60)
        assert runs.taken("WeddingsJudged") >= 1
        assert [alert["weddingId"] for alert in bundle.alerts()] == [wedding_id]
