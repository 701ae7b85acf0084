"""What a warm process remembers for a second or two, per cloud."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from wedsync.cloud.protocols import Cloud

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
MOST = 4096


@dataclass(frozen=True, slots=True)
class Remembered(Generic[T_co]):
    """A value, since when it holds, and whether it was remembered."""

    value: T_co
    as_of: datetime
    hit: bool


@dataclass(slots=True)
class Carried:
    """What is made of stored things, carried on while their versions stay as they are.

    What is not asked for again is not carried any further.
    """

    _before: Mapping[Hashable, tuple[Hashable, object]]
    kept: dict[Hashable, tuple[Hashable, object]] = field(default_factory=dict)

    def of(self, key: Hashable, version: Hashable, make: Callable[[], T]) -> T:
        """What was made of this version, else what is made of it now."""
        before = self.kept.get(key) or self._before.get(key)
        value = before[1] if before is not None and before[0] == version else make()
        self.kept[key] = (version, value)
        return value  # type: ignore[return-value] # one key, one type

    def holds(self, key: Hashable, version: Hashable) -> bool:
        """Whether this version needs no making."""
        before = self._before.get(key)
        return before is not None and before[0] == version

    def last(self, key: Hashable, kind: type[T]) -> T | None:
        """What was made at the last look, of whatever version; None where nothing was."""
        before = self._before.get(key)
        return before[1] if before is not None and isinstance(before[1], kind) else None


@dataclass(slots=True)
class Memory:
    """Answers by key. The key of anything that belongs to a tenant begins with the tenant."""

    _kept: dict[Hashable, tuple[object, datetime]] = field(default_factory=dict)
    _noted: dict[Hashable, object] = field(default_factory=dict)

    def recall(
        self, key: Hashable, make: Callable[[], T], *, now: datetime, for_seconds: float
    ) -> Remembered[T]:
        """The value that is younger than ``for_seconds``, else a new one."""
        kept = self._kept.get(key)
        if kept is not None and timedelta(0) <= now - kept[1] < timedelta(seconds=for_seconds):
            return Remembered(kept[0], kept[1], hit=True)  # type: ignore[arg-type] # one key, one type
        value = make()
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[key] = (value, now)
        return Remembered(value, now, hit=False)

    def note(self, key: Hashable, value: object) -> None:
        """Keep what does not grow old, as long as there is room."""
        if len(self._noted) >= MOST:
            self._noted.clear()
        self._noted[key] = value

    def noted(self, key: Hashable, kind: type[T]) -> T | None:
        """What was noted last; None where it was forgotten."""
        value = self._noted.get(key)
        return value if isinstance(value, kind) else None

    def carried(self, key: Hashable) -> Carried:
        """What was carried under this key; :meth:`carry` keeps what it is by then."""
        return Carried(self.noted(key, dict) or {})

    def carry(self, key: Hashable, carried: Carried) -> None:
        """Keep what was asked for, as long as there is room."""
        self.note(key, carried.kept)

    def forget(self) -> None:
        """Remember nothing."""
        self._kept.clear()
        self._noted.clear()


_memories: WeakKeyDictionary[Cloud, Memory] = WeakKeyDictionary()


def memory_of(cloud: Cloud) -> Memory:
    """The memory of this process for this cloud."""
    found = _memories.get(cloud)
    if found is None:
        found = _memories.setdefault(cloud, Memory())
    return found
