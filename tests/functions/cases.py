"""What every function is played with: its sample event, and whatever else shows all it does.

A case arranges what the function finds, may change its sample, and may take resources down.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import jwt

from infra.local.engine import LocalCloud
from tests.builders import a_wedding, vendors
from tests.cloud.fake_aws import cloudwatch
from tests.domain.metrics.exports import export
from tests.functions.stage import FUNCTIONS, NOW, TENANT, TOKEN_KEY, Stage
from wedsync.alerting.model import Alert, AlertState
from wedsync.alerting.own.condition import Comparison, Operator, Statistic
from wedsync.alerting.own.rule import Rule
from wedsync.alerting.severity import Impact, Severity, SeverityReason
from wedsync.alerting.silences import Matchers, Silence
from wedsync.flows.times import minute_of
from wedsync.incidents.ladder import Claimed, claim, mark_sent
from wedsync.incidents.lifecycle import escalate, resolve
from wedsync.incidents.model import ChannelKind, Incident
from wedsync.incidents.opening import open_for_alert
from wedsync.incidents.policies import WEDDING_DAY, PolicyChoice, templates
from wedsync.metrics.updates import Operation, Update, ValueName
from wedsync.notifications.contacts import BY_SNS, Channel, Contact
from wedsync.notifications.payloads import Target
from wedsync.notifications.roster import Roster, Rotation
from wedsync.resources import Resource
from wedsync.runbooks.execution import Around, Execution, begun, next_move
from wedsync.runbooks.model import (
    Action,
    Dimension,
    EmergencyMode,
    Match,
    Metric,
    Mode,
    Notify,
    Runbook,
    Scale,
    Step,
    Ticket,
    WarmCache,
)
from wedsync.settings import History
from wedsync.stores.emergency import Emergency
from wedsync.stores.frontiers import Frontier
from wedsync.stores.incidents import scope_name
from wedsync.tenancy import Caller, Role
from wedsync.weddings.context import wedding_context

EVENTS = Path(__file__).parents[2] / "events"
PIPELINE = "slow-gallery"
ALERT_ID = "6f0e2d9c4b7a1835-1"
INCIDENT_ID = "inc_88ae00e85cb574235eb5-1"
TOPICS = frozenset({Resource.TIER_0, Resource.TIER_1, Resource.TIER_2})
WEDDING = a_wedding(
    wedding_id="wed_sample",
    on=NOW.date(),
    zone="Europe/Madrid",
    couple="Ana & Ben",
    vendors=vendors("photo-1", "band-1"),
)

NOW_NS = int(NOW.timestamp()) * 1_000_000_000

Event = dict[str, object]


def _as_it_is(event: Event) -> Event:
    return event


def _nothing(stage: Stage) -> None:
    del stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to play a function."""

    function: str
    title: str = "sample"
    arrange: Callable[[Stage], None] = _nothing
    change: Callable[[Event], Event] = _as_it_is
    down: frozenset[Resource] = frozenset()
    status: int | None = None
    moto_answers_alike: bool = True

    def play(self, stage: Stage) -> Mapping[str, object]:
        """Arrange, run once, and answer what the function answered."""
        self.arrange(stage)
        stage.touched.clear()
        return stage.run(self.function, self.change(sample(self.function)), down=self.down)


def sample_path(function: str) -> Path:
    """Where the function's sample event lies: ``events/`` mirrors ``functions/``."""
    module = FUNCTIONS[function].declaration.module
    return EVENTS / (module.removeprefix("functions.").replace(".", "/") + ".json")


def sample(function: str) -> Event:
    """A fresh copy of the function's sample event."""
    return cast("Event", json.loads(sample_path(function).read_text()))


def a_registered_wedding(stage: Stage) -> None:
    stage.services.weddings.add(TENANT, WEDDING)


def an_alert() -> Alert:
    return Alert(
        alert_id=ALERT_ID,
        fingerprint=ALERT_ID.partition("-")[0],
        rule_id="platform.photo_upload_failures",
        type="photo_upload_failures",
        severity=Severity.CRITICAL,
        severity_reasons=(
            SeverityReason(
                rule="photo_upload_failures", severity=Severity.CRITICAL, reason="2 % fail"
            ),
        ),
        state=AlertState.FIRING,
        wedding_id=WEDDING.wedding_id,
        message="Photo uploads fail at the wedding of Ana & Ben",
        impact=Impact.HIGH,
        auto_escalate=True,
        value=2.0,
        threshold=1.0,
        started_at=NOW - timedelta(minutes=20),
        fired_at=NOW - timedelta(minutes=20),
        incident_id=INCIDENT_ID,
        wedding_context=wedding_context(WEDDING, NOW),
        last_breach_at=NOW,
        last_evaluated_at=NOW,
    )


def an_incident(*, minutes_ago: int = 20) -> Incident:
    """One that the alert opened; after 20 minutes all of its tiers are due."""
    return open_for_alert(
        an_alert(),
        incident_id=INCIDENT_ID,
        choice=PolicyChoice(policy=templates()[WEDDING_DAY], reason="critical on the wedding day"),
        now=NOW - timedelta(minutes=minutes_ago),
    ).incident


