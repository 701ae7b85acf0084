"""Delayed messages reach their consumer when they are due, at least once."""

import json
from typing import cast

import pytest

from tests.infra.local.functions_under_test import (
    SATURDAY,
    Event,
    Scripted,
    a_cloud,
    a_machine,
    a_waker,
    failing,
    kept_failures,
    records_of,
)
from wedsync.cloud import Cloud, Delayed, Message
from wedsync.resources import Resource
from wedsync.runtime.declarations import QueueTrigger


def send(cloud: Cloud, body: str, delay_seconds: int = 0) -> None:
    cloud.queue(Resource.WAKE).send(Delayed(body, delay_seconds))


def bodies(waker: Scripted) -> list[list[object]]:
    return [[record["body"] for record in records_of(event)] for event in waker.events]


def test_a_message_comes_exactly_when_its_delay_is_over() -> None:
    cloud, clock = a_cloud()
    seen: list[float] = []
    waker = a_waker(lambda *_: seen.append((clock.now() - SATURDAY).total_seconds()))
    machine = a_machine(cloud, waker)
    send(cloud, "tier 1", 300)
    send(cloud, "tier 0")
    machine.advance(0)
    assert bodies(waker) == [["tier 0"]]
    machine.advance(900)
    assert bodies(waker) == [["tier 0"], ["tier 1"]]
    assert seen == [0, 300]


def test_messages_come_in_batches_that_look_as_lambda_makes_them() -> None:
    cloud, _ = a_cloud()
    waker = a_waker()
    for number in range(12):
        send(cloud, str(number))
    assert a_machine(cloud, waker).run_due() == {"streams-wake": 2}
    assert [len(records_of(event)) for event in waker.events] == [10, 2]
    first = records_of(waker.events[0])[0]
    assert first["eventSource"] == "aws:sqs"
    assert first["eventSourceARN"] == "arn:aws:sqs:us-east-1:000000000000:wedsync-wake"
    attributes = cast("dict[str, str]", first["attributes"])
    assert attributes["ApproximateReceiveCount"] == "1"


def test_only_reported_messages_come_again() -> None:
    cloud, _ = a_cloud()

    def script(event: Event, _: Cloud) -> object:
        return failing(*(str(r["messageId"]) for r in records_of(event) if r["body"] == "b"))

    waker = a_waker(script)
    for body in ("a", "b", "c"):
        send(cloud, body)
    a_machine(cloud, waker).advance(20)
    assert bodies(waker) == [["a", "b", "c"], ["b"], ["b"]]


def publish(cloud: Cloud, topic: Resource, kind: str, tier: int = 0) -> None:
    attributes: dict[str, str | int] = {"kind": kind, "tier": tier}
    cloud.topic(topic).publish(Message(subject="a subject", body=kind, attributes=attributes))


def a_fed_consumer(**only: tuple[str, ...]) -> Scripted:
    trigger = QueueTrigger(
        queue=Resource.RECIPIENTS, topics=(Resource.TIER_0, Resource.TIER_1), only=only or None
    )
    return Scripted("streams.recipients", trigger)


def told(consumer: Scripted) -> list[str]:
    texts = [str(body) for batch in bodies(consumer) for body in batch]
    return [str(json.loads(text)["Message"]) for text in texts]


def test_topics_feed_a_queue_in_the_envelope_of_sns() -> None:
    cloud, _ = a_cloud()
    consumer = a_fed_consumer()
    machine = a_machine(cloud, consumer)
    publish(cloud, Resource.TIER_0, "page")
    publish(cloud, Resource.TIER_2, "other topic")
    publish(cloud, Resource.TIER_1, "notice", tier=1)
    machine.advance(0)
    assert told(consumer) == ["page", "notice"]
    first = json.loads(str(records_of(consumer.events[0])[0]["body"]))
    assert (first["Type"], first["Subject"]) == ("Notification", "a subject")
    assert first["MessageAttributes"] == {
        "kind": {"Type": "String", "Value": "page"},
        "tier": {"Type": "Number", "Value": "0"},
    }
    assert machine.next_due() is None


def test_a_filter_policy_chooses_what_a_queue_is_fed() -> None:
    cloud, _ = a_cloud()
    consumer = a_fed_consumer(kind=("page", "reminder"))
    machine = a_machine(cloud, consumer)
    for kind in ("page", "notice", "reminder"):
        publish(cloud, Resource.TIER_0, kind)
    machine.advance(0)
    assert told(consumer) == ["page", "reminder"]


def test_a_restart_feeds_what_came_since_and_a_new_consumer_nothing_older() -> None:
    cloud, _ = a_cloud()
    publish(cloud, Resource.TIER_0, "before there was a consumer")
    first = a_fed_consumer()
    a_machine(cloud, first).advance(0)
    publish(cloud, Resource.TIER_0, "while nobody ran")
    second = a_fed_consumer()
    a_machine(cloud, second).advance(0)
    assert (told(first), told(second)) == ([], ["while nobody ran"])


@pytest.mark.parametrize("answer", ["unknown id", "error"])
def test_a_batch_that_fails_as_a_whole_comes_again(answer: str) -> None:
    cloud, _ = a_cloud()

    def script(*_: object) -> object:
        if answer == "error":
            raise ValueError
        return failing("unknown")

    waker = a_waker(script)
    send(cloud, "a")
    send(cloud, "b")
    a_machine(cloud, waker).advance(5)
    assert bodies(waker) == [["a", "b"], ["a", "b"]]


def test_the_fifth_failure_is_the_last_and_is_kept_with_its_reason() -> None:
    cloud, _ = a_cloud()

    def script(*_: object) -> object:
        raise ValueError("no")

    waker = a_waker(script)
    send(cloud, "a")
    machine = a_machine(cloud, waker)
    machine.advance(3600)
    assert len(waker.events) == 5
    (failure,) = kept_failures(cloud)
    assert (failure["reason"], failure["body"], failure["receives"]) == ("ValueError: no", "a", 5)
    assert machine.next_due() is None


def test_a_message_whose_function_died_comes_again_after_its_lease() -> None:
    cloud, _ = a_cloud()

    class Killed(BaseException):
        pass

    def die(*_: object) -> object:
        raise Killed

    send(cloud, "a")
    with pytest.raises(Killed):
        a_machine(cloud, a_waker(die)).run_due()
    waker = a_waker()
    machine = a_machine(cloud, waker)
    machine.advance(0)
    assert bodies(waker) == []
    machine.advance(60)
    assert bodies(waker) == [["a"]]
