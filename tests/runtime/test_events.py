"""Functions that no caller waits for: which of their batch they give back."""

import base64
from collections.abc import Iterator, Sequence
from typing import cast

import pytest

from tests.functions.cases import a_key, a_registered_wedding, sample
from tests.functions.stage import FUNCTIONS, NOW, TENANT, Context, Stage, on_moto, on_sqlite
from wedsync.cloud import Arrived
from wedsync.errors import IncidentNotFound, Throttled, TooMuchContention
from wedsync.resources import Resource
from wedsync.runtime.aws import on_aws
from wedsync.runtime.events import queue_consumer
from wedsync.runtime.stream_consumers import from_base64, stream_consumer
from wedsync.stores.services import Services


@pytest.fixture
def stage() -> Iterator[Stage]:
    with on_sqlite() as stage:
        yield stage


def test_poison_is_parked_and_its_neighbours_are_counted(stage: Stage) -> None:
    a_key(stage)
    a_registered_wedding(stage)
    answer = stage.run("streams-metrics", sample("streams-metrics"))
    assert answer == {"batchItemFailures": []}
    parked = stage.services.rejections.page(TENANT, limit=50, cursor=None).rejections
    assert [(each.code, each.index) for each in parked] == [("malformed-json", None)]
    assert parked[0].stored_as is not None
    assert stage.cloud.bucket(Resource.QUARANTINE).get(parked[0].stored_as)


@pytest.mark.parametrize("resource", [Resource.HOT_WINDOWS, Resource.SIGNING, Resource.WEDDINGS])
def test_while_the_cloud_fails_the_batch_comes_again_from_its_first_record(
    stage: Stage, resource: Resource
) -> None:
    a_key(stage)
    event = sample("streams-metrics")
    records = cast("list[dict[str, dict[str, str]]]", event["Records"])
    answer = stage.run("streams-metrics", event, down=frozenset({resource}))
    first = records[0]["kinesis"]["sequenceNumber"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": first}]}
    assert stage.run("streams-metrics", event) == {"batchItemFailures": []}


def test_a_record_tells_when_it_arrived_and_from_where(stage: Stage) -> None:
    seen: list[Arrived] = []

    @stream_consumer(Resource.METRICS_STREAM, summary="Look", uses=())
    def handler(records: Sequence[Arrived], services: Services) -> None:
        del services
        seen.extend(records)

    handler.run(sample("streams-metrics"), Context(), stage.cloud, stage.settings)
    assert [each.arrived_at_ms for each in seen] == [
        round(NOW.timestamp() * 1000) + n for n in (1, 2, 3)
    ]
    assert {(each.stream, each.shard) for each in seen} == {
        ("wedsync-prod-metrics", "shardId-000000000000")
    }
    assert len({each.sequence for each in seen}) == 3


def test_of_a_queues_batch_only_the_failed_messages_come_again(stage: Stage) -> None:
    @queue_consumer(Resource.WAKE, summary="Fail at watches", uses=())
    def handler(body: str, services: Services) -> None:
        del services
        if "watch" in body:
            raise Throttled

    event = sample("streams-wake")
    records = cast("list[dict[str, str]]", event["Records"])
    answer = handler.run(event, Context(), stage.cloud, stage.settings)
    assert answer == {"batchItemFailures": [{"itemIdentifier": records[1]["messageId"]}]}


@pytest.mark.parametrize("failure", [IncidentNotFound(), TooMuchContention(), ValueError("?")])
def test_a_message_that_nobody_foresaw_holds_up_none_of_its_batch(
    stage: Stage, failure: Exception
) -> None:
    done: list[str] = []

    @queue_consumer(Resource.WAKE, summary="Fail at watches", uses=())
    def handler(body: str, services: Services) -> None:
        del services
        if "watch" in body:
            raise failure
        done.append(body)

    event = sample("streams-wake")
    records = cast("list[dict[str, str]]", event["Records"])
    answer = handler.run(event, Context(), stage.cloud, stage.settings)
    assert answer == {"batchItemFailures": [{"itemIdentifier": records[1]["messageId"]}]}
    assert len(done) == len(records) - 1


def test_a_deployed_function_opens_what_its_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with on_moto() as stage:
        assert stage.names is not None
        monkeypatch.setenv("AWS_REGION", stage.settings.region)
        monkeypatch.setenv("WEDSYNC_STAGE", "prod")
        monkeypatch.setenv("WEDSYNC_OPERATOR_TENANT", "operator")
        monkeypatch.setenv("WEDSYNC_PACKS", "4")
        monkeypatch.setenv("WEDSYNC_REQUESTS_PER_MINUTE", "100")
        monkeypatch.setenv("WEDSYNC_DEVICE_REQUESTS_PER_MINUTE", "0")
        monkeypatch.setenv("WEDSYNC_TENANT_POINTS_PER_MINUTE", "0")
        monkeypatch.setenv("WEDSYNC_STREAM_NAME", "test-metrics")
        monkeypatch.setenv("WEDSYNC_HISTORY_STORE", "dynamodb")
        for read in (Resource.WEDDINGS, Resource.WINDOWS, Resource.REJECTIONS):
            monkeypatch.setenv(read.variable, stage.names[read])
        on_aws.cache_clear()
        try:
            answer = FUNCTIONS["weddings-listing"](sample("weddings-listing"), Context())
        finally:
            on_aws.cache_clear()
    assert cast("dict[str, object]", answer)["statusCode"] == 200


@pytest.mark.parametrize(
    ("text", "told"), [("", b""), ("QQ==", b"A"), ("QUI=", b"AB"), ("QUI=\n", b"AB")]
)
def test_base64_is_read_as_python_itself_reads_it(text: str, told: bytes) -> None:
    assert from_base64(text) == told == base64.b64decode(text)


@pytest.mark.parametrize("text", ["QQ", "é"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"padding|ASCII"):
        from_base64(text)
