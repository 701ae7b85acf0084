"""What each kind of endpoint is sent."""

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.domain.incidents.builders import an_incident
from tests.domain.notifications.builders import NOW, a_delivery, a_message
from wedsync.alerting.severity import Severity
from wedsync.cloud import Call
from wedsync.incidents.model import ChannelKind
from wedsync.notifications.payloads import Target, call_for, short_text
from wedsync.notifications.signature import PREFIX, secret_key, signed_headers
from wedsync.notifications.told import Told

SECRET = PREFIX + base64.b64encode(b"planted-" * 4).decode()
TARGET = Target(url="https://hooks.example.com/x", secret=SECRET)
ODD = "<!channel> *bold* [link](http://evil.example) & `code` \\ | <b>"


def sent(kind: ChannelKind, told: Told | None = None) -> Call:
    return call_for(a_delivery(kind, told=told), TARGET, incident=an_incident(), now=NOW)


def body(call: Call) -> dict[str, object]:
    assert call.headers["content-type"] == "application/json"
    assert SECRET.encode() not in call.body or b"routing_key" in call.body
    return cast("dict[str, object]", json.loads(call.body))


def test_a_webhook_is_verified_by_the_standards_own_library() -> None:
    now = datetime.now(UTC)  # noqa: TID251 - the library compares with the time of the machine
    call = call_for(a_delivery(), TARGET, incident=an_incident(), now=now)
    told = Webhook(SECRET).verify(call.body, dict(call.headers))
    assert told["type"] == "incident.page"
    assert told["data"]["incident"]["title"] == an_incident().title
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(call.body + b" ", dict(call.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(PREFIX + base64.b64encode(b"x" * 32).decode()).verify(call.body, dict(call.headers))


def test_a_webhook_carries_the_same_id_at_every_attempt_and_another_for_another_message() -> None:
    first, again = sent(ChannelKind.WEBHOOK), sent(ChannelKind.WEBHOOK)
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    other = sent(ChannelKind.WEBHOOK, a_message(tier=1))
    assert other.headers["webhook-id"] != first.headers["webhook-id"]


def test_the_signature_is_that_of_the_specifications_example() -> None:
    headers = signed_headers(
        b'{"test": 2432232314}',
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at_unix=1614265330,
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",  # noqa: S106 - of the specification
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_%%%", "whsec_" + "A" * 8, "A" * 44, "whsec_" + "A" * 400, "whsec_é"],
)
def test_a_secret_of_another_form_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="base 64"):
        secret_key(secret)


def test_slack_gets_blocks_with_a_text_that_mentions_nobody() -> None:
    told = a_message(subject=f"[HIGH] PAGE: {ODD}"[:99], text=ODD * 200)
    message = body(sent(ChannelKind.SLACK, told))
    blocks = cast("list[dict[str, dict[str, str]]]", message["blocks"])
    assert [str(each["type"]) for each in blocks] == ["header", "section", "context"]
    assert blocks[0]["text"]["type"] == "plain_text"
    assert len(blocks[0]["text"]["text"]) <= 150
    assert len(blocks[1]["text"]["text"]) <= 3000
    for text in (cast("str", message["text"]), blocks[1]["text"]["text"]):
        assert text
        assert "<" not in text
        assert ">" not in text


def test_teams_gets_an_adaptive_card_in_which_nothing_is_markdown() -> None:
    told = a_message(subject=ODD, text=f"{ODD}\nsecond line")
    message = body(sent(ChannelKind.TEAMS, told))
    (attachment,) = cast("list[dict[str, object]]", message["attachments"])
    assert message["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = cast("dict[str, object]", attachment["content"])
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["fallbackText"] == ODD
    texts = cast("list[dict[str, str]]", card["body"])
    for block in texts[:2]:
        assert not re.search(r"(?<!\\)[\[\]<>`*_]", block["text"].replace("\\\\", ""))
    assert "second line" in texts[1]["text"]


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("page", "trigger"),
        ("notice", "trigger"),
        ("reminder", "trigger"),
        ("acknowledged", "acknowledge"),
        ("resolved", "resolve"),
    ],
)
def test_pagerduty_hears_one_incident_under_one_key_from_the_page_to_the_end(
    kind: str, action: str
) -> None:
    event = body(sent(ChannelKind.PAGERDUTY, a_message(kind=kind)))
    assert event["event_action"] == action
    assert event["dedup_key"] == "wedsync/demo/inc_1-1"
    assert event["routing_key"] == SECRET
    assert ("payload" in event) == (action == "trigger")


@pytest.mark.parametrize(
    ("severity", "theirs"),
    [
        (Severity.CRITICAL, "critical"),
        (Severity.HIGH, "error"),
        (Severity.MEDIUM, "warning"),
        (Severity.LOW, "info"),
    ],
)
def test_pagerduty_knows_severities_by_its_own_names(severity: Severity, theirs: str) -> None:
    event = body(sent(ChannelKind.PAGERDUTY, a_message(severity=severity)))
    payload = cast("dict[str, object]", event["payload"])
    assert payload["severity"] == theirs
    assert {"summary", "source", "timestamp"} <= payload.keys()
    assert None not in payload.values()


def test_an_sms_is_short_and_says_what_it_is_about() -> None:
    text = short_text(a_delivery(told=a_message(subject="x" * 99, text="y" * 5000)))
    assert len(text) <= 300
    assert "inc_1-1" in text


def test_nothing_is_posted_for_what_sns_delivers() -> None:
    delivery = replace(a_delivery(), channel=ChannelKind.EMAIL)
    with pytest.raises(ValueError, match="nothing is posted"):
        call_for(delivery, TARGET, incident=None, now=NOW)
