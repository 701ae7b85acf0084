"""Streams on Kinesis."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wedsync.aws.faults import Caller
from wedsync.cloud import PutFailure, PutFailures, Record
from wedsync.cloud.limits import check_records

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient


class KinesisStream:
    """A ``wedsync.cloud.Stream`` on Kinesis."""

    def __init__(self, client: "KinesisClient", *, name: str, caller: Caller) -> None:
        self._client = client
        self._name = name
        self._call = caller

    def put(self, records: Sequence[Record]) -> PutFailures:
        """One call, which may succeed in part: the answer names what to put again.

        OutcomeUnknown leaves open which are in; putting them again makes duplicates.
        """
        check_records(records)
        if not records:
            return ()
        answer = self._call(
            lambda: self._client.put_records(
                StreamName=self._name,
                Records=[{"Data": r.data, "PartitionKey": r.partition_key} for r in records],
            ),
            repeatable=False,
        )
        if not answer.get("FailedRecordCount", 0):
            return ()
        return tuple(
            PutFailure(position, result["ErrorCode"])
            for position, result in enumerate(answer["Records"])
            if "ErrorCode" in result
        )
