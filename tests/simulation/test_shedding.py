"""An outage of the consumer under load: who can wait does, and what was acknowledged is counted.

I3: a point that was answered 202 is counted once the outage is over; one that was answered 429 is
not, unless it came again. I18: at any moment no request waits while a less urgent one is taken.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import cast

import pytest

from infra.local.engine import LocalCloud
from tests.builders import utc
from tests.functions.stage import FUNCTIONS, Context, RecordingCloud
from tests.harness import Bundle, a_point, a_wedding_request
from wedsync.cloud import Cloud
from wedsync.metrics.point import Priority
from wedsync.resources import Resource
from wedsync.runtime.declarations import Declaration

START = utc("2026-06-20T14:05")
STEP_SECONDS = 20
OUTAGE = range(3, 18)
STEPS = 30
DAY = "of the open wedding"
SERIES = "/api/metrics/series"
Line = dict[str, list[tuple[int, float]]]


class Outage:
    """While it lasts, the consumer cannot store what it counts."""

    def __init__(self) -> None:
        self.lasts = False

    def clouds(self, cloud: LocalCloud) -> Callable[[Declaration], Cloud]:
        down = frozenset({Resource.HOT_WINDOWS})
        failing = RecordingCloud(cloud, set(), set(), down=down)

        def of(declaration: Declaration) -> Cloud:
            is_hit = self.lasts and declaration.name == "streams-metrics"
            return failing if is_hit else cloud

        return of


def _redrive(bundle: Bundle) -> None:
    """What ran out of retries lies in the failure store, and is counted from there."""
    bucket = bundle.cloud.bucket(Resource.QUARANTINE)
    for name in bucket.names():
        if name.startswith("aws/lambda/"):
            payload = json.loads(json.loads(bucket.get(name) or b"{}")["payload"])
            FUNCTIONS["streams-metrics"].run(payload, Context(), bundle.cloud, bundle.settings)


@pytest.mark.parametrize("seed", [1])
def test_nothing_acknowledged_is_lost_and_the_least_urgent_wait_first(seed: int) -> None:
    rng = random.Random(seed)
    outage = Outage()
    acknowledged: Counter[str] = Counter()
    told_to_wait: Counter[str] = Counter()
    with Bundle(at=START, limits=True, seed=seed, cloud_of=outage.clouds) as bundle:
        wedding = bundle.register(a_wedding_request())
        for step in range(STEPS):
            outage.lasts = step in OUTAGE
            taken = []
            order = [*Priority, DAY]
            rng.shuffle(order)
            for who in order:
                members = {"weddingId": wedding} if who == DAY else {"priority": who}
                name = f"load.{who.replace(' ', '_')}"
                points = [
                    {**a_point(name, bundle.now, kind="counter"), **members}
                    for _ in range(rng.randint(1, 5))
                ]
                answer = bundle.post("/api/metrics/ingest", points)
                if answer.status == 202:
                    acknowledged[name] += len(points)
                    taken.append(who)
                else:
                    assert answer.status == 429
                    assert int(answer.headers["retry-after"]) > 0
                    told_to_wait[name] += 1
            # Whoever was taken, all that are more urgent were as well.
            ranked = [*Priority, DAY]
            assert sorted(taken, key=ranked.index) == ranked[len(ranked) - len(taken) :]
            bundle.advance(STEP_SECONDS)
        bundle.advance(120)
        _redrive(bundle)
        counted: Counter[str] = Counter()
        for name in acknowledged:
            answer = bundle.get(SERIES, name=name, stat="sum", window="1m", timeRange="1h")
            assert answer.status == 200, answer
            counted[name] = sum(
                round(value)
                for line in cast("list[Line]", answer["series"])
                for _, value in line["points"]
            )
        assert counted == acknowledged
    assert told_to_wait["load.low"] > told_to_wait["load.normal"] > 0
    assert told_to_wait["load.of_the_open_wedding"] == 0
