"""How many groups of one rule have an alert of their own, and the alert that stands for the rest.

A dimension may have thousands of values. The worst groups have alerts of their own, those that have
one already first; for all others one alert of the rule says how many they are, as severe as the
rule, so that nothing is lost in silence.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from wedsync.alerting.finding import AxisOutcome, Finding, Outcome
from wedsync.alerting.own.judging import NOTHING, PREDICTED, judge_rule
from wedsync.alerting.own.rule import Rule
from wedsync.alerting.surroundings import Surroundings

MOST_GROUPS = 100
"""Of one rule at one wedding, or of the tenant, with an alert of their own."""
MOST_NEW = 200
"""Groups that one look at a tenant adds to the open alerts, of all of its rules together."""
OTHERS = (("*", "too many groups"),)
"""The group of the alert that stands for the rest; no dimension is called so."""
_AXIS = "groups"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFinding:
    """What was found about one group; ``group`` holds the values of the rule's dimensions."""

    group: tuple[str, ...]
    finding: Finding

    @property
    def is_breach(self) -> bool:
        """Whether the rule objects to it."""
        return self.finding.outcome is Outcome.BREACH


def chosen(
    found: Sequence[GroupFinding], opened: AbstractSet[tuple[str, ...]], *, room: int
) -> tuple[list[GroupFinding], int]:
    """Those that are followed one by one, and how many others are in breach.

    What has an open alert is followed whatever was found; of the others ``room`` in breach at the
    most, and what is not in breach needs no look.
    """
    kept = [each for each in found if each.group in opened]
    news = [each for each in found if each.is_breach and each.group not in opened]
    most = max(0, min(room, MOST_GROUPS - len(kept)))
    news.sort(key=lambda each: (-_distance(each.finding), each.group))
    return kept + news[:most], len(news[most:])


def of_the_rest(rule: Rule, rest: int, followed: int, around: Surroundings) -> Finding:
    """What the one alert of all other groups is to say; 0: there are none any more."""
    judged = judge_rule(rule, (), [NOTHING] * len(rule.comparisons), around)
    outcome = Outcome.BREACH if rest else Outcome.CLEAR
    text = f"{rule.name}: too many groups: {rest} more are in breach than the {followed} told of"
    return replace(
        judged,
        group=OTHERS,
        outcome=outcome,
        axes=(AxisOutcome(axis=_AXIS, outcome=outcome),),
        severity=rule.severity if rest else None,
        reasons=(around.reason(rule.rule_id, rule.severity, text),) if rest else (),
        value=float(rest + followed),
        threshold=float(followed),
        message=text,
        tags=(),
    )


def _distance(finding: Finding) -> float:
    """How far past its threshold it is, as a share of it; what is predicted comes last."""
    if finding.value is None or finding.threshold is None or PREDICTED in finding.tags:
        return 0.0
    return abs(finding.value - finding.threshold) / max(abs(finding.threshold), 1e-9)
