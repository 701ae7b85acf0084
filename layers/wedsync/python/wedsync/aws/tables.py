"""Tables on DynamoDB."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from wedsync.aws.attributes import read_item, written, written_item, written_key
from wedsync.aws.expressions import (
    Expression,
    alive_expression,
    begin_expression,
    between_expression,
    condition_expression,
    range_expression,
)
from wedsync.aws.faults import ATTEMPTS, Caller, code_of
from wedsync.cloud import (
    EVERYTHING,
    EXPIRES_AT,
    Absent,
    Clock,
    Condition,
    ConditionFailed,
    Item,
    Key,
    Page,
    Sort,
    holds,
)
from wedsync.cloud.limits import (
    check_advance,
    check_condition,
    check_item,
    check_key,
    check_keys,
    check_query,
)
from wedsync.cloud.paging import Place, is_empty, place_of
from wedsync.errors import Throttled
from wedsync.resources import Index, Resource

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        DeleteItemInputTypeDef,
        PutItemInputTypeDef,
        QueryInputTypeDef,
        UpdateItemInputTypeDef,
    )

_TURNS = 4
"""Of beginning and carrying on a number, while others raise it: the second one decides, unless the
item expires between them.
"""


class DynamoTable:
    """A ``wedsync.cloud.Table`` on DynamoDB."""

    def __init__(
        self,
        client: "DynamoDBClient",
        resource: Resource,
        *,
        name: str,
        clock: Clock,
        caller: Caller,
    ) -> None:
        self._client = client
        self._indexes = {index.name: index for index in resource.indexes}
        self._name = name
        self._clock = clock
        self._call = caller

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """One read unit for each 4 KB, half of it where ``consistent`` is False."""
        check_key(key)
        answer = self._call(
            lambda: self._client.get_item(
                TableName=self._name, Key=written_key(key), ConsistentRead=consistent
            ),
            repeatable=True,
        )
        row = answer.get("Item")
        return None if row is None else self._alive(row)

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> tuple[Item, ...]:
        """One call, and more for what DynamoDB leaves over."""
        check_keys(keys)
        found: list[Item] = []
        pending = [written_key(key) for key in keys]
        fruitless = 0
        while pending:
            answer = self._call(
                partial(
                    self._client.batch_get_item,
                    RequestItems={self._name: {"Keys": pending, "ConsistentRead": consistent}},
                ),
                repeatable=True,
            )
            rows = answer.get("Responses", {}).get(self._name, ())
            found.extend(item for row in rows if (item := self._alive(row)) is not None)
            rest = answer.get("UnprocessedKeys", {}).get(self._name)
            pending = [] if rest is None else list(rest["Keys"])
            if pending and not rows:
                fruitless += 1
                if fruitless == ATTEMPTS:
                    raise Throttled
                self._call.pause(fruitless)
        return tuple(found)

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        """Replace the whole item; a failed condition brings what is stored."""
        check_item(item, tuple(self._indexes.values()))
        request: PutItemInputTypeDef = {"TableName": self._name, "Item": written_item(item)}
        if (condition := self._condition(when)) is not None:
            request["ConditionExpression"] = condition.text
            request["ExpressionAttributeNames"] = condition.names
            request["ExpressionAttributeValues"] = condition.values
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        repeatable = when is None or not holds(when, item.attributes)
        try:
            self._call(lambda: self._client.put_item(**request), repeatable=repeatable)
        except ClientError as error:
            raise self._translated(error) from error

    def delete(self, key: Key, *, when: Condition | None = None) -> None:
        """Remove the item, if it is there."""
        check_key(key)
        request: DeleteItemInputTypeDef = {"TableName": self._name, "Key": written_key(key)}
        if (condition := self._condition(when)) is not None:
            request["ConditionExpression"] = condition.text
            request["ExpressionAttributeNames"] = condition.names
            request["ExpressionAttributeValues"] = condition.values
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        repeatable = when is None or not holds(when, None)
        try:
            self._call(lambda: self._client.delete_item(**request), repeatable=repeatable)
        except ClientError as error:
            raise self._translated(error) from error

    def advance(self, key: Key, name: str, *, by: int, at_least: int, at_most: int) -> int:
        """One call where the number begins anew, two where it is carried on."""
        check_key(key)
        check_advance(name, by=by, at_least=at_least, at_most=at_most)
        start = at_least + by
        now = self._now_seconds()
        begin = begin_expression(name, at_least=at_least, now_seconds=now)
        carry = between_expression(name, low=at_least, high=at_most, now_seconds=now)
        beginning = True
        for _ in range(_TURNS):
            try:
                if beginning:
                    return self._update(key, name, "SET #name = :to", {":to": start}, begin)
                return self._update(key, name, "SET #name = #name + :by", {":by": by}, carry)
            except ConditionFailed as conflict:
                if conflict.current is None:
                    # What has expired is no base: it is replaced whole.
                    with suppress(ConditionFailed):
                        self.put(Item(key, {name: start}), when=Absent())
                        return start
                    continue
                number = conflict.current.attributes.get(name, at_least - 1)
                if not isinstance(number, int) or number > at_most:
                    raise
                beginning = number < at_least
        raise Throttled

    def _update(
        self, key: Key, name: str, change: str, values: Mapping[str, int], when: Expression
    ) -> int:
        request: UpdateItemInputTypeDef = {
            "TableName": self._name,
            "Key": written_key(key),
            "UpdateExpression": change,
            "ConditionExpression": when.text,
            "ExpressionAttributeNames": when.names,
            "ExpressionAttributeValues": {
                **when.values,
                **{each: written(value) for each, value in values.items()},
            },
            "ReturnValues": "UPDATED_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            answer = self._call(lambda: self._client.update_item(**request), repeatable=False)
        except ClientError as error:
            raise self._translated(error) from error
        return int(answer["Attributes"][name]["N"])

    def query(
        self,
        partition: str,
        *,
        sort: Sort = EVERYTHING,
        index: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        descending: bool = False,
        consistent: bool = True,
    ) -> Page:
        """One page: up to ``limit`` items or one megabyte, less what has expired."""
        check_query(partition, sort, limit)
        order = None if index is None else self._index(index)
        place = None if after is None else place_of(after, sort=sort, indexed=order is not None)
        if is_empty(sort):
            return Page(())
        keys = ("pk", "sk") if order is None else (order.partition, order.sort)
        selected = range_expression(partition, sort, keys=keys)
        alive = alive_expression(now_seconds=self._now_seconds())
        request: QueryInputTypeDef = {
            "TableName": self._name,
            "KeyConditionExpression": selected.text,
            "FilterExpression": alive.text,
            "ExpressionAttributeNames": selected.names | alive.names,
            "ExpressionAttributeValues": selected.values | alive.values,
            "ScanIndexForward": not descending,
            "ConsistentRead": consistent and order is None,
        }
        if order is not None:
            request["IndexName"] = order.name
        if limit is not None:
            request["Limit"] = limit
        if place is not None:
            request["ExclusiveStartKey"] = _start(partition, place, keys)
        answer = self._call(lambda: self._client.query(**request), repeatable=True)
        items = tuple(read_item(row) for row in answer["Items"])
        last = answer.get("LastEvaluatedKey")
        return Page(items, None if last is None else _place(last, order).encode())

    def _condition(self, when: Condition | None) -> Expression | None:
        check_condition(when)
        if when is None:
            return None
        return condition_expression(when, now_seconds=self._now_seconds())

    def _translated(self, error: ClientError) -> Exception:
        """A failed condition as the seam names it; anything else as it is."""
        if code_of(error) != "ConditionalCheckFailedException":
            return error
        row = cast("dict[str, AttributeValueTypeDef] | None", error.response.get("Item"))
        return ConditionFailed(None if row is None else self._alive(row))

    def _alive(self, row: "Mapping[str, AttributeValueTypeDef]") -> Item | None:
        item = read_item(row)
        until = item.attributes.get(EXPIRES_AT)
        return None if isinstance(until, int) and until <= self._now_seconds() else item

    def _now_seconds(self) -> int:
        return int(self._clock.now().timestamp())

    def _index(self, name: str) -> Index:
        if name not in self._indexes:
            raise ValueError(f"there is no index {name!r}")
        return self._indexes[name]


def _start(
    partition: str, place: Place, keys: tuple[str, str]
) -> "dict[str, AttributeValueTypeDef]":
    start: dict[str, AttributeValueTypeDef] = {}
    if place.key is not None:
        start |= written_key(place.key)
    start[keys[0]] = {"S": partition}
    start[keys[1]] = {"S": place.sort}
    return start


def _place(last: "Mapping[str, AttributeValueTypeDef]", order: Index | None) -> Place:
    if order is None:
        return Place(last["sk"]["S"])
    return Place(last[order.sort]["S"], Key(last["pk"]["S"], last["sk"]["S"]))
