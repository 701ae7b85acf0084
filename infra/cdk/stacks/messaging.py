"""What carries messages: topics, of each tier and of single contacts, and the queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_sns import CfnSubscription, Topic
from aws_cdk.aws_sqs import DeadLetterQueue, Queue, QueueEncryption

from infra.cdk.acknowledgements import acknowledge
from infra.cdk.addresses import physical_name
from wedsync.resources import Resource, ResourceKind
from wedsync.runtime.declarations import QueueTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import Environment
    from aws_cdk.aws_kms import IKey
    from constructs import Construct

    from infra.cdk.deployment import Deployment
    from wedsync.runtime.declarations import Declaration

_TRIES = 5
_KEPT = Duration.days(14)


class MessagingStack(Stack):
    """Every topic and queue that :class:`Resource` names, and the queue of missed runs."""

    def __init__(
        self,
        scope: Construct,
        *,
        deployment: Deployment,
        env: Environment,
        key: IKey,
        declarations: Sequence[Declaration],
    ) -> None:
        """Create the resources; a queue's time-out follows the function that it feeds."""
        super().__init__(
            scope,
            f"{deployment.prefix}-messaging",
            env=env,
            description="WedSync monitoring: topics and queues",
        )
        self._deployment = deployment
        self._key = key
        self._topics: dict[Resource, Topic] = {}
        self._queues: dict[Resource, Queue] = {}
        self._removal = RemovalPolicy.RETAIN if deployment.keeps_data else RemovalPolicy.DESTROY
        for resource in Resource:
            match resource.kind:
                case ResourceKind.TOPIC:
                    self._add_topic(resource)
                case ResourceKind.QUEUE:
                    self._add_queue(resource, declarations)
                case _:
                    pass
        missed = self._queue("Missed", f"{deployment.prefix}-missed", kept=_KEPT)
        acknowledge(
            missed,
            "AwsSolutions-SQS3",
            reason="It is where given-up runs end: schedules and asynchronous calls name it so.",
        )
        self.missed_arn = missed.queue_arn
        for declaration in declarations:
            if isinstance(declaration.trigger, QueueTrigger) and declaration.trigger.topics:
                self._feed(declaration.trigger)

    def _add_topic(self, resource: Resource) -> None:
        topic = self._topics[resource] = Topic(
            self,
            resource.name,
            topic_name=physical_name(self._deployment, resource),
            master_key=self._key,
            enforce_ssl=True,
        )
        CfnOutput(self, f"{resource.name}Arn", value=topic.topic_arn)

    def _add_queue(self, resource: Resource, declarations: Sequence[Declaration]) -> None:
        name = physical_name(self._deployment, resource)
        dead = self._queue(f"{resource.name}Dead", f"{name}-dead", kept=_KEPT)
        slowest_seconds = max(
            (
                each.timeout_seconds
                for each in declarations
                if isinstance(each.trigger, QueueTrigger) and each.trigger.queue is resource
            ),
            default=30,
        )
        self._queues[resource] = self._queue(
            resource.name,
            name,
            # Six time-outs, as Lambda asks: a message must not come back while it is worked on.
            visible_after=Duration.seconds(6 * slowest_seconds),
            dead=DeadLetterQueue(queue=dead, max_receive_count=_TRIES),
        )

    def _feed(self, trigger: QueueTrigger) -> None:
        """Have topics publish into the queue, and let nobody else do it in their name."""
        queue = self._queues[trigger.queue]
        only = {name: list(values) for name, values in (trigger.only or {}).items()}
        for resource in trigger.topics:
            CfnSubscription(
                self,
                f"{resource.name}Feeds{trigger.queue.name}",
                topic_arn=self._topics[resource].topic_arn,
                protocol="sqs",
                endpoint=queue.queue_arn,
                filter_policy=only or None,
            )
        queue.add_to_resource_policy(
            PolicyStatement(
                principals=[ServicePrincipal("sns.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                conditions={
                    "ArnEquals": {
                        "aws:SourceArn": [self._topics[each].topic_arn for each in trigger.topics]
                    }
                },
            )
        )

    def _queue(
        self,
        construct_id: str,
        name: str,
        *,
        kept: Duration | None = None,
        visible_after: Duration | None = None,
        dead: DeadLetterQueue | None = None,
    ) -> Queue:
        return Queue(
            self,
            construct_id,
            queue_name=name,
            encryption=QueueEncryption.KMS,
            encryption_master_key=self._key,
            data_key_reuse=Duration.minutes(5),
            enforce_ssl=True,
            retention_period=kept,
            visibility_timeout=visible_after,
            dead_letter_queue=dead,
            removal_policy=self._removal,
        )