def _sent(incident: Incident, *, tiers: int) -> Incident:
    for step in incident.steps[:tiers]:
        taken = claim(incident, step.step_id, now=NOW)
        assert isinstance(taken, Claimed)
        marked = mark_sent(taken.incident, step.step_id, attempt=taken.step.attempt, now=NOW)
        assert marked is not None
        incident = marked
    return incident


def an_incident_with_another_open_alert(stage: Stage) -> None:
    """Ending the one alert leaves the incident open, with all of its tiers due."""
    incident = an_incident()
    other = replace(incident.alerts[0], alert_id="0123456789abcdef-1")
    _kept(stage, replace(incident, alerts=(*incident.alerts, other)))


def an_incident_of_no_wedding_with_another_open_alert(stage: Stage) -> None:
    """The end of the wedding's alert leaves it open, with all of its tiers due."""
    incident = an_incident()
    other = replace(incident.alerts[0], alert_id="0123456789abcdef-1")
    _kept(stage, replace(incident, wedding_id=None, alerts=(*incident.alerts, other)))


def photos_that_nobody_judged(stage: Stage) -> None:
    """Points were counted, and the function that counted them died before it judged."""
    counted_points(stage)
    for alert in stage.services.alerts.open_of(TENANT):
        stored = stage.services.alerts.get(TENANT, alert.alert_id)
        stage.services.alerts.keep(TENANT, None, former=stored)


def _kept(stage: Stage, incident: Incident, *, alert: bool = True) -> None:
    a_registered_wedding(stage)
    stage.services.incidents.begin(TENANT, incident, after=None)
    if alert:
        stage.services.alerts.keep(TENANT, an_alert(), former=None)


def an_open_incident(stage: Stage) -> None:
    """All of its tiers are due, and nothing was sent."""
    _kept(stage, an_incident())


def a_new_incident(stage: Stage) -> None:
    """Only its first tier is due."""
    _kept(stage, an_incident(minutes_ago=0))


def a_paged_incident(stage: Stage) -> None:
    """Everyone has been paged."""
    _kept(stage, _sent(an_incident(), tiers=3))


def a_wedding_that_leaves(stage: Stage) -> None:
    """Its removal was cut off while an incident about it is open."""
    an_open_incident(stage)
    stage.services.weddings.begin_removal(TENANT, WEDDING)


def a_mild_incident(stage: Stage) -> None:
    """No alert has made it critical, and nothing was sent."""
    mild = replace(an_incident(minutes_ago=0), severity=Severity.MEDIUM, alerts=())
    _kept(stage, mild, alert=False)


def a_resolved_incident(stage: Stage) -> None:
    """Everyone was paged, and somebody ended it."""
    paged = _sent(an_incident(), tiers=3)
    _kept(stage, resolve(paged, by="mia", at=NOW - timedelta(minutes=1)).incident, alert=False)


def an_incident_of_another_time(stage: Stage) -> None:
    """Overdue, while its alert is not known: the next breach joins it."""
    a_key(stage)
    _kept(stage, replace(an_incident(), alerts=()), alert=False)


def escalated(times: int) -> Callable[[Stage], None]:
    """An incident whose ladder was climbed by hand."""

    def arrange(stage: Stage) -> None:
        incident = an_incident(minutes_ago=0)
        for level in range(times):
            incident = escalate(incident, by="mia", at=NOW, seen_level=level).incident
        _kept(stage, incident)

    return arrange


def a_key(stage: Stage) -> None:
    """The key that the samples speak for."""
    secret = hashlib.sha256(b"sample").hexdigest()
    caller = Caller(tenant=TENANT, subject="key_sample", role=Role.OPERATOR)
    stage.services.keys.add("key_sample", secret, caller, now=NOW)


def a_key_and_a_wedding(stage: Stage) -> None:
    a_key(stage)
    a_registered_wedding(stage)


def a_key_and_a_wedding_months_away(stage: Stage) -> None:
    a_key(stage)
    stage.services.weddings.add(
        TENANT, replace(WEDDING, timeline=(), date=NOW.date() + timedelta(days=90))
    )


def counted_points(stage: Stage) -> None:
    """A wedding whose photos have been failing for some minutes."""
    a_registered_wedding(stage)
    a_key(stage)
    stage.clock.set(NOW - timedelta(minutes=1))
    stage.run("streams-metrics", earlier(sample("streams-metrics"), minutes=1), down=TOPICS)
    stage.clock.set(NOW)
    stage.used.clear()


def a_day_that_is_over(stage: Stage) -> None:
    """All but the last hour of the wedding's window has been rolled up; something happens in it."""
    counted_points(stage)
    stage.services.frontiers.advance(Frontier.HOURS, minute_of(NOW))
    stage.clock.set(NOW + timedelta(hours=8))
    stage.run("schedules-hourly", sample("schedules-hourly"))
    stage.run("streams-metrics", earlier(sample("streams-metrics"), minutes=-8 * 60), down=TOPICS)
    stage.clock.set(NOW + timedelta(hours=10))
    stage.used.clear()


