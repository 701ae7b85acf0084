"""Alerts without a ladder are told together: of one wedding, else of one rule, and once.

Whoever stores such an alert leaves its mark standing (``unsettled_since``). The ten-second watch
tells it once the oldest of its group has waited for 30 s, with all that has come to the group by
then. Before it is sent, the one that leads the group takes down whom it speaks for, by a
conditional write that also takes the mark anew: of two watches one tells, and where it dies,
another one tells the same under the same key 30 s later.

The end is told once, when the last of those is over that were told of together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from wedsync.alerting.model import Alert, AlertState
from wedsync.errors import TooMuchContention
from wedsync.flows.incidents import publish
from wedsync.incidents.message import alert_messages
from wedsync.incidents.opening import alert_escalates
from wedsync.stores.episodes import Overtaken, Stored
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

GROUP_WAIT = timedelta(seconds=30)
TRIES = 24
_ROLES = ("on_call_engineer",)


def waits(alert: Alert) -> bool:
    """Whether the alert is one that is told of together with others of its group."""
    told = alert.state not in {AlertState.RESOLVED, AlertState.SUPPRESSED}
    return alert.unsettled_since is not None and told and not alert_escalates(alert)


def tell_waiting(services: Services, tenant: Tenant, waiting: Iterable[Stored[Alert]]) -> None:
    """Tell the groups among these whose wait is over."""
    groups: dict[tuple[object, ...], list[Stored[Alert]]] = {}
    for stored in waiting:
        alert = stored.value
        about = f"rule {alert.rule_id}" if alert.wedding_id is None else alert.wedding_id
        groups.setdefault((about, alert.roles), []).append(stored)
    now = services.now()
    for members in groups.values():
        members.sort(key=lambda each: _place(each.value))
        since = members[0].value.unsettled_since
        if since is not None and now - since >= GROUP_WAIT:
            _tell(services, tenant, members, now)


def tell_ends(services: Services, tenant: Tenant, over: Iterable[Alert]) -> None:
    """Tell the end of whatever was told together and is over by now, each once."""
    for told_as in dict.fromkeys(each.told_as for each in over):
        if told_as is None:
            continue  # nobody ever heard of it
        leader = services.alerts.get(tenant, told_as).value
        names = [each.rpartition("-")[0] for each in leader.told_with]
        current = services.alerts.current_many(tenant, names)
        alerts = [
            each.value for each in current.values() if each.value.alert_id in leader.told_with
        ]
        if any(each.state is not AlertState.RESOLVED for each in (leader, *alerts)):
            continue
        others = [each for each in alerts if each.alert_id != leader.alert_id]
        _publish(services, tenant, [leader, *sorted(others, key=_place)])


def _tell(
    services: Services, tenant: Tenant, members: Sequence[Stored[Alert]], now: datetime
) -> None:
    leader = members[0].value
    ids = tuple(dict.fromkeys((*leader.told_with, *(each.value.alert_id for each in members))))
    claimed = replace(leader, unsettled_since=now, told_as=leader.alert_id, told_with=ids)
    try:
        kept = services.alerts.keep(tenant, claimed, former=members[0])
    except Overtaken:
        return  # somebody else tells it, or it has changed: the next look sees
    if kept is None:
        return
    _publish(services, tenant, [each.value for each in members])
    # The one that leads comes last: while any of them is left over, it leads them again.
    for each in (*members[1:], kept):
        settled(services, tenant, each, told_as=leader.alert_id)


def settled(
    services: Services,
    tenant: Tenant,
    stored: Stored[Alert],
    *,
    told_as: str | None = None,
) -> None:
    """Take the mark away, unless a newer transition has set its own.

    ``told_as``, the alert that it was told with, is kept with it. Whoever stored the transition may
    have died before it was noted that the rule fired: without the mark, nobody would look again.
    """
    since, fired_at = stored.value.unsettled_since, stored.value.fired_at
    if fired_at is not None:
        services.alerts.note_triggered(tenant, stored.value.rule_id, fired_at)
    for _ in range(TRIES):
        alert = stored.value
        if alert.unsettled_since != since:
            return
        done = replace(
            alert,
            told_as=told_as or alert.told_as,
            unsettled_since=None,
        )
        try:
            services.alerts.keep(tenant, done, former=stored)
        except Overtaken:
            stored = services.alerts.get(tenant, alert.alert_id)
            continue
        return
    raise TooMuchContention


def _publish(services: Services, tenant: Tenant, alerts: Sequence[Alert]) -> None:
    leader, *others = alerts
    for message in alert_messages(
        leader,
        others=others,
        roles=leader.roles or _ROLES,
        tenant=tenant.id,
        now=services.now(),
    ):
        publish(services, message)


def _place(alert: Alert) -> tuple[datetime, str]:
    return alert.fired_at or alert.started_at, alert.alert_id
