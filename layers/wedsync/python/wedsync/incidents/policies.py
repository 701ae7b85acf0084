"""Who is paged and how fast: three ladders, chosen by severity and the wedding's clock.

A tenant may put a ladder of its own in the place of each; what is chosen is the name.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from wedsync.alerting.severity import Severity
from wedsync.incidents.model import ChannelKind, Policy, Tier
from wedsync.weddings.model import WeddingContext

WEDDING_DAY, NORMAL, SATURDAY_FAST = "wedding_day", "normal", "saturday_fast"
"""The names of the built-in ladders."""
REMINDER_AFTER_SECONDS = 1800


def read_policy(text: str) -> Policy:
    """The policy that a file holds. Raises ValueError for what is none."""
    try:
        document = json.loads(text)
        return Policy(
            name=document["name"],
            tiers=tuple(
                Tier(
                    after_seconds=tier["afterSeconds"],
                    roles=tuple(tier["roles"]),
                    channels=tuple(ChannelKind(each) for each in tier.get("channels", ())),
                )
                for tier in document["tiers"]
            ),
            reminder_after_seconds=document.get("reminderAfterSeconds", REMINDER_AFTER_SECONDS),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no escalation policy: {error!r}") from error


@cache
def templates() -> Mapping[str, Policy]:
    """The built-in ladders by name: files in ``templates/``, in the form of the API's bodies."""
    folder = files("wedsync.incidents").joinpath("templates")
    return {
        name: read_policy(folder.joinpath(f"{name}.json").read_text(encoding="utf-8"))
        for name in (WEDDING_DAY, NORMAL, SATURDAY_FAST)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChoice:
    """The ladder that an incident begins with, and why this one."""

    policy: Policy
    reason: str


def choose_policy(
    severity: Severity,
    context: WeddingContext | None,
    *,
    any_wedding_today: bool = False,
    any_saturday_wedding_today: bool = False,
) -> PolicyChoice:
    """Choose by the wedding's own clock, else by whether some wedding of the tenant is today.

    Critical on the wedding day or a weekend pages wide and fast. Below critical, a Saturday
    halves the delays of the normal ladder: ``any_saturday_wedding_today`` says so for what has
    no wedding of its own (some wedding has its day, and its venue's weekday is Saturday).
    """
    critical = severity is Severity.CRITICAL
    if context is not None:
        seen = f"{context.local:%A %H:%M} at the venue"
        wide = [
            (context.is_wedding_day, f"critical on the wedding day, {seen}"),
            (context.is_weekend, f"critical on a weekend, {seen}"),
        ]
        fast = (context.is_saturday_local, f"{severity} on a Saturday, {seen}")
        else_reason = f"{severity}, {seen}"
    else:
        wide = [(any_wedding_today, "critical while a wedding is today")]
        fast = (any_saturday_wedding_today, f"{severity} while a wedding has its Saturday")
        else_reason = f"{severity}, and no wedding decides otherwise"
    candidates = [(WEDDING_DAY, *each) for each in wide] if critical else [(SATURDAY_FAST, *fast)]
    for name, holds, reason in candidates:
        if holds:
            return PolicyChoice(policy=templates()[name], reason=reason)
    return PolicyChoice(policy=templates()[NORMAL], reason=else_reason)
