"""Records and requests that prove no right to anything: when that is an attack, what shows it.

One sender that goes wrong is no attack, however often it tries: a device whose key was removed, or
that was given the wrong secret, sends on for hours, and nobody guesses a signature of 256 bits by
trying. So one key speaks for ``MOST_OF_ONE`` refusals at the most, and it takes several.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wedsync.alerting.finding import AxisOutcome, Finding, Outcome
from wedsync.alerting.observation import Scope
from wedsync.alerting.severity import Impact, Severity
from wedsync.alerting.surroundings import Surroundings
from wedsync.alerting.tenantwide import SECURITY

REFUSED_KEYS = "refused_keys"
WINDOW = timedelta(minutes=5)
LEAST_REFUSED = 50
"""As many as of callers that are refused."""
MOST_OF_ONE = 20
_RECOVERED = LEAST_REFUSED * 4 // 5
_KEYS_NAMED = 5
_KEY_SHOWN = 40
TELLING = frozenset({"wrong-signature", "malformed-signature", "unknown-key", "other-tenant"})
"""The reasons to refuse a record that somebody who has no right has, and others seldom."""
REJECTED_KEY = "rejected-key"
"""The reason to refuse a request whose token is nobody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One record or request that was refused. ``key_id`` is the one it names, believed or not."""

    place: str
    code: str
    key_id: str | None
    arrived_at: datetime


def refused_keys(refusals: Sequence[Refusal], *, now: datetime) -> Finding:
    """Judge what of a tenant was refused in five minutes; that there is nothing is known, too."""
    by_key = Counter(each.key_id for each in refusals)
    told = sum(min(number, MOST_OF_ONE) for number in by_key.values())
    if told >= LEAST_REFUSED:
        outcome = Outcome.BREACH
    else:
        outcome = Outcome.CLEAR if told <= _RECOVERED else Outcome.HOLD
    around = Surroundings(
        scope=Scope(tenant_wide=True),
        context=None,
        guest_count=None,
        any_wedding_today=False,
        now=now,
    )
    breach = outcome is Outcome.BREACH
    reason = around.reason(REFUSED_KEYS, Severity.HIGH, _evidence(refusals, by_key))
    return Finding(
        rule_id=f"platform.{REFUSED_KEYS}",
        type=SECURITY,
        scope=around.scope,
        outcome=outcome,
        axes=(AxisOutcome(axis=REFUSED_KEYS, outcome=outcome),),
        severity=Severity.HIGH if breach else None,
        reasons=(reason,) if breach else (),
        value=float(told),
        threshold=float(LEAST_REFUSED),
        message="Keys are refused in bursts: somebody may be trying keys, or using those of others",
        impact=Impact.MEDIUM,
        shared_incident=f"rule platform.{REFUSED_KEYS}",
        # So many within five minutes are evidence over time already.
        for_seconds=0,
    )


def _evidence(refusals: Sequence[Refusal], by_key: Counter[str | None]) -> str:
    """How many, by reason and by the keys that they name: ids alone, never a signature."""
    by_code = Counter(each.code for each in refusals)
    codes = ", ".join(f"{number} {code}" for code, number in _most_first(by_code))
    named = Counter({key: number for key, number in by_key.items() if key is not None})
    keys = [f"{key[:_KEY_SHOWN]} ({number})" for key, number in _most_first(named)]
    more = len(keys) - _KEYS_NAMED
    shown = ", ".join(keys[:_KEYS_NAMED]) + (f" and {more} more" if more > 0 else "")
    under = f"; under the keys {shown}" if keys else ""
    return f"{len(refusals)} refused in 5 minutes: {codes}{under}"


def _most_first(counted: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda each: (-each[1], each[0]))
