"""Refused records: where the lines are, and what is shown of them."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from wedsync.alerting.catalog import PLATFORM_RULES
from wedsync.alerting.finding import Outcome
from wedsync.alerting.refusals import Refusal, refused_keys
from wedsync.alerting.severity import Severity

NOW = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)


def refused(by_key: Mapping[str | None, int], code: str = "wrong-signature") -> list[Refusal]:
    return [
        Refusal(place=f"{key}:{number}", code=code, key_id=key, arrived_at=NOW)
        for key, times in by_key.items()
        for number in range(times)
    ]


@pytest.mark.parametrize(
    ("by_key", "outcome"),
    [
        ({}, Outcome.CLEAR),
        ({"a": 20, "b": 20, "c": 10}, Outcome.BREACH),
        ({"a": 20, "b": 20, "c": 9}, Outcome.HOLD),
        ({"a": 500, "b": 500}, Outcome.CLEAR),
        ({"a": 500, "b": 500, None: 10}, Outcome.BREACH),
        (dict.fromkeys("abcdefghij", 5), Outcome.BREACH),
        ({"a": 500, None: 500}, Outcome.CLEAR),
    ],
)
def test_it_takes_fifty_and_no_key_counts_for_more_than_twenty(
    by_key: Mapping[str | None, int], outcome: Outcome
) -> None:
    finding = refused_keys(refused(by_key), now=NOW)
    assert finding.outcome is outcome
    assert finding.severity is (Severity.HIGH if outcome is Outcome.BREACH else None)


def test_the_evidence_names_reasons_and_the_keys_that_were_named_most() -> None:
    by_key: dict[str | None, int] = {f"k{at}": 10 - at for at in range(8)}
    found = [*refused(by_key), *refused({"k0": 3}, "unknown-key"), *refused({None: 4}, "x")]
    (reason,) = refused_keys(found, now=NOW).reasons
    assert reason.reason == (
        "59 refused in 5 minutes: 52 wrong-signature, 4 x, 3 unknown-key; under the keys "
        "k0 (13), k1 (9), k2 (8), k3 (7), k4 (6) and 3 more"
    )


def test_a_key_of_any_length_leaves_the_reason_short() -> None:
    (reason,) = refused_keys(refused({each * 128: 20 for each in "abc"}), now=NOW).reasons
    assert len(reason.reason) < 300


def test_it_is_listed_among_the_platforms_rules() -> None:
    assert refused_keys([], now=NOW).rule_id in {rule.rule_id for rule in PLATFORM_RULES}
