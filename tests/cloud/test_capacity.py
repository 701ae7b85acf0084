"""Room, on both clouds; on AWS also what moto does not refuse, by the model of the service."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain

import pytest
from botocore.stub import Stubber

from infra.local.clock import SeededIds
from infra.local.engine import LocalCloud
from tests.cloud.fake_aws import PREFIX, REGION
from wedsync.aws.capacity import AwsCapacity
from wedsync.aws.clients import Clients
from wedsync.aws.cloud import AwsCloud
from wedsync.aws.faults import ATTEMPTS, Caller
from wedsync.cloud import Capacity, CapacityBusy, CapacityRefused, Cloud, Record
from wedsync.errors import OutcomeUnknown, Throttled
from wedsync.resources import Resource

FUNCTION = "metrics-ingest"
STREAM = "metrics"


@pytest.fixture
def capacity(cloud: Cloud) -> Capacity:
    return cloud.capacity(Resource.CAPACITY)


def test_what_is_reserved_is_kept_until_it_is_given_back(capacity: Capacity) -> None:
    assert capacity.reserved(FUNCTION) is None
    for number in (40, 40, 80):
        capacity.reserve(FUNCTION, number)
        assert capacity.reserved(FUNCTION) == number
    assert capacity.reserved("metrics-series") is None
    for _ in range(2):
        capacity.reserve(FUNCTION, None)
        assert capacity.reserved(FUNCTION) is None


def test_a_stream_goes_to_the_double_at_most_and_to_the_half_at_least(capacity: Capacity) -> None:
    present = capacity.shards(STREAM)
    for wanted in (2 * present, 2 * present, 2 * present - 1, present):
        capacity.reshard(STREAM, wanted)
        assert capacity.shards(STREAM) == wanted
    with pytest.raises(CapacityRefused, match=f"{present} shards goes to .* at once, not to 9"):
        capacity.reshard(STREAM, 9)
    capacity.reshard(STREAM, 3)
    with pytest.raises(CapacityRefused, match="goes to 2 to 6 at once"):
        capacity.reshard(STREAM, 1)
    assert capacity.shards(STREAM) == 3


def test_what_is_not_there_has_no_room(aws: AwsCloud, local: LocalCloud) -> None:
    with pytest.raises(CapacityRefused, match="nothing of this name"):
        aws.capacity(Resource.CAPACITY).reserve("no-function", 40)
    for cloud in (aws, local):
        with pytest.raises(CapacityRefused, match="nothing of this name"):
            cloud.capacity(Resource.CAPACITY).shards("no-stream")


def test_what_was_put_before_shards_were_split_and_merged_is_there_and_in_order(
    local: LocalCloud,
) -> None:
    stream, capacity = local.stream(Resource.METRICS_STREAM), local.capacity(Resource.CAPACITY)
    for number, shards in enumerate((4, 8, 7, 4, 2, 1)):
        capacity.reshard(STREAM, shards)
        stream.put([Record(partition_key=f"{key}", data=b"%d" % number) for key in range(50)])
    held = [stream.records(each.shard_id) for each in stream.shards()]
    numbers = [[int(record.data) for record in records] for records in held]
    assert Counter(chain.from_iterable(numbers)) == dict.fromkeys(range(6), 50)
    assert all(each == sorted(each) for each in numbers)
    (widest,) = [each for each in stream.shards() if each.is_open]
    assert (widest.first_hash, widest.last_hash) == (0, 2**128 - 1)


def test_a_split_keeps_shards_of_equal_width(local: LocalCloud) -> None:
    stream = local.stream(Resource.METRICS_STREAM)
    local.capacity(Resource.CAPACITY).reshard(STREAM, 8)
    widths = {each.last_hash - each.first_hash for each in stream.shards() if each.is_open}
    assert widths == {2**125 - 1}


class OnStubs:
    """Boto3 itself, which holds each call and answer to the model of its service."""

    def __init__(self, clients: Clients) -> None:
        self.lambda_ = Stubber(clients.functions)
        self.kinesis = Stubber(clients.kinesis)
        self.pauses: list[float] = []
        self.capacity = AwsCapacity(
            clients.functions,
            clients.kinesis,
            prefix=PREFIX,
            caller=Caller(SeededIds(1), sleep=self.pauses.append),
        )

    def describes(
        self, shards: int = 4, *, status: str = "ACTIVE", mode: str | None = None
    ) -> None:
        summary: dict[str, object] = {
            "StreamName": f"{PREFIX}-{STREAM}",
            "StreamARN": f"arn:aws:kinesis:eu-west-1:123456789012:stream/{PREFIX}-{STREAM}",
            "StreamStatus": status,
            "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": 1_781_964_298,
            "EnhancedMonitoring": [],
            "OpenShardCount": shards,
        }
        if mode is not None:
            summary["StreamModeDetails"] = {"StreamMode": mode}
        self.kinesis.add_response(
            "describe_stream_summary",
            {"StreamDescriptionSummary": summary},
            {"StreamName": f"{PREFIX}-{STREAM}"},
        )

    def refuses(self, operation: str, code: str, *, status: int = 400, times: int = 1) -> None:
        stubber = self.lambda_ if "function" in operation else self.kinesis
        for _ in range(times):
            stubber.add_client_error(operation, code, "account 123", http_status_code=status)


@pytest.fixture
def stubs(names: Mapping[Resource, str]) -> Iterator[OnStubs]:
    """Inside mock_aws, so that a call that no stub expects leaves nobody's machine either."""
    del names
    stubs = OnStubs(Clients(region=REGION))
    with stubs.lambda_, stubs.kinesis:
        yield stubs
    stubs.lambda_.assert_no_pending_responses()
    stubs.kinesis.assert_no_pending_responses()


