"""What reaches Kinesis, SNS, SQS and Secrets Manager, seen from their side."""

import json
from collections.abc import Mapping
from datetime import timedelta

import pytest

from infra.local.clock import ManualClock
from tests.cloud import fake_aws
from wedsync.aws.clients import Clients
from wedsync.aws.cloud import AwsCloud
from wedsync.aws.keepsakes import SECRET_LIFE
from wedsync.cloud import Call, Delayed, Message, NoAnswer, Record, Subscriber
from wedsync.resources import Resource


def test_importing_and_making_a_cloud_makes_no_client() -> None:
    clients = Clients()
    before = dict(vars(clients))
    AwsCloud({Resource.ALERTS: "alerts"}, clients=clients)
    assert vars(clients) == before


def test_an_undeclared_resource_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="ALERTS has no physical name"):
        AwsCloud({}).table(Resource.ALERTS)


def test_records_arrive_with_their_keys(aws: AwsCloud, names: Mapping[Resource, str]) -> None:
    aws.stream(Resource.METRICS_STREAM).put([Record("w1", b"\x00\xff")])
    name = names[Resource.METRICS_STREAM]
    found = []
    for shard in fake_aws.kinesis().list_shards(StreamName=name)["Shards"]:
        iterator = fake_aws.kinesis().get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += fake_aws.kinesis().get_records(ShardIterator=iterator)["Records"]
    assert [(record["PartitionKey"], record["Data"]) for record in found] == [("w1", b"\x00\xff")]


def test_text_and_numbers_select_subscribers(aws: AwsCloud, names: Mapping[Resource, str]) -> None:
    url = fake_aws.sqs().create_queue(QueueName="subscriber")["QueueUrl"]
    arn = fake_aws.sqs().get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    fake_aws.sns().subscribe(
        TopicArn=names[Resource.TIER_0],
        Protocol="sqs",
        Endpoint=arn["Attributes"]["QueueArn"],
        Attributes={
            "FilterPolicy": json.dumps({"kind": ["page"], "tier": [{"numeric": ["=", 0]}]})
        },
    )
    topic = aws.topic(Resource.TIER_0)
    topic.publish(Message(subject="s", body="no", attributes={"kind": "notice", "tier": 0}))
    topic.publish(Message(subject="s", body="yes", attributes={"kind": "page", "tier": 0}))
    (got,) = fake_aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(got["Body"])["Message"] == "yes"
    assert json.loads(got["Body"])["Subject"] == "s"


def test_an_address_hears_only_what_is_for_it(aws: AwsCloud, names: Mapping[Resource, str]) -> None:
    aws.topic(Resource.TIER_0).subscribe(
        Subscriber(protocol="email", address="mia@example.com", only={"address": ("a1",)})
    )
    (found,) = fake_aws.sns().list_subscriptions_by_topic(TopicArn=names[Resource.TIER_0])[
        "Subscriptions"
    ]
    assert (found["Protocol"], found["Endpoint"]) == ("email", "mia@example.com")
    kept = fake_aws.sns().get_subscription_attributes(SubscriptionArn=found["SubscriptionArn"])
    assert json.loads(kept["Attributes"]["FilterPolicy"]) == {"address": ["a1"]}


def test_a_deployed_function_never_posts_to_its_own_machine() -> None:
    for url in ("http://127.0.0.1:9/", "http://localhost/", "https://localhost/"):
        outcome = AwsCloud({}).web.post(Call(url=url, headers={}, body=b"{}"))
        assert isinstance(outcome, NoAnswer)
        assert outcome.final


def test_a_delayed_message_carries_its_delay(aws: AwsCloud, names: Mapping[Resource, str]) -> None:
    url = names[Resource.WAKE]
    aws.queue(Resource.WAKE).send(Delayed("later", 900))
    aws.queue(Resource.WAKE).send(Delayed("now", 0))
    counts = fake_aws.sqs().get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessagesDelayed"] == "1"
    assert [m["Body"] for m in fake_aws.sqs().receive_message(QueueUrl=url)["Messages"]] == ["now"]


def test_a_rotated_secret_is_seen_after_some_minutes(aws: AwsCloud, clock: ManualClock) -> None:
    secret = aws.secret(Resource.SIGNING)
    assert secret.value() == fake_aws.SIGNING_SECRET.encode()
    fake_aws.secretsmanager().put_secret_value(SecretId="test-signing", SecretBinary=b"\x00\xff")
    clock.advance((SECRET_LIFE - timedelta(seconds=1)).total_seconds())
    assert aws.secret(Resource.SIGNING).value() == fake_aws.SIGNING_SECRET.encode()
    clock.advance(1)
    assert secret.value() == b"\x00\xff"
