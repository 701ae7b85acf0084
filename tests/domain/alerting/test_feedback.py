"""What people say of alerts, and what rules learn from it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wedsync.alerting.feedback import MARKS_KEPT, Mark, Tally, Verdict, leniency, marked, steps
from wedsync.alerting.own.condition import Comparison, Operator, Statistic
from wedsync.alerting.own.rule import Rule
from wedsync.alerting.severity import Severity

MADE = datetime(2026, 6, 1, tzinfo=UTC)
RULE = Rule(
    rule_id="rule_1",
    name="Slow",
    condition=Comparison(
        metric="m", stat=Statistic.P95, op=Operator.ABOVE, threshold=100, window_seconds=300
    ),
    severity=Severity.HIGH,
    created_at=MADE,
    created_by="mia",
    updated_at=MADE,
)


def mark(number: int, verdict: Verdict = Verdict.FALSE_POSITIVE, **members: object) -> Mark:
    one = Mark(alert_id=f"alert-{number}", verdict=verdict, by="mia", at=MADE + timedelta(days=1))
    return replace(one, **members)  # type: ignore[arg-type] # members of a mark


def tally(*marks: Mark) -> Tally:
    found = Tally(rule_id="rule_1")
    for each in marks:
        found = marked(found, each)
    return found


def wrong(count: int, first: int = 0) -> list[Mark]:
    return [mark(first + number) for number in range(count)]


@pytest.mark.parametrize(
    ("count", "learned"), [(0, 0), (4, 0), (5, 1), (9, 1), (10, 2), (15, 3), (50, 3)]
)
def test_every_five_false_alarms_are_a_step_up_to_three(count: int, learned: int) -> None:
    assert steps(RULE, tally(*wrong(count))) == learned
    assert leniency(RULE, tally(*wrong(count))) == pytest.approx(learned / 10)


def test_alarms_that_were_right_weigh_against_false_ones() -> None:
    right = [mark(100 + number, Verdict.TRUE_POSITIVE) for number in range(3)]
    assert steps(RULE, tally(*wrong(7), *right)) == 0
    assert steps(RULE, tally(*wrong(8), *right)) == 1


def test_a_critical_rule_learns_nothing() -> None:
    assert steps(replace(RULE, severity=Severity.CRITICAL), tally(*wrong(50))) == 0


def test_a_new_condition_begins_to_learn_anew_and_keeps_its_precision() -> None:
    changed = replace(RULE, condition_since=MADE + timedelta(days=2))
    before = tally(*wrong(5))
    assert steps(changed, before) == 0
    assert before.precision == 0.0
    after = MADE + timedelta(days=3)
    again = tally(*wrong(5), *(mark(10 + n, at=after) for n in range(5)))
    assert steps(changed, again) == 1


def test_an_alert_is_marked_once_and_its_last_mark_counts() -> None:
    twice = tally(mark(1), mark(1), mark(2))
    assert (twice.false_positives, twice.true_positives) == (2, 0)
    changed = marked(twice, mark(1, Verdict.TRUE_POSITIVE))
    assert (changed.false_positives, changed.true_positives) == (1, 1)
    assert changed.precision == 0.5
    assert marked(changed, mark(1, Verdict.TRUE_POSITIVE)) is changed


def test_of_old_marks_the_number_stays() -> None:
    many = tally(*wrong(MARKS_KEPT + 30))
    assert len(many.marks) == MARKS_KEPT
    assert many.false_positives == MARKS_KEPT + 30


def test_nothing_is_known_of_what_nobody_marked() -> None:
    assert Tally(rule_id="rule_1").precision is None
    assert steps(RULE, None) == 0
