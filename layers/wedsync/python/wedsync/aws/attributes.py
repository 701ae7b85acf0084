"""Attributes as DynamoDB writes them."""

from base64 import b64decode
from typing import TYPE_CHECKING

from wedsync.cloud import Attribute, Item, Key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


def written(value: Attribute) -> "AttributeValueTypeDef":
    """One attribute, for a request."""
    match value:
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case int():
            return {"N": str(value)}


def written_key(key: Key) -> "dict[str, AttributeValueTypeDef]":
    """A key, for a request."""
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def written_item(item: Item) -> "dict[str, AttributeValueTypeDef]":
    """A whole item, for a request."""
    row = written_key(item.key)
    for name, value in item.attributes.items():
        row[name] = written(value)
    return row


def read_item(row: "Mapping[str, AttributeValueTypeDef]") -> Item:
    """A whole item, from a plain answer: bytes are still in base 64 there."""
    attributes: dict[str, Attribute] = {}
    for name, value in row.items():
        if "S" in value:
            attributes[name] = value["S"]
        elif "N" in value:
            attributes[name] = int(value["N"])
        else:
            attributes[name] = b64decode(value["B"])
    pk, sk = attributes.pop("pk"), attributes.pop("sk")
    return Item(Key(str(pk), str(sk)), attributes)