def test_calls_are_as_the_services_describe_them(stubs: OnStubs) -> None:
    name = f"{PREFIX}-{FUNCTION}"
    kept = {"ReservedConcurrentExecutions": 40}
    stubs.lambda_.add_response("get_function_concurrency", kept, {"FunctionName": name})
    stubs.lambda_.add_response("put_function_concurrency", kept, {"FunctionName": name, **kept})
    stubs.lambda_.add_response("delete_function_concurrency", {}, {"FunctionName": name})
    assert stubs.capacity.reserved(FUNCTION) == 40
    stubs.capacity.reserve(FUNCTION, 40)
    stubs.capacity.reserve(FUNCTION, None)
    stubs.describes(4, mode="PROVISIONED")
    stubs.kinesis.add_response(
        "update_shard_count",
        {"StreamName": f"{PREFIX}-{STREAM}", "CurrentShardCount": 4, "TargetShardCount": 8},
        {
            "StreamName": f"{PREFIX}-{STREAM}",
            "TargetShardCount": 8,
            "ScalingType": "UNIFORM_SCALING",
        },
    )
    stubs.capacity.reshard(STREAM, 8)
    stubs.describes(8)
    stubs.capacity.reshard(STREAM, 8)  # a change counts against the ten of a day: none is asked


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("InvalidParameterValueException", "no room left"),
        ("ResourceNotFoundException", "nothing of this name"),
        ("AccessDeniedException", "may not change this"),
        ("CodeSigningConfigNotFoundException", "refuses it: CodeSigning"),
    ],
)
def test_what_lambda_refuses_for_good_is_told_once_and_why(
    stubs: OnStubs, code: str, reason: str
) -> None:
    stubs.refuses("put_function_concurrency", code)
    with pytest.raises(CapacityRefused, match=reason) as refused:
        stubs.capacity.reserve(FUNCTION, 100)
    assert "123" not in refused.value.reason
    assert stubs.pauses == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("LimitExceededException", "ten times in 24 hours"),
        ("ValidationException", "by demand"),
        ("InvalidArgumentException", "cannot have this number"),
    ],
)
def test_what_kinesis_refuses_for_good_is_told_once_and_why(
    stubs: OnStubs, code: str, reason: str
) -> None:
    stubs.describes()
    stubs.refuses("update_shard_count", code)
    with pytest.raises(CapacityRefused, match=reason):
        stubs.capacity.reshard(STREAM, 8)


def test_a_stream_by_demand_has_no_number_of_shards_to_set(stubs: OnStubs) -> None:
    stubs.describes(mode="ON_DEMAND")
    with pytest.raises(CapacityRefused, match="by demand"):
        stubs.capacity.shards(STREAM)


def test_while_an_earlier_change_is_made_nothing_is_asked_for(stubs: OnStubs) -> None:
    stubs.describes(5, status="UPDATING")
    with pytest.raises(CapacityBusy):
        stubs.capacity.reshard(STREAM, 8)
    stubs.describes()
    stubs.refuses("update_shard_count", "ResourceInUseException")
    with pytest.raises(CapacityBusy):
        stubs.capacity.reshard(STREAM, 8)
    stubs.refuses("put_function_concurrency", "ResourceConflictException", status=409)
    with pytest.raises(CapacityBusy):
        stubs.capacity.reserve(FUNCTION, 40)


def test_a_throttle_is_waited_out_and_a_lost_answer_asked_for_again(stubs: OnStubs) -> None:
    stubs.refuses("put_function_concurrency", "TooManyRequestsException", status=429)
    stubs.refuses("put_function_concurrency", "ServiceException", status=500)
    stubs.lambda_.add_response("put_function_concurrency", {"ReservedConcurrentExecutions": 40})
    stubs.capacity.reserve(FUNCTION, 40)
    assert len(stubs.pauses) == 2
    throttle = "TooManyRequestsException"
    stubs.refuses("put_function_concurrency", throttle, status=429, times=ATTEMPTS)
    with pytest.raises(Throttled):
        stubs.capacity.reserve(FUNCTION, 40)
    stubs.refuses("put_function_concurrency", "ServiceException", status=500, times=ATTEMPTS)
    with pytest.raises(OutcomeUnknown):
        stubs.capacity.reserve(FUNCTION, 40)
