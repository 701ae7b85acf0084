"""Room on AWS: the concurrency that Lambda reserves for a function, and the shards of a stream."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from wedsync.aws.faults import Caller, Fault, code_of, fault_of
from wedsync.cloud import CapacityBusy, CapacityRefused
from wedsync.cloud.limits import check_resharding

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient

_STEADY = "ACTIVE"
_ON_DEMAND = "ON_DEMAND"
_BUSY = frozenset({"ResourceConflictException", "ResourceInUseException"})
_ANY = {
    "AccessDeniedException": "the installation may not change this",
    "ResourceNotFoundException": "the installation has nothing of this name",
}
_OF_FUNCTION = {
    **_ANY,
    "InvalidParameterValueException": (
        "the account has no room left for it: 100 concurrent runs stay for all other functions"
    ),
}
_OF_STREAM = {
    **_ANY,
    # For this one call it is no throttle: it tells of ten changes in 24 hours, and of the quota.
    "LimitExceededException": (
        "the stream was changed ten times in 24 hours, or the account has no more shards"
    ),
    "InvalidArgumentException": "a stream cannot have this number of shards",
    "ValidationException": "the stream has its shards by demand",
}

_Answer = TypeVar("_Answer")


class AwsCapacity:
    """A ``wedsync.cloud.Capacity`` of one installation.

    A stream that is changed takes minutes, in which it takes records, and no other change.
    """

    def __init__(
        self,
        functions: "LambdaClient",
        streams: "KinesisClient",
        *,
        prefix: str,
        caller: Caller,
    ) -> None:
        """``prefix`` is what the names of the installation's functions and streams begin with."""
        self._functions = functions
        self._streams = streams
        self._prefix = prefix
        self._call = caller

    def reserved(self, function: str) -> int | None:
        """What Lambda keeps for the function; None where nobody has said."""
        answer = self._ask(
            lambda: self._functions.get_function_concurrency(FunctionName=self._name(function)),
            _OF_FUNCTION,
        )
        return answer.get("ReservedConcurrentExecutions")

    def reserve(self, function: str, concurrency: int | None) -> None:
        """In force at once."""
        name = self._name(function)
        if concurrency is None:
            self._ask(
                lambda: self._functions.delete_function_concurrency(FunctionName=name),
                _OF_FUNCTION,
            )
            return
        self._ask(
            lambda: self._functions.put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=concurrency
            ),
            _OF_FUNCTION,
        )

    def shards(self, stream: str) -> int:
        """Its open shards. CapacityBusy while it changes: the number is one in between then."""
        answer = self._ask(
            lambda: self._streams.describe_stream_summary(StreamName=self._name(stream)), _ANY
        )
        summary = answer["StreamDescriptionSummary"]
        if summary.get("StreamModeDetails", {}).get("StreamMode") == _ON_DEMAND:
            raise CapacityRefused(_OF_STREAM["ValidationException"])
        if summary["StreamStatus"] != _STEADY:
            raise CapacityBusy
        return summary["OpenShardCount"]

    def reshard(self, stream: str, shards: int) -> None:
        """Begin the change; nothing is asked of Kinesis where it has so many."""
        present = self.shards(stream)
        if present == shards:
            return
        try:
            check_resharding(present, shards)
        except ValueError as error:
            raise CapacityRefused(str(error)) from None
        self._ask(
            lambda: self._streams.update_shard_count(
                StreamName=self._name(stream),
                TargetShardCount=shards,
                ScalingType="UNIFORM_SCALING",
            ),
            _OF_STREAM,
        )

    def _ask(self, operation: Callable[[], _Answer], refusals: Mapping[str, str]) -> _Answer:
        def attempt() -> _Answer:
            try:
                return operation()
            except ClientError as error:
                code = code_of(error)
                if code in _BUSY:
                    raise CapacityBusy from error
                if code in refusals:
                    raise CapacityRefused(refusals[code]) from error
                if fault_of(error) in {Fault.INVALID, Fault.ANSWERED}:
                    raise CapacityRefused(f"the cloud refuses it: {code}") from error
                raise

        return self._call(attempt, repeatable=True)

    def _name(self, slug: str) -> str:
        return f"{self._prefix}-{slug}"
