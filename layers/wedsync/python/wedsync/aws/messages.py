"""Topics on SNS and delay queues on SQS."""

import json
from typing import TYPE_CHECKING

from wedsync.aws.faults import Caller
from wedsync.cloud import Delayed, Message, Subscriber
from wedsync.cloud.limits import check_delayed, check_message, check_subscriber

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


class SnsTopic:
    """A ``wedsync.cloud.Topic`` on SNS."""

    def __init__(self, client: "SNSClient", *, arn: str, caller: Caller) -> None:
        self._client = client
        self._arn = arn
        self._call = caller

    def publish(self, message: Message) -> None:
        """Send, with text as String attributes and numbers as Number ones."""
        check_message(message)
        self._call(
            lambda: self._client.publish(
                TopicArn=self._arn,
                Subject=message.subject,
                Message=message.body,
                MessageAttributes={
                    name: {
                        "DataType": "String" if isinstance(value, str) else "Number",
                        "StringValue": str(value),
                    }
                    for name, value in message.attributes.items()
                },
            ),
            repeatable=False,
        )

    def subscribe(self, subscriber: Subscriber) -> None:
        """Subscribe with a filter policy."""
        check_subscriber(subscriber)
        policy = json.dumps({name: list(values) for name, values in subscriber.only.items()})
        self._call(
            lambda: self._client.subscribe(
                TopicArn=self._arn,
                Protocol=subscriber.protocol,
                Endpoint=subscriber.address,
                Attributes={"FilterPolicy": policy},
            ),
            repeatable=True,
        )


class SqsQueue:
    """A ``wedsync.cloud.Queue`` on SQS."""

    def __init__(self, client: "SQSClient", *, url: str, caller: Caller) -> None:
        self._client = client
        self._url = url
        self._call = caller

    def send(self, message: Delayed) -> None:
        """Send, to be seen after the delay."""
        check_delayed(message)
        self._call(
            lambda: self._client.send_message(
                QueueUrl=self._url, MessageBody=message.body, DelaySeconds=message.delay_seconds
            ),
            repeatable=False,
        )
