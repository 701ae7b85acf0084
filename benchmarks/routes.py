"""The live routes in one process: what our own code takes, network and server apart."""

import gc
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.report import Differs, Section, Table, number, quantile, times
from benchmarks.served import UNROUTED
from infra.local.logs import log_instead_of_stdout
from tests.builders import a_wedding
from tests.harness import Answer, Bundle, Point, a_point, a_wedding_request

_NOW = datetime(2026, 6, 20, 14, 5, 30, tzinfo=UTC)
_MINUTES = 5
_REAL_TIME = "/api/metrics/real-time"
_PAGE = "/api/metrics/wedding/{id}"
_WEDDINGS = "/api/weddings"
_WEDDING = "/api/weddings/{id}"
_HITS = 4
_BAR_MS, _BAR_RATIO = 20.0, 1.2
_OPEN_OF_MANY = 20

_What = tuple[str, str]
"""A route, and how it was answered."""


@dataclass(slots=True)
class _Place:
    """A tenant with open weddings; ``waited`` are the milliseconds of its requests."""

    bundle: Bundle
    wedding_ids: Sequence[str]
    waited: defaultdict[_What, list[float]] = field(default_factory=lambda: defaultdict(list))

    def ask(self, route: str, how: str) -> None:
        """One request."""
        path = route.format(id=self.wedding_ids[-1])
        ms, answer = _cpu(lambda: self.bundle.get(path))
        wanted = 404 if route == UNROUTED else 200
        cache = answer.headers.get("x-cache")
        if answer.status != wanted or (how in {"miss", "hit"} and cache != how):
            raise Differs(f"{path} answered {answer}")
        self.waited[route, how].append(ms)

    def a_second(self, number_: int) -> None:
        """The clock goes on, a point of every tenth wedding comes, whatever is due is done."""
        self.bundle.clock.advance(1)
        some = self.wedding_ids[number_ % 10 :: 10] or self.wedding_ids
        self.bundle.put(*(_points(each, self.bundle.now)[number_ % 13] for each in some))
        self.bundle.machine.run_due()

    def quantile(self, what: _What, q: float) -> float:
        """Of the milliseconds of these requests."""
        return quantile(self.waited[what], q)


def measure(*, quick: bool) -> Section:
    """With one, ten and a hundred open weddings; then with a hundred and 10,000 registered."""
    rounds = 20 if quick else 60
    with tempfile.TemporaryDirectory() as folder, log_instead_of_stdout(Path(folder) / "log"):
        by_open = {
            weddings: _with_open(weddings, rounds)
            for weddings in ((1, 100) if quick else (1, 10, 100))
        }
        registered = (100, 1_000 if quick else 10_000)
        few, many = _registered(registered, rounds)
    live = _live_table(by_open)
    growth = _growth_table(few, many, registered)
    said = (
        "From the gateway's event to its answer, authorizer included, on SQLite in memory; "
        f"{_MINUTES} minutes of points for every wedding, then a second at a time, in which points "
        f"of every tenth wedding come; {rounds} such seconds each, CPU time. A miss is the "
        "first request of a second, a hit any other, cold the first request of a process. Bars "
        "hold for warm ones."
    )
    return Section(
        name="routes",
        title="The live routes, warm",
        said=said,
        tables=(live, growth),
        figures={**_live_figures(by_open), **_growth_figures(few, many)},
    )