def counted_requests(stage: Stage) -> None:
    """A service without a wedding has answered requests in the minute that is over."""
    an_open_incident(stage)
    a_key(stage)
    stage.clock.set(NOW - timedelta(minutes=1))
    event = sample("streams-metrics")
    records = cast("list[dict[str, dict[str, object]]]", event["Records"])[:1]
    at = (NOW - timedelta(minutes=1)).timestamp()
    point = {
        "name": "api.request",
        "kind": "timer",
        "ts": round(at * 1000),
        "value": 120,
        "tenantId": TENANT.id,
        "dims": {"service": "gallery", "status": "200"},
    }
    records[0]["kinesis"]["data"] = base64.b64encode(json.dumps(point).encode()).decode()
    records[0]["kinesis"]["approximateArrivalTimestamp"] = at
    stage.run("streams-metrics", {"Records": records})
    stage.clock.set(NOW + timedelta(seconds=10))
    stage.used.clear()


def counted_and_rolled_up(stage: Stage) -> None:
    """The hours of the day that are over are at hand."""
    counted_points(stage)
    stage.run("schedules-hourly", sample("schedules-hourly"))
    stage.used.clear()


def counted_an_hour_ago(stage: Stage) -> None:
    """Points of the hour before, which is over."""
    _counted(stage, minutes_ago=70)


def counted_days_ago(stage: Stage) -> None:
    """Points of the day before yesterday, rolled up to hours then."""
    _counted(stage, minutes_ago=50 * 60)
    stage.clock.set(NOW - timedelta(hours=48))
    stage.run("schedules-hourly", sample("schedules-hourly"))
    stage.clock.set(NOW - timedelta(hours=1))
    stage.run("schedules-hourly", sample("schedules-hourly"))
    stage.clock.set(NOW)
    stage.used.clear()


def counted_with_a_history(stage: Stage) -> None:
    """An hour that is over and rolled up, and a store to copy it to."""
    stage.history = History.TIMESTREAM
    _counted(stage, minutes_ago=140)
    stage.run("schedules-hourly", sample("schedules-hourly"))
    stage.used.clear()


def counted_with_a_history_that_refuses(stage: Stage) -> None:
    """The store takes none of what it is given."""
    counted_with_a_history(stage)
    stage.refuses = True


def copied_to_a_history(stage: Stage) -> None:
    """Points of three days ago, of which the long-range store has a copy."""
    stage.history = History.TIMESTREAM
    _counted(stage, minutes_ago=72 * 60)
    stage.clock.set(NOW - timedelta(hours=68))
    stage.run("schedules-hourly", sample("schedules-hourly"))
    stage.run("schedules-history", sample("schedules-history"))
    stage.clock.set(NOW - timedelta(minutes=5))
    stage.run("schedules-hourly", sample("schedules-hourly"))
    stage.run("schedules-history", sample("schedules-history"))
    stage.clock.set(NOW)
    stage.used.clear()


def measured_runs(stage: Stage) -> None:
    """A function that nobody calls has run five minutes ago, and failed once."""
    at = NOW - timedelta(minutes=5)
    if isinstance(stage.cloud, LocalCloud):
        stage.clock.set(at)
        stage.cloud.own_runs.wanted = True
        declaration = FUNCTIONS["schedules-minute"].declaration
        for failed in (True, False):
            stage.cloud.own_runs.note(declaration, took_ms=120.0, failed=failed)
        stage.clock.set(NOW)
        return
    figures = (("Invocations", 2.0), ("Errors", 1.0), ("ConcurrentExecutions", 1.0))
    cloudwatch().put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": [{"Name": "FunctionName", "Value": "test-schedules-minute"}],
                "Timestamp": at,
                "Value": value,
            }
            for metric, value in figures
        ],
    )


def _over_four_days(event: Event) -> Event:
    query = {"name": "photo.upload", "stat": "count", "window": "1h", "timeRange": "4d"}
    return {**event, "rawQueryString": urlencode(query), "queryStringParameters": query}


def _counted(stage: Stage, *, minutes_ago: int) -> None:
    a_registered_wedding(stage)
    a_key(stage)
    stage.clock.set(NOW - timedelta(minutes=minutes_ago))
    event = earlier(sample("streams-metrics"), minutes=minutes_ago)
    stage.run("streams-metrics", event, down=TOPICS)
    stage.clock.set(NOW)
    stage.used.clear()


def updated_values(stage: Stage) -> None:
    """How many guests are there, counted at the door."""
    at_ms = round(NOW.timestamp() * 1000)
    changes = [
        Update(ts_ms=at_ms, update_id=number, operation=Operation.INCREMENT, value=number)
        for number in (2, 3)
    ]
    name = ValueName(metric="guests.present", wedding_id=WEDDING.wedding_id)
    stage.services.running_values.update(TENANT, name, changes, now=NOW)
    stage.used.clear()


def a_pipeline(stage: Stage) -> None:
    stage.run("metrics-change-pipeline", sample("metrics-change-pipeline"))
    stage.used.clear()


def _a_minute_behind(stage: Stage) -> None:
    a_key_and_a_wedding(stage)
    stage.clock.set(NOW + timedelta(minutes=1))


def _forged(event: Event) -> Event:
    """The first record under a key, by somebody who does not know its secret."""
    records = cast("list[dict[str, dict[str, object]]]", event["Records"])[:1]
    line = f"WSYNC1 key_sample {int(NOW.timestamp())} batch {'0' * 64}\n"
    records[0]["kinesis"]["data"] = base64.b64encode(line.encode() + b"[]").decode()
    return {**event, "Records": records}


def _the_consumer_is_behind(stage: Stage) -> None:
    """So far that even what tells of the present hour has to wait."""
    stage.services.pressure.report("wedsync-metrics:shard-0", timedelta(hours=2), now=NOW)


