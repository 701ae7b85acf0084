"""From a page to the people: contacts are told on their channels, over real HTTP."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from standardwebhooks import Webhook

from tests.harness import Bundle, Json, a_wedding_request
from tests.receivers import Receiver, a_receiver
from tests.scenarios.language import Day, photo_failures
from wedsync.notifications.delivery import State, claimed
from wedsync.resources import Resource
from wedsync.tenancy import Role, Tenant

TUESDAY = datetime(2026, 6, 16, 14, 5, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"planted-secret-of-32-bytes-here!").decode()
KEY = "R0" * 16
CONTACTS = "/api/monitoring/contacts"
INCIDENTS = "/api/monitoring/incidents"
NOTIFICATIONS = "/api/monitoring/notifications"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


@pytest.fixture
def bundle() -> Iterator[Bundle]:
    with Bundle(at=TUESDAY) as bundle:
        yield bundle


def webhook(receiver: Receiver, path: str = "/hook") -> dict[str, object]:
    return {"kind": "webhook", "url": receiver.url + path, "secret": SECRET}


def email(address: str = "mia@example.com") -> dict[str, object]:
    return {"kind": "email", "address": address}


SMS: dict[str, object] = {"kind": "sms", "address": "+34600123456"}


def add(
    bundle: Bundle, *channels: dict[str, object], role: str = "on_call_engineer", **members: object
) -> str:
    body = {"name": "Mia", "roles": [role], "channels": list(channels), **members}
    answer = bundle.post(CONTACTS, body)
    assert answer.status == 201, answer
    return str(answer["contactId"])


def report(bundle: Bundle, severity: str = "critical", **members: object) -> str:
    answer = bundle.post(INCIDENTS, {"title": "Photos fail", "severity": severity, **members})
    assert answer.status == 200, answer
    return str(answer["incidentId"])


def direct(bundle: Bundle) -> list[str]:
    """What was published to single contacts, by the channel."""
    page = bundle.cloud.outbox.published()
    return [
        f"{each.attributes['kind']} {each.attributes['channel']}"
        for each in page
        if each.topic is Resource.DIRECT
    ]


def states(bundle: Bundle, **query: str) -> set[str]:
    return {f"{each['channelId']} {each['state']}" for each in bundle.tells(None, **query)}


def test_a_page_reaches_a_webhook_that_verifies_it(receiver: Receiver) -> None:
    with Bundle(at=datetime.now(UTC).replace(microsecond=0)) as now:  # noqa: TID251 - the library's clock
        add(now, webhook(receiver))
        incident_id = report(now)
        now.drain()
    (got,) = receiver.got
    told = Webhook(SECRET).verify(got.body, dict(got.headers))
    assert told["type"] == "incident.page"
    assert told["data"]["incidentId"] == incident_id
    assert told["data"]["incident"]["status"] == "open"


def test_an_emergency_is_told_within_the_report_on_all_channels_of_all_contacts(
    bundle: Bundle, receiver: Receiver
) -> None:
    for number in range(3):
        add(bundle, webhook(receiver), email(f"mia-{number}@example.com"), SMS)
    add(bundle, email("lead@example.com"), role="team_lead")
    report(bundle)
    assert sorted(direct(bundle)) == sorted(["page webhook", "page email", "page sms"] * 3)
    bundle.drain()
    assert len(direct(bundle)) == 9, "what was told within the report is not told again"
    assert len(receiver.got) == 3


@pytest.mark.parametrize(
    ("severity", "impact", "channels"),
    [("high", "high", 3), ("critical", "none", 3), ("high", "low", 1), ("low", "none", 1)],
)
def test_an_emergency_is_what_is_critical_or_of_high_impact(
    bundle: Bundle, receiver: Receiver, severity: str, impact: str, channels: int
) -> None:
    add(bundle, webhook(receiver), email(), SMS)
    report(bundle, severity, wedding_impact=impact)
    bundle.drain()
    assert len(direct(bundle)) == channels


def test_each_tier_tells_its_own_and_an_acknowledgement_stops_them(
    bundle: Bundle, receiver: Receiver
) -> None:
    for role in ("on_call_engineer", "team_lead", "platform_lead"):
        add(bundle, webhook(receiver, f"/{role}"), role=role)
    incident_id = report(bundle)
    bundle.advance(599)
    assert [each.path for each in receiver.got] == ["/on_call_engineer"]
    bundle.advance(1)
    assert [each.path for each in receiver.got] == ["/on_call_engineer", "/team_lead"]
    bundle.post(f"{INCIDENTS}/{incident_id}/acknowledge")
    bundle.advance(1500)
    assert len(receiver.at("/platform_lead")) == 0


def test_the_end_is_told_to_those_who_were_told_and_to_nobody_else(
    bundle: Bundle, receiver: Receiver
) -> None:
    for role in ("on_call_engineer", "team_lead"):
        add(bundle, webhook(receiver, f"/{role}"), role=role)
    incident_id = report(bundle)
    bundle.drain()
    add(bundle, webhook(receiver, "/new"))
    bundle.post(f"{INCIDENTS}/{incident_id}/resolve")
    bundle.drain()
    assert [(each.path, each.json["type"]) for each in receiver.got] == [
        ("/on_call_engineer", "incident.page"),
        ("/on_call_engineer", "incident.resolved"),
    ]


def test_a_forgotten_acknowledgement_is_reminded_of(bundle: Bundle, receiver: Receiver) -> None:
    add(bundle, webhook(receiver))
    incident_id = report(bundle)
    bundle.drain()
    bundle.post(f"{INCIDENTS}/{incident_id}/acknowledge")
    bundle.advance(1799)
    assert len(receiver.got) == 1
    bundle.advance(1)
    assert receiver.got[-1].json["type"] == "incident.reminder"


def test_a_webhook_that_fails_is_seen_and_the_next_channel_is_tried_at_once(
    bundle: Bundle, receiver: Receiver
) -> None:
    add(bundle, webhook(receiver), email())
    receiver.statuses += [503]
    incident_id = report(bundle, "high")
    bundle.drain()
    told = bundle.tells(incidentId=incident_id)
    assert states(bundle, incidentId=incident_id) == {"webhook retrying", "email handed_over"}
    told.sort(key=lambda each: str(each["channelId"]), reverse=True)
    assert told[0]["attempts"] == [
        {"at": "2026-06-16T14:05:00Z", "outcome": "answered 503", "status": 503}
    ]
    assert told[0]["nextAttemptAt"] == "2026-06-16T14:05:05Z"
    assert told[1]["insteadOf"] == "webhook"
    bundle.advance(5)
    assert states(bundle, incidentId=incident_id) == {"webhook delivered", "email handed_over"}
    first, again = receiver.got
    assert first.headers["webhook-id"] == again.headers["webhook-id"]


@pytest.mark.parametrize("second_try", [503, 204])
def test_a_next_channel_that_a_dead_worker_had_in_hand_is_brought_to_its_end(
    bundle: Bundle, receiver: Receiver, second_try: int
) -> None:
    """Also where the channel before it gets through in the meantime."""
    add(bundle, webhook(receiver), email())
    receiver.statuses += [503, second_try]
    report(bundle, "high")
    bundle.drain()
    store = bundle.services.deliveries
    (key,) = (str(each["dedupKey"]) for each in bundle.tells() if each["channelId"] == "email")
    found = store.find(bundle.tenant, key)
    assert found is not None
    store.save(bundle.tenant, claimed(replace(found, state=State.PLANNED), now=bundle.now))
    bundle.advance(4)
    assert states(bundle) == {"webhook retrying", "email planned"}
    bundle.advance(120)
    assert states(bundle) == {"webhook delivered", "email handed_over"}


def test_every_channel_is_tried_in_turn_and_none_twice(bundle: Bundle, receiver: Receiver) -> None:
    add(
        bundle,
        webhook(receiver),
        {"kind": "slack", "url": f"{receiver.url}/slack"},
        {"kind": "teams", "url": f"{receiver.url}/teams"},
    )
    receiver.statuses += [404, 404, 404]
    report(bundle, "high")
    bundle.advance(3600)
    assert [each.path for each in receiver.got] == ["/hook", "/slack", "/teams"]
    assert states(bundle) == {"webhook failed", "slack failed", "teams failed"}


def test_a_retry_is_called_off_once_somebody_has_acknowledged(
    bundle: Bundle, receiver: Receiver
) -> None:
    add(bundle, webhook(receiver))
    receiver.statuses += [500]
    incident_id = report(bundle)
    bundle.drain()
    bundle.post(f"{INCIDENTS}/{incident_id}/acknowledge")
    bundle.advance(1000)
    assert len(receiver.got) == 1
    (told,) = bundle.tells(incidentId=incident_id)
    assert told["state"] == "cancelled"
    assert "somebody has acknowledged" in str(told["reason"])


@pytest.mark.parametrize("severity", ["critical", "high"])
def test_what_reaches_the_queue_after_somebody_has_answered_is_not_sent(
    bundle: Bundle, severity: str
) -> None:
    incident_id = report(bundle, severity)
    add(bundle, SMS)
    bundle.post(f"{INCIDENTS}/{incident_id}/acknowledge")
    before = len(bundle.notifications())
    bundle.drain()
    (told,) = (each for each in bundle.tells(incidentId=incident_id) if each["channel"] == "sms")
    assert told["state"] == "cancelled"
    assert "somebody has acknowledged" in str(told["reason"])
    assert len(bundle.notifications()) == before


def test_an_endpoint_that_fails_again_and_again_is_left_alone_until_it_is_back(
    bundle: Bundle, receiver: Receiver
) -> None:
    add(bundle, webhook(receiver))
    receiver.statuses += [500] * 5
    for _ in range(6):
        report(bundle, "high")
    bundle.drain()
    assert len(receiver.got) == 5, "the sixth is not posted"
    outcomes = [
        cast("list[dict[str, Json]]", each["attempts"])[0]["outcome"] for each in bundle.tells()
    ]
    assert outcomes.count("answered 500") == 5
    assert any("again and again" in str(each) for each in outcomes)
    bundle.advance(900)
    assert {str(each["state"]) for each in bundle.tells()} == {"delivered"}


def test_pagerduty_hears_of_one_incident_from_the_page_to_the_end(
    bundle: Bundle, receiver: Receiver
) -> None:
    add(bundle, {"kind": "pagerduty", "routingKey": KEY, "url": f"{receiver.url}/v2/enqueue"})
    incident_id = report(bundle)
    bundle.drain()
    for what in ("acknowledge", "acknowledge", "resolve"):
        bundle.post(f"{INCIDENTS}/{incident_id}/{what}")
        bundle.drain()
    events = [each.json for each in receiver.got]
    assert [each["event_action"] for each in events] == ["trigger", "acknowledge", "resolve"]
    assert len({str(each["dedup_key"]) for each in events}) == 1


def test_an_alert_that_somebody_takes_is_acknowledged_at_pagerduty_too(
    receiver: Receiver,
) -> None:
    day = Day("2026-06-20", weddings={"w1": a_wedding_request()})
    add(day.bundle, {"kind": "pagerduty", "routingKey": KEY, "url": f"{receiver.url}/pd"})
    day.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:06")
    day.acknowledge_alert()
    day.bundle.drain()
    assert [each.json["event_action"] for each in receiver.got] == ["trigger", "acknowledge"]


def test_who_is_mailed_is_subscribed_to_what_is_for_them_alone(bundle: Bundle) -> None:
    add(bundle, email("Mia@Example.com"), SMS)
    add(bundle, email("mia@example.com"), role="team_lead")
    subscribers = bundle.cloud.topic(Resource.DIRECT).subscribers()
    assert [(each.protocol, each.address) for each in subscribers] == [
        ("email", "mia@example.com"),
        ("sms", "+34600123456"),
    ]
    report(bundle)
    bundle.drain()
    heard = {
        str(each.attributes["channel"]): each
        for each in bundle.cloud.outbox.published()
        if each.topic is Resource.DIRECT
    }
    for subscriber in subscribers:
        (wanted,) = subscriber.only["address"]
        assert heard[subscriber.protocol].attributes["address"] == wanted
    assert len(heard["sms"].body) <= 300 < len(heard["email"].body) + 300
    assert {"kind", "severity", "tier", "channel", "incident_id", "dedup_key"} <= set(
        heard["email"].attributes
    )


def test_a_test_reaches_every_channel_whatever_the_hour(bundle: Bundle, receiver: Receiver) -> None:
    quiet = {"starts": "00:00", "ends": "23:59", "timeZone": "UTC"}
    contact_id = add(bundle, webhook(receiver), email(), quietHours=quiet)
    answer = bundle.post(f"{CONTACTS}/{contact_id}/test")
    assert answer.status == 202
    sent = cast("list[dict[str, str]]", answer["notifications"])
    bundle.drain()
    (got,) = receiver.got
    assert got.headers["webhook-id"] == sent[0]["notificationId"]
    assert states(bundle, contactId=contact_id) == {"webhook delivered", "email handed_over"}


def test_a_role_that_nobody_holds_is_seen_in_the_log(bundle: Bundle) -> None:
    incident_id = report(bundle)
    bundle.drain()
    (told,) = bundle.tells(incidentId=incident_id)
    assert (told["state"], told["role"]) == ("unreachable", "on_call_engineer")
    assert told["reason"] == "no contact holds on_call_engineer"


def test_no_secret_ever_comes_out(bundle: Bundle, receiver: Receiver) -> None:
    slack = f"{receiver.url}/services/T0/B0/planted-token"
    contact_id = add(
        bundle,
        webhook(receiver, "/planted-token"),
        {"kind": "slack", "url": slack},
        {"kind": "pagerduty", "routingKey": KEY, "url": f"{receiver.url}/pd"},
    )
    report(bundle)
    bundle.drain()
    asked = (CONTACTS, f"{CONTACTS}/{contact_id}", NOTIFICATIONS)
    shown = [json.dumps(bundle.get(path).body) for path in asked]
    items = bundle.cloud.table(Resource.ROUTING), bundle.cloud.table(Resource.NOTIFICATIONS)
    stored = [
        repr(item)
        for table in items
        for partition in ("demo#contacts", "demo#notifications", "demo#circuits")
        for item in table.query(partition).items
    ]
    for text in [*shown, *stored]:
        for secret in (SECRET, SECRET[6:], KEY, "planted"):
            assert secret not in text, text


def test_a_channel_that_is_named_keeps_its_secret_and_a_new_one_needs_its_own(
    bundle: Bundle, receiver: Receiver
) -> None:
    contact_id = add(bundle, webhook(receiver, "/old"))
    path = f"{CONTACTS}/{contact_id}"
    moved = {"kind": "webhook", "channelId": "webhook", "url": f"{receiver.url}/new"}
    kept = {"kind": "webhook", "channelId": "webhook"}
    body = {"name": "Mia", "roles": ["on_call_engineer"]}
    for channels in ([moved], [kept], [email(), kept]):
        answer = bundle.put_document(path, {**body, "channels": channels})
        assert answer.status == 200, answer
    report(bundle, "critical")
    bundle.drain()
    assert [each.path for each in receiver.got] == ["/new"]
    without = {"kind": "webhook", "url": f"{receiver.url}/x"}
    refused = bundle.put_document(path, {**body, "channels": [without]})
    assert (refused.status, refused["errors"]) == (
        400,
        [
            {
                "pointer": "/channels/0/secret",
                "code": "missing",
                "detail": "a webhook is signed with a secret",
            }
        ],
    )


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "plain http": ({"kind": "slack", "url": "http://hooks.example.com/"}, "url"),
    "an address": ({"kind": "slack", "url": "https://10.0.0.1/"}, "url"),
    "another port": ({"kind": "slack", "url": "https://a.example.com:22/"}, "url"),
    "no url": ({"kind": "teams"}, "url"),
    "no pagerduty": (
        {"kind": "pagerduty", "routingKey": KEY, "url": "https://a.example.com/"},
        "url",
    ),
    "no routing key": ({"kind": "pagerduty"}, "url"),
    "no secret": ({"kind": "webhook", "url": "https://a.example.com/"}, "secret"),
    "a short secret": (
        {"kind": "webhook", "url": "https://a.example.com/", "secret": "whsec_AAAA"},
        "secret",
    ),
    "no address": ({"kind": "email"}, "address"),
    "no e-mail": ({"kind": "email", "address": "mia"}, "address"),
    "no number": ({"kind": "sms", "address": "600"}, "address"),
    "a member of others": ({"kind": "sms", "address": "+34600123456", "url": "x"}, "url"),
    "an unknown id": ({"kind": "slack", "channelId": "slack", "url": "https://a.b/"}, "channelId"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_channel_that_could_not_be_reached_is_refused_by_its_member(
    bundle: Bundle, name: str
) -> None:
    channel, member = REFUSED[name]
    answer = bundle.post(CONTACTS, {"name": "Mia", "channels": [email(), channel]})
    assert answer.status == 400
    errors = cast("list[dict[str, str]]", answer["errors"])
    assert [each["pointer"] for each in errors] == [f"/channels/1/{member}"]
    assert bundle.get(CONTACTS).items == []


def test_contacts_and_what_they_were_told_are_their_tenants_alone(
    bundle: Bundle, receiver: Receiver
) -> None:
    contact_id = add(bundle, webhook(receiver))
    incident_id = report(bundle)
    bundle.drain()
    rival = bundle.key(Role.ADMIN, tenant=Tenant("rival"))
    assert bundle.get(f"{CONTACTS}/{contact_id}", key=rival).status == 404
    assert bundle.get(CONTACTS, key=rival).items == []
    assert bundle.tells(key=rival, incidentId=incident_id) == []
    assert bundle.post(INCIDENTS, {"title": "x", "severity": "critical"}, key=rival).status == 200
    bundle.drain()
    assert len(receiver.got) == 1


def test_a_removed_contact_is_told_no_more(bundle: Bundle, receiver: Receiver) -> None:
    contact_id = add(bundle, webhook(receiver))
    receiver.statuses += [500]
    incident_id = report(bundle)
    bundle.drain()
    assert bundle.delete(f"{CONTACTS}/{contact_id}").status == 204
    bundle.advance(60)
    assert len(receiver.got) == 1
    (told,) = bundle.tells(incidentId=incident_id)
    assert told["state"] == "cancelled"


def test_the_log_is_kept_in_pages_and_for_ninety_days(bundle: Bundle, receiver: Receiver) -> None:
    add(bundle, webhook(receiver), email(), SMS)
    report(bundle)
    bundle.drain()
    first = bundle.get(NOTIFICATIONS, limit="2")
    rest = bundle.get(NOTIFICATIONS, limit="2", cursor=str(first["nextCursor"]))
    assert len(first.items) == 2
    assert len(rest.items) == 1
    assert rest["nextCursor"] is None
    bundle.clock.set(bundle.now + timedelta(days=91))
    assert bundle.tells() == []
