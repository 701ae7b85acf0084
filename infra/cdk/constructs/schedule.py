"""A function that the clock starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws
from aws_cdk.aws_iam import CfnRole
from aws_cdk.aws_lambda import CfnEventInvokeConfig
from aws_cdk.aws_scheduler import CfnSchedule
from constructs import Construct

from infra.cdk.constructs.policy import assumed_by, key_statements, missed_statements
from infra.grants import SENDING_FAILURES
from wedsync.resources import ResourceKind

if TYPE_CHECKING:
    from infra.cdk.addresses import Addresses
    from infra.cdk.constructs.function import DeclaredFunction
    from wedsync.runtime.declarations import ScheduleTrigger

_MINUTES_AN_HOUR = 60
_MINUTES_A_DAY = 1440


def clock_expression(every_minutes: int, after_minutes: int = 0) -> str:
    """Run on the clock's own multiples, unlike a rate, which counts from its making.

    Raises ValueError for a period that divides neither an hour nor a day into whole hours, and
    for a delay that is as long as the period.
    """
    if not 0 <= after_minutes < max(every_minutes, 1):
        raise ValueError(f"{after_minutes} minutes after the start are no part of the period")
    if every_minutes > 0 and _MINUTES_AN_HOUR % every_minutes == 0:
        hourly = every_minutes == _MINUTES_AN_HOUR
        minutes = str(after_minutes) if hourly else f"{after_minutes}/{every_minutes}"
        return f"cron({minutes} * * * ? *)"
    hours, rest = divmod(every_minutes, _MINUTES_AN_HOUR)
    if hours > 0 and rest == 0 and _MINUTES_A_DAY % every_minutes == 0:
        hour, minute = divmod(after_minutes, _MINUTES_AN_HOUR)
        at = str(hour) if every_minutes == _MINUTES_A_DAY else f"{hour}/{hours}"
        return f"cron({minute} {at} * * ? *)"
    raise ValueError(f"every {every_minutes} minutes does not fit the clock")


class DeclaredSchedule(Construct):
    """Starts a function in its rhythm and tells it the time that it was due.

    A run that cannot be started is tried for as long as one period: the next one catches up.
    What was given up lies on the queue of missed runs.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        trigger: ScheduleTrigger,
        function: DeclaredFunction,
        addresses: Addresses,
    ) -> None:
        """Create the schedule and the one role that may start this function."""
        super().__init__(scope, "Schedule")
        name = function.function.function_name
        patience_seconds = min(max(60, trigger.every_minutes * 60), 6 * 3600)
        role = CfnRole(
            self,
            "Role",
            assume_role_policy_document=assumed_by(
                "scheduler.amazonaws.com",
                {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            ),
            policies=[
                CfnRole.PolicyProperty(
                    policy_name="start",
                    policy_document={
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": ["lambda:InvokeFunction"],
                                "Resource": [function.arn],
                            },
                            *missed_statements(addresses),
                            *key_statements([(ResourceKind.QUEUE, SENDING_FAILURES)], addresses),
                        ],
                    },
                )
            ],
        )
        CfnSchedule(
            self,
            "Clock",
            name=name,
            schedule_expression=clock_expression(trigger.every_minutes, trigger.after_minutes),
            schedule_expression_timezone="UTC",
            flexible_time_window=CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=CfnSchedule.TargetProperty(
                arn=function.arn,
                role_arn=role.attr_arn,
                input='{"time": "<aws.scheduler.scheduled-time>"}',
                retry_policy=CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=patience_seconds, maximum_retry_attempts=10
                ),
                dead_letter_config=CfnSchedule.DeadLetterConfigProperty(arn=addresses.missed_arn),
            ),
        )
        CfnEventInvokeConfig(
            self,
            "Failures",
            function_name=function.function.ref,
            qualifier="$LATEST",
            maximum_event_age_in_seconds=patience_seconds,
            maximum_retry_attempts=2,
            destination_config=CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=CfnEventInvokeConfig.OnFailureProperty(destination=addresses.missed_arn)
            ),
        )
