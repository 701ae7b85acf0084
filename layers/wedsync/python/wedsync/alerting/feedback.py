"""What people say of alerts afterwards, how right a rule has been, and what it learns from that.

Five false alarms more than real ones move the thresholds of a rule by a tenth, to the side on which
it calls less often, and at most by three tenths. A critical rule never learns to be quiet.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wedsync.alerting.own.rule import Rule
from wedsync.alerting.severity import Severity

MARKS_PER_STEP = 5
MOST_STEPS = 3
STEP = 0.1
MARKS_KEPT = 200


class Verdict(StrEnum):
    """Whether there was anything to be told of."""

    FALSE_POSITIVE = "false_positive"
    TRUE_POSITIVE = "true_positive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What somebody said of one alert."""

    alert_id: str
    verdict: Verdict
    comment: str = ""
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The marks of one rule's alerts, one for each alert; of the oldest their number alone."""

    rule_id: str
    marks: tuple[Mark, ...] = ()
    older_true: int = 0
    older_false: int = 0
    version: int = 0

    @property
    def true_positives(self) -> int:
        """Alerts that were right."""
        return self.older_true + _count(self.marks, Verdict.TRUE_POSITIVE)

    @property
    def false_positives(self) -> int:
        """Alerts that were not."""
        return self.older_false + _count(self.marks, Verdict.FALSE_POSITIVE)

    @property
    def precision(self) -> float | None:
        """The share of the marked alerts that were right; None while none is marked."""
        total = self.true_positives + self.false_positives
        return self.true_positives / total if total else None


def marked(tally: Tally, mark: Mark) -> Tally:
    """The tally with this mark, in the place of a former one of the same alert."""
    former = next((each for each in tally.marks if each.alert_id == mark.alert_id), None)
    if former is not None and (former.verdict, former.comment) == (mark.verdict, mark.comment):
        return tally
    marks = (*(each for each in tally.marks if each is not former), mark)
    gone, kept = marks[:-MARKS_KEPT], marks[-MARKS_KEPT:]
    return Tally(
        rule_id=tally.rule_id,
        marks=kept,
        older_true=tally.older_true + _count(gone, Verdict.TRUE_POSITIVE),
        older_false=tally.older_false + _count(gone, Verdict.FALSE_POSITIVE),
        version=tally.version,
    )


def steps(rule: Rule, tally: Tally | None) -> int:
    """How many steps the rule has learned, from marks made under its present condition."""
    if tally is None or rule.severity is Severity.CRITICAL:
        return 0
    since = rule.condition_since or rule.created_at
    marks = [each for each in tally.marks if each.at >= since]
    surplus = _count(marks, Verdict.FALSE_POSITIVE) - _count(marks, Verdict.TRUE_POSITIVE)
    return min(MOST_STEPS, max(0, surplus) // MARKS_PER_STEP)


def leniency(rule: Rule, tally: Tally | None) -> float:
    """By which share of themselves the rule's thresholds are moved."""
    return STEP * steps(rule, tally)


def _count(marks: Iterable[Mark], verdict: Verdict) -> int:
    return sum(1 for each in marks if each.verdict is verdict)
