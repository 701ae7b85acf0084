"""What every function needs that may page somebody."""

from wedsync.resources import Resource

PAGING = (
    Resource.INCIDENTS.read_write(),
    Resource.TIER_0.send(),
    Resource.TIER_1.send(),
    Resource.TIER_2.send(),
    Resource.WAKE.send(),
)
"""Incidents, the queue that wakes a ladder, and the topics of all tiers.

Whoever was paged on one hears there that it is over.
"""

READING = (
    Resource.WEDDINGS.read(),
    Resource.HOT_WINDOWS.read(),
    Resource.WINDOWS.read(),
    Resource.TENANT_SETTINGS.read(),
)
"""Weddings and their windows, and the settings that tell where these lie."""

EVALUATING = (
    *READING,
    Resource.RULES.read(),
    Resource.ALERTS.read_write(),
    Resource.ROUTING.read(),
    *PAGING,
)
"""What judging needs: weddings, their windows, rules, alerts, ladders, whatever a page needs."""

LOOKING = (*READING, Resource.REJECTIONS.read())
"""What live answers are made from, with what is told of their quality."""

RUNNING = (
    Resource.RUNBOOKS.read_write(),
    Resource.TENANT_SETTINGS.read_write(),
    Resource.VIEWS.write(),
    Resource.REJECTIONS.read(),
    Resource.NOTIFICATIONS.write(),
    Resource.DIRECT.send(),
    Resource.CAPACITY.read_write(),
)
"""What runs of runbooks need besides judging: emergency mode, warm pages, tickets, room."""

TELLING = (
    Resource.ROUTING.read(),
    Resource.NOTIFICATIONS.write(),
    Resource.DIRECT.send(),
)
"""What it takes to tell contacts: who they are, a note of what they are told, their topic."""
