"""Tenants' own rules: windows judged a second, and how that grows with weddings and with rules."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.report import Differs, Section, Table, median, number
from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from tests.builders import a_wedding
from wedsync.alerting.own.condition import Comparison, Operator, Statistic
from wedsync.alerting.own.rule import Rule
from wedsync.alerting.severity import Severity
from wedsync.cloud.memory import Memory
from wedsync.flows.derive import refresh
from wedsync.flows.ingest import merge_columns
from wedsync.flows.own_rules import judge_batch
from wedsync.flows.times import epoch_ms
from wedsync.metrics.columns import Accepted, Columns
from wedsync.metrics.fold import never
from wedsync.metrics.point import Kind, Point
from wedsync.settings import Settings
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

_TENANT = Tenant("bench")
_START = datetime(2026, 6, 20, 14, 0, tzinfo=UTC)
_PACKS = 64
_CASES = ((100, 10), (1_000, 10), (10_000, 10), (10_000, 100))
_QUICK = ((100, 10), (1_000, 10))
_REPEATS = 15
_TOUCHED = 20
"""Weddings of a batch: a device's record tells of few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    windows: int
    seconds: float
    worst: float


def measure(*, quick: bool) -> Section:
    """A change of windows of 20 weddings, judged by every rule that it touches."""
    cases = _QUICK if quick else _CASES
    rows: list[tuple[str, ...]] = []
    figures: dict[str, float] = {}
    for weddings, rules in cases:
        found = _measured(weddings, rules)
        per_second = found.windows / found.seconds
        rows.append(
            (
                f"{number(weddings)} weddings, {rules} rules, {_touched(rules)} touched",
                number(found.windows),
                f"{found.seconds * 1000:.0f}",
                f"{found.worst * 1000:.0f}",
                number(round(per_second)),
            )
        )
        figures[f"{weddings} x {rules}: ms"] = found.seconds * 1000
        figures[f"{weddings} x {rules}: worst ms"] = found.worst * 1000
        figures[f"{weddings} x {rules}: windows a second"] = per_second
    return Section(
        name="rules",
        title="Rules of tenants",
        said=(
            f"A batch with points of {_TOUCHED} weddings, half of them in breach, from its rows to "
            f"what was decided and stored, on SQLite in memory: {_REPEATS} batches, the median and "
            "the slowest. Rules are found by metric: a tenth of them looks at what came."
        ),
        tables=(
            Table(
                columns=("", "rules x windows", "ms a batch", "slowest", "rules x windows / s"),
                rows=rows,
            ),
        ),
        figures=figures,
    )


def _touched(rules: int) -> int:
    return max(1, rules // 10)


def _measured(weddings: int, rules: int) -> _Measured:
    clock = ManualClock(_START)
    cloud = LocalCloud(None, clock=clock, ids=SeededIds(1))
    memory = Memory()
    settings = Settings(operator_tenant=_TENANT, packs=_PACKS)
    services = Services(cloud, settings, memory=memory)
    names = [f"wed_{each:05d}" for each in range(weddings)]
    for each in names:
        services.weddings.add(_TENANT, a_wedding(wedding_id=each, on=_START.date()))
    for order in range(rules):
        metric = "m-0" if order % 10 == 0 else f"m-{order}"
        services.rules.add(_TENANT, _rule(order, metric=metric))
    took: list[float] = []
    for repeat in range(_REPEATS):
        clock.set(_START + timedelta(seconds=10 * repeat))
        services = Services(cloud, settings, memory=memory)
        chosen = [names[(repeat * _TOUCHED + each) % weddings] for each in range(_TOUCHED)]
        columns = _columns(chosen, clock.now(), repeat)
        _count(services, columns)
        began = time.perf_counter()
        judge_batch(services, columns)
        took.append(time.perf_counter() - began)
    opened = sum(1 for _ in services.alerts.open_of(_TENANT))
    in_breach = -(-min(weddings, _TOUCHED * _REPEATS) // 2)
    expected = in_breach * _touched(rules)
    if opened != expected:
        raise Differs(f"{opened} alerts are open, and {expected} ought to be")
    cloud.close()
    return _Measured(
        windows=_TOUCHED * _touched(rules), seconds=median(sorted(took)), worst=max(took)
    )


def _rule(order: int, *, metric: str) -> Rule:
    condition = Comparison(
        metric=metric,
        stat=Statistic.P95,
        op=Operator.ABOVE,
        threshold=1000.0,
        window_seconds=300,
    )
    return Rule(
        rule_id=f"rule_{order:04d}",
        name="Slow",
        condition=condition,
        severity=Severity.HIGH,
        wedding_specific=True,
        created_at=_START,
        created_by="bench",
        updated_at=_START,
    )


def _columns(weddings: list[str], now: datetime, repeat: int) -> Columns:
    rng = np.random.default_rng(repeat)
    accepted = [
        Accepted(
            point=Point(
                name="m-0",
                kind=Kind.TIMER,
                ts_ms=epoch_ms(now),
                values=(2000.0 if int(each[4:]) % 2 == 0 else 200.0,),
                wedding_id=each,
            ),
            frame_id=int(rng.integers(1, 2**63)),
            copy=order,
            tenant=_TENANT.id,
            arrival_ms=epoch_ms(now),
            late=False,
        )
        for order, each in enumerate(weddings)
    ]
    return Columns.of(accepted)


def _count(services: Services, columns: Columns) -> None:
    merged = merge_columns(columns, services, lambda _, __: _PACKS, never)
    refresh(services, merged)
