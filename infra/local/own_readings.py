"""What the functions of this machine did, minute by minute, as CloudWatch knows it in the cloud.

Kept in this process alone, and only where somebody wants to be told: it is gone when the process
ends. Requests and the machine itself are told of by ``own_metrics``, and not here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock

from wedsync.cloud import Clock, Reading, Readout
from wedsync.cloud.own import checks, runs
from wedsync.flows.times import minute_of
from wedsync.resources import Resource
from wedsync.runtime.declarations import AuthorizerTrigger, Declaration, HttpTrigger

KEPT_MINUTES = 60
MOST_RUNS = 10_000
"""So many runs of a function are told of in a minute; what is beyond that is left out."""


@dataclass(frozen=True, slots=True)
class _Ran:
    """What one function did in one minute: how long each run took, in ms.

    ``by_itself``: no caller hears of it when the function fails.
    """

    name: str
    by_itself: bool
    well: list[float] = field(default_factory=list)
    failed: list[float] = field(default_factory=list)


class OwnRuns:
    """Every run of every function, of the last hour. Nothing is noted unless it is ``wanted``."""

    def __init__(self, clock: Clock) -> None:
        self.wanted = False
        self._clock = clock
        self._lock = Lock()
        self._minutes: dict[int, dict[str, _Ran]] = {}

    def note(self, declaration: Declaration, *, took_ms: float, failed: bool) -> None:
        """A function has run."""
        if not self.wanted:
            return
        minute = minute_of(self._clock.now())
        asked = isinstance(declaration.trigger, HttpTrigger | AuthorizerTrigger)
        with self._lock:
            for old in [each for each in self._minutes if each < minute - KEPT_MINUTES]:
                del self._minutes[old]
            ran = self._minutes.setdefault(minute, {}).setdefault(
                declaration.name, _Ran(declaration.name, by_itself=not asked)
            )
            if len(ran.well) + len(ran.failed) < MOST_RUNS:
                (ran.failed if failed else ran.well).append(round(took_ms, 3))

    def vitals(self, minute: int) -> Iterable[Reading]:
        """How it went with what nobody asked for: else whoever asked hears of it."""
        for ran in self._of(minute):
            if ran.by_itself:
                yield from checks(ran.name, minute, well=len(ran.well), failed=len(ran.failed))

    def usage(self, minute: int) -> Iterable[Reading]:
        """How often and how long each function ran."""
        for ran in self._of(minute):
            for failed, times in ((True, ran.failed), (False, ran.well)):
                each = [(took_ms, 1) for took_ms in times]
                yield runs(ran.name, failed=failed, minute=minute, times=each)

    def _of(self, minute: int) -> list[_Ran]:
        with self._lock:
            return [
                _Ran(ran.name, ran.by_itself, list(ran.well), list(ran.failed))
                for _, ran in sorted(self._minutes.get(minute, {}).items())
            ]


class LocalReadings:
    """A ``wedsync.cloud.Readings`` of this process."""

    def __init__(self, own: OwnRuns, resource: Resource) -> None:
        self._told = own.vitals if resource is Resource.VITALS else own.usage

    def read(self, first: int, last: int) -> Readout:
        """What is still known of these minutes."""
        minutes = range(first, last + 1)
        return Readout(tuple(each for minute in minutes for each in self._told(minute)))
