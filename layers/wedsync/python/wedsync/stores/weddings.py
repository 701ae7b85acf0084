"""Registered weddings, by date, by the day on which they are live, by when their window opens.

Keys: the wedding itself stands at ``tenant#weddings / weddingId``. For every UTC day on which it
may be live, a mark stands at ``tenant#live#day / weddingId``; marks are written before the
wedding, so that a crash leaves one too many (readers check the wedding) and never one too few.

The wedding's own item stands in the index ``by_opening`` as well, over all tenants: at
``opens#shard / first opening``, or at ``opens#long / end`` where the window spans more than three
days. So it moves with the wedding in one write, and a reader that knows how far ahead it has to
look reads those weddings alone. A shard takes about 1,000 writes a second.

One whose removal has begun stands at ``leaving`` there instead: it has no runs any more, counts as
not registered, and whoever looks for removals that were cut off finds them in one query.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from wedsync.cloud import Absent, Attribute, ConditionFailed, Equals, Item, Key, Sort, Table
from wedsync.cloud.paging import every
from wedsync.cloud.values import EXPIRES_AT
from wedsync.errors import FieldError, PreconditionFailed, WeddingLeaving, WeddingNotFound
from wedsync.identifiers import plausible
from wedsync.incidents.ladder import SYSTEM
from wedsync.stores.cursors import open_cursor, seal
from wedsync.stores.documents import Documents
from wedsync.stores.order import sortable
from wedsync.tenancy import Tenant
from wedsync.weddings.calendar import day_start
from wedsync.weddings.model import Wedding
from wedsync.weddings.phase import AFTER
from wedsync.weddings.timeline import operational_window

_documents = Documents(Wedding)
_MARK_KEPT = timedelta(days=7)
_SHARDS = 4
_LONG = timedelta(days=3)
_LEAVING = 0
"""Stands where the version does of a wedding whose removal has begun: nobody saves over it."""
_LEAVING_ONES = "leaving"
LONG_ONES = "opens#long"
"""The shard of windows that span more than three days, which stand in the order of their end."""
OPENING_SHARDS = (*(f"opens#{number}" for number in range(_SHARDS)), LONG_ONES)
"""The parts of the index ``by_opening``; together they hold every wedding once that stays."""


@dataclass(frozen=True, slots=True)
class WeddingPage:
    """Some weddings in the order of their dates, and the cursor of the next ones."""

    weddings: tuple[Wedding, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Leaving:
    """A wedding whose removal has begun, and who asked for it."""

    wedding: Wedding
    by: str


class WeddingStore:
    """Weddings by tenant and id."""

    def __init__(self, table: Table) -> None:
        """On the weddings table."""
        self._table = table

    def get(self, tenant: Tenant, wedding_id: str, *, pointer: str | None = None) -> Wedding:
        """The wedding. Raises WeddingNotFound, also for another tenant's.

        ``pointer``: the member or parameter that names it, where that is not the path.
        """
        found = self.find(tenant, wedding_id)
        if found is None:
            detail = WeddingNotFound.title
            unknown = FieldError(pointer=pointer or "", code=WeddingNotFound.code, detail=detail)
            raise WeddingNotFound(errors=() if pointer is None else (unknown,))
        return found

    def find(self, tenant: Tenant, wedding_id: str) -> Wedding | None:
        """The wedding, or None where this tenant has none of that id."""
        if not plausible(wedding_id):
            return None
        item = self._table.get(_key(tenant, wedding_id))
        return None if item is None else _documents.load(item.text("body"))

    def find_many(self, tenant: Tenant, wedding_ids: Iterable[str]) -> dict[str, Wedding]:
        """Those of these weddings that are registered, and are not being removed."""
        keys = [_key(tenant, each) for each in sorted(set(wedding_ids)) if plausible(each)]
        found: dict[str, Wedding] = {}
        for start in range(0, len(keys), 100):
            for item in self._table.get_many(keys[start : start + 100]):
                if not _is_leaving(item):
                    found[item.key.sk] = _documents.load(item.text("body"))
        return found

    def add(self, tenant: Tenant, wedding: Wedding) -> Wedding:
        """Store a new wedding; the one that is there, if the same request stored it before."""
        self._mark_live_days(tenant, wedding)
        try:
            self._table.put(_item(tenant, wedding), when=Absent())
        except ConditionFailed as conflict:
            if conflict.current is None:
                raise
            return _documents.load(conflict.current.text("body"))
        return wedding

    def save(self, tenant: Tenant, wedding: Wedding, *, expected: int) -> Wedding:
        """Store a changed wedding as version ``expected`` + 1.

        Raises PreconditionFailed, and WeddingLeaving where its removal has begun.
        """
        saved = replace(wedding, version=expected + 1)
        self._mark_live_days(tenant, saved)
        try:
            self._table.put(_item(tenant, saved), when=Equals("version", expected))
        except ConditionFailed as conflict:
            if _is_leaving(conflict.current):
                raise WeddingLeaving from None
            raise PreconditionFailed from None
        return saved

    def begin_removal(self, tenant: Tenant, wedding: Wedding, *, by: str = SYSTEM) -> None:
        """From now on the wedding as it was read can be removed, and not be changed any more.

        Once more, by whoever repeats the removal, is as good. Raises PreconditionFailed where it
        is another by now, and WeddingNotFound where it is gone.
        """
        item = _item(tenant, wedding)
        gone: dict[str, Attribute] = {
            "version": _LEAVING,
            "removed_by": by,
            "opens_in": _LEAVING_ONES,
            "opens_at": f"{tenant.id}#{wedding.wedding_id}",
        }
        leaving = replace(item, attributes={**item.attributes, **gone})
        try:
            self._table.put(leaving, when=Equals("version", wedding.version))
        except ConditionFailed as conflict:
            if conflict.current is None:
                raise WeddingNotFound from None
            if not _is_leaving(conflict.current):
                raise PreconditionFailed from None

    def find_leaving(self, tenant: Tenant, wedding_id: str) -> Leaving | None:
        """The wedding, if its removal has begun and was not ended."""
        item = self._table.get(_key(tenant, wedding_id))
        if item is None or not _is_leaving(item):
            return None
        return Leaving(_documents.load(item.text("body")), item.text("removed_by"))

    def leaving(self) -> Iterator[tuple[Tenant, str]]:
        """Every tenant's weddings whose removal was not ended; may lag by seconds."""
        for item in every(self._table, _LEAVING_ONES, index="by_opening"):
            yield Tenant(item.text("tenant")), item.key.sk

    def remove(self, tenant: Tenant, wedding: Wedding) -> None:
        """Forget a wedding whose removal has begun, then its marks."""
        self._table.delete(_key(tenant, wedding.wedding_id))
        for day in live_days(wedding):
            self._table.delete(_mark(tenant, day, wedding.wedding_id))

    def page(
        self, tenant: Tenant, *, on: date | None, limit: int, cursor: str | None
    ) -> WeddingPage:
        """Up to ``limit`` weddings by date."""
        partition = tenant.partition("weddings")
        scope = f"{partition} {on}"
        page = self._table.query(
            partition,
            index="by_date",
            sort=Sort(begins_with=f"{on.isoformat()}#") if on else Sort(),
            limit=limit,
            after=open_cursor(scope, cursor),
        )
        return WeddingPage(
            tuple(_documents.load(item.text("body")) for item in page.items),
            seal(scope, page.next),
        )

    def dated(self, tenant: Tenant, first: date, last: date) -> Iterator[Wedding]:
        """This tenant's weddings of these dates, both included; may lag by seconds."""
        sort = Sort(at_least=f"{first.isoformat()}#", at_most=f"{last.isoformat()}#~")
        for item in every(self._table, tenant.partition("weddings"), index="by_date", sort=sort):
            if not _is_leaving(item):
                yield _documents.load(item.text("body"))

    def opening(
        self,
        shard: str,
        first: datetime,
        last: datetime,
        *,
        ahead: timedelta | None,
        page_size: int | None = None,
    ) -> Iterator[tuple[Tenant, Wedding]]:
        """One shard's weddings that may have a run from ``first`` to ``last``, of every tenant.

        Those whose window opens by ``last`` + ``ahead`` (None: at any time) and which were not
        closed for good before ``first``, and a few that were, in the order of their first
        opening; may lag by seconds.
        """
        if shard == LONG_ONES:
            sort = Sort(at_least=sortable(first - AFTER))
        else:
            sort = Sort(
                at_least=sortable(first - AFTER - _LONG),
                at_most=None if ahead is None else sortable(last + ahead) + "~",
            )
        items = every(self._table, shard, index="by_opening", sort=sort, page_size=page_size)
        for item in items:
            yield Tenant(item.text("tenant")), _documents.load(item.text("body"))

    def live_ids(self, tenant: Tenant, at: datetime) -> tuple[str, ...]:
        """This tenant's weddings that may be live at this instant."""
        partition = tenant.partition("live", str(at.astimezone(UTC).date()))
        return tuple(item.key.sk for item in every(self._table, partition))

    def _mark_live_days(self, tenant: Tenant, wedding: Wedding) -> None:
        for day in live_days(wedding):
            expires = datetime.combine(day, datetime.min.time(), UTC) + _MARK_KEPT
            self._table.put(
                Item(
                    _mark(tenant, day, wedding.wedding_id),
                    {EXPIRES_AT: int(expires.timestamp())},
                )
            )


