"""Whatever the number of packs was when a frame was created, readers look where it lies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.metrics.lateness import ACCEPTED_MS, AHEAD_MS
from wedsync.metrics.packs import (
    LEAD_MS,
    MOST_CHANGES,
    REMEMBERED_MS,
    SLOT_MS,
    PackChange,
    PackHistory,
    TooManyChanges,
)
from wedsync.metrics.series import pack_of

NOON_MS = 1_781_956_800_000
DAY_MS = 86_400_000

histories = st.builds(
    lambda first, slots, packs: PackHistory(
        first=first,
        changes=tuple(
            PackChange(since_ms=NOON_MS + slot * SLOT_MS, packs=each)
            for slot, each in zip(sorted(slots), packs, strict=False)
        ),
    ),
    st.integers(1, 256),
    st.sets(st.integers(-9000, 9000), max_size=4),
    st.lists(st.integers(1, 256), min_size=4, max_size=4),
)


@given(
    histories,
    st.integers(-DAY_MS, DAY_MS),
    st.integers(-AHEAD_MS, ACCEPTED_MS + AHEAD_MS),
    st.text(min_size=1, max_size=8),
)
def test_a_point_lies_in_one_of_its_minutes_homes(
    history: PackHistory, after_ms: int, created_after_ms: int, name: str
) -> None:
    ts_ms = NOON_MS + after_ms
    pack = pack_of(name, history.at(ts_ms + created_after_ms))
    minute = ts_ms // 60_000
    assert pack in history.homes(name, minute, minute)
    assert pack in history.homes(name, minute - 5, minute)
    assert pack in history.homes(name, minute, minute + 5)


def test_a_number_holds_from_its_instant_until_the_next() -> None:
    history = PackHistory(
        first=4,
        changes=(
            PackChange(since_ms=NOON_MS, packs=9),
            PackChange(since_ms=NOON_MS + SLOT_MS, packs=2),
        ),
    )
    times = (NOON_MS - 1, NOON_MS, NOON_MS + SLOT_MS - 1, NOON_MS + SLOT_MS)
    assert [history.at(ms) for ms in times] == [4, 9, 9, 2]
    assert history.last == 2


def test_far_from_a_change_there_is_one_place_to_look() -> None:
    history = PackHistory(first=4, changes=(PackChange(since_ms=NOON_MS, packs=9),))
    minute = NOON_MS // 60_000
    assert history.possible(minute - 2 * 1440, minute - 1447) == (4,)
    assert history.possible(minute - 5, minute) == (4, 9)
    assert history.possible(minute + 6, minute + 9) == (9,)


def test_a_change_lies_ahead_and_between_two_slots() -> None:
    history = PackHistory(first=4).changed(9, now_ms=NOON_MS + 1)
    (change,) = history.changes
    assert change.since_ms % SLOT_MS == 0
    assert LEAD_MS <= change.since_ms - (NOON_MS + 1) < LEAD_MS + SLOT_MS
    assert history.changed(9, now_ms=NOON_MS + 2) is history


def test_no_change_is_taken_back_before_it_is_in_force() -> None:
    history = PackHistory(first=4).changed(9, now_ms=NOON_MS)
    with pytest.raises(TooManyChanges):
        history.changed(4, now_ms=NOON_MS + LEAD_MS - 1)
    assert history.changed(4, now_ms=NOON_MS + LEAD_MS).last == 4


def test_changes_are_few_and_forgotten_only_when_no_copy_meets_them() -> None:
    history, now_ms = PackHistory(first=1), NOON_MS
    for packs in range(2, 2 + MOST_CHANGES):
        history = history.changed(packs, now_ms=now_ms)
        now_ms += LEAD_MS
    with pytest.raises(TooManyChanges):
        history.changed(99, now_ms=now_ms)
    now_ms = history.changes[1].since_ms + REMEMBERED_MS
    later = history.changed(99, now_ms=now_ms)
    assert len(later.changes) == MOST_CHANGES - 1
    remembered = range(now_ms - REMEMBERED_MS, now_ms, SLOT_MS * 7)
    assert [later.at(ms) for ms in remembered] == [history.at(ms) for ms in remembered]


@pytest.mark.parametrize("packs", [0, -1, 257])
def test_a_number_out_of_bounds_is_refused(packs: int) -> None:
    with pytest.raises(ValueError, match="1 to 256"):
        PackHistory(first=packs)
    with pytest.raises(ValueError, match="1 to 256"):
        PackHistory(first=1).changed(packs, now_ms=NOON_MS)


@pytest.mark.parametrize("times", [(NOON_MS + 1,), (NOON_MS, NOON_MS), (NOON_MS, NOON_MS - 10_000)])
def test_a_history_out_of_order_is_refused(times: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="order"):
        PackHistory(first=1, changes=tuple(PackChange(since_ms=ms, packs=2) for ms in times))
