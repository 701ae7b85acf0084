"""A runbook: when it applies, what it does, and what holds it back."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from wedsync.alerting.severity import Severity


class Mode(StrEnum):
    """What a runbook may do by itself."""

    OFF = "off"
    DRY_RUN = "dry_run"
    """It says what it would do, and does nothing."""
    ARMED = "armed"


class Metric(StrEnum):
    """What is measured before and after a step, over two minutes of the incident's wedding.

    Of an incident that concerns no wedding: of its services, else of the tenant's totals.
    """

    ERROR_PERCENT = "error_percent"
    P95_MS = "p95_ms"
    AVAILABILITY_PERCENT = "availability_percent"
    PHOTO_FAILURE_PERCENT = "photo_failure_percent"
    OPEN_ALERTS = "open_alerts"
    """How many of the incident's own alerts are not resolved."""

    @property
    def more_is_better(self) -> bool:
        """Whether a rise is good news."""
        return self is Metric.AVAILABILITY_PERCENT


class Dimension(StrEnum):
    """What of a plan is scaled. Some of them are levers of the cloud; the others are advice.

    Provisioned concurrency is that of a version, and functions run unversioned. The memory of a
    function is changed by a call that may change all else of it too, and ends every instance that
    is warm: nothing that a runbook should do when there is too much to do.
    """

    RESERVED_CONCURRENCY = "reservedConcurrency"
    PROVISIONED_CONCURRENCY = "provisionedConcurrency"
    CACHE_MB = "cacheMb"
    SHARDS = "shards"


LEVERS = frozenset({Dimension.RESERVED_CONCURRENCY, Dimension.SHARDS})
"""What a step sets; of the others it says what they should be."""
BOUNDS = {
    Dimension.RESERVED_CONCURRENCY: (20, 100),
    Dimension.PROVISIONED_CONCURRENCY: (2, 10),
    Dimension.CACHE_MB: (256, 1024),
    Dimension.SHARDS: (1, 64),
}
"""From and to, both included."""

_UNDER_LOAD = (
    "account-authorizer",
    "alerts-listing",
    "incidents-active",
    "metrics-ingest",
    "metrics-otlp",
    "metrics-prometheus",
    "metrics-real-time",
    "metrics-series",
    "metrics-wedding",
    "streams-deliveries",
    "streams-metrics",
    "streams-recipients",
    "streams-wake",
    "weddings-monitoring",
    "weddings-vendors-health",
)
"""The functions whose load follows that of weddings: of the others, there is nothing to scale."""
TARGETS = {
    Dimension.RESERVED_CONCURRENCY: _UNDER_LOAD,
    Dimension.PROVISIONED_CONCURRENCY: _UNDER_LOAD,
    Dimension.CACHE_MB: _UNDER_LOAD,
    Dimension.SHARDS: ("metrics",),
}
"""What can be scaled, by dimension: functions, and the stream of shards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Tell roles, once."""

    kind: Literal["notify"]
    roles: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Give a function more (or less) room: ``to`` of a dimension."""

    kind: Literal["scale"]
    dimension: Dimension
    target: str
    to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyMode:
    """Shed what can wait, for so many minutes at the most."""

    kind: Literal["emergency_mode"]
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmCache:
    """Have the wedding's page made, and the wedding kept by the second."""

    kind: Literal["warm_cache"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Post a ticket to a contact's endpoints."""

    kind: Literal["ticket"]
    contact_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitUntil:
    """Look at a metric until it has recovered; what takes longer has failed."""

    kind: Literal["wait"]
    metric: Metric
    threshold: float
    within_seconds: int


Action: TypeAlias = Notify | Scale | EmergencyMode | WarmCache | Ticket | WaitUntil

REVERSIBLE = ("scale", "emergency_mode")
"""Kinds of action of which what was before is kept, and put back."""
TENANT_WIDE = ("scale", "emergency_mode")
"""Kinds of action that touch every wedding that is under way, not the incident's alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action, and what holds it back.

    ``needs_approval``: a person says yes first. ``not_during_ceremony``: it is held until the
    ceremonies of all weddings that it touches are over. ``measure``: what tells whether it helped.
    """

    step_id: str
    title: str
    action: Action
    needs_approval: bool = False
    not_during_ceremony: bool = False
    measure: Metric | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which incidents: every condition holds, an empty one always does.

    ``rules`` and ``types`` are those of its alerts; ``wedding_day``: whether its wedding has its
    day, None for either.
    """

    rules: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    services: tuple[str, ...] = ()
    wedding_day: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """Steps that are taken one after the other when an incident begins that it matches.

    ``on_wedding_day`` and ``off_day`` say what it may do by itself. ``cooldown_seconds``: how long
    after a run it does nothing more for the same wedding or service. ``max_weddings``: a step that
    touches more weddings under way than that asks a person first. ``version`` is 0 for a built-in
    one that the tenant has left as it is.
    """

    runbook_id: str
    title: str
    description: str = ""
    match: Match
    steps: tuple[Step, ...]
    on_wedding_day: Mode = Mode.ARMED
    off_day: Mode = Mode.DRY_RUN
    cooldown_seconds: int = 1800
    max_weddings: int = 1
    version: int = 0

    def step(self, step_id: str) -> Step:
        """The step of that id."""
        return next(each for each in self.steps if each.step_id == step_id)


def mode_of(runbook: Runbook, *, is_wedding_day: bool) -> Mode:
    """What it may do by itself on such a day."""
    return runbook.on_wedding_day if is_wedding_day else runbook.off_day
