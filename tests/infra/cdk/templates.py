"""Reading synthesised templates: intrinsic functions become plain text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wedsync.runtime.declarations import Declaration

    Json = Mapping[str, "object"]


def text(value: object) -> str:
    """An ARN or a name as text, with ``<…>`` where AWS will put a value."""
    if not isinstance(value, dict):
        return str(value)
    (intrinsic,) = value
    inner = value[intrinsic]
    match intrinsic:
        case "Ref":
            return f"<{inner}>"
        case "Fn::GetAtt":
            return f"<{inner[0]}.{inner[1]}>"
        case "Fn::ImportValue":
            return f"<{text(inner)}>"
        case "Fn::Join":
            return str(inner[0]).join(text(part) for part in inner[1])
        case _:
            raise AssertionError(f"unknown intrinsic: {intrinsic}")


@dataclass(frozen=True)
class Found:
    """One resource of a template."""

    stack: str
    logical_id: str
    kind: str
    properties: dict[str, object]
    definition: dict[str, object]


@dataclass(frozen=True)
class Synthesised:
    """What one synthesis made."""

    directory: str
    declarations: tuple[Declaration, ...]
    templates: dict[str, dict[str, dict[str, object]]]
    messages: tuple[str, ...]
    missing: tuple[object, ...]

    def of_kind(self, kind: str) -> list[Found]:
        """All resources of a type, over all stacks."""
        return [each for each in self.resources() if each.kind == kind]

    def resources(self) -> Iterator[Found]:
        """All resources of all stacks."""
        for stack, template in self.templates.items():
            for logical_id, raw in template["Resources"].items():
                definition = cast("dict[str, object]", raw)
                yield Found(
                    stack=stack,
                    logical_id=logical_id,
                    kind=str(definition["Type"]),
                    properties=cast("dict[str, object]", definition.get("Properties", {})),
                    definition=definition,
                )

    def function(self, declaration: Declaration) -> Found:
        """The one function with this declaration's handler."""
        (found,) = (
            each
            for each in self.of_kind("AWS::Lambda::Function")
            if each.properties["Handler"] == declaration.handler
        )
        return found

    def role_of(self, function: Found) -> Found:
        """The role that the function runs in."""
        role = text(function.properties["Role"]).strip("<>").removesuffix(".Arn")
        (found,) = (
            each
            for each in self.of_kind("AWS::IAM::Role")
            if (each.stack, each.logical_id) == (function.stack, role)
        )
        return found


def allowed(role: Found) -> set[tuple[str, str]]:
    """Every (action, resource) that a role's own policies allow."""
    pairs: set[tuple[str, str]] = set()
    for policy in cast("list[dict[str, dict[str, list[Json]]]]", role.properties["Policies"]):
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            for action in _listed(statement["Action"]):
                pairs.update(
                    (str(action), text(resource)) for resource in _listed(statement["Resource"])
                )
    return pairs


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