def earlier(event: Event, *, minutes: int) -> Event:
    """The points of a stream's batch, unsigned, as they would have been some minutes ago."""
    records = cast("list[dict[str, dict[str, object]]]", event["Records"])
    for record in records:
        kinesis = record["kinesis"]
        data = base64.b64decode(str(kinesis["data"]))
        body = data.partition(b"\n")[2] if data.startswith(b"WSYNC1") else data
        if body.startswith((b"[", b'{"')):
            points = json.loads(body)
            for point in points if isinstance(points, list) else [points]:
                point["ts"] -= minutes * 60_000
            body = json.dumps(points).encode()
        kinesis["data"] = base64.b64encode(body).decode()
        arrived = cast("float", kinesis["approximateArrivalTimestamp"])
        kinesis["approximateArrivalTimestamp"] = arrived - minutes * 60
    return event


def _with_body(text: str) -> Callable[[Event], Event]:
    def change(event: Event) -> Event:
        return {**event, "body": text}

    return change


def _a_large_bad_point(event: Event) -> Event:
    points = json.loads(str(event["body"]))
    points.append({"name": "x" * 6000, "kind": "timer", "ts": 0, "value": 1})
    return {**event, "body": json.dumps(points)}


def _a_large_bad_label(event: Event) -> Event:
    label = {"key": "route", "value": {"stringValue": "x" * 6000}}
    gauge = {"timeUnixNano": str(NOW_NS), "asInt": 1, "attributes": [label]}
    return {**event, "body": json.dumps(export({"name": "n", "gauge": {"dataPoints": [gauge]}}))}


def _an_export(event: Event) -> Event:
    """The batch's first record as an OpenTelemetry collector would put it."""
    first = cast("list[dict[str, dict[str, object]]]", event["Records"])[0]
    body = str(sample("metrics-otlp")["body"]).encode()
    kinesis = {**first["kinesis"], "data": base64.b64encode(body).decode()}
    return {**event, "Records": [{**first, "kinesis": kinesis}]}


def _by_a_vendor(event: Event) -> Event:
    who = {"tenant": TENANT.id, "subject": "key_v", "role": "vendor", "vendorId": "photo-1"}
    context = cast("dict[str, object]", event["requestContext"])
    return {**event, "requestContext": {**context, "authorizer": {"lambda": who}}}


def _by_bearer_token(event: Event) -> Event:
    at = NOW.timestamp()
    claims = {
        "iss": "wedsync",
        "aud": "wedsync-api",
        "sub": "mia",
        "tenantId": TENANT.id,
        "role": "viewer",
        "nbf": at - 60,
        "exp": at + 600,
    }
    token = jwt.encode(claims, TOKEN_KEY, algorithm="HS256", headers={"kid": "tokens-1"})
    headers = dict(cast("dict[str, str]", event["headers"]))
    del headers["x-api-key"]
    return {**event, "headers": {**headers, "authorization": f"Bearer {token}"}}


def _by_the_second(event: Event) -> Event:
    query = {"name": "photo.upload", "window": "1s", "timeRange": "5m", "weddingId": "wed_sample"}
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return {**event, "queryStringParameters": query, "rawQueryString": text}


def _without_wedding(event: Event) -> Event:
    body = json.loads(str(event["body"]))
    del body["weddingId"]
    return {**event, "body": json.dumps(body)}


def _without_query(event: Event) -> Event:
    return {**event, "rawQueryString": "", "queryStringParameters": None}


def an_unanswered_report(stage: Stage) -> None:
    """The same report came 20 minutes ago and was not answered: its ladder has run on."""
    a_registered_wedding(stage)
    stage.clock.set(NOW - timedelta(minutes=20))
    event = _without_wedding(sample("incidents-create"))
    stage.run("incidents-create", event, deaf_to=frozenset({"remember"}))
    stage.clock.set(NOW)
    stage.used.clear()


WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="  # noqa: S105 - planted
CONTACT_ID = "con_sample"


def a_contact(stage: Stage, *, channels: tuple[ChannelKind, ...] = (ChannelKind.WEBHOOK,)) -> None:
    """Somebody who is on call; their endpoints are down."""
    target = Target(url="https://hooks.invalid/wedsync", secret=WEBHOOK_SECRET)
    made = tuple(
        Channel(
            channel_id=kind.value,
            kind=kind,
            shown="mia@example.com" if kind in BY_SNS else "https://hooks.invalid/…",
            sealed=None
            if kind in BY_SNS
            else stage.services.sealing.seal(TENANT, CONTACT_ID, target),
            address_id="0123456789ab" if kind in BY_SNS else None,
        )
        for kind in channels
    )
    stage.services.routing.add_contact(
        TENANT,
        Contact(
            contact_id=CONTACT_ID,
            name="Mia",
            roles=("on_call_engineer",),
            channels=made,
            created_at=NOW,
            updated_at=NOW,
        ),
    )


OWN_POLICY = "own_ladder"


def a_policy(stage: Stage) -> None:
    """A ladder of the tenant's own."""
    stage.services.routing.save_policy(
        TENANT, replace(templates()[WEDDING_DAY], name=OWN_POLICY), expected=0
    )


RULE_ID = "rule_sample"


