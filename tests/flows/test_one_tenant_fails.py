"""What fails for one tenant stops no job for the others, and is made good as soon as it can be."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import cast

import pytest

from infra.local.engine import LocalCloud
from tests.builders import utc
from tests.functions.cases import an_alert, counted_points, sample
from tests.functions.stage import on_sqlite
from tests.harness import Bundle, a_point, a_wedding_request
from wedsync.cloud import Clock, Cloud, Table
from wedsync.cloud.forwarding import ForwardingTable
from wedsync.errors import Throttled, Unavailable
from wedsync.flows.cadence import plan_runs
from wedsync.flows.closing import CLOSED_TOGETHER
from wedsync.flows.derive import close_last_minute, compact
from wedsync.flows.following import HourJob, Places, follow
from wedsync.flows.history import copy_history
from wedsync.flows.rollup import roll_up_days, roll_up_hours
from wedsync.flows.streams import look_at_streams
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of
from wedsync.flows.watch import watch
from wedsync.isolation import OWNERS_IN_A_ROW, Units, UnitsFailed
from wedsync.resources import Resource
from wedsync.settings import History
from wedsync.stores.frontiers import Frontier, Left
from wedsync.stores.rollups import WHOLE, Again, Changed, Scope, ScopeKind
from wedsync.stores.services import Services
from wedsync.tenancy import Role, Tenant

NOON = utc("2026-06-20T12:00")
NAME = "photo.upload"
BROKEN = Tenant("demo")
WELL = Tenant("zeta")


class Spoiled:
    """The machine's cloud, in which every call about some partitions fails."""

    def __init__(self, cloud: LocalCloud, *, about: tuple[str, ...], error: Exception) -> None:
        self._cloud = cloud
        self._about = about
        self._error = error

    def __getattr__(self, name: str) -> object:
        return getattr(self._cloud, name)

    def table(self, resource: Resource) -> Table:
        return _SpoiledTable(self._cloud.table(resource), self.check)

    def check(self, partition: str) -> None:
        if partition.startswith(self._about):
            raise self._error


class _SpoiledTable(ForwardingTable):
    def __init__(self, table: Table, check: Callable[[str], None]) -> None:
        super().__init__(table)
        self._check = check

    def called(self, call: str, *partitions: str) -> None:
        del call
        for partition in partitions:
            self._check(partition)


