"""Delayed messages reach their consumer when they are due, at least once."""

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
from wedsync.cloud import Cloud, Delayed
from wedsync.resources import Resource


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