def an_own_rule(**members: object) -> Rule:
    """Guest lists that load slowly, at any wedding."""
    rule = Rule(
        rule_id=RULE_ID,
        name="Slow guest lists",
        condition=Comparison(
            metric="guest_list.load",
            stat=Statistic.P95,
            op=Operator.ABOVE,
            threshold=1000.0,
            window_seconds=300,
        ),
        severity=Severity.HIGH,
        wedding_specific=True,
        created_at=NOW - timedelta(days=1),
        created_by="key_sample",
        updated_at=NOW - timedelta(days=1),
    )
    return replace(rule, **members)  # type: ignore[arg-type] # members of a rule


def photos_fail_everywhere(stage: Stage) -> None:
    """A rule of the tenant's is in breach, and its incident of another time is overdue."""
    counted_points(stage)
    condition = Comparison(
        metric="photo.upload",
        stat=Statistic.COUNT,
        op=Operator.ABOVE,
        threshold=0.0,
        window_seconds=300,
        for_seconds=0,
        filters=(("outcome", ("failed",)),),
    )
    rule = an_own_rule(
        condition=condition, severity=Severity.CRITICAL, wedding_specific=False, policy=OWN_POLICY
    )
    a_policy(stage)
    stage.services.rules.add(TENANT, rule)
    name = scope_name(TENANT, f"rule {RULE_ID}")
    overdue = replace(an_incident(), incident_id=f"{name}-1", alerts=(), wedding_id=None)
    stage.services.incidents.begin(TENANT, overdue, after=None)


def a_rule_for_counted_points(stage: Stage) -> None:
    """A rule whose windows hold something."""
    counted_points(stage)
    a_rule(stage)


def a_rule_with_an_alert(stage: Stage) -> None:
    """A rule of the tenant's own whose alert is open, with an incident that everybody knows."""
    a_rule(stage)
    stage.services.incidents.begin(TENANT, _sent(an_incident(), tiers=3), after=None)
    alert = replace(an_alert(), rule_id=RULE_ID, group=(("device", "phone"),))
    stage.services.alerts.keep(TENANT, alert, former=None)


SILENCE_ID = "silence_sample"


def a_silence(stage: Stage) -> None:
    """The wedding's mild alerts are silenced, and there is a rule to be silenced too."""
    a_registered_wedding(stage)
    a_rule(stage)
    silence = Silence(
        silence_id=SILENCE_ID,
        matchers=Matchers(wedding_ids=(WEDDING.wedding_id,), severities=(Severity.LOW,)),
        starts_at=NOW - timedelta(hours=1),
        ends_at=NOW + timedelta(hours=1),
        comment="The venue tests its network",
        created_at=NOW - timedelta(hours=1),
        created_by="key_sample",
    )
    stage.services.silences.add(TENANT, silence)


def a_rule(stage: Stage) -> None:
    """A rule of the tenant's own, and a ladder that it may climb."""
    a_policy(stage)
    stage.services.rules.add(TENANT, an_own_rule())


def a_roster(stage: Stage) -> None:
    """Nobody is on duty on Saturdays."""
    a_contact(stage)
    rotation = Rotation(
        role="on_call_engineer",
        members=(CONTACT_ID,),
        starts_on=date(2026, 6, 1),
        hand_over=time(8),
        days=(0, 1, 2, 3, 4),
    )
    roster = Roster(time_zone="Europe/Madrid", rotations=(rotation,))
    stage.services.routing.save_roster(TENANT, roster, expected=0)


def a_roster_on_friday(stage: Stage) -> None:
    a_roster(stage)
    stage.clock.set(NOW - timedelta(days=1))


def a_wedding_and_a_contact(stage: Stage) -> None:
    a_contact(stage)
    a_registered_wedding(stage)


def a_contact_and_a_page(stage: Stage) -> None:
    a_contact(stage)
    a_new_incident(stage)


def a_page_that_waits(stage: Stage) -> None:
    """A page to a webhook is planned and lies on the queue; an e-mail is the next way."""
    a_contact(stage, channels=(ChannelKind.WEBHOOK, ChannelKind.EMAIL))
    a_new_incident(stage)
    stage.run("streams-recipients", sample("streams-recipients"))
    stage.used.clear()


def a_page_that_waits_alone(stage: Stage) -> None:
    """The same while the incident is no emergency, so that the e-mail is not sent at once."""
    a_contact(stage, channels=(ChannelKind.WEBHOOK, ChannelKind.EMAIL))
    stage.services.incidents.begin(TENANT, an_incident(minutes_ago=0), after=None)
    stage.run("streams-recipients", _milder(sample("streams-recipients")))
    stage.used.clear()


def _milder(event: Event) -> Event:
    return cast("Event", json.loads(json.dumps(event).replace('\\"critical\\"', '\\"high\\"')))


def _its_end(event: Event) -> Event:
    return cast("Event", json.loads(json.dumps(event).replace("page", "resolved")))


def a_told_contact(stage: Stage) -> None:
    a_page_that_waits(stage)
    stage.run("streams-deliveries", sample("streams-deliveries"))
    stage.used.clear()


RUNBOOK_ID = "own-runbook"
EXECUTION_ID = "run_sample"


