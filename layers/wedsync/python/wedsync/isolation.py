"""Work that is done for many at a time, each unit alone: one that fails stops nobody else's.

What fails is logged where it fails and remembered. The run goes on, and fails at its end, so that
its trigger tries again and its alarm tells. Only where nothing works any more no further unit is
begun: when the cloud was unavailable for several owners in a row, there is no use in trying all
others.
"""

import logging
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import ParamSpec, TypeVar

from wedsync.errors import Unavailable

OWNERS_IN_A_ROW = 3
"""So many owners of units meet an unavailable cloud before no further unit is begun.

One alone may be throttled for itself, by what is asked of its own partitions.
"""
OWNERS_TO_TELL = 2
"""So many owners must have met it, and nobody anything else, to tell that nothing works at all."""
_log = logging.getLogger("wedsync")
P = ParamSpec("P")
T = TypeVar("T")


class UnitsFailed(Exception):
    """Some units of a run were not done; all others were."""


def failure_of(
    unit: str, work: Callable[P, object], *args: P.args, **kwargs: P.kwargs
) -> Exception | None:
    """Do this; what was raised, if anything was. It has been logged."""
    try:
        work(*args, **kwargs)
    except Unavailable as error:
        _log.warning("%s will be tried again", unit, extra={"code": error.code})
        return error
    except Exception as error:  # noqa: BLE001 - one unit must not hold up its neighbours
        _log.exception("%s failed", unit)
        return error
    return None


def in_turn(owners: Iterable[T], turn: int) -> list[T]:
    """The same, in another order each turn, which the turn alone decides.

    So a run that ends early does not forget the same ones, and those whom the cloud is unavailable
    to do not stand in a row for long, wherever they stand in the alphabet.
    """
    return sorted(owners, key=lambda each: blake2b(f"{turn} {each}".encode()).digest())


class Units:
    """One run over the units of many owners, such as tenants."""

    def __init__(self, *, out_of_time: Callable[[], bool] = lambda: False) -> None:
        """Once ``out_of_time``, no further unit is begun."""
        self._out_of_time = out_of_time
        self._failed: list[tuple[str, Exception]] = []
        self._too_late = 0
        self._not_begun = 0
        self._in_a_row: set[str] = set()
        self._unavailable_to: set[str] = set()
        self._worked = False

    @property
    def out_of_time(self) -> bool:
        """Whether a unit was not begun for want of time."""
        return self._too_late > 0

    @property
    def ended(self) -> bool:
        """Whether no further unit is begun, because several owners in a row met no cloud."""
        return len(self._in_a_row) >= OWNERS_IN_A_ROW

    @property
    def works(self) -> bool:
        """Whether the cloud was available to any unit so far, were it only for that one to fail."""
        return self._worked

    @property
    def nothing_works(self) -> bool:
        """Whether the cloud was unavailable to every unit so far, and they were not one owner's."""
        return len(self._unavailable_to) >= OWNERS_TO_TELL and not self._worked

    def was_unavailable_to(self, owner: str) -> bool:
        """Whether the cloud was unavailable to a unit of this owner."""
        return owner in self._unavailable_to

    def begin_again(self) -> None:
        """Begin units again, until several owners in a row from now on meet no cloud."""
        self._in_a_row.clear()

    def done(
        self, owner: str, unit: str, work: Callable[P, object], *args: P.args, **kwargs: P.kwargs
    ) -> bool:
        """Do one unit; whether it was done. It is not begun where nothing works any more."""
        if self._out_of_time():
            self._too_late += 1
            return False
        if self.ended:
            self._not_begun += 1
            return False
        error = failure_of(f"{unit} of {owner}", work, *args, **kwargs)
        if error is not None:
            self._failed.append((f"{unit} of {owner}", error))
        if isinstance(error, Unavailable):
            self._unavailable_to.add(owner)
            self._in_a_row.add(owner)
        else:
            self._worked = True
            self._in_a_row.clear()
        return error is None

    def give_up(self, owner: str, unit: str) -> None:
        """Tell that this unit was not done and cannot be any more."""
        error = UnitsFailed("it was not done in time")
        _log.error("%s of %s is given up", unit, owner)
        self._failed.append((f"{unit} of {owner}", error))

    def finish(self) -> None:
        """Raise if any unit was not done: Unavailable where that is why, else UnitsFailed."""
        if not self._failed and not self._too_late:
            return
        if not self._too_late and all(isinstance(each, Unavailable) for _, each in self._failed):
            raise self._failed[0][1]
        unit, error = self._failed[0] if self._failed else ("", None)
        told = f"; the first: {unit}: {error!r}" if unit else ""
        unreached = self._too_late + self._not_begun
        raise UnitsFailed(
            f"{len(self._failed)} units failed, {unreached} were not reached{told}"
        ) from error
