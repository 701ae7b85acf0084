"""A function dies after each of its changes; run again, it has done the same.

What is done, and by which functions, is in :data:`DEEDS`: whatever ingests, judges, calls somebody,
or is asked to by a person. The crash comes before anything was done, after the first change, after
the second, and so on until the function ends by itself; reads between two changes leave nothing
behind, so that it does not matter at which of them it dies. What people notice then is compared
with a run without a crash. The same with answers that are lost: what was asked for is done, and the
function does not know it.

``make sim`` plays every one of these moments, ``make test`` some of each function.
"""

import gc
import json
import logging
import random
import re
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from infra.local.clock import ManualClock
from infra.local.engine import LocalCloud
from infra.local.invocations import CloudOf
from infra.registry import registry
from tests.domain.metrics.exports import a_sum, attributes, export
from tests.harness import Answer, Bundle, a_point, a_wedding_request
from tests.simulation.checks import AtRest
from tests.simulation.cloud import FaultyCloud, Watchers
from tests.simulation.counting import parked_rows
from tests.simulation.faults import Faults, History, Rates
from tests.simulation.watching import Watch
from wedsync.cloud import Answered, Call, Cloud, Outcome
from wedsync.incidents.model import StepStatus
from wedsync.runtime.declarations import Function, LambdaContext
from wedsync.settings import Settings

SATURDAY = datetime(2026, 6, 20, 14, 0, 5, tzinfo=UTC)
ROOM: dict[str, object] = {"kind": "scale", "dimension": "reservedConcurrency", "to": 40}
EMERGENCY = "/api/operations/emergency-mode"
_REST = timedelta(seconds=80)
"""As long as leases last, and the next sweep takes."""


class Dying:
    """A function of which a crash is seen as its trigger sees it."""

    def __init__(self, function: Function, stage: "Stage") -> None:
        self.declaration = function.declaration
        self._function = function
        self._stage = stage

    def __call__(self, event: object, context: LambdaContext) -> object:
        return self._function(event, context)

    def run(
        self, event: object, context: LambdaContext, cloud: Cloud, settings: Settings
    ) -> object:
        with self._stage.faults.invocation(self.declaration):
            return self._function.run(event, context, cloud, settings)


@dataclass(slots=True)
class Endpoints:
    """One takes everything, the other nothing; a receiver knows a message by its id."""

    taken: set[str] = field(default_factory=set)

    def post(self, call: Call) -> Outcome:
        if "down" in call.url:
            return Answered(503)
        self.taken.add(call.headers["webhook-id"])
        return Answered(204)


