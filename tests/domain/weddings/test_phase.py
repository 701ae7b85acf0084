from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tests.builders import a_wedding, an_event, at_venue
from wedsync.weddings.model import Phase
from wedsync.weddings.phase import (
    TICK,
    Monitoring,
    Stage,
    has_run,
    monitoring,
    phase,
    reach,
    runs_between,
    tick_at,
)
from wedsync.weddings.timeline import operational_window

ZONE = "Europe/Paris"
WEDDING = a_wedding(zone=ZONE)
WINDOW = operational_window(WEDDING)
MOMENT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Ceremony at noon, party in the evening of the same day, brunch two days later.
IN_PARTS = a_wedding(
    zone=ZONE,
    ceremony="12:00",
    reception="12:30",
    until="13:00",
    events=[
        an_event("Party", at_venue(ZONE, "2025-06-07T20:00"), at_venue(ZONE, "2025-06-07T23:00")),
        an_event("Brunch", at_venue(ZONE, "2025-06-11T11:00"), at_venue(ZONE, "2025-06-11T12:00")),
    ],
)

EIGHT_DISTANCES = [
    (WINDOW.start - 60 * DAY, Phase.PLANNING, 900),
    (WINDOW.start - 20 * DAY, Phase.MONTH, 300),
    (WINDOW.start - 5 * DAY, Phase.WEEK, 120),
    (WINDOW.start - 36 * HOUR, Phase.EVE, 60),
    (WINDOW.start - MOMENT, Phase.EVE, 60),
    (WINDOW.start + HOUR, Phase.LIVE, 10),
    (WINDOW.end + 12 * HOUR, Phase.AFTER, 60),
    (WINDOW.end + 3 * DAY, Phase.CLOSED, None),
]


@pytest.mark.parametrize(("now", "expected", "seconds"), EIGHT_DISTANCES)
def test_the_nearer_the_day_the_closer_the_watch(
    now: datetime, expected: Phase, seconds: int | None
) -> None:
    seen = monitoring(WEDDING, now)
    assert (seen.phase, seen.interval_seconds) == (expected, seconds)
    assert phase(WEDDING, now) is expected
    assert seen.reason


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (WINDOW.start - 30 * DAY - MOMENT, Phase.PLANNING),
        (WINDOW.start - 30 * DAY, Phase.MONTH),
        (WINDOW.start - 7 * DAY - MOMENT, Phase.MONTH),
        (WINDOW.start - 7 * DAY, Phase.WEEK),
        (WINDOW.start - 48 * HOUR - MOMENT, Phase.WEEK),
        (WINDOW.start - 48 * HOUR, Phase.EVE),
        (WINDOW.start, Phase.LIVE),
        (WINDOW.end, Phase.LIVE),
        (WINDOW.end + MOMENT, Phase.AFTER),
        (WINDOW.end + 24 * HOUR, Phase.AFTER),
        (WINDOW.end + 24 * HOUR + MOMENT, Phase.CLOSED),
    ],
)
def test_the_edges_of_the_phases(now: datetime, expected: Phase) -> None:
    assert phase(WEDDING, now) is expected


@pytest.mark.parametrize(
    ("stage", "seconds"),
    [
        (Stage.PROD, [900, 300, 120, 60, 60, 10, 60, None]),
        (Stage.STAGING, [900, 300, 120, 60, 60, 60, 60, None]),
        (Stage.DEV, [900, 300, 300, 300, 300, 300, 300, None]),
    ],
)
def test_a_smaller_stage_looks_no_more_often_than_its_floor(
    stage: Stage, seconds: list[int | None]
) -> None:
    seen = [monitoring(WEDDING, now, stage=stage).interval_seconds for now, *_ in EIGHT_DISTANCES]
    assert seen == seconds


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("now", [now for now, *_ in EIGHT_DISTANCES])
def test_an_emergency_forces_ten_seconds_in_every_phase_and_stage(
    now: datetime, stage: Stage
) -> None:
    seen = monitoring(WEDDING, now, stage=stage, forced="emergency mode")
    assert seen.interval_seconds == 10
    assert seen.next_run_at is not None
    assert timedelta() < seen.next_run_at - now <= timedelta(seconds=10)
    assert "emergency mode" in seen.reason
    assert len(runs_between(WEDDING, now, now + HOUR, stage=stage, forced="emergency mode")) == 360


