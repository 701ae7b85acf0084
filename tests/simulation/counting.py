"""What must hold of the numbers at rest: every accepted point counted once, in every window."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tests.simulation.reference import Entry, Figures, Reference
from tests.simulation.watching import Watch, require
from wedsync.flows.query import SeriesQuery
from wedsync.flows.readers import window_reader
from wedsync.flows.records import NEAR
from wedsync.flows.series import read_series
from wedsync.flows.tenant_settings import settings_of
from wedsync.flows.times import minute_start
from wedsync.metrics.asking import Stat, Window
from wedsync.metrics.block import Block
from wedsync.metrics.histogram import RELATIVE_ERROR
from wedsync.metrics.summary import Summary
from wedsync.stores.frontiers import Frontier
from wedsync.stores.rejections import RejectionPage
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Wedding
from wedsync.weddings.timeline import operational_window

QUANTILES = (0.5, 0.95, 0.99)


@dataclass(slots=True)
class Counts:
    """Compares the stores with the reference."""

    services: Services
    reference: Reference
    watch: Watch
    tenants: tuple[Tenant, ...]
    first: datetime
    last: datetime

    def check(self, *, sample: int) -> None:
        """Everything of I1 and I2; ``sample`` chooses the metric that is read as series too."""
        for tenant in self.tenants:
            blocks = self._totals(tenant)
            for name in [name for owner, name in self.reference.names() if owner == tenant.id]:
                self._metric(tenant, name, blocks)
            self._weddings(tenant)
            self._nothing_else(tenant, blocks)
        names = self.reference.names()
        if names:
            self._series(*names[sample % len(names)])

    def none_missing(self) -> None:
        """Whatever was accepted is counted; that nothing is counted twice is judged at rest."""
        for tenant in self.tenants:
            self.watch.checks["I3"] += 1
            counted = sum(
                block.points
                for minute in self._minutes()
                for item in self.services.windows.totals(tenant, minute)
                for block in (item.on_time, item.late)
            )
            wanted = self.reference.weight(tenant.id)
            require(
                counted >= wanted,
                "I3",
                f"{tenant.id}: {wanted} observations were accepted, {counted} are counted",
            )

    def nothing(self) -> None:
        """Every hot item has expired, and nobody sees any."""
        for tenant in self.tenants:
            for pack in range(self.services.settings.packs):
                for minute in self._minutes():
                    self.watch.checks["I21"] += 1
                    found = self.services.hot_windows.minute(tenant, pack, minute)
                    require(not found, "I21", f"{tenant.id} {pack} {minute}: {found} has expired")

    def hours(self) -> None:
        """Weddings' hours hold all that was accepted, however late, once compacted."""
        for tenant in self.tenants:
            self.watch.checks["I1"] += 1
            wanted: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
            for each in self.reference.points.values():
                if each.tenant == tenant.id and each.entry.wedding_id is not None:
                    weight = len(each.entry.values) * each.entry.count
                    wanted[each.entry.wedding_id][each.entry.name] += weight
            hours: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
            for wedding_id in wanted:
                for hour in self.services.windows.hours(tenant, wedding_id):
                    _add(hours, hour.block)
            found, exact = _plain(hours), _plain(wanted)
            differing = f"{tenant.id} hours by wedding: {_differing(found, exact)}"
            require(found == exact, "I1", differing)

    def totals(self) -> dict[tuple[str, str, bool], tuple[int, float]]:
        """Count and sum of each tenant's metrics, on time and late: to compare two moments."""
        found: dict[tuple[str, str, bool], tuple[int, float]] = {}
        for tenant in self.tenants:
            blocks = self._totals(tenant)
            for late in (False, True):
                whole = Block.merge(block[late] for block in blocks.values())
                for name in {each.metric for each in whole.totals().series()}:
                    summary = whole.totals(name).summary()
                    found[tenant.id, name, late] = (summary.count, summary.sum)
        return found

    def _minutes(self) -> range:
        return range(int(self.first.timestamp()) // 60, int(self.last.timestamp()) // 60 + 1)

    def _totals(self, tenant: Tenant) -> dict[int, tuple[Block, Block]]:
        found: dict[int, tuple[Block, Block]] = {}
        for minute in self._minutes():
            items = self.services.windows.totals(tenant, minute)
            if items:
                found[minute] = (
                    Block.merge(item.on_time for item in items),
                    Block.merge(item.late for item in items),
                )
        return found

    def _metric(self, tenant: Tenant, name: str, blocks: dict[int, tuple[Block, Block]]) -> None:
        self.watch.checks["I2"] += 1
        decided = (tenant.id, name) not in self.reference.undecided
        both = Block.merge(block for pair in blocks.values() for block in pair)
        entries = self.reference.entries(tenant.id, name)
        _alike(f"{tenant.id} {name}", both.totals(name).summary(), Figures.of(entries))
        if not decided:
            return
        for late in (False, True):
            wanted = self.reference.entries(tenant.id, name, late=late)
            whole = Block.merge(pair[late] for pair in blocks.values())
            what = f"{tenant.id} {name} {'late' if late else 'on time'}"
            _alike(what, whole.totals(name).summary(), Figures.of(wanted))
        on_time = self.reference.entries(tenant.id, name, late=False)
        self._seconds(f"{tenant.id} {name}", name, on_time, blocks)

    def _seconds(
        self, what: str, name: str, entries: Iterable[Entry], blocks: dict[int, tuple[Block, Block]]
    ) -> None:
        self.watch.checks["I1"] += 1
        wanted: dict[int, int] = defaultdict(int)
        for each in entries:
            wanted[each.ts_ms // 1000] += len(each.values) * each.count
        counted = {
            minute * 60 + second: summary.count
            for minute, (on_time, _) in blocks.items()
            for second, summary in on_time.totals(name).per_second().items()
        }
        require(counted == wanted, "I1", f"{what}: seconds {_differing(counted, wanted)}")

    def _nothing_else(self, tenant: Tenant, blocks: dict[int, tuple[Block, Block]]) -> None:
        names = {name for owner, name in self.reference.names() if owner == tenant.id}
        whole = Block.merge(block for pair in blocks.values() for block in pair)
        seen = {each.metric for each in whole.totals().series()}
        require(seen <= names, "I2", f"{tenant.id} holds {seen - names}, which nobody sent")

    def _weddings(self, tenant: Tenant) -> None:
        """Closed minutes hold what came on time, by wedding."""
        on_time: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        undecided = False
        for each in self.reference.points.values():
            wedding_id = each.entry.wedding_id
            if each.tenant != tenant.id or wedding_id is None:
                continue
            weight = len(each.entry.values) * each.entry.count
            undecided |= len(each.late) > 1
            if False in each.late:
                on_time[wedding_id][each.entry.name] += weight
        minutes = self._minutes()
        found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        packs = settings_of(self.services, tenant).packs
        for pack in range(max(packs.possible(minutes[0], minutes[-1]))):
            closed = self.services.windows.closed(tenant, pack, minutes)
            for minute, item in closed.items():
                hot = self.services.hot_windows.minute(tenant, pack, minute)
                held = [each.content for each in hot]
                require(
                    (item.sent_on_time, item.sent_late)
                    == (sum(h.sent_on_time for h in held), sum(h.sent_late for h in held)),
                    "I1",
                    f"{tenant.id}: the closed minute {minute} of pack {pack} is behind",
                )
                _add(found, Block.decode(item.on_time))
        self.watch.checks["I1"] += 1
        if not undecided:
            require(
                _plain(found) == _plain(on_time),
                "I1",
                f"{tenant.id} minutes by wedding: {_differing(_plain(found), _plain(on_time))}",
            )

    def rolled(self) -> None:
        """Every metric by hours and days, as it is answered from whatever has been rolled up."""
        for name in self.reference.names():
            self._series(*name)
        for tenant in self.tenants:
            told = {
                each.entry.wedding_id
                for each in self.reference.points.values()
                if each.tenant == tenant.id and each.entry.wedding_id is not None
            }
            for wedding in self.services.weddings.find_many(tenant, told).values():
                self._records(tenant, wedding)

    def _records(self, tenant: Tenant, wedding: Wedding) -> None:
        """What a wedding's hours leave for judging its day is what they and their minutes hold."""
        reader = window_reader(self.services, tenant, self.services.now())
        window = operational_window(wedding)
        rolled = self.services.frontiers.get(Frontier.HOURS) or 0
        for hour in self.services.windows.hours(tenant, wedding.wedding_id):
            first, end = hour.hour * 60, hour.hour * 60 + 60
            near = window.overlaps(minute_start(first) - NEAR, minute_start(end) + NEAR)
            if end > rolled or not near:
                continue
            self.watch.checks["I1"] += 1
            facts = hour.block.facts(wedding.wedding_id)
            known = sum(
                1 << read.minute - first
                for read in reader.minutes_of_wedding(wedding.wedding_id, first, end - 1)
                if read.on_time.select("api.request", wedding_id=wedding.wedding_id)
                or read.on_time.select("health.check", wedding_id=wedding.wedding_id)
            )
            wanted = (known, facts.uploads_completed, facts.uploads_failed)
            kept = self.services.windows.records(
                tenant, wedding.wedding_id, first=hour.hour, last=hour.hour
            )
            found = [(each.known, each.completed, each.failed) for each in kept]
            require(
                found == ([wanted] if any(wanted) else []),
                "I1",
                f"{tenant.id} {wedding.wedding_id} {hour.hour}: {found} is left of {wanted}",
            )

    def _series(self, tenant_id: str, name: str) -> None:
        """One metric by the windows that hold all that was accepted, as it is answered."""
        self.watch.checks["I1"] += 1
        everything = Figures.of(self.reference.entries(tenant_id, name)).count
        for window in (Window.HOUR, Window.DAY):
            query = SeriesQuery(
                name=name, stat=Stat.COUNT, window=window, start=self.first, end=self.last
            )
            lines = read_series(self.services, Tenant(tenant_id), query).lines
            found = sum(value for line in lines for _, value in line.points)
            told = f"{tenant_id} {name}: {found} in {window}, {everything} were accepted"
            require(found == everything, "I1", told)


def parked_rows(services: Services, tenant: Tenant) -> list[RejectionPage]:
    """Every page of a tenant's failure store."""
    pages = [services.rejections.page(tenant, limit=1000, cursor=None)]
    while (cursor := pages[-1].next_cursor) is not None:
        pages.append(services.rejections.page(tenant, limit=1000, cursor=cursor))
    return pages


def _add(into: dict[str, dict[str, int]], block: Block) -> None:
    for wedding_id in block.wedding_ids():
        for (name,), summary in block.select(wedding_id=wedding_id).by("metric").items():
            into[wedding_id][name or ""] += summary.count


def _plain(counts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    return {key: dict(value) for key, value in counts.items()}


def _alike(what: str, counted: Summary, wanted: Figures) -> None:
    got = (counted.count, counted.sum, counted.min, counted.max)
    want = (wanted.count, wanted.sum, wanted.min, wanted.max)
    require(got == want, "I2", f"{what}: (count, sum, min, max) is {got}, should be {want}")
    for q in QUANTILES:
        value, exact = counted.quantile(q), wanted.quantile(q)
        if value is None or exact is None:
            require(value is exact, "I2", f"{what}: quantile {q} is {value}, should be {exact}")
        else:
            near = abs(value - exact) <= RELATIVE_ERROR * abs(exact)
            require(near, "I2", f"{what}: quantile {q} is {value}, should be {exact}")


def _differing(left: object, right: object) -> str:
    if isinstance(left, dict) and isinstance(right, dict):
        keys = {key for key in {*left, *right} if left.get(key) != right.get(key)}
        return str({key: (left.get(key), right.get(key)) for key in sorted(keys)[:5]})
    return f"{left} != {right}"
