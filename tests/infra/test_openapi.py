"""The kept OpenAPI document is the one that the declarations describe, and is a sound one."""

import json
import re
from collections.abc import Iterator
from typing import cast

import pytest

from infra.openapi import PATH, document, rendered
from infra.registry import registry
from wedsync.runtime.declarations import HttpTrigger

Members = dict[str, object]

DOCUMENT = cast("Members", document())
PATHS = cast("dict[str, dict[str, Members]]", DOCUMENT["paths"])
COMPONENTS = cast("dict[str, dict[str, Members]]", DOCUMENT["components"])
TRIGGERS = [
    function.declaration.trigger
    for function in registry()
    if isinstance(function.declaration.trigger, HttpTrigger)
    and function.declaration.trigger.path != "$default"
]
OPERATIONS = {
    (method.upper(), path): operation
    for path, operations in PATHS.items()
    for method, operation in operations.items()
}


def test_the_kept_document_is_current() -> None:
    assert PATH.read_text() == rendered(), "run: python -m infra.openapi"


def test_every_route_is_described_and_nothing_else() -> None:
    assert set(OPERATIONS) == {(trigger.method, trigger.path) for trigger in TRIGGERS}


def test_its_frame_is_that_of_openapi_3_1() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    info = cast("Members", DOCUMENT["info"])
    assert info["title"] == "WedSync"
    assert info["version"]
    schemes = COMPONENTS["securitySchemes"]
    assert {name: scheme["type"] for name, scheme in schemes.items()} == {
        "bearer": "http",
        "apiKey": "apiKey",
    }
    for requirement in cast("list[dict[str, object]]", DOCUMENT["security"]):
        assert set(requirement) <= set(schemes)


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    references = set(_references(DOCUMENT))
    schemas = {f"#/components/schemas/{name}" for name in COMPONENTS["schemas"]}
    assert references == schemas


PLAIN_TEXT = {"/api/metrics/prometheus"}
PUBLIC = {each.path for each in TRIGGERS if not each.roles}


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=" ".join)
def test_an_operation_is_sound(method: str, path: str) -> None:
    operation = OPERATIONS[method, path]
    parameters = cast("list[dict[str, object]]", operation.get("parameters", []))
    assert "<" not in path
    in_path = {each["name"] for each in parameters if each["in"] == "path"}
    assert in_path == set(re.findall(r"\{(\w+)\}", path))
    for each in parameters:
        assert set(each) >= {"name", "in", "schema"}
        assert each["in"] in {"path", "query", "header"}
        assert each["in"] != "path" or each["required"] is True
    places = [(each["in"], str(each["name"]).lower()) for each in parameters]
    assert len(places) == len(set(places))
    assert (("header", "idempotency-key") in places) == (method == "POST")
    responses = cast("dict[str, dict[str, object]]", operation["responses"])
    assert sum(1 for status in responses if status.startswith("2")) == 1
    for status, response in responses.items():
        assert re.fullmatch(r"[2-5]\d\d", status)
        assert response["description"]
        kinds = set(cast("Members", response["content"]))
        told = "text/plain" if path in PLAIN_TEXT else "application/json"
        expected = told if status < "400" else "application/problem+json"
        assert kinds == {expected}
    assert {"400", "503"} <= set(responses)
    assert ({"401", "403"} <= set(responses)) == (path not in PUBLIC)
    assert ("404" in responses) or not in_path


def test_every_error_that_a_route_declares_is_described() -> None:
    for trigger in TRIGGERS:
        responses = cast("Members", OPERATIONS[trigger.method, trigger.path]["responses"])
        assert {str(error.status) for error in trigger.raises} <= set(responses)


def test_the_document_is_plain_json() -> None:
    assert json.loads(PATH.read_text()) == DOCUMENT


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name == "$ref":
                yield each
            else:
                yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
