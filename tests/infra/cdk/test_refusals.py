"""What the app refuses to synthesise, and the words that it does so with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.cdk.constructs.route import known_paths
from infra.cdk.constructs.schedule import clock_expression
from infra.cdk.deployment import from_context
from infra.grants import meanings
from tests.infra.cdk.conftest import CONTEXT, EVERY_KIND, NETWORK, declared, route, synthesise
from wedsync.rates import MOST_PER_MINUTE, Rate
from wedsync.resources import Access, Grant, Resource
from wedsync.runtime.declarations import HttpTrigger, ScheduleTrigger
from wedsync.settings import History
from wedsync.weddings.phase import Stage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"stage": "production"}, "stage"),
        ({"stage": None}, "stage"),
        ({"region": "mars"}, "region"),
        ({"account": "12"}, "account"),
        ({"operator_tenant": "not a tenant"}, "operator_tenant"),
        ({"packs": "many"}, "packs"),
        ({"shards": 0}, "shards"),
        ({"requests_per_minute": -1}, "requests_per_minute"),
        ({"device_requests_per_minute": "all"}, "device_requests_per_minute"),
        ({"tenant_points_per_minute": "1000001"}, "tenant_points_per_minute"),
        ({"log_retention_days": 8}, "log_retention_days"),
        ({"history": "postgres"}, "history"),
        ({"history": "influxdb3"}, "history: influxdb3 needs"),
        (
            {"influxdb3": {"subnets": ["here"], "security_groups": ["sg-01234567"]}},
            "influxdb3.subnets",
        ),
        ({"influxdb3": "{"}, "influxdb3: must be JSON"),
    ],
)
def test_a_wrong_value_is_named(chosen: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=r"context is wrong") as refused:
        from_context({**CONTEXT, **chosen})
    assert f"  {said}" in str(refused.value)


def test_a_stage_has_its_section_and_the_command_line_the_last_word() -> None:
    assert from_context({**CONTEXT, "stage": "prod"}).shards == 4
    chosen = from_context({**CONTEXT, "stage": "prod", "shards": "9", "log_retention_days": "30"})
    assert (chosen.stage, chosen.shards, chosen.log_retention_days) == (Stage.PROD, 9, 30)


def test_callers_are_limited_unless_a_deployment_says_otherwise() -> None:
    usual = from_context(CONTEXT)
    assert (usual.requests_per_minute, usual.device_requests_per_minute) == (100, 600)
    assert from_context({**CONTEXT, "requests_per_minute": "0"}).requests_per_minute == 0


@pytest.mark.parametrize(
    "name", ["requests_per_minute", "device_requests_per_minute", "tenant_points_per_minute"]
)
def test_a_limit_may_be_as_usual_or_the_highest_that_functions_take(name: str) -> None:
    usual = getattr(from_context(CONTEXT), name)
    for limit in (usual, Rate(per_minute=MOST_PER_MINUTE, burst=1).per_minute):
        assert getattr(from_context({**CONTEXT, name: str(limit)}), name) == limit


def test_the_default_history_is_timestream() -> None:
    assert from_context(CONTEXT).history is History.TIMESTREAM
    assert from_context({**CONTEXT, "history": "influxdb3", "influxdb3": NETWORK}).influxdb3


@pytest.mark.parametrize(
    ("minutes", "after", "expression"),
    [
        (1, 0, "cron(0/1 * * * ? *)"),
        (5, 0, "cron(0/5 * * * ? *)"),
        (5, 2, "cron(2/5 * * * ? *)"),
        (60, 0, "cron(0 * * * ? *)"),
        (60, 3, "cron(3 * * * ? *)"),
        (120, 0, "cron(0 0/2 * * ? *)"),
        (120, 75, "cron(15 1/2 * * ? *)"),
        (1440, 0, "cron(0 0 * * ? *)"),
        (1440, 30, "cron(30 0 * * ? *)"),
    ],
)
def test_a_schedule_runs_on_the_clocks_own_multiples_or_so_long_after(
    minutes: int, after: int, expression: str
) -> None:
    assert clock_expression(minutes, after) == expression


@pytest.mark.parametrize(("minutes", "after"), [(5, 5), (60, 61), (60, -1)])
def test_a_delay_as_long_as_the_period_is_refused(minutes: int, after: int) -> None:
    with pytest.raises(ValueError, match="no part of the period"):
        clock_expression(minutes, after)


@pytest.mark.parametrize("minutes", [0, -5, 7, 45, 90, 300, 2880])
def test_a_period_that_does_not_fit_the_clock_is_refused(minutes: int) -> None:
    with pytest.raises(ValueError, match="does not fit the clock"):
        clock_expression(minutes)


def test_two_functions_cannot_have_one_route() -> None:
    one = declared("cakes.one", route("GET", "/api/cakes/{cake_id}")).declaration
    other = declared("cakes.other", route("GET", "/api/cakes/{id}")).declaration
    with pytest.raises(ValueError, match=r"cakes-other and cakes-one declare GET"):
        known_paths([one, other])


def test_paths_that_differ_in_a_name_alone_are_one_path() -> None:
    one = declared("cakes.one", route("GET", "/api/cakes/{cake_id}")).declaration
    other = declared("cakes.other", route("DELETE", "/api/cakes/{id}")).declaration
    assert known_paths([one, other]) == {"/api/cakes/{cake_id}": ("DELETE", "GET")}


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (declared("cakes.slow", ScheduleTrigger(every_minutes=7)), "does not fit the clock"),
        (declared("cakes.gold", route("GET", "/gold"), layers=("gold",)), "no such layer: gold"),
    ],
)
def test_a_declaration_that_cannot_be_built_is_refused(
    function: object, said: str, tmp_path: Path, source: Path
) -> None:
    with pytest.raises(ValueError, match=said):
        synthesise(tmp_path, (*EVERY_KIND, function), source)  # type: ignore[arg-type] # a Declared


def test_callers_cannot_be_asked_for_without_an_authorizer(tmp_path: Path, source: Path) -> None:
    lonely = tuple(each for each in EVERY_KIND if isinstance(each.declaration.trigger, HttpTrigger))
    with pytest.raises(ValueError, match="no function is declared as authorizer"):
        synthesise(tmp_path, lonely, source)


@pytest.mark.parametrize(
    ("resource", "access"),
    [
        (Resource.TIER_0, Access.READ),
        (Resource.WAKE, Access.WRITE),
        (Resource.ALERTS, Access.SEND),
        (Resource.SIGNING, Access.WRITE),
    ],
)
def test_access_that_a_resource_does_not_know_is_refused(
    resource: Resource, access: Access
) -> None:
    with pytest.raises(ValueError, match=f"no {access} on a {resource.kind}"):
        meanings(Grant(resource, frozenset({access})))
