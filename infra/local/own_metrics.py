"""What the server and its machine are doing, put on its own stream as anybody's points would be.

Every five seconds: how busy the machine is (``host.*``), and every request that was answered since
(``api.request`` of the service ``wedsync``), for the tenant that operates the bundle.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

import psutil

from wedsync.cloud import Cloud, Record
from wedsync.cloud.own import SERVICE
from wedsync.errors import Unavailable
from wedsync.flows.vouching import platform_record
from wedsync.settings import Settings
from wedsync.stores.services import Services

EVERY = timedelta(seconds=5)
MOST_KEPT = 10_000
"""So many requests wait to be told; where there are more, the oldest are left out."""
_POINTS_A_RECORD = 500
_CPU_SAMPLES = 6
"""CPU is told as the mean of half a minute: one busy second is no lack of resources."""

Point = dict[str, object]


class OwnMetrics:
    """A source of work beside streams, schedules and queues: due every five seconds."""

    def __init__(self, cloud: Cloud, settings: Settings, *, after_put: Callable[[], None]) -> None:
        """``after_put`` tells that the stream holds something new."""
        self._services = Services(cloud, settings)
        self._after_put = after_put
        self._answered: deque[Point] = deque(maxlen=MOST_KEPT)
        self._lock = Lock()
        self._cpu: deque[float] = deque(maxlen=_CPU_SAMPLES)
        self._due = self._services.now() + EVERY
        psutil.cpu_percent()

    def note(self, *, route: str, status: int, took_ms: float) -> None:
        """A request was answered."""
        dims = {"service": SERVICE, "route": route, "status": str(status)}
        point = self._point("api.request", "timer", took_ms, dims)
        with self._lock:
            self._answered.append(point)

    def next_due(self) -> datetime:
        """When the next readings are taken."""
        return self._due

    def run_due(self) -> Counter[str]:
        """Take them, and put them on the stream with what was answered since."""
        now = self._services.now()
        if now < self._due:
            return Counter()
        self._due = now + EVERY
        with self._lock:
            answered = list(self._answered)
            self._answered.clear()
        self._put([*self._readings(), *answered], now)
        return Counter({"own-metrics": 1})

    def _readings(self) -> list[Point]:
        self._cpu.append(psutil.cpu_percent())
        readings = {
            "host.cpu": sum(self._cpu) / len(self._cpu),
            "host.memory": psutil.virtual_memory().percent,
            "host.disk": psutil.disk_usage(str(Path.cwd())).percent,
        }
        host = {"host": SERVICE}
        return [self._point(name, "gauge", value, host) for name, value in readings.items()]

    def _point(self, name: str, kind: str, value: float, dims: dict[str, str]) -> Point:
        return {
            "name": name,
            "kind": kind,
            "ts": round(self._services.now().timestamp() * 1000),
            "value": round(value, 3),
            "source": SERVICE,
            "tenantId": self._services.settings.operator_tenant.id,
            "dims": dims,
        }

    def _put(self, points: Sequence[Point], now: datetime) -> None:
        records = [
            Record(
                partition_key=SERVICE,
                data=platform_record(
                    json.dumps(points[at : at + _POINTS_A_RECORD]).encode(),
                    services=self._services,
                    device=SERVICE,
                    batch=self._services.new_id("own"),
                    received_at_unix=int(now.timestamp()),
                ),
            )
            for at in range(0, len(points), _POINTS_A_RECORD)
        ]
        try:
            self._services.metrics_stream.put(records)
        except Unavailable:
            return  # the next readings tell how it is then
        self._after_put()