@pytest.mark.parametrize(
    ("now", "stage", "expected"),
    [
        (WINDOW.start - 60 * DAY, Stage.PROD, "opens in 60.0 d: every 900 s"),
        (WINDOW.start - 36 * HOUR, Stage.PROD, "opens in 36.0 h: every 60 s"),
        (WINDOW.start, Stage.PROD, "the window is open: every 10 s"),
        (
            WINDOW.start,
            Stage.DEV,
            "the window is open: every 300 s, raised from 10 s by the floor of dev",
        ),
        (WINDOW.end + 2 * HOUR, Stage.PROD, "closed 2.0 h ago: every 60 s"),
        (WINDOW.end + 3 * DAY, Stage.PROD, "closed more than 24 h ago: no longer watched"),
    ],
)
def test_the_reason_says_where_the_wedding_stands(
    now: datetime, stage: Stage, expected: str
) -> None:
    assert monitoring(WEDDING, now, stage=stage).reason == expected


@pytest.mark.parametrize(
    ("start", "stage", "runs"),
    [
        (WINDOW.start - 60 * DAY, Stage.PROD, 4),
        (WINDOW.start - 20 * DAY, Stage.PROD, 12),
        (WINDOW.start - 5 * DAY, Stage.PROD, 30),
        (WINDOW.start - 36 * HOUR, Stage.PROD, 60),
        (WINDOW.start, Stage.PROD, 360),
        (WINDOW.start + timedelta(minutes=17, seconds=3), Stage.PROD, 360),
        (WINDOW.start, Stage.STAGING, 60),
        (WINDOW.start, Stage.DEV, 12),
        (WINDOW.end + 2 * HOUR, Stage.PROD, 60),
        (WINDOW.end + 3 * DAY, Stage.PROD, 0),
        # Half an hour of each side: 30 at 60 s, then 180 at 10 s.
        (WINDOW.start - HOUR / 2, Stage.PROD, 30 + 180),
        # The instant of closing is the last at 10 s; the 29 full minutes after it follow.
        (WINDOW.end - HOUR / 2, Stage.PROD, 180 + 1 + 29),
    ],
)
def test_an_hour_has_exactly_the_runs_of_its_cadence(
    start: datetime, stage: Stage, runs: int
) -> None:
    assert len(runs_between(WEDDING, start, start + HOUR, stage=stage)) == runs


def test_runs_lie_on_the_grid_of_their_interval() -> None:
    runs = runs_between(WEDDING, WINDOW.start - 31 * DAY, WINDOW.end + 2 * DAY)
    for run in runs:
        seconds = monitoring(WEDDING, run).interval_seconds
        assert seconds is not None
        assert (run - EPOCH) % timedelta(seconds=seconds) == timedelta()
    assert list(runs) == sorted(set(runs))


def test_the_last_run_is_a_day_after_the_end() -> None:
    runs = runs_between(WEDDING, WINDOW.end, WINDOW.end + 10 * DAY)
    assert runs[-1] == WINDOW.end + 24 * HOUR
    assert monitoring(WEDDING, runs[-1]).next_run_at is None


def test_the_next_run_comes_sooner_when_the_window_opens_first() -> None:
    wedding = a_wedding(zone=ZONE, ceremony="16:00:10")
    opens = operational_window(wedding).start
    assert monitoring(wedding, opens - timedelta(seconds=5)).next_run_at == opens
    eve = opens - timedelta(seconds=70)
    assert monitoring(wedding, eve).next_run_at == opens - timedelta(seconds=10)


@pytest.mark.parametrize(
    ("wall", "expected"),
    [
        ("2025-06-07T09:59", Phase.EVE),
        ("2025-06-07T13:00", Phase.LIVE),
        ("2025-06-07T16:30", Phase.LIVE),  # between ceremony and party, on the day itself
        ("2025-06-08T00:30", Phase.LIVE),
        ("2025-06-08T02:00", Phase.WEEK),  # more than 48 h to the brunch
        ("2025-06-10T12:00", Phase.EVE),
        ("2025-06-11T11:00", Phase.LIVE),
        ("2025-06-11T15:00", Phase.AFTER),
        ("2025-06-12T15:00", Phase.CLOSED),
    ],
)
def test_between_two_parts_it_is_live_on_the_day_and_else_the_next_opening_counts(
    wall: str, expected: Phase
) -> None:
    now = at_venue(ZONE, wall)
    assert phase(IN_PARTS, now) is expected
    if wall == "2025-06-07T16:30":
        assert monitoring(IN_PARTS, now).reason == "between two parts of the day: every 10 s"


