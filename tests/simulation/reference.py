"""What should have been counted: a plain fold that sees each accepted point once.

It knows nothing of the bundle's code. Whoever sends a record says what is in it; the stream says
when and where it arrived; the rules of lateness and identity stand here a second time.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

ON_TIME_MS = 15 * 60_000
ACCEPTED_MS = 24 * 3_600_000
AHEAD_MS = 5 * 60_000

Identity = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One point of a record. ``identity`` None: its place on the stream; ``flaw``: its fate."""

    index: int
    name: str
    ts_ms: int
    values: tuple[float, ...]
    count: int = 1
    wedding_id: str | None = None
    identity: Identity | None = None
    flaw: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a record says: whose it is, and its points; or why nobody can read it."""

    tenant: str
    entries: tuple[Entry, ...] = ()
    flaw: str | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """A row that must lie in the failure store; ``code`` empty where any reason will do."""

    tenant: str
    place: str
    index: int | None


@dataclass(slots=True)
class Copies:
    """One point and how late its copies came."""

    tenant: str
    entry: Entry
    late: set[bool] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Count, sum and extremes of some observations, and the observations themselves."""

    count: int
    sum: float
    observations: tuple[tuple[float, int], ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Figures":
        """Of these points."""
        pairs = [(value, each.count) for each in entries for value in each.values]
        return cls(
            count=sum(count for _, count in pairs),
            sum=math.fsum(value * count for value, count in pairs),
            observations=tuple(sorted(pairs)),
        )

    @property
    def min(self) -> float | None:
        """The smallest."""
        return self.observations[0][0] if self.observations else None

    @property
    def max(self) -> float | None:
        """The largest."""
        return self.observations[-1][0] if self.observations else None

    def quantile(self, q: float) -> float | None:
        """The observation of nearest rank ceil(q·n)."""
        rank = min(max(math.ceil(round(q * self.count, 6)), 1), self.count)
        seen = 0
        for value, count in self.observations:
            seen += count
            if seen >= rank:
                return value
        return None


@dataclass(slots=True)
class Reference:
    """All that arrived."""

    points: dict[Identity, Copies] = field(default_factory=dict)
    parked: dict[Parked, str] = field(default_factory=dict)
    arrived: int = 0

    def placed(self, meaning: Meaning, *, stream: str, shard: str, sequence: str, ms: int) -> None:
        """A record lies on the stream since ``ms``."""
        self.arrived += 1
        place = f"{stream}:{shard}:{sequence}"
        if meaning.flaw is not None:
            self.parked[Parked(meaning.tenant, place, None)] = meaning.flaw
            return
        for entry in meaning.entries:
            fate = refusal_of(entry.ts_ms, ms) if entry.flaw is None else entry.flaw
            if fate is not None:
                self.parked[Parked(meaning.tenant, place, entry.index)] = fate
                continue
            own = ("", stream, shard, sequence, str(entry.index))
            self._count(meaning.tenant, entry, entry.identity or own, ms)

    def moved(self, meaning: Meaning, *, stream: str, shard: str, sequence: str) -> None:
        """A record is taken from the stream before anybody has read it."""
        place = f"{stream}:{shard}:{sequence}"
        self.parked.pop(Parked(meaning.tenant, place, None), None)
        for entry in meaning.entries:
            self.parked.pop(Parked(meaning.tenant, place, entry.index), None)
            own = ("", stream, shard, sequence, str(entry.index))
            self.points.pop((meaning.tenant, *own), None)

    def weight(self, tenant: str) -> int:
        """How many observations of a tenant were accepted."""
        return sum(
            len(each.entry.values) * each.entry.count
            for each in self.points.values()
            if each.tenant == tenant
        )

    def taken(self, tenant: str, entry: Entry, *, ms: int) -> None:
        """An answer over HTTP said that this point is counted."""
        assert entry.identity is not None
        self._count(tenant, entry, entry.identity, ms)

    def _count(self, tenant: str, entry: Entry, identity: Identity, ms: int) -> None:
        copies = self.points.setdefault((tenant, *identity), Copies(tenant, entry))
        copies.late.add(ms - entry.ts_ms > ON_TIME_MS)

    @property
    def undecided(self) -> set[tuple[str, str]]:
        """Tenant and metric of points whose copies came on time and late: the first merged won."""
        return {
            (each.tenant, each.entry.name) for each in self.points.values() if len(each.late) > 1
        }

    def names(self) -> list[tuple[str, str]]:
        """Every tenant and metric."""
        return sorted({(each.tenant, each.entry.name) for each in self.points.values()})

    def entries(
        self, tenant: str, name: str, *, late: bool | None = None, wedding_id: str | None = None
    ) -> list[Entry]:
        """Points of a tenant's metric; ``late`` None: however late."""
        return [
            each.entry
            for each in self.points.values()
            if each.tenant == tenant
            and each.entry.name == name
            and (late is None or late in each.late)
            and (wedding_id is None or each.entry.wedding_id == wedding_id)
        ]


def refusal_of(ts_ms: int, arrival_ms: int) -> str | None:
    """Why a point that arrives then is not counted at all."""
    if ts_ms - arrival_ms > AHEAD_MS:
        return "in-the-future"
    if arrival_ms - ts_ms > ACCEPTED_MS:
        return "too-late"
    return None