@dataclass(slots=True)
class Stage:
    """The bundle, the place of the crash, and those who look on."""

    faults: Faults = field(init=False)
    watch: Watch = field(init=False)
    bundle: Bundle = field(init=False)
    answered: object = None
    endpoints: Endpoints = field(default_factory=Endpoints)
    wedding_id: str = ""
    path: str = ""

    def __post_init__(self) -> None:
        functions = [Dying(each, self) for each in registry()]
        self.bundle = Bundle(
            at=SATURDAY,
            functions=functions,
            cloud_of=self._cloud_of,
            packs=1,
            web=self.endpoints,
        )

    def _cloud_of(self, cloud: LocalCloud) -> CloudOf:
        assert isinstance(cloud.clock, ManualClock)
        self.faults = Faults(random.Random(0), Rates(), cloud.clock, History())
        self.watch = Watch(cloud, cloud.clock)
        watchers = Watchers(self.watch.committed, self.watch.published)
        faulty = FaultyCloud(cloud, self.faults, watchers)
        return lambda _: faulty

    def wedding(self) -> None:
        self.wedding_id = self.bundle.register(a_wedding_request())

    def failing_uploads(self) -> None:
        failed = [
            a_point(
                "photo.upload",
                self.bundle.now,
                weddingId=self.wedding_id,
                eventId=f"failed-{number}",
                dims={"outcome": "failed"},
            )
            for number in range(9)
        ]
        late = a_point("guests.seated", SATURDAY, kind="counter", eventId="late")
        late["ts"] = round(SATURDAY.timestamp() * 1000) - 30 * 60_000
        self.bundle.put(*failed, late, {"name": "nothing"})

    def incident(self) -> None:
        report = {"title": "The band plays on", "severity": "critical"}
        made = self.ask("/api/monitoring/incidents", report)
        self.path = f"/api/monitoring/incidents/{made['incidentId']}"

    def contacts(self, **urls: str) -> None:
        """Somebody of each of these names is called, at this address and by e-mail."""
        for name, url in urls.items():
            secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - planted
            webhook = {"kind": "webhook", "url": url, "secret": secret}
            answer = self.bundle.post(
                "/api/monitoring/contacts",
                {
                    "name": name,
                    "roles": ["on_call_engineer", "team_lead"],
                    "channels": [webhook, {"kind": "email", "address": f"{name}@example.com"}],
                },
            )
            assert answer.status == 201, answer

    def ruled(self) -> None:
        """A wedding, a rule of the tenant's own that calls nobody at once, and somebody to tell."""
        self.contacts(Mia="https://up.example.com/")
        self.wedding()
        self.make_rule()

    def make_rule(self) -> None:
        condition = {
            "metric": "rsvp",
            "stat": "count",
            "op": ">",
            "threshold": 0,
            "window": "5m",
            "for": "0s",
            "groupBy": ["service"],
        }
        body = {"name": "Any", "condition": condition, "severity": "high", "weddingSpecific": True}
        made = self.ask("/api/metrics/alerts/create", body, key="rule")
        self.path = f"/api/metrics/alerts/rules/{made['ruleId']}"

    def broken_rule(self) -> None:
        self.bundle.put(
            *(
                a_point(
                    "rsvp",
                    self.bundle.now,
                    weddingId=self.wedding_id,
                    eventId=service,
                    dims={"service": service},
                )
                for service in ("gallery", "seating", "checkout")
            )
        )
        self.bundle.drain()

    def rule_in_breach(self) -> None:
        """Three alerts wait to be told of together."""
        self.ruled()
        self.broken_rule()

    def rule_told(self) -> None:
        """They have been told."""
        self.rule_in_breach()
        self.bundle.advance(45)

    def remove_rule(self) -> None:
        """Until it is gone: who asks again may be told that it is."""
        assert self.ask(self.path, method="DELETE").status in {204, 404}

    def report(self) -> None:
        """Somebody reports what pages nobody: what contacts are told is on its way.

        At one of them nobody answers.
        """
        self.contacts(Mia="https://up.example.com/", Bo="https://down.example.com/")
        self.ask("/api/monitoring/incidents", {"title": "Slow", "severity": "high"})

    def called(self) -> None:
        """An incident whose next tier is due in ten minutes, and a contact that belongs to it."""
        self.contacts(Mia="https://up.example.com/")
        self.incident()

    def armed(self) -> None:
        """An incident with a runbook of which the last step fails, so that all is put back."""
        self._with_runbook(
            {"kind": "notify", "roles": ["cto"], "text": "Load is shed"},
            {"kind": "emergency_mode", "minutes": 60},
        )

    def armed_to_scale(self) -> None:
        """The same, of one that gives room to what had some, and to what had none of its own."""
        self.bundle.services.capacity.reserve("metrics-wedding", 30)
        self._with_runbook(
            {**ROOM, "target": "metrics-wedding"},
            {**ROOM, "target": "metrics-series"},
            {**ROOM, "dimension": "shards", "target": "metrics", "to": 4},
        )

    def _with_runbook(self, *actions: dict[str, object]) -> None:
        self.contacts(Mia="https://up.example.com/")
        (contact,) = self.bundle.services.routing.contacts(self.bundle.tenant)
        email = {"kind": "email", "address": "leaver@example.com"}
        leaver = {"name": "Leaver", "roles": ["desk"], "channels": [email]}
        gone = self.ask("/api/monitoring/contacts", leaver, key="leaver")["contactId"]
        ticket: dict[str, object] = {
            "kind": "ticket",
            "contactId": contact.contact_id,
            "text": "Look",
        }
        steps = [
            {"stepId": f"s{number}", "title": "A step", "action": action}
            for number, action in enumerate((*actions, ticket, {**ticket, "contactId": gone}))
        ]
        modes = {"onWeddingDay": "armed", "offDay": "armed"}
        body = {"title": "All", "match": {}, "steps": steps, **modes}
        answer = self.bundle.put_document("/api/monitoring/runbooks/all", body)
        assert answer.status == 200, answer
        assert self.bundle.delete(f"/api/monitoring/contacts/{gone}").status == 204
        made = self.ask("/api/monitoring/incidents", {"title": "Slow", "severity": "low"})
        self.path = f"/api/monitoring/incidents/{made['incidentId']}"

    def alert(self) -> None:
        self.wedding()
        self.failing_uploads()
        self.bundle.drain()
        self.path = f"/api/metrics/alerts/{self.bundle.alerts()[0]['alertId']}"

    def begin_emergency(self) -> None:
        self.contacts(Mia="https://up.example.com/")
        self.switch_on(seconds=90)
        self.bundle.drain()

    def switch_on(self, *, seconds: float = 1800) -> None:
        until = (SATURDAY + timedelta(seconds=seconds)).isoformat()
        body = {"reason": "Uploads back up", "until": until}
        assert self.ask(EMERGENCY, body, method="PUT").status == 200

    def switch_off(self) -> None:
        assert self.ask(EMERGENCY, method="DELETE").status == 204

    def escalate(self) -> None:
        self.answered = self.ask(f"{self.path}/escalate").body

    def planned(self) -> None:
        """A wedding months away, and nothing to judge."""
        self.wedding_id = self.bundle.register(a_wedding_request(on="2026-12-19"))

    def leaving(self) -> None:
        """A removal was cut off before any of its work was done."""
        self.alert()
        weddings, tenant = self.bundle.services.weddings, self.bundle.tenant
        weddings.begin_removal(tenant, weddings.get(tenant, self.wedding_id))

    def remove(self) -> None:
        """Until it is gone: who asks again may be told that it is."""
        answer = self.ask(f"/api/weddings/{self.wedding_id}", method="DELETE")
        assert answer.status in {204, 404}

    def ask(
        self, path: str, body: object = None, *, method: str = "POST", key: str = "once"
    ) -> Answer:
        """As clients do: the same request again while nobody can say what became of it."""
        for _ in range(8):
            headers = {"idempotency-key": key}
            answer = self.bundle.request(method, path, body, headers=headers)
            if answer.status < 500 and answer.status != 409:
                return answer
            self.bundle.advance(20)
        raise AssertionError(answer)

    def meaning(self) -> object:
        """What people notice: numbers, alerts, incidents, messages, failure store."""
        bundle, services = self.bundle, self.bundle.services
        rest = AtRest(bundle, self.watch, (bundle.tenant,))
        minute = int(SATURDAY.timestamp()) // 60
        counted = [
            (each.on_time.points, each.late.points)
            for at in range(minute - 31, minute + 3)
            for each in services.windows.totals(bundle.tenant, at)
            if each.on_time or each.late
        ]
        steps = [
            (each.incident_id, each.status, each.epoch, step.step_id, step.status)
            for _, each in rest._all_incidents()  # noqa: SLF001 - the same eyes
            for step in each.steps
            if step.status is not StepStatus.PENDING
        ]
        parked = [
            (row.index, row.code)
            for page in parked_rows(services, bundle.tenant)
            for row in page.rejections
        ]
        weddings = services.weddings.page(bundle.tenant, on=None, limit=9, cursor=None).weddings
        quality = json.loads(bundle.get("/api/metrics/real-time").headers["x-data-quality"])
        seen = (
            self.answered,
            counted,
            (quality["accepted"], quality["late"]),
            rest.summary()[:2],
            sorted(steps),
            sorted(self.watch.sent),
            sorted(parked, key=str),
            [each.wedding_id for each in weddings],
            [
                (each.hour, each.block.points)
                for each in services.windows.hours(bundle.tenant, "wed_nobody")
            ],
            bundle.get("/api/metrics/series", name="served", stat="sum", window="1m")["series"],
            sorted(
                (str(each["dedupKey"]), each["state"], each["insteadOf"]) for each in bundle.tells()
            ),
            sorted(self.endpoints.taken),
            [
                (
                    run.runbook.runbook_id,
                    run.status,
                    [(each.step_id, each.status) for each in run.steps],
                )
                for _, incident in rest._all_incidents()  # noqa: SLF001 - the same eyes
                for run in services.executions.of_incident(bundle.tenant, incident.incident_id)
            ],
            services.emergency.find(bundle.tenant, now=bundle.now) is not None,
            [services.capacity.reserved(f"metrics-{each}") for each in ("wedding", "series")],
            services.capacity.shards("metrics"),
        )
        return _with_plain_ids(repr(seen))


