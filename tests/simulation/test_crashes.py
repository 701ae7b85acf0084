"""What goes wrong at a change, or somebody who answers at one, harms nothing.

A part of the moments that ``make sim`` plays: every twelfth of each deed's, the first among them.
"""

import json
import logging
import random
from collections.abc import Iterator
from typing import cast

import pytest

from infra.local.clock import ManualClock
from infra.local.engine import LocalCloud
from infra.local.invocations import CloudOf
from tests.harness import Answer
from tests.simulation.cloud import FaultyCloud, Watchers
from tests.simulation.crashes import DEEDS, Stage, is_noticed, served_total, undisturbed
from tests.simulation.faults import Faults, History, Invocation, Rates
from tests.simulation.watching import Watch
from wedsync.cloud import Item, Key, Message
from wedsync.resources import Resource

EVERY = 16
MOST_CHANGES = 200


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", sorted(DEEDS))
def test_what_goes_wrong_at_a_change_changes_nothing_that_people_notice(name: str) -> None:
    well = undisturbed(name)
    for moment in well.moments[::EVERY]:
        assert not is_noticed(moment, well.meaning), moment


def test_what_a_dead_request_owed_counts_once_with_the_next_export_whoever_sends_it() -> None:
    for changes in range(MOST_CHANGES):
        stage = Stage()
        stage.faults.crash_after = ("metrics-otlp", changes)
        stage.bundle.request("POST", "/v1/metrics", served_total(10))
        died = stage.faults.crash_after is None
        stage.faults.crash_after = None
        stage.bundle.put(json.dumps(served_total(25)).encode())
        stage.bundle.advance(80)
        query = {"name": "served", "stat": "sum", "window": "1m"}
        answer = stage.bundle.request("GET", "/api/metrics/series", query=query)
        lines = cast("list[dict[str, list[tuple[int, float]]]]", answer["series"])
        served = sum(value for line in lines for _, value in line["points"])
        assert served == 25, f"died after {changes} changes"
        if not died:
            assert changes > 2
            return
    raise AssertionError("the function never came to its end")


class AnsweredMeanwhile(Stage):
    """Somebody answers in the very moment in which an item is stored, or a page leaves."""

    def __init__(self, what: str, moment: Resource) -> None:
        self._what = what
        self._moment = moment
        self._armed = True
        self.answers: list[Answer] = []
        super().__init__()

    def _cloud_of(self, cloud: LocalCloud) -> CloudOf:
        assert isinstance(cloud.clock, ManualClock)
        self.faults = Faults(random.Random(0), Rates(), cloud.clock, History())
        self.watch = Watch(cloud, cloud.clock)
        faulty = FaultyCloud(cloud, self.faults, Watchers(self._committed, self._published))
        return lambda _: faulty

    def _committed(
        self,
        resource: Resource,
        key: Key,
        before: Item | None,
        after: Item | None,
        run: Invocation | None,
    ) -> None:
        self.watch.committed(resource, key, before, after, run)
        self._now(resource)

    def _published(self, resource: Resource, message: Message, run: Invocation | None) -> None:
        self.watch.published(resource, message, run)
        self._now(resource)

    def _now(self, resource: Resource) -> None:
        if self._armed and resource is self._moment:
            self._armed = False
            (alert,) = self.bundle.alerts()
            path = f"/api/metrics/alerts/{alert['alertId']}/{self._what}"
            self.answers.append(self.bundle.post(path))


@pytest.mark.parametrize("what", ["acknowledge", "resolve"])
@pytest.mark.parametrize("moment", [Resource.ALERTS, Resource.INCIDENTS, Resource.TIER_0])
def test_an_answer_at_any_moment_of_the_opening_stops_the_ladder(
    what: str, moment: Resource
) -> None:
    stage = AnsweredMeanwhile(what, moment)
    stage.wedding()
    stage.failing_uploads()
    stage.bundle.advance(1200)
    (answer,) = stage.answers
    assert answer.status == 200
    pages = [each.tier for each in stage.bundle.notifications() if each.kind == "page"]
    assert set(pages) <= ({0} if moment is Resource.TIER_0 else set())
    (incident,) = stage.bundle.get("/api/monitoring/incidents").items
    if what == "resolve":
        assert incident["status"] == "resolved"
    else:
        assert incident["acknowledgedAt"] is not None
