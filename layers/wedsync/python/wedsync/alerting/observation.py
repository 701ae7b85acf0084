"""What rules judge: the recent minutes of one wedding, or of one service without a wedding."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ResponseSource(StrEnum):
    """Where the 95th percentile of the response time comes from."""

    REQUESTS = "api.request"
    GAUGE = "system.response_time"


class HostResource(StrEnum):
    """What of a host may run out."""

    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a finding is about: a wedding, else a service, else the tenant as a whole."""

    wedding_id: str | None = None
    service: str | None = None
    tenant_wide: bool = False

    def __post_init__(self) -> None:
        """Refuse a scope that names nothing."""
        if self.wedding_id is None and self.service is None and not self.tenant_wide:
            raise ValueError("a scope names a wedding, a service or the tenant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """Photo uploads of the window. A supplied percentage decides alone, whatever the counts say."""

    completed: int = 0
    failed: int = 0
    sampled_at: datetime | None = None
    supplied_failure_percent: float | None = None
    supplied_at: datetime | None = None

    @property
    def tried(self) -> int:
        """Uploads with an outcome."""
        return self.completed + self.failed

    @property
    def failure_percent(self) -> float | None:
        """Share of uploads that failed, 0-100; None when none were tried."""
        return 100.0 * self.failed / self.tried if self.tried else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How often something was tried in the window, and how often it failed."""

    total: int = 0
    failed: int = 0
    sampled_at: datetime | None = None

    @property
    def failure_percent(self) -> float | None:
        """Share of attempts that failed, 0-100; None without attempts."""
        return 100.0 * self.failed / self.total if self.total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Requests of the window; ``errors`` answered with a status of 500 and above."""

    total: int = 0
    errors: int = 0
    sampled_at: datetime | None = None

    @property
    def error_percent(self) -> float | None:
        """Share of requests that failed, 0-100; None without requests."""
        return 100.0 * self.errors / self.total if self.total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The response time of the window, from requests where there are any, else the last gauge."""

    p95_ms: float | None = None
    source: ResponseSource = ResponseSource.REQUESTS
    sampled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Health checks of the window over all components."""

    total: int = 0
    failed: int = 0
    sampled_at: datetime | None = None

    @property
    def availability_percent(self) -> float | None:
        """Share of checks that were well, 0-100; None without checks."""
        return 100.0 * (self.total - self.failed) / self.total if self.total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentChecks:
    """The last 60 seconds of one component's health checks; ``sampled_at`` may be older."""

    component: str
    failures_in_60_s: int
    sampled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReading:
    """The latest gauge of one resource of one host, 0-100."""

    host: str
    resource: HostResource
    percent: float
    sampled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WeddingObservation:
    """The current minute and the four before, of one wedding or of one service without a wedding.

    ``sampled_at`` of each part is the time of its newest sample, also when that sample has left
    the window: it tells a quiet series from one that vanished.
    """

    scope: Scope
    uploads: Uploads = Uploads()
    guest_lists: Attempts = Attempts()
    timeline_syncs: Attempts = Attempts()
    requests: Requests = Requests()
    response: Response = Response()
    checks: Checks = Checks()
    components: tuple[ComponentChecks, ...] = ()
    hosts: tuple[HostReading, ...] = ()