def _with_plain_ids(text: str) -> str:
    """Ids that the server made are as good as any others: only which is which matters."""
    names: dict[str, str] = {}

    def plain(found: re.Match[str]) -> str:
        return names.setdefault(found[0], f"{found[1]} {len(names)}")

    return re.sub(r"\b(inc|wed|con|msg|run)_[0-9a-z]+", plain, text)


Deed = Callable[[Stage], object]


def _ingest(stage: Stage) -> None:
    points = [a_point("guest.activity", stage.bundle.now, kind="event", eventId="e1"), {"v": 9}]
    stage.ask("/api/metrics/ingest", points)


def _failing_uploads(stage: Stage) -> None:
    stage.failing_uploads()
    stage.bundle.drain()


def _failing_uploads_that_waited(stage: Stage) -> None:
    """On the stream in time, and looked at when the present window holds them no longer."""
    stage.failing_uploads()
    stage.bundle.clock.set(SATURDAY + timedelta(minutes=6))
    stage.bundle.drain()


def _unknown_wedding(stage: Stage) -> None:
    """Points shortly before hours are brought up to date; nobody watches their wedding."""
    stage.wedding_id = "wed_nobody"
    stage.failing_uploads()
    stage.bundle.drain()
    stage.bundle.clock.set(SATURDAY + timedelta(seconds=270))
    stage.bundle.drain()


