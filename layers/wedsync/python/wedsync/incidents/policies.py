"""Who is paged and how fast: three ladders, chosen by severity and the wedding's clock."""

from dataclasses import dataclass

from wedsync.alerting.severity import Severity
from wedsync.incidents.model import Policy, Tier
from wedsync.weddings.model import WeddingContext

WEDDING_DAY = Policy(
    name="wedding_day",
    tiers=(
        Tier(after_seconds=0, roles=("on_call_engineer", "platform_lead")),
        Tier(after_seconds=300, roles=("cto", "emergency_contacts")),
        Tier(after_seconds=900, roles=("all_hands",)),
    ),
    reminder_after_seconds=600,
)
NORMAL = Policy(
    name="normal",
    tiers=(
        Tier(after_seconds=0, roles=("on_call_engineer",)),
        Tier(after_seconds=600, roles=("team_lead",)),
        Tier(after_seconds=1800, roles=("platform_lead",)),
    ),
)
SATURDAY_FAST = Policy(
    name="saturday_fast",
    tiers=(
        Tier(after_seconds=0, roles=("on_call_engineer",)),
        Tier(after_seconds=300, roles=("team_lead",)),
        Tier(after_seconds=900, roles=("platform_lead",)),
    ),
)
TEMPLATES = (WEDDING_DAY, NORMAL, SATURDAY_FAST)


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
    for policy, holds, reason in candidates:
        if holds:
            return PolicyChoice(policy=policy, reason=reason)
    return PolicyChoice(policy=NORMAL, reason=else_reason)
