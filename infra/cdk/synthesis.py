"""From a context and functions to templates on disk; needs no account and asks none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import App

from infra.cdk.app import add_stacks
from infra.cdk.deployment import from_context

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

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