def _exports(stage: Stage) -> None:
    """A process that keeps a running total exports it twice."""
    for total in (10, 25):
        answer = stage.ask("/v1/metrics", served_total(total), key=f"at {total}")
        assert answer.status == 200
        stage.bundle.advance_to(SATURDAY + timedelta(seconds=2 * total))


def _exports_on_the_stream(stage: Stage) -> None:
    for total in (10, 25):
        stage.bundle.put(json.dumps(served_total(total)).encode())
        stage.bundle.drain()
        stage.bundle.advance_to(SATURDAY + timedelta(seconds=2 * total))


def _failing_exports_that_waited(stage: Stage) -> None:
    """Failures that a process totals; they are looked at when the present window is past them."""
    labels = {"outcome": "failed", "wedding__id": stage.wedding_id}
    for total in (10, 25):
        stage.bundle.put(json.dumps(export(_a_total("photo.upload", total, **labels))).encode())
    stage.bundle.clock.set(SATURDAY + timedelta(minutes=6))
    stage.bundle.drain()


def served_total(total: int) -> dict[str, object]:
    """An export of a process that has served so many."""
    return export(_a_total("served", total))


def _a_total(name: str, total: int, **labels: str) -> dict[str, object]:
    at = int(SATURDAY.timestamp()) + total // 10
    began = {"startTimeUnixNano": str(int(SATURDAY.timestamp() - 600) * 10**9)}
    told = {"asInt": total, "attributes": attributes(labels)}
    return a_sum(name, {**began, "timeUnixNano": str(at * 10**9), **told})


DEEDS: dict[str, tuple[Deed, Deed]] = {
    "streams-metrics": (Stage.wedding, _failing_uploads),
    "streams-metrics six minutes late": (Stage.wedding, _failing_uploads_that_waited),
    "streams-metrics an export": (Stage.wedding, _exports_on_the_stream),
    "streams-metrics exports six minutes late": (Stage.wedding, _failing_exports_that_waited),
    "metrics-otlp": (Stage.wedding, _exports),
    "streams-wake": (Stage.incident, lambda stage: stage.bundle.advance(620)),
    "streams-wake a runbook": (Stage.armed, lambda stage: stage.bundle.drain()),
    "streams-wake a runbook that scales": (
        Stage.armed_to_scale,
        lambda stage: stage.bundle.drain(),
    ),
    "operations-begin-emergency": (
        lambda stage: stage.contacts(Mia="https://up.example.com/"),
        Stage.switch_on,
    ),
    "operations-end-emergency": (Stage.begin_emergency, Stage.switch_off),
    "streams-wake the end of an emergency": (
        Stage.begin_emergency,
        lambda stage: stage.bundle.advance(130),
    ),
    "schedules-minute with an emergency": (
        Stage.begin_emergency,
        lambda stage: stage.bundle.advance(130),
    ),
    "streams-recipients": (Stage.called, lambda stage: stage.bundle.advance(620)),
    "streams-deliveries": (Stage.report, lambda stage: stage.bundle.drain()),
    "schedules-minute": (Stage.alert, lambda stage: stage.bundle.advance(120)),
    "schedules-compaction": (_unknown_wedding, lambda stage: stage.bundle.advance(60)),
    "alerts-acknowledge": (Stage.alert, lambda stage: stage.ask(f"{stage.path}/acknowledge")),
    "alerts-resolve": (Stage.alert, lambda stage: stage.ask(f"{stage.path}/resolve")),
    "incidents-create": (Stage.wedding, Stage.incident),
    "incidents-acknowledge": (Stage.incident, lambda stage: stage.ask(f"{stage.path}/acknowledge")),
    "incidents-resolve": (Stage.incident, lambda stage: stage.ask(f"{stage.path}/resolve")),
    "incidents-escalate": (Stage.incident, Stage.escalate),
    "metrics-ingest": (Stage.wedding, _ingest),
    "weddings-remove": (Stage.alert, Stage.remove),
    "streams-wake a removal": (Stage.leaving, lambda stage: stage.bundle.advance(70)),
    "streams-metrics a rule of the tenant's own": (Stage.ruled, Stage.broken_rule),
    "streams-wake a notice": (Stage.rule_in_breach, lambda stage: stage.bundle.advance(45)),
    "rules-create": (Stage.wedding, Stage.make_rule),
    "rules-remove": (Stage.rule_told, Stage.remove_rule),
    "weddings-create": (
        Stage.incident,
        lambda stage: stage.ask("/api/weddings", a_wedding_request()),
    ),
}


