"""What holds for every declared function, whatever it does."""

import ast
import re
from pathlib import Path

import pytest

from infra.grants import as_deployed
from infra.registry import SOURCE, registry
from wedsync.resources import Access, Resource, ResourceKind
from wedsync.runtime.declarations import (
    AuthorizerTrigger,
    Declaration,
    HttpTrigger,
    QueueTrigger,
    ScheduleTrigger,
    StreamTrigger,
)
from wedsync.settings import History
from wedsync.tenancy import Role

DECLARATIONS = [function.declaration for function in registry()]
HTTP = [each.trigger for each in DECLARATIONS if isinstance(each.trigger, HttpTrigger)]
TAKE_POINTS = {"/api/metrics/ingest", "/v1/metrics"}
_BY_NAME = pytest.mark.parametrize("declaration", DECLARATIONS, ids=lambda each: each.name)
POSSIBLE = {
    ResourceKind.TABLE: {Access.READ, Access.WRITE},
    ResourceKind.BUCKET: {Access.READ, Access.WRITE},
    ResourceKind.SECRET: {Access.READ},
    ResourceKind.STREAM: {Access.SEND},
    ResourceKind.TOPIC: {Access.SEND, Access.WRITE},
    ResourceKind.QUEUE: {Access.SEND},
    ResourceKind.TIME_SERIES: {Access.READ, Access.WRITE},
    ResourceKind.READINGS: {Access.READ},
    ResourceKind.CAPACITY: {Access.READ, Access.WRITE},
}


def test_every_file_under_functions_is_one_declared_function() -> None:
    files = {path for path in SOURCE.rglob("*.py") if path.name != "__init__.py"}
    assert {_file_of(each) for each in DECLARATIONS} == files


def test_names_are_unique_short_and_fit_for_a_function_of_lambda() -> None:
    names = [each.name for each in DECLARATIONS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in names)
    assert max(map(len, names)) <= 40  # 64 less the deployment's own prefix


def test_routes_are_unique_whatever_their_variables_are_called() -> None:
    routes = [(each.method, re.sub(r"\{\w+\}", "{}", each.path)) for each in HTTP]
    assert len(routes) == len(set(routes))


def test_there_is_one_authorizer_and_one_answer_to_what_no_route_takes() -> None:
    assert sum(isinstance(each.trigger, AuthorizerTrigger) for each in DECLARATIONS) == 1
    assert [each.roles for each in HTTP if each.path == "$default"] == [frozenset()]


def test_every_route_but_health_and_the_last_resort_needs_a_caller() -> None:
    assert {each.path for each in HTTP if not each.roles} == {"$default", "/api/health"}


def test_only_operators_change_things_settings_their_admins_and_points_come_from_all() -> None:
    for each in HTTP:
        if each.method not in {"GET", "ANY"} and each.path not in TAKE_POINTS:
            operators = set() if each.path == "/api/settings" else {Role.OPERATOR}
            assert each.roles == {Role.ADMIN, *operators}, each


def test_a_device_may_only_send_points() -> None:
    assert {each.path for each in HTTP if Role.DEVICE in each.roles} == TAKE_POINTS


@_BY_NAME
def test_a_declaration_is_sound(declaration: Declaration) -> None:
    assert declaration.summary
    assert not declaration.summary.endswith(".")
    assert 128 <= declaration.memory_mb <= 10_240
    assert 1 <= declaration.timeout_seconds <= 900
    assert set(declaration.layers) <= {"numeric", "auth"}
    for grant in declaration.uses:
        assert grant.access
        assert grant.access <= POSSIBLE[grant.resource.kind], grant
    match declaration.trigger:
        case HttpTrigger() as trigger:
            assert declaration.timeout_seconds <= 29
            # Exporters of OpenTelemetry know their own path.
            assert trigger.path in {"$default", "/v1/metrics"} or trigger.path.startswith("/api/")
            assert 200 <= trigger.status < 300
        case StreamTrigger() as trigger:
            assert trigger.stream.kind is ResourceKind.STREAM
            assert (trigger.retries, trigger.max_age_seconds) == (10, 6 * 3600)
            assert trigger.failures_to.kind is ResourceKind.BUCKET
        case QueueTrigger() as trigger:
            assert trigger.queue.kind is ResourceKind.QUEUE
            assert {each.kind for each in trigger.topics} <= {ResourceKind.TOPIC}
            assert trigger.only is None or trigger.topics
        case ScheduleTrigger() as trigger:
            assert 1440 % trigger.every_minutes == 0
            assert 0 <= trigger.after_minutes < trigger.every_minutes
        case AuthorizerTrigger():
            assert declaration.timeout_seconds <= 10


@_BY_NAME
def test_a_post_may_remember_its_answer_and_nothing_else_may(declaration: Declaration) -> None:
    remembers = Resource.IDEMPOTENCY in {grant.resource for grant in declaration.uses}
    trigger = declaration.trigger
    assert remembers == (isinstance(trigger, HttpTrigger) and trigger.method == "POST")


@_BY_NAME
def test_functions_do_not_import_each_other(declaration: Declaration) -> None:
    tree = ast.parse(_file_of(declaration).read_text())
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not [name for name in imported if name.split(".")[0] in {"functions", "infra", "boto3"}]


def test_every_resource_is_used_by_some_function() -> None:
    used = {
        grant.resource
        for history in History
        for each in DECLARATIONS
        for grant in as_deployed(each.uses, history)
    }
    used |= {each.trigger.queue for each in DECLARATIONS if isinstance(each.trigger, QueueTrigger)}
    assert used == set(Resource)


def _file_of(declaration: Declaration) -> Path:
    return SOURCE.parent / (declaration.module.replace(".", "/") + ".py")
