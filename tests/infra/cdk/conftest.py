"""Synthesis once a session: the first one starts Node, the others cost a fraction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.cdk.node import use_bundled_node
from infra.registry import SOURCE, registry
from tests.infra.cdk.templates import Synthesised
from wedsync.resources import Resource
from wedsync.runtime.declarations import (
    AuthorizerTrigger,
    Declaration,
    HttpTrigger,
    QueueTrigger,
    ScheduleTrigger,
    StreamTrigger,
)
from wedsync.tenancy import READERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wedsync.cloud import Cloud
    from wedsync.resources import Grant
    from wedsync.runtime.declarations import Function, LambdaContext, Trigger
    from wedsync.settings import Settings

use_bundled_node()
CONTEXT = json.loads((Path(__file__).parents[3] / "cdk.json").read_text())["context"]
NETWORK = {"subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"]}


class Declared:
    """A function that is only declared."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration

    def __call__(self, event: object, context: LambdaContext) -> object:
        raise NotImplementedError

    def run(
        self, event: object, context: LambdaContext, cloud: Cloud, settings: Settings
    ) -> object:
        raise NotImplementedError


def declared(name: str, trigger: Trigger, *uses: Grant, layers: tuple[str, ...] = ()) -> Declared:
    return Declared(
        Declaration(
            module=f"functions.{name}", summary=name, trigger=trigger, uses=uses, layers=layers
        )
    )


def route(method: str, path: str, *, public: bool = False) -> HttpTrigger:
    roles = frozenset() if public else READERS
    return HttpTrigger(method=method, path=path, summary=path, roles=roles)


EVERY_KIND = (
    declared("door.authorizer", AuthorizerTrigger(), Resource.KEYS.read(), layers=("auth",)),
    declared("door.lost", route("ANY", "$default", public=True)),
    declared("cakes.read", route("GET", "/api/cakes/{cake_id}"), Resource.ALERTS.read()),
    declared("cakes.change", route("PATCH", "/api/cakes/{cake_id}"), Resource.ALERTS.read_write()),
    declared("cakes.bake", route("POST", "/api/cakes"), Resource.METRICS_STREAM.send()),
    declared(
        "night.taste",
        StreamTrigger(stream=Resource.METRICS_STREAM),
        Resource.HOT_WINDOWS.read_write(),
        Resource.SIGNING.read(),
        layers=("numeric",),
    ),
    declared("night.ring", QueueTrigger(queue=Resource.WAKE), Resource.TIER_0.send()),
    declared(
        "night.sweep",
        ScheduleTrigger(every_minutes=1),
        Resource.WAKE.send(),
        Resource.ALERTS.write(),
    ),
    declared(
        "night.remember",
        ScheduleTrigger(every_minutes=5, after_minutes=4),
        Resource.HISTORY.write(),
    ),
    declared("night.count", ScheduleTrigger(every_minutes=1), Resource.VITALS.read()),
    declared("cakes.history", route("GET", "/api/cakes/history"), Resource.HISTORY.read()),
    declared("night.inspect", route("GET", "/api/crumbs"), Resource.QUARANTINE.read()),
)


def synthesise(
    directory: Path, functions: Sequence[Function], source: Path, **chosen: object
) -> Synthesised:
    from infra.cdk import synthesis

    context = synthesis.without_bundling({**CONTEXT, **chosen})
    assembly = synthesis.synthesise(
        context, functions=functions, source=source, output=str(directory)
    )
    manifest = json.loads((directory / "manifest.json").read_text())
    return Synthesised(
        directory=str(directory),
        declarations=tuple(function.declaration for function in functions),
        templates={
            stack.stack_name: json.loads((directory / stack.template_file).read_text())
            for stack in assembly.stacks
        },
        messages=tuple(message.text for message in synthesis.messages(directory)),
        missing=tuple(manifest.get("missing", ())),
    )


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """The real functions, for development, with Timestream."""
    return synthesise(tmp_path_factory.mktemp("bundle"), registry(), SOURCE)


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "functions"
    for group in ("door", "cakes", "night"):
        (folder / group).mkdir(parents=True)
        (folder / group / "__init__.py").write_text('"""A group."""\n')
    (folder / "__init__.py").write_text('"""All groups."""\n')
    return folder


@pytest.fixture(scope="session")
def every_kind(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Synthesised:
    """One function of every kind, for production, with InfluxDB 3."""
    return synthesise(
        tmp_path_factory.mktemp("prod"),
        EVERY_KIND,
        source,
        stage="prod",
        history="influxdb3",
        influxdb3=NETWORK,
    )


@pytest.fixture(scope="session")
def staging(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Synthesised:
    """One function of every kind, for staging, in one account, without a long-range store."""
    return synthesise(
        tmp_path_factory.mktemp("staging"),
        EVERY_KIND,
        source,
        stage="staging",
        history="dynamodb",
        account="123456789012",
        region="eu-west-1",
        route_metrics="false",
        batching_seconds="3",
    )


@pytest.fixture(params=["bundle", "every_kind", "staging"])
def synthesised(request: pytest.FixtureRequest) -> Synthesised:
    """Each of the three, in turn."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Synthesised)
    return found


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """One worker synthesises for all."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("synthesis"))