class How(StrEnum):
    """What goes wrong at a moment."""

    CRASH = "died after"
    LOST = "never had the answer to"


@dataclass(frozen=True, slots=True)
class Moment:
    """Something goes wrong at one change (from 1) of one deed; a crash at 0 is before any."""

    name: str
    how: How
    change: int


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """A deed as it goes when nothing goes wrong: what it means, and what might go wrong."""

    meaning: object
    moments: tuple[Moment, ...]


def undisturbed(name: str) -> Undisturbed:
    """Play a deed through."""
    played = _play(name, lambda _: None)
    assert played.changes > 0, "the function changed nothing"
    moments = [Moment(name, How.CRASH, change) for change in range(played.changes + 1)]
    moments += [Moment(name, How.LOST, change) for change in range(1, played.changes + 1)]
    return Undisturbed(played.meaning, tuple(moments))


def is_noticed(moment: Moment, meaning: object) -> bool:
    """Whether people notice that something went wrong at this moment."""
    at = (_function_of(moment.name), moment.change)

    def arm(faults: Faults) -> None:
        if moment.how is How.CRASH:
            faults.crash_after = at
        else:
            faults.lose_at = at

    played = _play(moment.name, arm)
    assert played.harms == 1, "nothing went wrong"
    return played.meaning != meaning


def play_deeds(*, jobs: int, say: Callable[[str], None]) -> int:
    """Every moment of every deed; says each that people notice, and how many there are."""
    moments = noticed = 0
    began = time.monotonic()
    with ProcessPoolExecutor(jobs, initializer=gc.freeze) as pool:
        for count, found in pool.map(_noticed_of, sorted(DEEDS)):
            moments += count
            noticed += len(found)
            for moment in found:
                say(f"{moment.name} {moment.how} change {moment.change}: people notice")
    seconds = time.monotonic() - began
    say(f"{moments} moments of {len(DEEDS)} deeds, {noticed} noticed, {seconds:.0f} s")
    return noticed


def _noticed_of(name: str) -> tuple[int, list[Moment]]:
    logging.disable(logging.CRITICAL)
    well = undisturbed(name)
    return len(well.moments), [each for each in well.moments if is_noticed(each, well.meaning)]


@dataclass(frozen=True, slots=True)
class _Played:
    """How much one run of the function changed at the most, what went wrong, what it all means."""

    changes: int
    harms: int
    meaning: object


def _function_of(name: str) -> str:
    return name.partition(" ")[0]


def _play(name: str, arm: Callable[[Faults], None]) -> _Played:
    """Raises FunctionDied where a trigger sees the crash itself."""
    before, deed = DEEDS[name]
    stage = Stage()
    before(stage)
    faults = stage.faults
    faults.most_changes.clear()
    arm(faults)
    deed(stage)
    changes, harms = faults.most_changes[_function_of(name)], faults.counts.total()
    stage.bundle.advance_to(max(stage.bundle.now, SATURDAY) + _REST)
    assert stage.watch.found == []
    meaning = stage.meaning()
    stage.bundle.close()
    return _Played(changes, harms, meaning)
