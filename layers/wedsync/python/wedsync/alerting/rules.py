"""The platform's own rules, applied to one observation."""

from datetime import datetime

from wedsync.alerting.finding import Finding
from wedsync.alerting.infrastructure import resource_limit, system_failure
from wedsync.alerting.observation import WeddingObservation
from wedsync.alerting.performance import performance_degradation
from wedsync.alerting.photos import photo_upload_failures
from wedsync.alerting.surroundings import Surroundings
from wedsync.alerting.workflows import guest_list_failures, timeline_sync_failures
from wedsync.weddings.model import WeddingContext


def judge(
    observation: WeddingObservation,
    *,
    context: WeddingContext | None,
    guest_count: int | None = None,
    any_wedding_today: bool = False,
    now: datetime,
) -> tuple[Finding, ...]:
    """One finding per rule that looks at this scope, breach or not.

    ``context`` is the wedding's clock at the samples' own time. ``any_wedding_today``: some
    wedding of the tenant has its day, which raises what has no wedding of its own. A wedding
    that is not registered (a scope with a wedding, and no context) feeds no rule.
    """
    if observation.scope.wedding_id is not None and context is None:
        return ()
    surroundings = Surroundings(
        scope=observation.scope,
        context=context,
        guest_count=guest_count,
        any_wedding_today=any_wedding_today,
        now=now,
    )
    findings: list[Finding] = []
    if context is not None:
        findings += (
            photo_upload_failures(observation.uploads, surroundings, context),
            guest_list_failures(observation.guest_lists, surroundings, context),
            timeline_sync_failures(observation.timeline_syncs, surroundings, context),
        )
    findings.append(performance_degradation(observation, surroundings))
    findings.extend(system_failure(each, surroundings) for each in observation.components)
    findings.extend(resource_limit(each, surroundings) for each in observation.hosts)
    return tuple(findings)
