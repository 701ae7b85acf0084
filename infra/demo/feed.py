"""What keeps the windows filling: the devices' points, and this machine's own measurements."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

from infra.demo.device import Device
from infra.demo.machine_readings import MachineReadings, requests
from infra.demo.scene import Running
from infra.demo.server import Client
from infra.demo.traffic import Traffic

_EVERY_SECONDS = 0.5
_READINGS_EVERY_SECONDS = 5.0


@dataclass(slots=True)
class Feed:
    """Sends, again and again, whatever would have been sent by now."""

    device: Device
    client: Client
    traffic: Sequence[Traffic]
    readings: MachineReadings = field(default_factory=MachineReadings)
    _sent: int = field(init=False, default=0)
    _stop: Event = field(init=False, default_factory=Event)
    _future: Future[None] | None = field(init=False, default=None)

    def now(self) -> Running:
        """How far it is. Raises what ended it, if something did."""
        if self._future is not None and self._future.done():
            self._future.result()
        cpu, memory, disk = self.readings.latest
        return Running(
            points_sent=self._sent, cpu_percent=cpu, memory_percent=memory, disk_percent=disk
        )

    def start(self, pool: ThreadPoolExecutor) -> None:
        """Send from another thread, until stopped."""
        self._future = pool.submit(self._run)

    def stop(self) -> None:
        """Send no more."""
        self._stop.set()

    def _run(self) -> None:
        readings_due = time.monotonic()
        while not self._stop.wait(_EVERY_SECONDS):
            now = self.client.now()
            points = [point for each in self.traffic for point in each.until(now)]
            points += requests(self.client.taken_calls())
            if time.monotonic() >= readings_due:
                readings_due += _READINGS_EVERY_SECONDS
                points += self.readings.take(now)
            if points:
                self._sent += self.device.send(points, at_unix=int(now.timestamp()))


@contextlib.contextmanager
def feeding(device: Device, client: Client, traffic: Sequence[Traffic]) -> Iterator[Feed]:
    """A feed that runs until the block ends."""
    feed = Feed(device, client, traffic)
    with ThreadPoolExecutor(1, thread_name_prefix="feed") as pool:
        feed.start(pool)
        try:
            yield feed
        finally:
            feed.stop()