def test_the_decision_is_kept_as_it_is() -> None:
    kept = TypeAdapter(Monitoring)
    for now, *_ in EIGHT_DISTANCES:
        decision = monitoring(WEDDING, now)
        assert kept.validate_json(kept.dump_json(decision)) == decision


@given(
    minutes=st.lists(st.integers(-3 * 1440, 7 * 1440), min_size=3, max_size=3, unique=True),
    shift=st.integers(0, 59_999_999),
    in_parts=st.booleans(),
    stage=st.sampled_from(Stage),
)
@settings(max_examples=60, deadline=None)
def test_two_neighbouring_ticks_plan_what_one_long_tick_would(
    minutes: list[int], shift: int, *, in_parts: bool, stage: Stage
) -> None:
    wedding = IN_PARTS if in_parts else WEDDING
    offset = timedelta(microseconds=shift)
    start, middle, end = (WINDOW.start + timedelta(minutes=m) + offset for m in sorted(minutes))
    whole = runs_between(wedding, start, end, stage=stage)
    assert whole == (
        *runs_between(wedding, start, middle, stage=stage),
        *runs_between(wedding, middle, end, stage=stage),
    )
    following = monitoring(wedding, start, stage=stage).next_run_at
    later = [run for run in whole if run > start]
    if later:
        assert following == later[0]
    else:
        assert following is None or following >= end


@given(
    seconds=st.integers(-40 * 86_400, 3 * 86_400),
    in_parts=st.booleans(),
    stage=st.sampled_from(Stage),
)
@settings(max_examples=100, deadline=None)
def test_an_instant_is_a_run_exactly_when_the_interval_in_force_divides_it(
    seconds: int, *, in_parts: bool, stage: Stage
) -> None:
    wedding = IN_PARTS if in_parts else WEDDING
    first = WINDOW.start + timedelta(seconds=seconds // 10 * 10)
    instants = [first + timedelta(seconds=10 * n) for n in range(60)]
    expected = [
        at
        for at in instants
        if (interval := monitoring(wedding, at, stage=stage).interval_seconds) is not None
        and (at - EPOCH) % timedelta(seconds=interval) == timedelta()
    ]
    assert list(runs_between(wedding, first, instants[-1] + MOMENT, stage=stage)) == expected


@given(
    seconds=st.integers(-40 * 86_400, 3 * 86_400),
    in_parts=st.booleans(),
    stage=st.sampled_from(Stage),
    count=st.integers(1, 90),
)
@settings(max_examples=100, deadline=None)
def test_ticks_hold_a_run_exactly_where_one_is_planned_and_within_their_reach(
    seconds: int, *, in_parts: bool, stage: Stage, count: int
) -> None:
    wedding = IN_PARTS if in_parts else WEDDING
    opens = operational_window(wedding).start
    first = tick_at(WINDOW.start + timedelta(seconds=seconds))
    ticks = [first + number * TICK for number in range(count)]
    planned = runs_between(wedding, first, ticks[-1] + MOMENT, stage=stage)
    assert has_run(wedding, ticks, stage=stage) == bool(planned)
    assert [tick for tick in ticks if has_run(wedding, [tick], stage=stage)] == list(planned)
    for run in planned:
        ahead = reach(run, stage=stage)
        assert ahead is None or opens <= run + ahead


@pytest.mark.parametrize(
    ("at", "stage", "ahead"),
    [
        ("12:00:10", Stage.PROD, timedelta()),
        ("12:01:00", Stage.PROD, timedelta(hours=48)),
        ("12:02:00", Stage.PROD, timedelta(days=7)),
        ("12:05:00", Stage.PROD, timedelta(days=30)),
        ("12:15:00", Stage.PROD, None),
        ("12:02:00", Stage.DEV, timedelta()),
        ("12:05:00", Stage.DEV, timedelta(days=30)),
    ],
)
def test_a_tick_reaches_as_far_as_the_phases_that_are_run_at_it(
    at: str, stage: Stage, ahead: timedelta | None
) -> None:
    tick = datetime.fromisoformat(f"2025-05-01T{at}+00:00")
    assert reach(tick, stage=stage) == ahead
