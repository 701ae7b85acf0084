"""Every stored or sent-to thing, named once.

``infra`` creates what stands here, functions declare it (``uses=(Resource.ALERTS.read(),)``) and
stores open it. Names of environment variables and IAM grants are derived, never typed.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum


class ResourceKind(StrEnum):
    """What AWS calls it."""

    TABLE = "table"
    STREAM = "stream"
    TOPIC = "topic"
    QUEUE = "queue"
    BUCKET = "bucket"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    TIME_SERIES = "time-series"
    READINGS = "readings"
    CAPACITY = "capacity"


class Access(StrEnum):
    """What a function may do with a resource."""

    READ = "read"
    WRITE = "write"
    SEND = "send"


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A sparse second order of a table: items without both attributes are not in it.

    Reads of an index may lag behind the table by seconds. All attributes are projected.
    """

    name: str
    partition: str
    sort: str


@dataclass(frozen=True, slots=True)
class Grant:
    """One resource and what may be done with it."""

    resource: "Resource"
    access: frozenset[Access]


class Resource(Enum):
    """The bundle's resources. A table's keys are the strings ``pk`` and ``sk``."""

    WEDDINGS = (
        "weddings",
        ResourceKind.TABLE,
        (
            Index(name="by_date", partition="date_of", sort="date_sort"),
            Index(name="by_opening", partition="opens_in", sort="opens_at"),
        ),
    )
    HOT_WINDOWS = ("hot-windows", ResourceKind.TABLE)
    WINDOWS = ("windows", ResourceKind.TABLE)
    RUNNING_TOTALS = ("running-totals", ResourceKind.TABLE)
    REJECTIONS = ("rejections", ResourceKind.TABLE)
    ALERTS = (
        "alerts",
        ResourceKind.TABLE,
        (
            Index(name="by_state", partition="state_of", sort="state_since"),
            Index(name="open", partition="open_of", sort="state_since"),
            Index(name="by_start", partition="tenant", sort="started_at"),
        ),
    )
    INCIDENTS = (
        "incidents",
        ResourceKind.TABLE,
        (
            Index(name="by_due", partition="due_in", sort="due_at"),
            Index(name="active", partition="active_of", sort="worst_first"),
            Index(name="by_creation", partition="tenant", sort="created_at"),
            Index(name="by_wedding", partition="concerns", sort="wedding"),
            Index(name="of_wedding", partition="about", sort="created_at"),
        ),
    )
    RUNBOOKS = (
        "runbooks",
        ResourceKind.TABLE,
        (
            Index(name="by_due", partition="due_in", sort="due_at"),
            Index(name="of_incident", partition="about", sort="created_at"),
        ),
    )
    KEYS = ("keys", ResourceKind.TABLE)
    IDEMPOTENCY = ("idempotency", ResourceKind.TABLE)
    TENANT_SETTINGS = (
        "tenant-settings",
        ResourceKind.TABLE,
        (Index(name="emergencies", partition="emergency_in", sort="owner"),),
    )
    LIMITS = ("limits", ResourceKind.TABLE)
    VIEWS = ("views", ResourceKind.TABLE)
    ROUTING = (
        "routing",
        ResourceKind.TABLE,
        (Index(name="rosters", partition="roster_of", sort="owner"),),
    )
    RULES = (
        "rules",
        ResourceKind.TABLE,
        (Index(name="clocked", partition="clocked_in", sort="owner"),),
    )
    NOTIFICATIONS = (
        "notifications",
        ResourceKind.TABLE,
        (
            Index(name="by_time", partition="tenant", sort="planned"),
            Index(name="by_subject", partition="subject_of", sort="planned"),
        ),
    )
    METRICS_STREAM = ("metrics", ResourceKind.STREAM)
    TIER_0 = ("pages-tier-0", ResourceKind.TOPIC)
    TIER_1 = ("pages-tier-1", ResourceKind.TOPIC)
    TIER_2 = ("pages-tier-2", ResourceKind.TOPIC)
    DIRECT = ("direct", ResourceKind.TOPIC)
    WAKE = ("wake", ResourceKind.QUEUE)
    RECIPIENTS = ("recipients", ResourceKind.QUEUE)
    DELIVERIES = ("deliveries", ResourceKind.QUEUE)
    QUARANTINE = ("quarantine", ResourceKind.BUCKET)
    SIGNING = ("signing", ResourceKind.SECRET)
    TOKEN_KEYS = ("token-keys", ResourceKind.SECRET)
    HISTORY = ("history", ResourceKind.TIME_SERIES)
    HISTORY_TOKEN = ("history-token", ResourceKind.SECRET)
    """What an InfluxDB asks for; whoever may use the history there may read it."""
    SEALING = ("sealing", ResourceKind.SECRET)
    VITALS = ("vitals", ResourceKind.READINGS)
    """What the bundle's own parts measure, as far as rules judge it: wanted every minute."""
    USAGE = ("usage", ResourceKind.READINGS)
    """What else they measure: how much of what was used."""
    CAPACITY = ("capacity", ResourceKind.CAPACITY)
    """How much room the functions that weddings load have, and the stream."""

    def __init__(self, slug: str, kind: ResourceKind, indexes: tuple[Index, ...] = ()) -> None:
        """``slug`` becomes a part of physical names."""
        self.slug = slug
        self.kind = kind
        self.indexes = indexes

    @property
    def variable(self) -> str:
        """The environment variable that holds the physical name."""
        return f"WEDSYNC_{self.name}"

    def read(self) -> Grant:
        """Look, and change nothing."""
        return Grant(self, frozenset({Access.READ}))

    def write(self) -> Grant:
        """Write without reading, as far as conditions do not show what is there."""
        return Grant(self, frozenset({Access.WRITE}))

    def read_write(self) -> Grant:
        """Read and write."""
        return Grant(self, frozenset({Access.READ, Access.WRITE}))

    def subscribe(self) -> Grant:
        """Choose who hears a topic by themselves."""
        return Grant(self, frozenset({Access.WRITE}))

    def send(self) -> Grant:
        """Put on a stream, publish to a topic, send to a queue."""
        return Grant(self, frozenset({Access.SEND}))
