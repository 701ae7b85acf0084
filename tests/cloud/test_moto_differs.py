"""Where moto answers otherwise than AWS: the list, and the proof that each entry still stands.

A failure here is good news: moto has learned the rule, and the tests that go round it
(``MOTO_CANNOT_COMPARE`` in the table contract) can take the case in.
"""

from collections.abc import Callable
from typing import Final

import pytest
from moto import mock_aws

from tests.cloud import fake_aws
from wedsync.cloud.limits import ITEM_BYTES
from wedsync.resources import Resource

PARTITION: Final = {":p": {"S": "p"}}


def put(**attributes: dict[str, str | bytes]) -> None:
    fake_aws.dynamodb().put_item(
        TableName="test-alerts",
        Item={"pk": {"S": "p"}, "sk": {"S": "a"}, **attributes},
    )


def comparing_types_raises() -> None:
    put(n={"N": "5"})
    with pytest.raises(TypeError):
        fake_aws.dynamodb().delete_item(
            TableName="test-alerts",
            Key={"pk": {"S": "p"}, "sk": {"S": "a"}},
            ConditionExpression="n < :z",
            ExpressionAttributeValues={":z": {"S": "z"}},
        )


def a_start_outside_the_range_is_accepted() -> None:
    fake_aws.dynamodb().query(
        TableName="test-alerts",
        KeyConditionExpression="pk = :p AND sk > :s",
        ExpressionAttributeValues={**PARTITION, ":s": {"S": "m"}},
        ExclusiveStartKey={"pk": {"S": "p"}, "sk": {"S": "a"}},
    )


def a_start_in_another_partition_is_accepted() -> None:
    fake_aws.dynamodb().query(
        TableName="test-alerts",
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues=PARTITION,
        ExclusiveStartKey={"pk": {"S": "q"}, "sk": {"S": "a"}},
    )


def an_inverted_span_is_accepted() -> None:
    fake_aws.dynamodb().query(
        TableName="test-alerts",
        KeyConditionExpression="pk = :p AND sk BETWEEN :b AND :a",
        ExpressionAttributeValues={**PARTITION, ":b": {"S": "b"}, ":a": {"S": "a"}},
    )


def a_number_of_39_digits_is_accepted() -> None:
    put(n={"N": "1" * 39})


def an_index_key_of_the_wrong_type_is_accepted() -> None:
    put(state_of={"N": "1"})


def an_item_of_399_kb_is_refused() -> None:
    with pytest.raises(fake_aws.dynamodb().exceptions.ClientError, match="size"):
        put(raw={"B": bytes(ITEM_BYTES - 1024)})


def a_subject_of_two_lines_is_accepted() -> None:
    arn = fake_aws.create(Resource.TIER_0)
    fake_aws.sns().publish(TopicArn=arn, Subject="two\nlines", Message="lost on AWS")


def a_message_without_a_body_is_accepted() -> None:
    url = fake_aws.create(Resource.WAKE)
    fake_aws.sqs().send_message(QueueUrl=url, MessageBody="")


MOTO_DIFFERS: list[tuple[str, Callable[[], None]]] = [
    ("a comparison of two types is false", comparing_types_raises),
    ("a start lies inside the queried range", a_start_outside_the_range_is_accepted),
    ("a start lies in the queried partition", a_start_in_another_partition_is_accepted),
    ("BETWEEN has its lower bound first", an_inverted_span_is_accepted),
    ("a number has at most 38 digits", a_number_of_39_digits_is_accepted),
    ("the key of an index has the declared type", an_index_key_of_the_wrong_type_is_accepted),
    ("an item has up to 400 KB, bytes counted raw", an_item_of_399_kb_is_refused),
    ("a subject is one line", a_subject_of_two_lines_is_accepted),
    ("a message has a body", a_message_without_a_body_is_accepted),
]
"""The rule of AWS, and what moto does instead. The seam keeps to the rule on its own."""


@pytest.mark.parametrize(("rule", "deviation"), MOTO_DIFFERS, ids=[r for r, _ in MOTO_DIFFERS])
def test_moto_still_breaks_the_rule(rule: str, deviation: Callable[[], None]) -> None:
    with mock_aws():
        fake_aws.create(Resource.ALERTS)
        assert rule
        deviation()
