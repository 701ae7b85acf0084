"""Which ladder is chosen."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tests.domain.incidents.builders import (
    A_SATURDAY_BEFORE,
    A_TUESDAY_BEFORE,
    THE_DAY,
)
from wedsync.alerting.severity import Severity
from wedsync.api.policies import PolicyRequest
from wedsync.incidents import policies
from wedsync.incidents.model import Policy, Tier
from wedsync.incidents.policies import (
    choose_policy,
    read_policy,
    templates,
)
from wedsync.weddings.model import WeddingContext

WEDDING_DAY, NORMAL, SATURDAY_FAST = (
    templates()[name] for name in (policies.WEDDING_DAY, policies.NORMAL, policies.SATURDAY_FAST)
)
ON_A_WEDNESDAY = replace(THE_DAY, is_weekend=False, is_saturday_local=False)
A_SUNDAY_BEFORE = replace(A_SATURDAY_BEFORE, is_saturday_local=False)


@pytest.mark.parametrize(
    ("severity", "context", "policy"),
    [
        (Severity.CRITICAL, THE_DAY, WEDDING_DAY),
        (Severity.CRITICAL, ON_A_WEDNESDAY, WEDDING_DAY),
        (Severity.CRITICAL, A_SATURDAY_BEFORE, WEDDING_DAY),
        (Severity.CRITICAL, A_SUNDAY_BEFORE, WEDDING_DAY),
        (Severity.CRITICAL, A_TUESDAY_BEFORE, NORMAL),
        (Severity.HIGH, THE_DAY, SATURDAY_FAST),
        (Severity.HIGH, A_SATURDAY_BEFORE, SATURDAY_FAST),
        (Severity.HIGH, A_SUNDAY_BEFORE, NORMAL),
        (Severity.HIGH, ON_A_WEDNESDAY, NORMAL),
        (Severity.LOW, A_TUESDAY_BEFORE, NORMAL),
    ],
)
def test_a_wedding_chooses_its_ladder_by_its_own_clock(
    severity: Severity, context: WeddingContext, policy: Policy
) -> None:
    choice = choose_policy(severity, context, any_wedding_today=True)

    assert choice.policy is policy
    assert f"{context.local:%H:%M} at the venue" in choice.reason


@pytest.mark.parametrize(
    ("severity", "today", "saturday", "policy"),
    [
        (Severity.CRITICAL, True, False, WEDDING_DAY),
        (Severity.CRITICAL, False, False, NORMAL),
        (Severity.HIGH, True, True, SATURDAY_FAST),
        (Severity.HIGH, True, False, NORMAL),
    ],
)
def test_what_has_no_wedding_goes_by_the_weddings_of_the_tenant(
    *, severity: Severity, today: bool, saturday: bool, policy: Policy
) -> None:
    choice = choose_policy(
        severity, None, any_wedding_today=today, any_saturday_wedding_today=saturday
    )

    assert choice.policy is policy


@pytest.mark.parametrize(
    ("policy", "tiers"),
    [
        (
            WEDDING_DAY,
            {
                0: ("on_call_engineer", "platform_lead"),
                300: ("cto", "emergency_contacts"),
                900: ("all_hands",),
            },
        ),
        (
            NORMAL,
            {0: ("on_call_engineer",), 600: ("team_lead",), 1800: ("platform_lead",)},
        ),
        (
            SATURDAY_FAST,
            {0: ("on_call_engineer",), 300: ("team_lead",), 900: ("platform_lead",)},
        ),
    ],
)
def test_every_ladder_pages_these_roles_at_these_seconds(
    policy: Policy, tiers: dict[int, tuple[str, ...]]
) -> None:
    assert {tier.after_seconds: tier.roles for tier in policy.tiers} == tiers


def test_a_saturday_is_exactly_twice_as_fast() -> None:
    assert [2 * tier.after_seconds for tier in SATURDAY_FAST.tiers] == [
        tier.after_seconds for tier in NORMAL.tiers
    ]


def test_the_templates_survive_storage() -> None:
    adapter = TypeAdapter(Policy)

    for each in templates().values():
        assert adapter.validate_json(adapter.dump_json(each)) == each


def test_every_template_is_a_file_that_the_api_takes_as_a_body() -> None:
    folder = Path(policies.__file__).with_name("templates")
    for file in folder.iterdir():
        document = json.loads(file.read_text())
        name = document.pop("name")
        assert file.name == f"{name}.json"
        assert PolicyRequest.model_validate_json(json.dumps(document)).policy(name) == read_policy(
            file.read_text()
        )
        assert templates()[name] == read_policy(file.read_text())
    assert len(list(folder.iterdir())) == len(templates())


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"name": "a"}',
        '{"name": "a", "tiers": []}',
        '{"name": "a", "tiers": [{"afterSeconds": 5, "roles": ["b"]}]}',
        '{"name": "a", "tiers": [{"afterSeconds": 0, "roles": ["b"], "channels": ["fax"]}]}',
        "nonsense",
    ],
)
def test_a_file_that_holds_no_ladder_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"policy|tier|fax|Expecting"):
        read_policy(text)


@pytest.mark.parametrize(
    "tiers",
    [
        (),
        (Tier(after_seconds=60, roles=("a",)),),
        (Tier(after_seconds=0, roles=()),),
        (Tier(after_seconds=0, roles=("a",)), Tier(after_seconds=0, roles=("b",))),
    ],
)
def test_a_ladder_that_reaches_nobody_or_does_not_rise_is_refused(tiers: tuple[Tier, ...]) -> None:
    with pytest.raises(ValueError, match="tier"):
        Policy(name="broken", tiers=tiers)