class Two:
    """Two tenants with a wedding each, of which one may fail."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.keys = {each: bundle.key(Role.ADMIN, tenant=each) for each in (BROKEN, WELL)}
        self.weddings = {
            each: bundle.register(a_wedding_request(), key=key) for each, key in self.keys.items()
        }

    def put(self) -> None:
        for tenant in self.weddings:
            self.put_of(tenant)

    def put_of(self, tenant: Tenant) -> None:
        point = a_point(NAME, self.bundle.now, dims={"outcome": "completed"})
        if tenant in self.weddings:
            point["weddingId"] = self.weddings[tenant]
        self.bundle.put_signed(point, device=self.bundle.key(Role.DEVICE, tenant=tenant))
        self.bundle.machine.streams.run_due()

    def spoiled(
        self, *about: str, error: Exception | None = None, seconds: float | None = None
    ) -> Services:
        """Services to which whatever lies in these partitions is out of reach."""
        cloud = Spoiled(
            self.bundle.cloud,
            about=about or (f"{BROKEN.id}#",),
            error=error or ValueError("it is broken"),
        )
        return Services(cast("Cloud", cloud), self.bundle.settings, seconds=seconds)

    def counts(self, window: str) -> dict[Tenant, float]:
        found: dict[Tenant, float] = {}
        for tenant, key in self.keys.items():
            asked = {"stat": "count", "window": window, "weddingId": self.weddings[tenant]}
            answer = self.bundle.get(
                "/api/metrics/series", key=key, name=NAME, timeRange="5d", **asked
            )
            assert answer.status == 200, answer
            lines = cast("list[Mapping[str, list[tuple[int, float]]]]", answer["series"])
            found[tenant] = sum(value for line in lines for _, value in line["points"])
        return found


@pytest.fixture
def two() -> Iterator[Two]:
    with Bundle(at=NOON, packs=1, shards=1) as bundle:
        yield Two(bundle)


@contextmanager
def fails() -> Iterator[None]:
    with pytest.raises(UnitsFailed):
        yield


@pytest.mark.parametrize("error", [ValueError("it is broken"), Throttled()])
def test_hours_are_made_of_all_others_and_made_good_in_the_next_run(
    two: Two, error: Exception
) -> None:
    bundle = two.bundle
    two.put()
    bundle.clock.advance(600)
    with pytest.raises((UnitsFailed, Unavailable)):
        compact(two.spoiled(error=error), bundle.now)
    frontiers = bundle.services.frontiers
    assert frontiers.get(Frontier.WEDDING_HOURS) == minute_of(NOON) + 8
    hours = {
        tenant: len(bundle.services.windows.hours(tenant, wedding_id))
        for tenant, wedding_id in two.weddings.items()
    }
    assert hours == {BROKEN: 0, WELL: 1}
    for tenant, wedding_id in two.weddings.items():
        page = bundle.get(f"/api/metrics/wedding/{wedding_id}", key=two.keys[tenant])
        assert cast("Mapping[str, int]", page["metrics"])["photosUploaded"] == 1
    bundle.clock.advance(3600)
    with pytest.raises((UnitsFailed, Unavailable)):
        roll_up_hours(two.spoiled(error=error), bundle.now)
    assert frontiers.get(Frontier.HOURS) == minute_of(NOON) + MINUTES_PER_HOUR
    assert frontiers.of(Frontier.HOURS, BROKEN) == minute_of(NOON)
    assert two.counts("1h") == {BROKEN: 1, WELL: 1}
    assert roll_up_hours(bundle.services, bundle.now) == 1
    assert frontiers.of(Frontier.HOURS, BROKEN) == frontiers.get(Frontier.HOURS)
    assert two.counts("1h") == {BROKEN: 1, WELL: 1}
    assert roll_up_hours(bundle.services, bundle.now) == 0


def test_days_wait_for_the_hours_of_their_own_tenant_alone(two: Two) -> None:
    bundle = two.bundle
    two.put()
    bundle.clock.advance(3600 + 600)
    with fails():
        roll_up_hours(two.spoiled(), bundle.now)
    bundle.clock.advance(39 * 3600)
    with fails():
        roll_up_hours(two.spoiled(), bundle.now)
    assert roll_up_days(bundle.services, bundle.now) == 2
    assert two.counts("1d") == {BROKEN: 1, WELL: 1}
    roll_up_hours(bundle.services, bundle.now)
    assert roll_up_days(bundle.services, bundle.now) == 2
    assert two.counts("1d") == {BROKEN: 1, WELL: 1}
    assert bundle.services.frontiers.progress(Frontier.DAYS).left == frozenset()
    bundle.clock.advance(3 * 86400)
    assert two.counts("1d") == {BROKEN: 1, WELL: 1}


def test_what_cannot_be_made_any_more_is_told_of_once(two: Two) -> None:
    bundle = two.bundle
    two.put()
    bundle.clock.advance(4200)
    with fails():
        roll_up_hours(two.spoiled(), bundle.now)
    bundle.clock.advance(2 * 86400)
    with pytest.raises(UnitsFailed, match="not done in time"):
        roll_up_hours(bundle.services, bundle.now)
    roll_up_hours(bundle.services, bundle.now)


def test_where_nothing_works_the_frontier_stays(two: Two) -> None:
    bundle = two.bundle
    two.put()
    bundle.clock.advance(4200)
    down = two.spoiled(f"{BROKEN.id}#", f"{WELL.id}#", error=Throttled())
    with pytest.raises(Unavailable):
        roll_up_hours(down, bundle.now)
    assert bundle.services.frontiers.get(Frontier.HOURS) == minute_of(NOON)
    assert roll_up_hours(bundle.services, bundle.now) == 2


def test_who_was_alone_in_an_hour_and_is_throttled_holds_up_nobody(two: Two) -> None:
    bundle = two.bundle
    two.put_of(BROKEN)
    bundle.clock.advance(3600)
    two.put_of(WELL)
    bundle.clock.advance(300)
    down = two.spoiled(error=Throttled())
    for _ in range(2):
        with pytest.raises(Throttled):
            roll_up_hours(down, bundle.now)
        with pytest.raises(Throttled):
            compact(down, bundle.now)
        bundle.clock.advance(3600)
    frontiers = bundle.services.frontiers
    assert frontiers.get(Frontier.HOURS) == minute_of(NOON) + 2 * MINUTES_PER_HOUR
    assert len(bundle.services.windows.hours(WELL, two.weddings[WELL])) == 1
    roll_up_hours(bundle.services, bundle.now)
    assert frontiers.of(Frontier.HOURS, BROKEN) == frontiers.get(Frontier.HOURS)


def test_those_whom_the_cloud_is_unavailable_to_hold_up_nobody(two: Two) -> None:
    bundle = two.bundle
    others = [Tenant(f"b{n}") for n in range(OWNERS_IN_A_ROW)]
    two.put()
    for each in others:
        two.put_of(each)
    down = two.spoiled(*(f"{each.id}#" for each in others), error=Throttled())
    frontiers = bundle.services.frontiers
    for hour in range(1, 6):
        bundle.clock.advance(3600)
        try:
            roll_up_hours(down, bundle.now)
        except Throttled:
            assert frontiers.get(Frontier.HOURS) == minute_of(NOON) + (hour - 1) * MINUTES_PER_HOUR
    left = {each.tenant for each in frontiers.progress(Frontier.HOURS).left}
    assert left == set(others)


def test_hours_over_which_a_job_stood_still_for_too_long_are_told_of_once(two: Two) -> None:
    bundle = two.bundle
    roll_up_hours(bundle.services, bundle.now)
    compact(bundle.services, bundle.now)
    two.put()
    bundle.clock.advance(50 * 3600)
    with pytest.raises(
        UnitsFailed, match=r"2 units failed.* hours from minute .* not done in time"
    ):
        roll_up_hours(bundle.services, bundle.now)
    assert roll_up_hours(bundle.services, bundle.now) == 0
    compact(bundle.services, bundle.now)


def test_what_another_run_left_meanwhile_stays_left(two: Two) -> None:
    bundle = two.bundle
    two.put()
    frontiers = bundle.services.frontiers
    frontiers.advance(Frontier.HOURS, minute_of(NOON))
    theirs = Left(minute=minute_of(NOON) - MINUTES_PER_HOUR, tenant=BROKEN, place="0")

    def due(hour: int) -> dict[Tenant, list[str]]:
        frontiers.advance(Frontier.HOURS, (hour + 1) * MINUTES_PER_HOUR, left=[theirs])
        return {WELL: ["0"]}

    def do(tenant: Tenant, minute: int, places: Places) -> list[str]:
        del tenant, minute, places
        return []

    hour = minute_of(NOON) // MINUTES_PER_HOUR
    job = HourJob(
        name="hours",
        frontier=Frontier.HOURS,
        until=(hour + 3) * MINUTES_PER_HOUR,
        oldest=hour - 40,
        due=due,
        do=do,
    )
    read = frontiers.progress(Frontier.HOURS)
    follow(bundle.services, job, Units(), progress=read)
    assert frontiers.progress(Frontier.HOURS).left == {theirs}
    assert frontiers.get(Frontier.HOURS) == (hour + 3) * MINUTES_PER_HOUR


def days_made(bundle: Bundle, scope: Scope, zone: str) -> list[int]:
    """The versions of the days of the broken tenant."""
    days = bundle.services.rollups.days(
        BROKEN, scope, zone, first=date(2026, 6, 1), last=date(2026, 7, 1)
    )
    return [each.version for each in days]


def test_a_day_that_changed_is_made_again_while_another_scopes_day_is_left(two: Two) -> None:
    bundle = two.bundle
    two.put()
    bundle.clock.advance(40 * 3600)
    roll_up_hours(bundle.services, bundle.now)
    own = Scope(ScopeKind.WEDDING, two.weddings[BROKEN])
    bad = two.spoiled(f"{BROKEN.id}#day#{own.text()}")
    with fails():
        roll_up_days(bad, bundle.now)
    (before,) = days_made(bundle, WHOLE, "UTC")
    hour = minute_of(NOON) // MINUTES_PER_HOUR
    (rolled,) = bundle.services.rollups.hours(BROKEN, WHOLE, first=hour, last=hour)
    more = replace(rolled, version=rolled.version + 1)
    bundle.services.rollups.put_hour(BROKEN, WHOLE, more, now=bundle.now)
    note = Changed(hour=hour, tenant=BROKEN, pack=0, version=more.version)
    bundle.services.rollups.mark_changed(Again.DAYS, note, now=bundle.now)
    with fails():
        roll_up_days(bad, bundle.now)
    assert days_made(bundle, WHOLE, "UTC") == [before + 1]
    assert bundle.services.rollups.changed(Again.DAYS) == ()
    assert days_made(bundle, own, "Europe/Madrid") == []
    roll_up_days(bundle.services, bundle.now)
    assert len(days_made(bundle, own, "Europe/Madrid")) == 1


def test_of_two_things_left_of_a_tenants_days_none_is_forgotten(two: Two) -> None:
    bundle = two.bundle
    two.put()
    bundle.clock.advance(40 * 3600)
    roll_up_hours(bundle.services, bundle.now)
    until = minute_of(bundle.now - timedelta(hours=25))
    own = Scope(ScopeKind.WEDDING, two.weddings[BROKEN])
    older = Left(minute=until - 3 * 1440, tenant=BROKEN, place=own.text())
    for minute in range(until - 60, until - 50):
        younger = Left(minute=minute, tenant=BROKEN, place="vendor")
        frontiers = bundle.services.frontiers
        left = frontiers.progress(Frontier.DAYS).left
        frontiers.advance(Frontier.DAYS, until, done=left, left=[older, younger])
        roll_up_days(bundle.services, bundle.now)
        assert len(days_made(bundle, own, "Europe/Madrid")) == 1
        assert frontiers.progress(Frontier.DAYS).left == frozenset()


def test_days_are_given_up_once_and_only_where_there_was_data(two: Two) -> None:
    bundle = two.bundle
    two.put()
    bundle.clock.advance(16 * 3600)
    bad = two.spoiled(f"{BROKEN.id}#day#")
    told: list[str] = []
    for _ in range(9):
        roll_up_hours(bundle.services, bundle.now)
        try:
            roll_up_days(bad, bundle.now)
        except UnitsFailed as error:
            told.append(str(error))
        bundle.clock.advance(86400)
    assert [("not done in time" in each) for each in told] == [False] * 4 + [True]
    assert told[-1].startswith("2 units failed, 0 were not reached; the first: day 2026-06-20 of")
    assert bundle.services.frontiers.progress(Frontier.DAYS).left == frozenset()


def test_hours_that_are_not_made_are_copied_when_they_are() -> None:
    with Bundle(at=NOON, packs=1, shards=1, history=History.TIMESTREAM) as bundle:
        two = Two(bundle)
        two.put()
        bundle.clock.advance(4800)
        with fails():
            roll_up_hours(two.spoiled(), bundle.now)
        copy_history(bundle.services, bundle.now)
        frontiers = bundle.services.frontiers
        assert frontiers.of(Frontier.HISTORY_HOURS, WELL) == minute_of(NOON) + MINUTES_PER_HOUR
        assert frontiers.of(Frontier.HISTORY_HOURS, BROKEN) == minute_of(NOON)
        roll_up_hours(bundle.services, bundle.now)
        assert copy_history(bundle.services, bundle.now) > 0
        assert frontiers.of(Frontier.HISTORY_HOURS, BROKEN) == minute_of(NOON) + MINUTES_PER_HOUR
        assert copy_history(bundle.services, bundle.now) == 0


def test_copies_are_made_of_all_others_and_the_rest_in_the_next_run() -> None:
    with Bundle(at=NOON, packs=1, shards=1, history=History.TIMESTREAM) as bundle:
        two = Two(bundle)
        two.put()
        bundle.clock.advance(4800)
        roll_up_hours(bundle.services, bundle.now)
        with fails():
            copy_history(two.spoiled(), bundle.now)
        rest = copy_history(bundle.services, bundle.now)
        assert rest > 0
        assert copy_history(bundle.services, bundle.now) == 0


def test_minutes_are_closed_of_all_others(two: Two) -> None:
    two.put()
    two.bundle.clock.advance(75)
    with fails():
        close_last_minute(two.spoiled(), two.bundle.now)
    closed = [
        len(two.bundle.services.windows.closed(each, 0, [minute_of(NOON)])) for each in two.keys
    ]
    assert closed == [0, 1]


def test_minutes_are_not_closed_one_by_one_where_nothing_works(two: Two) -> None:
    others = [Tenant(f"b{n:02d}") for n in range(2 * CLOSED_TOGETHER)]
    for each in others:
        two.bundle.services.windows.mark_active(each, 0, minute_of(NOON), now=NOON)
    two.bundle.clock.advance(75)
    asked: list[str] = []

    class Down(Spoiled):
        def check(self, partition: str) -> None:
            if partition.startswith("b"):
                asked.append(partition)
            super().check(partition)

    cloud = Down(two.bundle.cloud, about=("b",), error=Throttled())
    with pytest.raises(Throttled):
        close_last_minute(Services(cast("Cloud", cloud), two.bundle.settings), two.bundle.now)
    assert len(set(asked)) <= OWNERS_IN_A_ROW


class Hurried:
    """A clock that goes on by a second whenever it is looked at."""

    def __init__(self) -> None:
        self._now = NOON

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


class Slow(Spoiled):
    """The cloud, where everything takes its time."""

    def __init__(self, cloud: LocalCloud) -> None:
        super().__init__(cloud, about=("nothing",), error=ValueError())
        self.wall_clock: Clock = Hurried()


def test_days_that_take_longer_than_a_run_are_made_by_the_next_ones(two: Two) -> None:
    bundle = two.bundle
    for _ in range(3):
        two.put()
        bundle.clock.advance(4000)
    bundle.clock.advance(36 * 3600)
    made = 0
    runs = 0
    while not made or bundle.services.frontiers.progress(Frontier.DAYS).left:
        services = Services(cast("Cloud", Slow(bundle.cloud)), bundle.settings, seconds=3.5)
        before = bundle.services.frontiers.progress(Frontier.DAYS)
        roll_up_hours(bundle.services, bundle.now)
        try:
            roll_up_days(services, bundle.now)
        except UnitsFailed:
            assert bundle.services.frontiers.progress(Frontier.DAYS) != before
        made += 1
        runs += 1
        assert runs < 10
    assert runs > 1
    assert two.counts("1d") == {BROKEN: 3, WELL: 3}


def test_weddings_are_run_of_all_others_and_those_that_failed_with_the_next_tick(two: Two) -> None:
    bundle = two.bundle
    bundle.clock.advance(60 * 60)
    two.put()
    tick = bundle.now.replace(second=0, microsecond=0)
    bundle.clock.set(tick)
    with fails():
        watch(two.spoiled(), tick)
    judged = bundle.services.windows.judged()
    assert (judged.through, set(judged.left)) == (tick, {BROKEN})
    # The message that comes again finds its tick judged; what is left waits for the next one.
    assert watch(bundle.services, tick).runs == 0
    bundle.clock.advance(10)
    assert watch(bundle.services, bundle.now).judged == 2
    assert bundle.services.windows.judged().left == {}


def test_what_is_unsettled_is_settled_though_nobody_can_be_judged(two: Two) -> None:
    bundle = two.bundle
    bundle.clock.advance(3600)
    now = bundle.now
    alert = replace(
        an_alert(),
        wedding_id=None,
        wedding_context=None,
        incident_id=None,
        started_at=now,
        fired_at=now,
        last_breach_at=now,
        last_evaluated_at=now,
        unsettled_since=now,
    )
    others = [Tenant(f"b{n}") for n in range(OWNERS_IN_A_ROW)]
    for tenant in (*others, WELL):
        bundle.services.alerts.keep(tenant, alert, former=None)
    down = two.spoiled(*(f"{each.id}#" for each in others), error=Throttled())
    bundle.clock.advance(60)
    with pytest.raises(Throttled):
        watch(down, bundle.now)
    after = [bundle.services.alerts.get(each, alert.alert_id).value for each in (*others, WELL)]
    assert [each.unsettled_since for each in after] == [now] * len(others) + [None]


def test_weddings_are_left_no_time_for_and_open_alerts_are_looked_at(two: Two) -> None:
    bundle = two.bundle
    bundle.clock.advance(3600)
    two.put()
    now = bundle.now
    alert = replace(an_alert(), wedding_id=None, wedding_context=None, unsettled_since=now)
    bundle.services.alerts.keep(WELL, alert, former=None)
    bundle.clock.advance(60)
    hurried = Services(cast("Cloud", Slow(bundle.cloud)), bundle.settings, seconds=1.5)
    with fails():
        watch(hurried, bundle.now)
    assert bundle.services.alerts.get(WELL, alert.alert_id).value.unsettled_since is None
    assert set(bundle.services.windows.judged().left) == {BROKEN, WELL}


def test_whose_runs_were_left_are_run_though_nothing_else_is_due() -> None:
    with Bundle(at=NOON, packs=1, shards=1) as bundle:
        windows = bundle.services.windows
        windows.advance_judged(NOON, left={BROKEN: NOON})
        bundle.clock.advance(55)
        plan_runs(bundle.services, bundle.now)
        assert windows.judged().left == {BROKEN: NOON}
        bundle.machine.run_due()
        judged = windows.judged()
        assert (judged.through, judged.left) == (NOON + timedelta(seconds=50), {})


def test_streams_are_looked_at_of_all_others(two: Two) -> None:
    bundle = two.bundle
    for tenant in two.keys:
        point = a_point("api.request", bundle.now, dims={"service": "edge", "status": "200"})
        bundle.put_signed(point, device=bundle.key(Role.DEVICE, tenant=tenant))
    bundle.machine.streams.run_due()
    bundle.clock.advance(75)
    with fails():
        look_at_streams(two.spoiled())
    assert [len(bundle.services.streams.board(each).streams) for each in two.keys] == [0, 1]


def test_each_part_of_the_minute_runs_though_another_fails() -> None:
    with on_sqlite() as stage:
        counted_points(stage)
        minute = minute_of(stage.clock.now()) - 1
        stage.clock.advance(15)
        with pytest.raises(Throttled):
            stage.run(
                "schedules-minute",
                sample("schedules-minute"),
                down=frozenset({Resource.INCIDENTS}),
            )
        windows = stage.services.windows
        packs = list(windows.active(minute // MINUTES_PER_HOUR))
        assert any(windows.closed(each.tenant, each.pack, [minute]) for each in packs)
