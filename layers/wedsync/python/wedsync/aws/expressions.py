"""Conditions and ranges as DynamoDB's expressions: compiled here and nowhere else.

An expired item counts as absent although DynamoDB may keep it for days, so every expression
looks at ``expires_at`` too.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from wedsync.aws.attributes import written
from wedsync.cloud import EXPIRES_AT, Absent, Condition, Equals, LessThan, Sort

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_EXPIRED = "#expires <= :now"
_ALIVE = "(attribute_not_exists(#expires) OR #expires > :now)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """The text of an expression, and what its names and values stand for."""

    text: str
    names: dict[str, str]
    values: "dict[str, AttributeValueTypeDef]"


def condition_expression(condition: Condition, *, now_seconds: int) -> Expression:
    """What DynamoDB checks before it writes."""
    names = {"#expires": EXPIRES_AT}
    values = {":now": written(now_seconds)}
    match condition:
        case Absent():
            names["#pk"] = "pk"
            text = f"attribute_not_exists(#pk) OR {_EXPIRED}"
        case Equals(name, value):
            names["#name"] = name
            values[":value"] = written(value)
            text = f"#name = :value AND {_ALIVE}"
        case LessThan(name, value):
            names |= {"#pk": "pk", "#name": name}
            values[":value"] = written(value)
            text = f"attribute_not_exists(#pk) OR {_EXPIRED} OR #name < :value"
        case _:
            assert_never(condition)
    return Expression(text=text, names=names, values=values)


def begin_expression(name: str, *, at_least: int, now_seconds: int) -> Expression:
    """Whether a number is missing or smaller; of an item that has not expired, or is not there."""
    return Expression(
        text=f"(attribute_not_exists(#name) OR #name < :least) AND {_ALIVE}",
        names={"#name": name, "#expires": EXPIRES_AT},
        values={":least": written(at_least), ":now": written(now_seconds)},
    )


def between_expression(name: str, *, low: int, high: int, now_seconds: int) -> Expression:
    """Whether a number lies between two others, both included."""
    return Expression(
        text=f"#name BETWEEN :low AND :high AND {_ALIVE}",
        names={"#name": name, "#expires": EXPIRES_AT},
        values={":low": written(low), ":high": written(high), ":now": written(now_seconds)},
    )


def alive_expression(*, now_seconds: int) -> Expression:
    """What a query filters by."""
    names = {"#expires": EXPIRES_AT}
    return Expression(text=_ALIVE, names=names, values={":now": written(now_seconds)})


def range_expression(partition: str, sort: Sort, *, keys: tuple[str, str]) -> Expression:
    """What a query selects; ``keys`` name the partition's and the sort key's attributes."""
    names = {"#partition": keys[0]}
    values = {":partition": written(partition)}
    text = "#partition = :partition"
    match sort:
        case Sort(begins_with=str(prefix)):
            text += " AND begins_with(#sort, :prefix)"
            values[":prefix"] = written(prefix)
        case Sort(at_least=str(low), at_most=str(high)):
            text += " AND #sort BETWEEN :low AND :high"
            values |= {":low": written(low), ":high": written(high)}
        case Sort(at_least=str(low)):
            text += " AND #sort >= :low"
            values[":low"] = written(low)
        case Sort(at_most=str(high)):
            text += " AND #sort <= :high"
            values[":high"] = written(high)
        case _:
            return Expression(text=text, names=names, values=values)
    return Expression(text=text, names=names | {"#sort": keys[1]}, values=values)