def a_runbook(*actions: Action, approval: bool = False) -> Runbook:
    """A runbook of the tenant's own, armed whenever it is."""
    return Runbook(
        runbook_id=RUNBOOK_ID,
        title="Uploads fail at a wedding",
        match=Match(types=("photo_upload_failures",)),
        steps=tuple(
            Step(
                step_id=f"step-{number}",
                title=action.kind,
                action=action,
                needs_approval=approval,
                measure=Metric.P95_MS,
            )
            for number, action in enumerate(actions)
        ),
        off_day=Mode.ARMED,
    )


EVERY_ACTION: tuple[Action, ...] = (
    EmergencyMode(kind="emergency_mode", minutes=60),
    WarmCache(kind="warm_cache"),
    Scale(
        kind="scale",
        dimension=Dimension.RESERVED_CONCURRENCY,
        target="metrics-wedding",
        to=40,
    ),
    Ticket(kind="ticket", contact_id=CONTACT_ID, text="Look at the uploads"),
    Notify(kind="notify", roles=("platform_lead",), text="Uploads fail"),
)


def a_stored_runbook(stage: Stage) -> None:
    stage.services.runbooks.save(TENANT, a_runbook(*EVERY_ACTION), expected=0)


def an_own_runbook(stage: Stage) -> None:
    an_open_incident(stage)
    a_contact(stage)
    a_stored_runbook(stage)


def _a_run(*, approval: bool) -> Execution:
    return begun(
        a_runbook(*EVERY_ACTION, approval=approval),
        execution_id=EXECUTION_ID,
        incident_id=INCIDENT_ID,
        dry_run=False,
        by="mia",
        reason="mia asked for it",
        at=NOW,
    )


def a_run(stage: Stage) -> None:
    """Every step of it is due."""
    an_own_runbook(stage)
    stage.services.executions.begin(TENANT, _a_run(approval=False))


def a_waiting_run(stage: Stage) -> None:
    """Its first step waits for a person."""
    around = Around(incident_is_active=True, touched={}, ceremony_ends={})
    waits = next_move(_a_run(approval=True), around=around, now=NOW).execution
    stage.services.executions.begin(TENANT, waits)


def a_run_that_waits(stage: Stage) -> None:
    an_own_runbook(stage)
    a_waiting_run(stage)


def _of_a_run(event: Event) -> Event:
    body = {"kind": "runbook", "tenant_id": TENANT.id, "execution_id": EXECUTION_ID}
    records = cast("list[dict[str, object]]", event["Records"])
    return {**event, "Records": [{**records[0], "body": json.dumps(body)}]}


def _of_a_removal(event: Event) -> Event:
    body = {"kind": "removal", "tenant_id": TENANT.id, "wedding_id": "wed_sample"}
    records = cast("list[dict[str, object]]", event["Records"])
    return {**event, "Records": [{**records[0], "body": json.dumps(body)}]}


def an_emergency(stage: Stage) -> None:
    emergency = Emergency(
        since=NOW, until=NOW + timedelta(hours=1), by="mia", reason="Uploads back up"
    )
    stage.services.emergency.save(TENANT, emergency, former=None)


def _of_an_emergency(event: Event) -> Event:
    body = {"kind": "emergency", "tenant_id": TENANT.id}
    records = cast("list[dict[str, object]]", event["Records"])
    return {**event, "Records": [{**records[0], "body": json.dumps(body)}]}


