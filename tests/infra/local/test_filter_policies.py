"""Filter policies select messages as SNS does."""

import pytest

from infra.local.filter_policies import FilterPolicy

PAGE: dict[str, str | int] = {"kind": "page", "severity": "critical", "tier": 1, "channel": "sms"}


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"kind": ["page"]},
        {"kind": ["notice", "page"], "tier": [1]},
        {"tier": [1.0]},
        {"severity": [{"prefix": "crit"}]},
        {"severity": [{"suffix": "cal"}]},
        {"severity": [{"equals-ignore-case": "CRITICAL"}]},
        {"kind": [{"anything-but": "notice"}]},
        {"kind": [{"anything-but": ["notice", "reminder"]}]},
        {"kind": [{"anything-but": {"prefix": "re"}}]},
        {"tier": [{"anything-but": [0, 2]}]},
        {"tier": [{"anything-but": ["1"]}]},
        {"role": [{"exists": False}]},
        {"kind": [{"exists": True}]},
        {"tier": [{"numeric": ["=", 1]}]},
        {"tier": [{"numeric": [">", 0, "<=", 1]}]},
        {"tier": [0, {"numeric": [">=", 1]}]},
        {"$or": [{"kind": ["notice"]}, {"tier": [1]}]},
        {"kind": ["page"], "$or": [{"tier": [0]}, {"channel": ["sms"]}]},
    ],
)
def test_a_page_is_wanted(policy: object) -> None:
    assert FilterPolicy(policy).accepts(PAGE)


@pytest.mark.parametrize(
    "policy",
    [
        {"kind": ["Page"]},
        {"kind": ["page"], "tier": [0]},
        # Known wrong: a number is not its digits.
        {"tier": ["1"]},
        {"kind": [0]},
        {"severity": [{"prefix": "high"}]},
        {"kind": [{"anything-but": "page"}]},
        {"kind": [{"anything-but": {"prefix": "pa"}}]},
        # Known wrong: what is absent is not "anything but".
        {"role": [{"anything-but": "planner"}]},
        {"role": [{"exists": True}]},
        {"kind": [{"exists": False}]},
        {"tier": [{"numeric": [">", 1]}]},
        {"tier": [{"numeric": [">=", 2, "<", 5]}]},
        {"kind": [{"numeric": ["=", 1]}]},
        {"$or": [{"kind": ["notice"]}, {"tier": [0]}]},
    ],
)
def test_a_page_is_not_wanted(policy: object) -> None:
    assert not FilterPolicy(policy).accepts(PAGE)


@pytest.mark.parametrize(
    "policy",
    [
        [],
        "page",
        {"kind": "page"},
        {"kind": []},
        {"kind": [True]},
        {"kind": [None]},
        {"kind": [{"wildcard": "p*"}]},
        {"kind": [{"prefix": ""}]},
        {"kind": [{"prefix": "a", "suffix": "b"}]},
        {"kind": [{"exists": "yes"}]},
        {"kind": [{"anything-but": []}]},
        {"tier": [{"numeric": []}]},
        {"tier": [{"numeric": ["=", "1"]}]},
        {"tier": [{"numeric": ["~", 1]}]},
        {"tier": [{"numeric": ["<", 1, ">", 0]}]},
        {"$or": [{"kind": "page"}]},
    ],
)
def test_what_sns_would_refuse_is_refused(policy: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        FilterPolicy(policy)