def live_days(wedding: Wedding) -> tuple[date, ...]:
    """The UTC days that the wedding's local day or an open window touches."""
    spans = [
        (day_start(wedding, wedding.date), day_start(wedding, wedding.date + timedelta(days=1)))
    ]
    spans += [(part.start, part.end) for part in operational_window(wedding).intervals]
    days: set[date] = set()
    for start, end in spans:
        day = start.astimezone(UTC).date()
        while day <= end.astimezone(UTC).date():
            days.add(day)
            day += timedelta(days=1)
    return tuple(sorted(days))


def _key(tenant: Tenant, wedding_id: str) -> Key:
    return Key(tenant.partition("weddings"), wedding_id)


def _mark(tenant: Tenant, day: date, wedding_id: str) -> Key:
    return Key(tenant.partition("live", str(day)), wedding_id)


def _is_leaving(item: Item | None) -> bool:
    return item is not None and item.number("version") == _LEAVING


def _opening(tenant: Tenant, wedding: Wedding) -> dict[str, Attribute]:
    window = operational_window(wedding)
    name = f"{tenant.id}#{wedding.wedding_id}"
    shard = zlib.crc32(name.encode()) % _SHARDS
    if window.end - window.start > _LONG:
        return {"opens_in": LONG_ONES, "opens_at": f"{sortable(window.end)}#{name}"}
    return {"opens_in": f"opens#{shard}", "opens_at": f"{sortable(window.start)}#{name}"}


def _item(tenant: Tenant, wedding: Wedding) -> Item:
    return Item(
        _key(tenant, wedding.wedding_id),
        {
            "body": _documents.dump(wedding),
            "version": wedding.version,
            "date_of": tenant.partition("weddings"),
            "date_sort": f"{wedding.date.isoformat()}#{wedding.wedding_id}",
            "tenant": tenant.id,
            **_opening(tenant, wedding),
        },
    )
