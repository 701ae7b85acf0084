"""What the demonstration shows at one instant: all of it asked from the server."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from typing import cast

from infra.demo.imagined import ImaginedWedding
from infra.demo.server import Client, JsonObject, Ready
from wedsync.api.alerts import AlertListReply, AlertReply
from wedsync.api.live import RealTimeReply, WeddingPageReply
from wedsync.api.series import SeriesReply
from wedsync.api.weddings import MonitoringReply
from wedsync.metrics.health import health_score

_MINUTES_SHOWN = 8
_MS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What does not change while the demonstration runs."""

    ready: Ready
    speed: float
    day: str
    failing_from: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What the demonstration knows by itself: the points it sent, and this machine."""

    points_sent: int
    cpu_percent: float
    memory_percent: float
    disk_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WeddingRow:
    """One wedding as the server sees it."""

    wedding_id: str
    wedding: ImaginedWedding
    clock: MonitoringReply
    page: WeddingPageReply

    @property
    def health(self) -> float | None:
        """The score of its requests, which leaves out its photos; None without data."""
        seen = self.page.metrics.system_performance
        return health_score(seen.response_time, seen.error_rate, seen.uptime).score


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One minute's uploads of the live wedding."""

    at: datetime
    completed: int
    failed: int

    @property
    def failed_percent(self) -> float:
        """The share that failed; 0 where nothing ended."""
        ended = self.completed + self.failed
        return 100 * self.failed / ended if ended else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One delivered notification."""

    seq: int
    at: datetime
    kind: str
    tier: int
    role: str
    subject: str
    wedding_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that is shown, as of ``now`` on the server's clock."""

    now: datetime
    weddings: tuple[WeddingRow, ...]
    tenant: RealTimeReply
    minutes: tuple[Minute, ...]
    alerts: tuple[AlertReply, ...]
    pages: tuple[Page, ...]

    @property
    def live(self) -> WeddingRow:
        """The wedding that is on."""
        return self.weddings[0]

    @property
    def alert(self) -> AlertReply | None:
        """What went wrong at the live wedding; the one that began it all stays in view."""
        return min(
            (each for each in self.alerts if each.wedding_id == self.live.wedding_id),
            key=lambda each: (-each.severity.rank, each.started_at),
            default=None,
        )


@dataclass(slots=True)
class Watcher:
    """Asks the server, again and again: what changes fast at every look, the rest in turn."""

    client: Client
    weddings: Sequence[tuple[str, ImaginedWedding]]
    _rows: dict[str, WeddingRow] = field(init=False, default_factory=dict)
    _pages: deque[Page] = field(init=False, default_factory=lambda: deque(maxlen=200))
    _next: int = field(init=False, default=0)
    _turn: "cycle[str]" = field(init=False)

    def __post_init__(self) -> None:
        for wedding_id, _ in self.weddings:
            self._look_at(wedding_id)
        self._turn = cycle([wedding_id for wedding_id, _ in self.weddings[1:]])

    def look(self) -> Scene:
        """Ask now."""
        live = self.weddings[0][0]
        self._look_at(live)
        self._look_at(next(self._turn))
        self._read_notifications()
        alerts = AlertListReply.model_validate(self.client.get("/api/metrics/alerts"))
        return Scene(
            now=self.client.now(),
            weddings=tuple(self._rows[wedding_id] for wedding_id, _ in self.weddings),
            tenant=RealTimeReply.model_validate(self.client.get("/api/metrics/real-time")),
            minutes=self._minutes(live),
            alerts=tuple(alerts.items),
            pages=tuple(self._pages),
        )

    def _look_at(self, wedding_id: str) -> None:
        clock = self.client.get(
            f"/api/weddings/{wedding_id}/monitoring", route="/api/weddings/{id}/monitoring"
        )
        page = self.client.get(
            f"/api/metrics/wedding/{wedding_id}", route="/api/metrics/wedding/{id}"
        )
        self._rows[wedding_id] = WeddingRow(
            wedding_id=wedding_id,
            wedding=dict(self.weddings)[wedding_id],
            clock=MonitoringReply.model_validate(clock),
            page=WeddingPageReply.model_validate(page),
        )

    def _minutes(self, wedding_id: str) -> tuple[Minute, ...]:
        answer = self.client.get(
            "/api/metrics/series",
            name="photo.upload",
            stat="count",
            window="1m",
            timeRange="15m",
            groupBy="outcome",
            weddingId=wedding_id,
        )
        counts: dict[int, dict[str | None, int]] = {}
        for line in SeriesReply.model_validate(answer).series:
            for at_ms, count in line.points:
                counts.setdefault(at_ms, {})[line.dims.get("outcome")] = round(count)
        return tuple(
            Minute(
                at=datetime.fromtimestamp(at_ms / _MS, UTC),
                completed=by_outcome.get("completed", 0),
                failed=by_outcome.get("failed", 0),
            )
            for at_ms, by_outcome in sorted(counts.items())[-_MINUTES_SHOWN:]
        )

    def _read_notifications(self) -> None:
        answer = self.client.get("/_local/notifications", since=str(self._next))
        for item in cast("Sequence[JsonObject]", answer["items"]):
            self._pages.append(_page(item))
        self._next = cast("int", answer["next"])


def _page(item: JsonObject) -> Page:
    attributes = cast("Mapping[str, str | int]", item["attributes"])
    return Page(
        seq=cast("int", item["seq"]),
        at=datetime.fromisoformat(str(item["at"])),
        kind=str(attributes["kind"]),
        tier=int(attributes["tier"]),
        role=str(attributes["role"]),
        subject=str(item["subject"]),
        wedding_id=None if "wedding_id" not in attributes else str(attributes["wedding_id"]),
    )
