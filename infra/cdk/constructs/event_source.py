"""Functions that Lambda starts with what lies on a stream or a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk.aws_lambda import CfnEventSourceMapping

if TYPE_CHECKING:
    from infra.cdk.addresses import Addresses
    from infra.cdk.constructs.function import DeclaredFunction
    from wedsync.runtime.declarations import QueueTrigger, StreamTrigger

_PARTIAL = ["ReportBatchItemFailures"]


def poll_stream(
    function: DeclaredFunction,
    trigger: StreamTrigger,
    addresses: Addresses,
    *,
    batching_seconds: int,
) -> CfnEventSourceMapping:
    """Feed the function from a stream, from its oldest record on, in batches of so many seconds.

    What fails for good goes to a bucket, because of all destinations only a bucket receives the
    records themselves.
    """
    return CfnEventSourceMapping(
        function,
        "Source",
        function_name=function.function.ref,
        event_source_arn=addresses.arn(trigger.stream),
        starting_position="TRIM_HORIZON",
        batch_size=trigger.batch_size,
        maximum_batching_window_in_seconds=batching_seconds,
        bisect_batch_on_function_error=True,
        maximum_retry_attempts=trigger.retries,
        maximum_record_age_in_seconds=trigger.max_age_seconds,
        function_response_types=_PARTIAL,
        destination_config=CfnEventSourceMapping.DestinationConfigProperty(
            on_failure=CfnEventSourceMapping.OnFailureProperty(
                destination=addresses.arn(trigger.failures_to)
            )
        ),
    )


def poll_queue(
    function: DeclaredFunction, trigger: QueueTrigger, addresses: Addresses
) -> CfnEventSourceMapping:
    """Feed the function from a queue; a failed message comes again without its neighbours."""
    return CfnEventSourceMapping(
        function,
        "Source",
        function_name=function.function.ref,
        event_source_arn=addresses.arn(trigger.queue),
        batch_size=trigger.batch_size,
        function_response_types=_PARTIAL,
    )
