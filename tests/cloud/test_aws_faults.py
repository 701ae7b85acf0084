"""What a failed call to AWS becomes, and which calls are sent again."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from infra.local.clock import ManualClock, SeededIds
from tests.cloud.conftest import SATURDAY
from wedsync.aws.faults import ATTEMPTS, Caller
from wedsync.aws.streams import KinesisStream
from wedsync.aws.tables import DynamoTable
from wedsync.cloud import (
    Absent,
    Condition,
    ConditionFailed,
    Equals,
    Item,
    Key,
    LessThan,
    PutFailure,
    Record,
)
from wedsync.errors import OutcomeUnknown, Throttled
from wedsync.resources import Resource

KEY = Key("p", "a")
URL = "https://dynamodb.test"


def refusal(code: str, status: int = 400, **more: object) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": ""},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(answer, "PutItem")


THROTTLED = refusal("ProvisionedThroughputExceededException")
LOST = ReadTimeoutError(endpoint_url=URL)
FAILED = refusal("ConditionalCheckFailedException")


class ScriptedClient:
    """Answers every call with the next line of its script."""

    def __init__(self, *script: dict[str, object] | Exception) -> None:
        self._script: Iterator[dict[str, object] | Exception] = iter(script)
        self.requests: list[dict[str, object]] = []

    def __getattr__(self, name: str) -> Callable[..., dict[str, object]]:
        def answer(**request: object) -> dict[str, object]:
            self.requests.append(request)
            line = next(self._script)
            if isinstance(line, Exception):
                raise line
            return line

        return answer


def a_caller(pauses: list[float] | None = None) -> Caller:
    taken: list[float] = [] if pauses is None else pauses
    return Caller(SeededIds(1), sleep=taken.append)


def a_table(client: Any) -> DynamoTable:  # noqa: ANN401 - stands for boto3's client
    return DynamoTable(
        client, Resource.ALERTS, name="alerts", clock=ManualClock(SATURDAY), caller=a_caller()
    )


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (refusal("ProvisionedThroughputExceededException"), Throttled),
        (refusal("ThrottlingException"), Throttled),
        (refusal("LimitExceededException"), Throttled),
        (refusal("RequestLimitExceeded", 503), Throttled),
        (refusal("SlowDown", 503), Throttled),
        (refusal("Anything", 429), Throttled),
        (EndpointConnectionError(endpoint_url=URL), Throttled),
        (ConnectTimeoutError(endpoint_url=URL), Throttled),
        (ReadTimeoutError(endpoint_url=URL), OutcomeUnknown),
        (ConnectionClosedError(endpoint_url=URL), OutcomeUnknown),
        (refusal("InternalServerError", 500), OutcomeUnknown),
        (refusal("ServiceUnavailable", 503), OutcomeUnknown),
        (refusal("RequestTimeout"), OutcomeUnknown),
        (refusal("ValidationException"), ValueError),
        (refusal("AccessDeniedException"), ClientError),
        (refusal("ResourceNotFoundException"), ClientError),
    ],
)
def test_a_lasting_failure_says_whether_it_may_have_been_done(
    error: Exception, becomes: type[Exception]
) -> None:
    with pytest.raises(becomes) as caught:
        a_table(ScriptedClient(*[error] * ATTEMPTS)).get(KEY)
    assert caught.type is becomes


def test_a_passing_failure_is_tried_again_with_growing_pauses() -> None:
    pauses: list[float] = []
    script = iter([THROTTLED, LOST, THROTTLED])

    def operation() -> str:
        for error in script:
            raise error
        return "done"

    assert a_caller(pauses)(operation, repeatable=True) == "done"
    assert all(
        low <= pause < 2 * low for low, pause in zip((0.025, 0.05, 0.1), pauses, strict=True)
    )


@pytest.mark.parametrize(
    ("script", "repeatable", "becomes", "calls"),
    [
        ([THROTTLED] * ATTEMPTS, False, Throttled, ATTEMPTS),
        ([LOST], False, OutcomeUnknown, 1),
        ([THROTTLED, LOST], False, OutcomeUnknown, 2),
        ([LOST] * ATTEMPTS, True, OutcomeUnknown, ATTEMPTS),
        ([LOST, *[THROTTLED] * (ATTEMPTS - 1)], True, OutcomeUnknown, ATTEMPTS),
        ([FAILED], True, ClientError, 1),
        ([THROTTLED, FAILED], True, ClientError, 2),
        ([LOST, FAILED], True, OutcomeUnknown, 2),
    ],
)
def test_a_lost_answer_is_remembered(
    script: Sequence[Exception],
    repeatable: bool,  # noqa: FBT001 - a column of the table
    becomes: type[Exception],
    calls: int,
) -> None:
    made: list[Exception] = []

    def operation() -> None:
        made.append(script[len(made)])
        raise made[-1]

    with pytest.raises(becomes):
        a_caller()(operation, repeatable=repeatable)
    assert len(made) == calls


@pytest.mark.parametrize(
    ("when", "sends"),
    [
        (None, 2),
        (Absent(), 2),
        (Equals("version", 1), 2),
        (LessThan("version", 2), 2),
        (Equals("state", "open"), 1),
    ],
)
def test_a_put_is_sent_again_only_if_it_cannot_undo_what_came_after_it(
    when: Condition | None, sends: int
) -> None:
    client = ScriptedClient(LOST, {})
    item = Item(KEY, {"version": 2, "state": "open"})
    if sends == 1:
        with pytest.raises(OutcomeUnknown):
            a_table(client).put(item, when=when)
    else:
        a_table(client).put(item, when=when)
    assert len(client.requests) == sends


def test_a_failed_condition_after_a_lost_answer_may_be_our_own_write() -> None:
    client = ScriptedClient(LOST, refusal("ConditionalCheckFailedException", Item={}))
    with pytest.raises(OutcomeUnknown):
        a_table(client).put(Item(KEY, {"version": 2}), when=Equals("version", 1))


def test_a_failed_condition_brings_what_is_stored() -> None:
    row = {"pk": {"S": "p"}, "sk": {"S": "a"}, "n": {"N": "3"}, "raw": {"B": "AP8="}}
    client = ScriptedClient(refusal("ConditionalCheckFailedException", Item=row))
    with pytest.raises(ConditionFailed) as caught:
        a_table(client).put(Item(KEY, {"n": 4}), when=Absent())
    assert caught.value.current == Item(KEY, {"n": 3, "raw": b"\x00\xff"})
    assert client.requests[0]["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"


def row(sk: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": "p"}, "sk": {"S": sk}}


def batch(found: Sequence[str], left: Sequence[str]) -> dict[str, object]:
    rest = {"alerts": {"Keys": [row(sk) for sk in left]}} if left else {}
    return {"Responses": {"alerts": [row(sk) for sk in found]}, "UnprocessedKeys": rest}


def test_keys_that_dynamodb_leaves_over_are_asked_for_again() -> None:
    client = ScriptedClient(batch("a", "bc"), batch("", "bc"), batch("bc", ""))
    found = a_table(client).get_many([Key("p", sk) for sk in "abc"])
    assert [item.key.sk for item in found] == ["a", "b", "c"]


def test_keys_that_are_left_over_for_ever_end_as_throttled() -> None:
    client = ScriptedClient(*[batch("", "a")] * ATTEMPTS)
    with pytest.raises(Throttled):
        a_table(client).get_many([KEY])


def test_records_that_kinesis_did_not_take_are_named() -> None:
    client: Any = ScriptedClient(
        {
            "FailedRecordCount": 1,
            "Records": [
                {"SequenceNumber": "1", "ShardId": "s"},
                {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow"},
            ],
        }
    )
    failures = KinesisStream(client, name="s", caller=a_caller()).put([Record("k", b"")] * 2)
    assert list(failures) == [PutFailure(1, "ProvisionedThroughputExceededException")]


def test_records_are_not_put_again_after_a_lost_answer() -> None:
    client: Any = ScriptedClient(LOST)
    with pytest.raises(OutcomeUnknown):
        KinesisStream(client, name="s", caller=a_caller()).put([Record("k", b"")])
    assert len(client.requests) == 1
