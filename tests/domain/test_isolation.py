"""A unit that fails stops no other, is not passed over in silence, and fails the run."""

import logging

import pytest

from wedsync.errors import Throttled, Unavailable
from wedsync.isolation import OWNERS_IN_A_ROW, Units, UnitsFailed, failure_of, in_turn


def broken(*_: object) -> None:
    raise ValueError("it is broken")


def throttled(*_: object) -> None:
    raise Throttled


def fine(*_: object) -> None:
    """Do it."""


def test_every_unit_is_done_but_the_one_that_fails_and_the_run_fails_at_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    units = Units()
    assert [
        units.done("a", "1", fine),
        units.done("b", "2", broken),
        units.done("c", "3", fine),
    ] == [
        True,
        False,
        True,
    ]
    assert [(each.message, each.levelno) for each in caplog.records] == [
        ("2 of b failed", logging.ERROR)
    ]
    with pytest.raises(UnitsFailed, match=r"1 units failed.* 2 of b: ValueError"):
        units.finish()


def test_a_run_in_which_all_was_done_ends_well() -> None:
    units = Units()
    units.done("a", "1", fine)
    units.finish()


def test_one_owner_who_is_throttled_does_not_end_the_run_and_several_in_a_row_do() -> None:
    units = Units()
    for _ in range(20):
        assert not units.done("a", "1", throttled)
    assert units.done("b", "1", fine)
    for owner in range(OWNERS_IN_A_ROW):
        assert not units.done(f"owner {owner}", "1", throttled)
    begun: list[str] = []
    assert not units.done("c", "1", begun.append, "c")
    with pytest.raises(Throttled):
        units.finish()
    units.begin_again()
    assert units.done("c", "2", begun.append, "c")
    assert begun == ["c"]


def test_that_nothing_works_is_not_told_by_one_owner_alone() -> None:
    units = Units()
    for _ in range(5):
        units.done("a", "1", throttled)
    assert units.was_unavailable_to("a")
    before = [units.nothing_works, units.works]
    units.done("b", "1", throttled)
    then = [units.nothing_works, units.works]
    units.done("c", "1", broken)
    assert [before, then, [units.nothing_works, units.works]] == [
        [False, False],
        [True, False],
        [False, True],
    ]


def test_a_run_that_met_nothing_but_an_unavailable_cloud_says_so() -> None:
    units = Units()
    units.done("a", "1", throttled)
    with pytest.raises(Unavailable):
        units.finish()
    units.done("b", "1", broken)
    with pytest.raises(UnitsFailed):
        units.finish()


def test_without_time_nothing_is_begun_and_the_run_fails() -> None:
    begun: list[str] = []
    units = Units(out_of_time=lambda: len(begun) == 2)
    assert [units.done(each, "1", begun.append, each) for each in "abc"] == [True, True, False]
    assert begun == ["a", "b"]
    assert units.out_of_time
    with pytest.raises(UnitsFailed, match="1 were not reached"):
        units.finish()


def test_every_owner_comes_first_in_some_turn_and_behind_the_same_three_in_few() -> None:
    owners = [f"owner {n}" for n in range(8)]
    turns = [in_turn(owners, turn) for turn in range(100)]
    assert all(sorted(each) == owners for each in turns)
    assert {each[0] for each in turns} == set(owners)
    assert in_turn(reversed(owners), 7) == turns[7]
    three = {"owner 1", "owner 2", "owner 3"}
    held_up = [each for each in turns if set(each[: each.index("owner 4")]) >= three]
    assert 0 < len(held_up) < len(turns) / 2
    assert in_turn("", 5) == []


def test_what_is_given_up_fails_the_run() -> None:
    units = Units()
    units.give_up("a", "an hour")
    with pytest.raises(UnitsFailed, match="an hour of a"):
        units.finish()


def test_what_ends_the_process_ends_it() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        failure_of("a unit", stop)