def _with_open(weddings: int, rounds: int) -> _Place:
    with Bundle(at=_NOW) as bundle:
        place = _Place(bundle, _furnish(bundle, weddings))
        for each in range(rounds // 10):
            bundle.drain()  # which forgets
            for route in (_REAL_TIME, _PAGE):
                place.ask(route, "cold")
            place.a_second(each)
        _play([place], (_REAL_TIME, _PAGE), rounds)
        return place


def _play(places: Sequence[_Place], routes: Sequence[str], rounds: int) -> None:
    """In turns, so that what slows the machine down slows all of them."""
    gc.collect()
    for each in range(rounds):
        for place in places:
            place.a_second(each)
            for route in routes:
                place.ask(route, "miss")
                for _ in range(_HITS):
                    place.ask(route, "hit")
            for _ in range(_HITS):
                place.ask(UNROUTED, "unrouted")


def _registered(registered: tuple[int, int], rounds: int) -> tuple[_Place, _Place]:
    """Two tenants with as many open weddings, and so many registered."""
    with ExitStack() as stack:
        places = []
        for weddings in registered:
            bundle = stack.enter_context(Bundle(at=_NOW))
            place = _Place(bundle, _furnish(bundle, _OPEN_OF_MANY))
            for number_ in range(weddings - _OPEN_OF_MANY):
                on = date(2026, 6, 25) + timedelta(days=number_ % 700)
                bundle.services.weddings.add(
                    bundle.tenant, a_wedding(on=on, wedding_id=f"wed_{number_}")
                )
            bundle.drain()
            places.append(place)
        _play(places, (_REAL_TIME, _PAGE), rounds)
        for _ in range(3 * rounds):
            for place in places:
                for route in (_WEDDINGS, _WEDDING):
                    place.ask(route, "read")
        few, many = places
        return few, many


def _furnish(bundle: Bundle, weddings: int) -> list[str]:
    """Open weddings with some minutes of points."""
    wedding_ids = []
    for number_ in range(weddings):
        wedding_id = bundle.register(
            a_wedding_request(couple=f"Couple {number_}", vendors=("photo-1", "band-1"))
        )
        for minute in range(_MINUTES):
            bundle.put(*_points(wedding_id, _NOW - timedelta(minutes=minute)))
        wedding_ids.append(wedding_id)
    bundle.drain()
    return wedding_ids


def _points(wedding_id: str, at: datetime) -> list[Point]:
    request = {"service": "site", "status": "200"}
    return [
        *(
            a_point(
                "photo.upload",
                at,
                value=800,
                weddingId=wedding_id,
                vendorId="photo-1",
                dims={"outcome": outcome},
            )
            for outcome in ("started", "completed", "completed")
        ),
        *(
            a_point("api.request", at, value=60 + each, weddingId=wedding_id, dims=request)
            for each in range(10)
        ),
        a_point("vendor.heartbeat", at, kind="event", weddingId=wedding_id, vendorId="photo-1"),
        a_point("guest.activity", at, kind="event", weddingId=wedding_id, guestId=f"g-{at.minute}"),
    ]


def _live_table(by_open: dict[int, _Place]) -> Table:
    rows = []
    for weddings, place in by_open.items():
        floor = place.quantile((UNROUTED, "unrouted"), 0.95)
        for route in (_REAL_TIME, _PAGE):
            for how in ("miss", "hit", "cold"):
                p50, p95 = (place.quantile((route, how), q) for q in (0.5, 0.95))
                bar = "" if how == "cold" else f"< {_BAR_MS:.0f}"
                said = f"`{route}`, {weddings} open, {how}"
                cells = (number(p50), number(p95), bar, number(floor), times(p95 / floor))
                rows.append((said, *cells))
    columns = ("GET, in process", "p50 ms", "p95 ms", "bar (p95)", "404's p95 ms", "ratio")
    return Table(columns=columns, rows=rows)


def _growth_table(few: _Place, many: _Place, registered: tuple[int, int]) -> Table:
    rows = []
    for route, how in few.waited:
        if route == UNROUTED:
            continue
        low, high = few.quantile((route, how), 0.95), many.quantile((route, how), 0.95)
        halves = many.quantile((route, how), 0.5) / few.quantile((route, how), 0.5)
        bar = f"≤ {times(_BAR_RATIO)}"
        rows.append(
            (f"`{route}`, {how}", number(low), number(high), times(high / low), times(halves), bar)
        )
    columns = (
        f"GET, {_OPEN_OF_MANY} open, CPU",
        *(f"p95 ms, {each:,} registered" for each in registered),
        "ratio of p95",
        "ratio of p50",
        "bar (p95)",
    )
    return Table(columns=columns, rows=rows)


def _live_figures(by_open: dict[int, _Place]) -> dict[str, float]:
    return {
        f"{route}, {weddings} open, {how}, p{q} ms": place.quantile((route, how), q / 100)
        for weddings, place in by_open.items()
        for route, how in place.waited
        for q in (50, 95, 99)
    }


def _growth_figures(few: _Place, many: _Place) -> dict[str, float]:
    return {
        f"{route}, {how}, many / few, p{q}": many.quantile((route, how), q / 100)
        / few.quantile((route, how), q / 100)
        for route, how in few.waited
        for q in (50, 95)
    }


def _cpu(ask: Callable[[], Answer]) -> tuple[float, Answer]:
    began = time.process_time()
    answer = ask()
    return (time.process_time() - began) * 1000, answer
