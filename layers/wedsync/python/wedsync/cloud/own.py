"""What the bundle tells of itself, and by which names, wherever it was measured."""

from collections.abc import Sequence

from wedsync.cloud.values import Reading
from wedsync.metrics.point import Kind

SERVICE = "wedsync"
"""The service that the bundle's own requests are those of."""
SETTLED_MINUTES = 2
"""A minute is read when it has been over for so long: before that, figures of it still grow.

In practice CloudWatch needs two minutes until a minute's figures are all there, and a few come
later than that, so that minutes are read again for a while.
"""
_MINUTE_MS = 60_000
_ENOUGH = 2
"""So many failed checks are evidence that something has failed for good."""


def request(
    route: str | None, status: int, minute: int, times: Sequence[tuple[float, int]]
) -> Reading:
    """Requests of one minute that ended with this status: times in ms, each with its number."""
    dims = {"service": SERVICE, "status": str(status)}
    return Reading(
        name="api.request",
        kind=Kind.TIMER,
        dims=dims if route is None else {**dims, "route": route},
        minute=minute,
        at_ms=minute * _MINUTE_MS,
        values=tuple(times),
    )


def runs(
    function: str, *, failed: bool, minute: int, times: Sequence[tuple[float, int]]
) -> Reading:
    """Runs of a function in one minute: times in ms, each with its number."""
    return Reading(
        name="function.run",
        kind=Kind.TIMER,
        dims={"function": function, "outcome": "failed" if failed else "ok"},
        minute=minute,
        at_ms=minute * _MINUTE_MS,
        values=tuple(times),
    )


def checks(component: str, minute: int, *, well: int, failed: int) -> tuple[Reading, ...]:
    """What a minute says of a component, as checks that went well or failed.

    They are told as made at the end of the minute in which it can first be read: a check is judged
    by the last 60 s, and what a check of now can know of is a minute that has settled.
    """
    at_ms = (minute + 1 + SETTLED_MINUTES + 1) * _MINUTE_MS - 1000
    told = (("failed", _each(failed)), ("ok", ((1.0, well),)))
    return tuple(
        Reading(
            name="health.check",
            kind=Kind.EVENT,
            dims={"component": component, "outcome": outcome},
            minute=minute,
            at_ms=at_ms,
            values=values,
        )
        for outcome, values in told
    )


def standing(component: str, minute: int, *, well: bool) -> tuple[Reading, ...]:
    """The same of something that is well or not, as a whole, for the minute."""
    return checks(component, minute, well=int(well), failed=0 if well else _ENOUGH)


def gauge(name: str, minute: int, value: float, **dims: str) -> Reading:
    """How something stood in this minute."""
    return _one(name, Kind.GAUGE, minute, value, dims)


def counter(name: str, minute: int, value: float, **dims: str) -> Reading:
    """How much more there was of something in this minute."""
    return _one(name, Kind.COUNTER, minute, value, dims)


def _each(failed: int) -> tuple[tuple[float, int], ...]:
    """Failures as points of their own up to where that matters: a rule counts points."""
    alone = min(failed, _ENOUGH - 1)
    return ((1.0, alone), (1.0, failed - alone))


def _one(name: str, kind: Kind, minute: int, value: float, dims: dict[str, str]) -> Reading:
    return Reading(
        name=name,
        kind=kind,
        dims=dims,
        minute=minute,
        at_ms=minute * _MINUTE_MS,
        values=((value, 1),),
    )
