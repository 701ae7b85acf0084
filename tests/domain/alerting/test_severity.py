"""Severities are ranked; their text never decides."""

import random

import pytest

from wedsync.alerting.severity import Impact, Severity, highest

LADDER = [Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL]


def test_severities_sort_by_rank_and_not_as_text() -> None:
    shuffled = random.Random(7).sample(LADDER, k=4)

    assert sorted(shuffled) == LADDER
    assert sorted(map(str.__str__, LADDER)) != LADDER  # the known wrong answer


@pytest.mark.parametrize("mild", LADDER[:-1])
def test_critical_is_worse_than_every_other_severity(mild: Severity) -> None:
    worst = Severity.CRITICAL

    assert worst > mild
    assert worst >= mild
    assert mild < worst
    assert mild <= worst


def test_impacts_are_ranked_too() -> None:
    assert sorted(Impact, reverse=True) == [Impact.HIGH, Impact.MEDIUM, Impact.LOW, Impact.NONE]


def test_the_highest_does_not_depend_on_the_order() -> None:
    assert highest([Severity.CRITICAL, Severity.LOW, Severity.HIGH]) is Severity.CRITICAL
    assert highest([Severity.LOW, Severity.HIGH, Severity.CRITICAL]) is Severity.CRITICAL


def test_nothing_has_no_highest_severity() -> None:
    assert highest([]) is None