CASES: tuple[Case, ...] = (
    Case(function="account-authorizer", arrange=a_key),
    Case(function="account-authorizer", title="by bearer token", change=_by_bearer_token),
    Case(function="account-authorizer", title="by nobody's key"),
    Case(function="account-change-settings", status=200),
    Case(function="account-read-settings", status=200),
    Case(function="alerts-acknowledge", arrange=an_open_incident, status=200),
    Case(function="alerts-feedback", arrange=an_open_incident, status=200),
    Case(function="alerts-listing", arrange=an_open_incident, status=200),
    Case(function="alerts-read", arrange=an_open_incident, status=200),
    Case(function="alerts-resolve", arrange=a_paged_incident, status=200),
    Case(
        function="alerts-resolve",
        title="not the only alert",
        arrange=an_incident_with_another_open_alert,
        status=200,
    ),
    Case(
        function="alerts-resolve",
        title="topics down",
        arrange=a_paged_incident,
        down=TOPICS,
        status=200,
    ),
    Case(function="fallback-unrouted", status=404),
    Case(function="incidents-acknowledge", arrange=an_open_incident, status=200),
    Case(function="incidents-active", arrange=an_open_incident, status=200),
    Case(function="incidents-change", arrange=a_mild_incident, status=200),
    Case(
        function="incidents-change",
        title="topics down",
        arrange=a_mild_incident,
        down=TOPICS,
        status=200,
    ),
    Case(
        function="incidents-change",
        title="all tiers due",
        arrange=an_open_incident,
        status=200,
    ),
    Case(function="incidents-close", arrange=a_resolved_incident, status=200),
    Case(function="incidents-reopen", arrange=a_resolved_incident, status=200),
    Case(
        function="incidents-reopen",
        title="open already, all tiers due",
        arrange=an_open_incident,
        status=200,
    ),
    Case(function="incidents-read-postmortem", arrange=a_resolved_incident, status=200),
    Case(
        function="incidents-read-postmortem",
        title="of no wedding",
        arrange=an_incident_of_no_wedding_with_another_open_alert,
        status=200,
    ),
    Case(function="incidents-statistics", arrange=a_resolved_incident, status=200),
    Case(function="incidents-write-postmortem", arrange=a_resolved_incident, status=200),
    Case(function="incidents-timeline", arrange=an_open_incident, status=200),
    Case(function="incidents-update", arrange=an_open_incident, status=201),
    Case(function="incidents-create", arrange=a_registered_wedding, status=200),
    Case(function="incidents-create", title="told", arrange=a_wedding_and_a_contact, status=200),
    Case(
        function="incidents-create",
        title="topics down",
        arrange=a_registered_wedding,
        down=TOPICS,
        status=200,
    ),
    Case(
        function="incidents-create",
        title="again after a crash",
        arrange=an_unanswered_report,
        change=_without_wedding,
        status=200,
    ),
    Case(function="incidents-escalate", arrange=a_new_incident, status=200),
    Case(function="incidents-escalate", title="tier 1", arrange=escalated(1), status=200),
    Case(function="incidents-escalate", title="tier 2", arrange=escalated(2), status=200),
    Case(
        function="incidents-escalate",
        title="topics down",
        arrange=a_new_incident,
        down=TOPICS,
        status=200,
    ),
    Case(function="incidents-listing", arrange=an_open_incident, status=200),
    Case(function="incidents-read", arrange=an_open_incident, status=200),
    Case(function="incidents-resolve", arrange=a_paged_incident, status=200),
    Case(
        function="incidents-resolve",
        title="topics down",
        arrange=a_paged_incident,
        down=TOPICS,
        status=200,
    ),
    Case(function="metrics-catalog", status=200),
    Case(function="metrics-ingest", status=202),
    Case(
        function="metrics-ingest",
        title="a large bad point",
        change=_a_large_bad_point,
        status=202,
    ),
    Case(
        function="metrics-ingest",
        title="while the consumer is behind",
        arrange=_the_consumer_is_behind,
        status=429,
    ),
    Case(function="metrics-ingest", title="a vendor's", change=_by_a_vendor, status=202),
    Case(function="metrics-otlp", status=200),
    Case(function="metrics-otlp", title="a large bad point", change=_a_large_bad_label, status=200),
    Case(function="metrics-otlp", title="a vendor's", change=_by_a_vendor, status=200),
    Case(function="metrics-prometheus", arrange=counted_and_rolled_up, status=200),
    Case(function="metrics-change-pipeline", status=200),
    Case(function="metrics-change-pipeline", title="again", arrange=a_pipeline, status=200),
    Case(function="metrics-list-pipelines", arrange=a_pipeline, status=200),
    Case(function="metrics-read-pipeline", arrange=a_pipeline, status=200),
    Case(function="metrics-remove-pipeline", arrange=a_pipeline, status=204),
    Case(function="metrics-values", arrange=updated_values, status=200),
    Case(function="metrics-real-time", arrange=counted_points, status=200),
    Case(function="metrics-rejections", arrange=counted_points, status=200),
    Case(function="metrics-series", arrange=counted_points, status=200),
    Case(
        function="metrics-series",
        title="by the second",
        arrange=counted_points,
        change=_by_the_second,
        status=200,
    ),
    Case(
        function="metrics-series",
        title="from the history",
        arrange=copied_to_a_history,
        change=_over_four_days,
        status=200,
        moto_answers_alike=False,  # it runs no query of Timestream: rollups answer
    ),
    Case(function="metrics-wedding", arrange=counted_points, status=200),
    Case(function="operations-begin-emergency", status=200),
    Case(function="operations-end-emergency", arrange=an_emergency, status=204),
    Case(function="operations-health", arrange=an_emergency, status=200),
    Case(function="operations-read-emergency", arrange=an_emergency, status=200),
    Case(function="routing-change-policy", arrange=a_policy, status=200),
    Case(function="routing-change-roster", arrange=a_contact, status=200),
    Case(function="routing-list-policies", arrange=a_policy, status=200),
    Case(function="routing-read-policy", arrange=a_policy, status=200),
    Case(function="routing-read-roster", arrange=a_roster, status=200),
    Case(function="schedules-roster", arrange=a_roster_on_friday),
    Case(function="routing-change-contact", arrange=a_contact, status=200),
    Case(function="routing-create-contact", status=201),
    Case(function="routing-list-contacts", arrange=a_contact, status=200),
    Case(function="routing-notifications", arrange=a_told_contact, status=200),
    Case(function="routing-read-contact", arrange=a_contact, status=200),
    Case(function="routing-remove-contact", arrange=a_contact, status=204),
    Case(function="routing-remove-policy", arrange=a_policy, status=204),
    Case(function="routing-try-contact", arrange=a_contact, status=202),
    Case(function="rules-change", arrange=a_rule_with_an_alert, status=200),
    Case(
        function="rules-change",
        title="topics down",
        arrange=a_rule_with_an_alert,
        down=TOPICS,
        status=200,
    ),
    Case(function="rules-create", arrange=a_policy, status=201),
    Case(
        function="rules-remove",
        title="topics down",
        arrange=a_rule_with_an_alert,
        down=TOPICS,
        status=204,
    ),
    Case(function="rules-listing", arrange=a_rule, status=200),
    Case(function="rules-rehearse", arrange=a_rule_for_counted_points, status=200),
    Case(function="rules-read", arrange=a_rule, status=200),
    Case(function="rules-remove", arrange=a_rule_with_an_alert, status=204),
    Case(function="rules-silence", arrange=a_silence, status=201),
    Case(function="rules-silences", arrange=a_silence, status=200),
    Case(function="rules-read-silence", arrange=a_silence, status=200),
    Case(function="rules-end-silence", arrange=a_silence, status=204),
    Case(function="runbooks-listing", arrange=an_own_runbook, status=200),
    Case(function="runbooks-read", arrange=an_own_runbook, status=200),
    Case(function="runbooks-change", arrange=an_own_runbook, status=200),
    Case(function="runbooks-remove", arrange=an_own_runbook, status=204),
    Case(function="runbooks-execute", arrange=an_own_runbook, status=202),
    Case(function="runbooks-read-execution", arrange=a_run, status=200),
    Case(function="runbooks-approve", arrange=a_run_that_waits, status=200),
    Case(function="runbooks-abort", arrange=a_run_that_waits, status=200),
    Case(function="schedules-collection", arrange=measured_runs),
    Case(function="schedules-compaction", arrange=counted_points),
    Case(function="schedules-daily", arrange=counted_days_ago),
    Case(function="schedules-history", arrange=counted_with_a_history),
    Case(
        function="schedules-history",
        title="refused for good",
        arrange=counted_with_a_history_that_refuses,
    ),
    Case(function="schedules-hourly", arrange=counted_an_hour_ago),
    Case(function="schedules-minute", arrange=counted_points),
    Case(function="schedules-minute", title="all is well", arrange=a_registered_wedding),
    Case(function="schedules-minute", title="an emergency", arrange=an_emergency),
    Case(function="schedules-minute", title="one leaves", arrange=a_wedding_that_leaves),
    Case(function="schedules-rules", arrange=photos_fail_everywhere),
    Case(
        function="schedules-rules",
        title="topics down",
        arrange=photos_fail_everywhere,
        down=TOPICS,
    ),
    Case(function="schedules-streams", arrange=counted_requests),
    Case(function="schedules-usage", arrange=measured_runs),
    Case(function="streams-deliveries", arrange=a_page_that_waits),
    Case(function="streams-deliveries", title="the next way", arrange=a_page_that_waits_alone),
    Case(
        function="streams-metrics",
        arrange=an_incident_of_another_time,
    ),
    Case(
        function="streams-metrics",
        title="topics down",
        arrange=a_key_and_a_wedding,
        down=TOPICS,
    ),
    Case(
        function="streams-metrics",
        title="months before the wedding",
        arrange=a_key_and_a_wedding_months_away,
    ),
    Case(function="streams-metrics", title="an export", change=_an_export),
    Case(function="streams-metrics", title="a minute behind", arrange=_a_minute_behind),
    Case(function="streams-metrics", title="a forged record", arrange=a_key, change=_forged),
    Case(function="streams-recipients", arrange=a_contact_and_a_page),
    Case(function="streams-recipients", title="nobody is there", arrange=a_new_incident),
    Case(function="streams-recipients", title="about an alert alone", arrange=a_contact),
    Case(
        function="streams-recipients", title="it is over", arrange=a_told_contact, change=_its_end
    ),
    Case(function="streams-wake", arrange=an_open_incident),
    Case(function="streams-wake", title="a run", arrange=a_run, change=_of_a_run),
    Case(
        function="streams-wake",
        title="an emergency",
        arrange=an_emergency,
        change=_of_an_emergency,
    ),
    Case(
        function="streams-wake",
        title="a removal that was cut off",
        arrange=a_wedding_that_leaves,
        change=_of_a_removal,
    ),
    Case(function="streams-wake", title="a breach", arrange=photos_that_nobody_judged),
    Case(function="streams-wake", title="a minute of requests", arrange=counted_requests),
    Case(function="streams-wake", title="topics down", arrange=an_open_incident, down=TOPICS),
    Case(function="weddings-change", arrange=a_registered_wedding, status=200),
    Case(function="weddings-create", status=201),
    Case(function="weddings-listing", arrange=a_registered_wedding, status=200),
    Case(function="weddings-monitoring", arrange=a_registered_wedding, status=200),
    Case(
        function="weddings-monitoring",
        title="now",
        arrange=a_registered_wedding,
        change=_without_query,
        status=200,
    ),
    Case(function="weddings-read", arrange=a_registered_wedding, status=200),
    Case(function="weddings-remove", arrange=an_open_incident, status=204),
    Case(function="weddings-remove", title="paged", arrange=a_paged_incident, status=204),
    Case(
        function="weddings-remove",
        title="an alert among others of an incident",
        arrange=an_incident_of_no_wedding_with_another_open_alert,
        status=204,
    ),
    Case(
        function="weddings-remove",
        title="topics down",
        arrange=a_paged_incident,
        down=TOPICS,
        status=204,
    ),
    Case(function="weddings-success", arrange=a_day_that_is_over, status=200),
    Case(
        function="weddings-success",
        title="on the day",
        arrange=counted_points,
        status=200,
    ),
    Case(function="weddings-timeline", arrange=a_registered_wedding, status=200),
    Case(function="weddings-vendors-health", arrange=counted_points, status=200),
)


def changed(event: Event, **members: object) -> Event:
    """A copy of an event with some members replaced."""
    return {**deepcopy(event), **members}
