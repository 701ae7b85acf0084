"""From a context and functions to templates on disk; needs no account and asks none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import App

from infra.cdk.app import add_stacks
from infra.cdk.deployment import from_context

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk.cx_api import CloudAssembly

    from wedsync.runtime.declarations import Function


def synthesise(
    context: Mapping[str, object],
    *,
    functions: Sequence[Function],
    source: Path,
    output: str | None = None,
) -> CloudAssembly:
    """Write the templates; the CDK's own command line overrules ``context`` and ``output``.

    Raises ValueError for a wrong context or declaration, RuntimeError for a finding of the
    security check or of the template check that nobody acknowledged.
    """
    app = App(context=context, outdir=output, analytics_reporting=False)
    deployment = from_context(app.node.get_all_context())
    add_stacks(app, deployment=deployment, functions=functions, source=source)
    return app.synth()


def without_bundling(context: Mapping[str, object]) -> dict[str, object]:
    """Leave out building layers and code: the templates are the same but for asset hashes."""
    return {**context, "aws:cdk:bundling-stacks": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that synthesis has to say of a stack."""

    level: str
    stack: str
    text: str


def messages(directory: Path) -> tuple[Message, ...]:
    """What synthesis said, read from what it wrote.

    Read from the files and not from the assembly object: two distributions install the Python
    module that holds the object's message types, and which of them wins is not settled.
    """
    artifacts = json.loads((directory / "manifest.json").read_text())["artifacts"]
    return tuple(
        Message(level=entry["type"].rpartition(":")[2], stack=name, text=str(entry["data"]))
        for name, artifact in sorted(artifacts.items())
        for entries in _metadata(directory, artifact).values()
        for entry in entries
        if entry["type"] in {"aws:cdk:info", "aws:cdk:warning", "aws:cdk:error"}
    )


def _metadata(directory: Path, artifact: Mapping[str, object]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = dict(artifact.get("metadata") or {})  # type: ignore[call-overload] # the manifest's own shape
    beside = artifact.get("additionalMetadataFile")
    if isinstance(beside, str):
        found |= json.loads((directory / beside).read_text())
    return found
