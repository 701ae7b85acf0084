"""One machine that runs every declared function: requests, streams, schedules, queue and topics.

Nothing here starts a thread: whoever owns the machine says when it works, so that a simulation
plays a whole Saturday in one thread, and a server gives each source a thread of its own.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol, cast

from infra.local.clock import ManualClock
from infra.local.deliveries import Deliveries, Post
from infra.local.engine import LocalCloud
from infra.local.event_sources import EventSources
from infra.local.invocations import CloudOf, Event, Invoker, Raised
from infra.local.queues import queues_of
from infra.local.routing import Routes
from infra.local.schedules import Schedules
from wedsync.errors import Forbidden, NotFound, Unavailable, WedSyncError
from wedsync.runtime import problem
from wedsync.runtime.declarations import AuthorizerTrigger, Function
from wedsync.runtime.invocation import METHODS_OF_PATH
from wedsync.settings import Settings

_ROUNDS_WITHOUT_REST = 100_000


class Source(Protocol):
    """Something that runs functions when it is due."""

    def run_due(self) -> Counter[str]:
        """Run some of what is due now; how many runs of each, and none only when all is done."""

    def next_due(self) -> datetime | None:
        """When something is due next; may be now."""


class Machine:
    """The bundle, run on one machine's cloud.

    ``cloud_of`` says which cloud a function sees; by default it is the machine's own. ``post``
    hands notifications to subscribers; by default over HTTP.
    """

    def __init__(
        self,
        cloud: LocalCloud,
        functions: Sequence[Function],
        settings: Settings,
        *,
        cloud_of: CloudOf | None = None,
        post: Post | None = None,
    ) -> None:
        self.cloud = cloud
        self.settings = settings
        ordered = sorted(functions, key=lambda function: function.declaration.name)
        self._invoker = Invoker(cloud_of or (lambda _: cloud), settings, cloud.ids, cloud.own_runs)
        self._routes = Routes(ordered)
        self._authorizer = next(
            (f for f in ordered if isinstance(f.declaration.trigger, AuthorizerTrigger)), None
        )
        self.streams = EventSources(cloud, ordered, self._invoker)
        self.schedules = Schedules(cloud, ordered, self._invoker)
        self.queues = queues_of(cloud, ordered, self._invoker)
        self.deliveries = Deliveries(cloud, settings, post=post)
        self._ran: Counter[str] = Counter()
        self._counting = Lock()

    @property
    def ran(self) -> Mapping[str, int]:
        """How often each function ran without a request, since the machine was made."""
        with self._counting:
            return dict(self._ran)

    @property
    def sources(self) -> tuple[Source, ...]:
        """What runs without a request, in the order in which it runs at one instant."""
        return (self.streams, self.schedules, *self.queues, self.deliveries)

    def http(self, event: Event) -> Event:
        """Answer an HTTP API event (payload format 2.0)."""
        context = cast("Mapping[str, object]", event["requestContext"])
        request = cast("Mapping[str, str]", context["http"])
        route = self._routes.find(request["method"], str(event["rawPath"]))
        request_id = str(context["requestId"])
        if route.function is None or route.trigger is None:
            return problem.answer(NotFound(), path=str(event["rawPath"]), request_id=request_id)
        routed = {**context, "routeKey": route.key}
        asked = {**event, "routeKey": route.key, "requestContext": routed}
        if route.parameters:
            asked["pathParameters"] = dict(route.parameters)
        if route.allowed is not None:
            sent = cast("Mapping[str, str]", event.get("headers") or {})
            asked["headers"] = {**sent, METHODS_OF_PATH: ", ".join(route.allowed)}
        if route.trigger.roles and self._authorizer is not None:
            refusal = self._authorize(asked, request_id)
            if refusal is not None:
                return refusal
        return self._answer(route.function, asked, request_id)

    def route_of(self, method: str, path: str) -> str:
        """The declared route that answers this, such as ``GET /api/weddings/{wedding_id}``."""
        return self._routes.find(method, path).key

    def run_due(self) -> Counter[str]:
        """Run everything due at the clock's now until at rest; how many runs of each."""
        ran: Counter[str] = Counter()
        for _ in range(_ROUNDS_WITHOUT_REST):
            round_ = Counter[str]()
            for source in self.sources:
                round_ += self.run_source(source)
            if not round_:
                return ran
            ran += round_
        raise RuntimeError(f"never at rest at {self.cloud.clock.now()}: {ran.most_common(5)}")

    def run_source(self, source: Source) -> Counter[str]:
        """Run what is due of one source, which may be another thread's than the next one's."""
        ran = source.run_due()
        with self._counting:
            self._ran += ran
        return ran

    def next_due(self) -> datetime | None:
        """When something is due next, None if nothing ever is; may be now or in the past."""
        return min(filter(None, (source.next_due() for source in self.sources)), default=None)

    def advance(self, seconds: float) -> Counter[str]:
        """Play every instant at which something is due, in order, and end ``seconds`` later.

        Whatever functions remember for a second or two is forgotten before and after.
        """
        clock = self.cloud.clock
        if not isinstance(clock, ManualClock):
            raise TypeError("only a manual clock can be advanced")
        end = clock.now() + timedelta(seconds=seconds)
        self._invoker.forget()
        ran = self.run_due()
        while (due := self.next_due()) is not None and due <= end:
            clock.set(max(due, clock.now()))
            ran += self.run_due()
        clock.set(end)
        self._invoker.forget()
        return ran

    def _authorize(self, asked: dict[str, object], request_id: str) -> Event | None:
        """Put the caller into the event; an answer where there can be none."""
        authorizer = cast("Function", self._authorizer)
        question = {
            **{name: value for name, value in asked.items() if name not in {"body", "cookies"}},
            "version": "2.0",
            "type": "REQUEST",
        }
        outcome = self._invoker.invoke(authorizer, question, request_id=request_id)
        if isinstance(outcome, Raised):
            return _failure(outcome, asked, request_id)
        answer = cast("Mapping[str, object]", outcome.value)
        if not answer.get("isAuthorized"):
            return problem.answer(Forbidden(), path=str(asked["rawPath"]), request_id=request_id)
        asked["requestContext"] = {
            **cast("Mapping[str, object]", asked["requestContext"]),
            "authorizer": {"lambda": answer.get("context") or {}},
        }
        return None

    def _answer(self, function: Function, asked: Event, request_id: str) -> Event:
        outcome = self._invoker.invoke(function, asked, request_id=request_id)
        if isinstance(outcome, Raised):
            return _failure(outcome, asked, request_id)
        return cast("Event", outcome.value)


def _failure(outcome: Raised, asked: Event, request_id: str) -> Event:
    error = Unavailable() if outcome.unavailable else WedSyncError()
    return problem.answer(error, path=str(asked["rawPath"]), request_id=request_id)
