"""What a failed call to AWS means, and how long it is worth trying again.

botocore's own retries are off (see ``clients``): after a read timeout they send a write again
and then report only the answer to the second one, so a conditional write that happened would be
reported as one that did not.
"""

import time
from collections.abc import Callable
from enum import Enum, auto
from typing import TypeVar

from botocore.discovery import EndpointDiscoveryRefreshFailed
from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's name for it
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
)

from wedsync.cloud import Ids
from wedsync.errors import OutcomeUnknown, Throttled

ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.05
_SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429
_THROTTLES = frozenset(
    {
        "BandwidthLimitExceeded",
        "KMSThrottlingException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
    }
)
_INVALID = frozenset(
    {
        "InvalidArgument",
        "InvalidArgumentException",
        "InvalidParameter",
        "InvalidParameterException",
        "InvalidParameterValue",
        "ParameterValueInvalid",
        "SerializationException",
        "ValidationException",
    }
)
_LOST = frozenset({"RequestTimeout", "RequestTimeoutException"})

_Answer = TypeVar("_Answer")
_Failure = (
    ClientError
    | HTTPClientError
    | ConnectionError
    | IncompleteReadError
    | EndpointDiscoveryRefreshFailed
)


class Fault(Enum):
    """What a failure says about the call."""

    NOT_DONE = auto()
    """Refused for now, or never sent: trying again is safe."""
    UNKNOWN = auto()
    """Sent, and no usable answer came: it may have been done."""
    INVALID = auto()
    """Refused for ever, because of what was asked."""
    ANSWERED = auto()
    """An answer that means something to the one who asked, such as a failed condition."""


def fault_of(error: _Failure) -> Fault:
    """Classify a failure of botocore."""
    if isinstance(
        error, EndpointConnectionError | ConnectTimeoutError | EndpointDiscoveryRefreshFailed
    ):
        return Fault.NOT_DONE
    if not isinstance(error, ClientError):
        return Fault.UNKNOWN
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _THROTTLES or status == _TOO_MANY_REQUESTS:
        return Fault.NOT_DONE
    if status >= _SERVER_ERROR or code in _LOST:
        return Fault.UNKNOWN
    return Fault.INVALID if code in _INVALID else Fault.ANSWERED


def code_of(error: ClientError) -> str:
    """The service's name for its refusal."""
    return error.response.get("Error", {}).get("Code", "")


class Caller:
    """Calls AWS, with a few attempts and a jittered pause between them."""

    def __init__(self, ids: Ids, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._ids = ids
        self._sleep = sleep

    def __call__(self, operation: Callable[[], _Answer], *, repeatable: bool) -> _Answer:
        """The answer, or Throttled, OutcomeUnknown, ValueError, or the ClientError that means more.

        ``repeatable`` says that doing it twice is as good as once. Anything else is sent again
        only while it is certain that it was not done. What an attempt after a lost answer says of
        the state may be its predecessor's doing, so a refusal is then reported as unknown.
        """
        unknown = False
        attempt = 1
        while True:
            try:
                return operation()
            except (
                ClientError,
                HTTPClientError,
                ConnectionError,
                IncompleteReadError,
                EndpointDiscoveryRefreshFailed,
            ) as error:
                fault = fault_of(error)
                if fault is Fault.ANSWERED:
                    if unknown:
                        raise OutcomeUnknown from error
                    raise
                if fault is Fault.INVALID:
                    raise ValueError(f"AWS refused the call: {error}") from error
                unknown = unknown or fault is Fault.UNKNOWN
                if attempt == ATTEMPTS or (unknown and not repeatable):
                    raise (OutcomeUnknown if unknown else Throttled) from error
            self.pause(attempt)
            attempt += 1

    def pause(self, attempt: int) -> None:
        """Wait: twice as long each time, less a random part, so that crowds disperse."""
        spread = 0.5 + self._ids.secret(1)[0] / 512
        self._sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * spread)
