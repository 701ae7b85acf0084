"""One OpenAPI 3.1 document of every endpoint: ``python -m infra.openapi`` writes it down.

Each endpoint's own resolver describes its route; joined here, with what all of them share: who
may call, and the form of every error.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias, cast

from infra.registry import registry
from wedsync.api.quality import FreshnessReply
from wedsync.runtime.http import Endpoint
from wedsync.runtime.problem import CONTENT_TYPE

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Document: TypeAlias = dict[str, Json]

PATH = Path(__file__).parents[1] / "docs" / "openapi.json"
TITLE = "WedSync"
VERSION = "1.0.0"
_PROBLEM = "Problem"
_BESIDE_A_READ = {
    "ETag": "Its validator; with a weak one in If-None-Match the answer is 304 until it changes",
    "X-As-Of": "Since when it holds",
    "X-Cache": "hit: it was remembered; miss: it was looked up",
    "X-Data-Quality": "How good the data is that came in the last 15 minutes, as JSON",
}
_SUPERSEDED = frozenset({"HTTPValidationError", "ResponseValidationError", "ValidationError"})
"""What the framework would answer to bad input, and our endpoints never do."""


def document() -> Document:
    """The document, in an order that does not depend on the walk."""
    paths: dict[str, dict[str, Json]] = {}
    schemas: dict[str, Json] = {_PROBLEM: _problem(), **_freshness()}
    for endpoint in _endpoints():
        described = _described(endpoint)
        for name, schema in _schemas(described).items():
            if name in _SUPERSEDED:
                continue
            if schemas.setdefault(name, schema) != schema:
                raise ValueError(f"two different schemas are called {name}")
        path = endpoint.trigger.path
        operations = cast("Document", cast("Document", described["paths"])[path])
        for method, operation in operations.items():
            paths.setdefault(path, {})[method] = _operation(cast("Document", operation), endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": "Monitoring and analytics whose unit of truth is the wedding.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"apiKey": []}],
        "paths": cast("Document", dict(sorted(paths.items()))),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }


def rendered() -> str:
    """The document as the text that is kept."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _endpoints() -> Iterator[Endpoint]:
    for function in registry():
        if isinstance(function, Endpoint) and function.trigger.path != "$default":
            yield function


def _described(endpoint: Endpoint) -> Document:
    schema = endpoint.resolver().get_openapi_schema(title=TITLE, version=VERSION)
    text = schema.model_dump_json(by_alias=True, exclude_none=True)
    return cast(
        "Document", json.loads(text.replace(_as_framework(endpoint), endpoint.trigger.path))
    )


def _as_framework(endpoint: Endpoint) -> str:
    """The path as the framework writes its variables."""
    return endpoint.trigger.path.replace("{", "<").replace("}", ">")


def _schemas(described: Document) -> Mapping[str, Json]:
    components = cast("Document", described.get("components") or {})
    return cast("Mapping[str, Json]", components.get("schemas") or {})


def _operation(operation: Document, endpoint: Endpoint) -> Document:
    """The operation with our own errors, and what every POST honours."""
    responses = cast("Document", operation["responses"])
    declared = {str(error.status) for error in endpoint.trigger.raises}
    if "422" not in declared:
        responses.pop("422", None)
    if endpoint.trigger.method == "POST":
        responses["409"] = _refusal("The state does not allow it, or the same request is in flight")
        responses["422"] = _refusal("The Idempotency-Key was used with another request")
        parameters = cast("list[Json]", operation.setdefault("parameters", []))
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "The same request has one effect and one answer for 24 hours.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        )
    if endpoint.trigger.method == "GET":
        _tell_freshness(cast("Document", responses["200"]), exact=endpoint.trigger.exact)
    for status, response in responses.items():
        if int(status) >= 400:
            described = cast("Document", response)
            responses[status] = _refusal(str(described["description"]))
    responses["429"] = _refusal("Too many requests")
    responses["503"] = _refusal("A dependency is unavailable; try again")
    if endpoint.takes_raw_body:
        operation["requestBody"] = _points()
    if "requestBody" in operation:
        responses["413"] = _refusal("The body is too large")
    return {
        **operation,
        "x-roles": cast("list[Json]", sorted(endpoint.trigger.roles)),
        "responses": dict(sorted(responses.items())),
    }


def _tell_freshness(response: Document, *, exact: bool) -> None:
    """Describe what every answer to a GET carries beside its own members."""
    response["headers"] = {
        name: {"description": description, "schema": {"type": "string"}}
        for name, description in _BESIDE_A_READ.items()
    }
    content = cast("Document", response["content"]).get("application/json")
    if content is not None and not exact:
        media = cast("Document", content)
        reference: Document = {"$ref": f"#/components/schemas/{FreshnessReply.__name__}"}
        media["schema"] = {"allOf": [media["schema"], reference]}


def _freshness() -> dict[str, Json]:
    schema = FreshnessReply.model_json_schema(
        mode="serialization", ref_template="#/components/schemas/{model}"
    )
    parts = cast("dict[str, Json]", schema.pop("$defs"))
    return {FreshnessReply.__name__: cast("Json", schema), **parts}


def _points() -> Document:
    point: Document = {
        "type": "object",
        "description": "One point, or an envelope whose data[] inherit its members.",
        "properties": {
            "name": {"type": "string"},
            "kind": {"enum": ["counter", "gauge", "timer", "event"]},
            "ts": {"type": ["integer", "string"], "description": "epoch ms, or RFC 3339"},
            "value": {"type": "number"},
            "values": {"type": "array", "items": {"type": "number"}},
            "data": {"type": "array", "items": {"type": "object"}},
        },
        "required": ["name", "kind", "ts"],
    }
    either: Document = {"oneOf": [point, {"type": "array", "items": point}]}
    return {
        "required": True,
        "description": "Also gzipped, and under any content type.",
        "content": {
            "application/json": {"schema": either},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    }


def _refusal(description: str) -> Document:
    return {
        "description": description,
        "content": {CONTENT_TYPE: {"schema": {"$ref": f"#/components/schemas/{_PROBLEM}"}}},
    }


def _problem() -> Document:
    text: Document = {"type": "string"}
    members: Document = {
        **dict.fromkeys(("type", "title", "detail", "instance", "requestId", "error"), text),
        "status": {"type": "integer"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": dict.fromkeys(("pointer", "code", "detail"), text),
                "required": ["pointer", "code", "detail"],
            },
        },
    }
    return {
        "type": "object",
        "title": _PROBLEM,
        "description": "What went wrong (RFC 9457); each wrong member by its JSON pointer.",
        "properties": members,
        "required": cast("list[Json]", sorted(members)),
    }


if __name__ == "__main__":
    PATH.write_text(rendered())
