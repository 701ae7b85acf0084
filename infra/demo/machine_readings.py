"""What this machine itself is doing: real numbers beside the imagined wedding's."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import psutil

from infra.demo.server import Call
from wedsync.metrics.point import Kind, Point

_HOST = "this-machine"
_SERVICE = "wedsync"
_SAMPLES = 6
"""CPU is told as the mean of so many readings: one busy second is no lack of resources."""


class MachineReadings:
    """Readings of CPU, memory, disk and network since the last ones."""

    def __init__(self) -> None:
        self._cpu: deque[float] = deque(maxlen=_SAMPLES)
        psutil.cpu_percent()
        self._sent, self._received = _network()
        self.latest: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def take(self, at: datetime) -> list[Point]:
        """Read now, as points of this instant."""
        self._cpu.append(psutil.cpu_percent())
        cpu = sum(self._cpu) / len(self._cpu)
        memory = psutil.virtual_memory().percent
        disk = psutil.disk_usage(str(Path.cwd())).percent
        self.latest = (cpu, memory, disk)
        sent, received = _network()
        gauges = [
            _point(at, f"host.{part}", Kind.GAUGE, value, host=_HOST)
            for part, value in zip(("cpu", "memory", "disk"), self.latest, strict=True)
        ]
        counters = [
            _point(at, f"host.network.{way}_bytes", Kind.COUNTER, max(0, count), host=_HOST)
            for way, count in (
                ("sent", sent - self._sent),
                ("received", received - self._received),
            )
        ]
        self._sent, self._received = sent, received
        return gauges + counters


def requests(calls: Sequence[Call]) -> list[Point]:
    """The server's own answers, as whoever asked it measured them."""
    return [
        _point(
            call.at,
            "api.request",
            Kind.TIMER,
            call.took_ms,
            service=_SERVICE,
            route=call.route,
            status=str(call.status),
        )
        for call in calls
    ]


def _point(at: datetime, name: str, kind: Kind, value: float, **dims: str) -> Point:
    return Point(
        name=name,
        kind=kind,
        ts_ms=int(at.timestamp() * 1000),
        values=(round(value, 2),),
        source=_SERVICE,
        dims=tuple(sorted(dims.items())),
    )


def _network() -> tuple[int, int]:
    counters = psutil.net_io_counters()
    return counters.bytes_sent, counters.bytes_recv
