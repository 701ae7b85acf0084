"""The client itself: what it was given goes to disk, and from there to the platform."""

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from wedsync.client.frames import fit_of
from wedsync.client.outlet import Accepted, Again, Batch, Outcome, Outlet, Refused
from wedsync.client.spool import BYTES_PER_BATCH, Spool

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 30.0
_log = logging.getLogger("wedsync.client")


class SendingEnded(Exception):
    """The client sends no more."""


class Client:
    """Takes points from any thread, and sends them from one of its own.

    ``linger_seconds`` is how long a batch waits for company. What is still on disk when the
    client ends is sent by the next one that opens the same spool.
    """

    def __init__(
        self,
        outlet: Outlet,
        spool: Spool,
        *,
        linger_seconds: float = 1.0,
        clock: Callable[[], float] = time.time,  # noqa: TID251 - a device has its own clock
    ) -> None:
        """Start to send what the spool holds. Outlet and spool are the client's from here on."""
        self._outlet = outlet
        self._spool = spool
        self._linger_seconds = linger_seconds
        self._clock = clock
        self._random = random.SystemRandom()
        self._changed = threading.Condition()
        self._hurry = self._ending = False
        # A daemon: a process that forgets to close may end, its points are on disk.
        self._thread = threading.Thread(target=self._send_on, name="wedsync-client", daemon=True)
        self._thread.start()

    def send(self, *points: Mapping[str, object]) -> None:
        """Keep these points; returning means that they are on disk and will be sent.

        A point is an object of the envelope; ``ts`` is now unless said, as epoch milliseconds or
        an aware ``datetime``. If this does not return, by a crash or an error, the points may
        or may not be kept: to be able to repeat them, give them an ``eventId``.

        Raises:
            SpoolFull: too much waits to be sent.
            SendingEnded: nobody would send them: the disk failed, or the client was closed.
            ValueError: what is no JSON, or too large for a batch; none of the points was kept.

        """
        if not self._thread.is_alive():
            raise SendingEnded("the thread that sends has ended, for the reason that it printed")
        now_ms = int(self._clock() * 1000)
        said = [_timed(point, now_ms) for point in points]
        self._spool.append(
            [_line(each) for each in said], fits=[fit_of(each, now_ms) for each in said]
        )
        with self._changed:
            self._changed.notify_all()

    def flush(self, *, timeout_seconds: float = 30.0) -> bool:
        """Send at once; whether everything was accepted within that time."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._spool.is_empty, timeout_seconds)
        return self._spool.is_empty

    def close(self, *, timeout_seconds: float = 5.0) -> bool:
        """Flush, then end; whether nothing is left on disk. Once is enough."""
        if not self._thread.is_alive():
            return self._spool.is_empty
        try:
            return self.flush(timeout_seconds=timeout_seconds)
        finally:
            with self._changed:
                self._ending = True
                self._changed.notify_all()
            self._thread.join()
            self._outlet.close()
            self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _send_on(self) -> None:
        failures = 0
        while not self._ending:
            self._await_company()
            batches = self._spool.sealed(self._outlet.most_batches)
            if not batches:
                continue
            outcomes = self._outlet.put(batches)
            again = [each for each in self._settle(batches, outcomes) if isinstance(each, Again)]
            failures = failures + 1 if again else 0
            if again:
                _log.warning("%s batches come again: %s", len(again), again[0].reason)
                self._pause(failures, max(each.after_seconds for each in again))

    def _settle(self, batches: Sequence[Batch], outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        for batch, outcome in zip(batches, outcomes, strict=True):
            match outcome:
                case Accepted(note):
                    self._spool.remove(batch)
                    if note:
                        _log.warning("batch %s: %s", batch.batch_id, note)
                case Refused(reason):
                    self._spool.refuse(batch)
                    _log.error("batch %s was refused: %s", batch.batch_id, reason)
                case Again():
                    pass
        with self._changed:
            self._changed.notify_all()
        return outcomes

    def _await_company(self) -> None:
        """Wait until there is something, then until its time has come; seal it."""
        with self._changed:
            self._changed.wait_for(lambda: self._ending or not self._spool.is_empty)
            if not self._spool.has_sealed:
                self._changed.wait_for(
                    lambda: self._ending or self._hurry or self._spool.has_sealed,
                    self._linger_seconds,
                )
            self._hurry = False
        if not self._ending:
            self._spool.seal()

    def _pause(self, failures: int, at_least_seconds: float) -> None:
        """Wait a random time that may grow with each failure: full jitter."""
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(failures, 16))
        seconds = max(at_least_seconds, self._random.uniform(0, longest))
        with self._changed:
            self._changed.wait_for(lambda: self._ending, seconds)


def _timed(point: Mapping[str, object], now_ms: int) -> Mapping[str, object]:
    said = dict(point)
    said.setdefault("ts", now_ms)
    if isinstance(said["ts"], datetime):
        said["ts"] = round(said["ts"].timestamp() * 1000)
    return said


def _line(point: Mapping[str, object]) -> bytes:
    line = json.dumps(point, allow_nan=False, separators=(",", ":")).encode()
    if len(line) >= BYTES_PER_BATCH:
        raise ValueError(f"a point has at most {BYTES_PER_BATCH} bytes")
    return line
