"""Books of running totals: whoever writes at the same time, every increment is owed once."""

import json
import random

from tests.domain.metrics.exports import a_histogram, a_sum, bins, export
from tests.functions.stage import NOW, TENANT, Stage
from tests.functions.web import OTHER_TENANT
from wedsync.cloud import Item, Key
from wedsync.metrics.exported import Exported
from wedsync.metrics.otlp import read_export
from wedsync.resources import Resource
from wedsync.stores.running_totals import LARGEST_BOOK_BYTES, Owed, RunningTotalStore
from wedsync.tenancy import Tenant

NOW_NS = int(NOW.timestamp()) * 10**9


def told(seconds: int, total: int, *, name: str = "served") -> Exported:
    times = {"startTimeUnixNano": NOW_NS - 10**11, "timeUnixNano": NOW_NS + seconds * 10**9}
    (each,) = read_export(
        json.dumps(export(a_sum(name, {**times, "asInt": total}))).encode()
    ).points
    return each


def take(stage: Stage, *readings: Exported, tenant: Tenant = TENANT) -> Owed:
    return stage.services.running_totals.take_off(tenant, "gallery", readings, now=NOW)


def owed(each: Owed) -> list[float]:
    return sorted(point.values[0] for point in each.points)


def test_what_is_owed_stays_owed_until_it_is_struck_out(stage: Stage) -> None:
    first = take(stage, told(1, 10))
    assert owed(first) == [10]
    assert take(stage, told(1, 10)) == first
    assert owed(take(stage, told(2, 25))) == [10, 15]
    stage.services.running_totals.strike_out(first, now=NOW)
    second = take(stage, told(2, 25))
    assert owed(second) == [15]
    stage.services.running_totals.strike_out(second, now=NOW)
    stage.services.running_totals.strike_out(first, now=NOW)
    assert owed(take(stage)) == []


def test_tenants_have_books_of_their_own(stage: Stage) -> None:
    take(stage, told(1, 10))
    assert owed(take(stage, told(1, 4), tenant=OTHER_TENANT)) == [4]


def test_two_who_opened_the_same_book_take_nothing_twice(stage: Stage) -> None:
    services = stage.services
    table = services.cloud.table(Resource.RUNNING_TOTALS)

    class Overtaken(RunningTotalStore):
        """Between its reading and its writing, others write."""

        def __init__(self) -> None:
            super().__init__(table)
            self.others = [told(1, 10), told(3, 30)]

        def _put(self, *arguments: object, **named: object) -> None:
            if self.others:
                take(stage, self.others.pop(0))
            super()._put(*arguments, **named)  # type: ignore[arg-type] # handed on as they came

    late = Overtaken().take_off(TENANT, "gallery", [told(2, 25)], now=NOW)
    assert owed(late) == [10, 20]
    overtaken = Overtaken()
    overtaken.others = [told(4, 31)]
    overtaken.strike_out(late, now=NOW)
    assert owed(take(stage)) == [1]


def test_a_book_that_would_grow_too_large_takes_no_more_and_loses_nothing(stage: Stage) -> None:
    take(stage, told(1, 10))
    books = RunningTotalStore(
        stage.services.cloud.table(Resource.RUNNING_TOTALS), largest_bytes=2_000
    )
    times = {"startTimeUnixNano": NOW_NS - 10**11, "timeUnixNano": NOW_NS + 2 * 10**9}
    bounds = [n * 1.000123 for n in range(1, 1000)]
    point = {**times, **bins(bounds, [(n * 7919 + 31) % 997 for n in range(1000)])}
    found = read_export(json.dumps(export(a_histogram("h", point))).encode()).points
    taken = books.take_off(TENANT, "gallery", found, now=NOW)
    assert {poison.reason for _, poison in taken.refused} == {"too-many-series"}
    assert len(taken.refused) == len(found)
    assert owed(taken) == [10]
    assert owed(take(stage, told(2, 25))) == [10, 15]


def test_the_largest_book_fits_an_item(stage: Stage) -> None:
    table = stage.services.cloud.table(Resource.RUNNING_TOTALS)
    key = Key("a tenant's#running#of the longest name", "book")
    table.put(Item(key, {"book": random.Random(1).randbytes(LARGEST_BOOK_BYTES)}))
    assert table.get(key) is not None
