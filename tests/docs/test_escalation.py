"""Every example of docs/escalation.md is taken as it stands, and answered as it says."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl

import pytest

from tests.domain.notifications.builders import NOW, a_delivery
from tests.harness import Bundle, Json
from wedsync.cloud import Answered, Call, Outcome
from wedsync.incidents.policies import templates
from wedsync.notifications.delivery import State
from wedsync.notifications.payloads import Target, call_for

GUIDE = (Path(__file__).parents[2] / "docs" / "escalation.md").read_text()
BLOCKS = re.findall(r"(?ms)^```(http|json|python)\n(.*?)^```", GUIDE)
TUESDAY = datetime(2026, 6, 16, 14, 5, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - planted


@dataclass(slots=True)
class Everywhere:
    """Every endpoint of the guide; it takes what comes."""

    calls: list[Call] = field(default_factory=list)

    def post(self, call: Call) -> Outcome:
        self.calls.append(call)
        return Answered(202)


@dataclass(slots=True)
class Reader:
    """Follows the guide from its first request to its last; ids come from former answers."""

    bundle: Bundle
    names: dict[str, str] = field(default_factory=dict)

    def ask(self, block: str) -> Json:
        head, _, body = block.partition("\n\n")
        method, path = head.split()
        path, _, query = self._filled(path).partition("?")
        answer = self.bundle.request(
            method,
            path,
            self._filled(body).strip() or None,
            query=dict(parse_qsl(query)),
        )
        assert answer.status < 300, (head, answer)
        self.bundle.drain()
        members = cast("Mapping[str, str]", answer.body)
        self.names |= {
            name: members[name] for name in ("contactId", "incidentId") if name in members
        }
        return answer.body

    def _filled(self, text: str) -> str:
        return re.sub(r"\{(\w+Id)\}", lambda found: self.names[found[1]], text)


@pytest.fixture
def reader() -> Iterator[Reader]:
    with Bundle(at=TUESDAY, web=Everywhere()) as bundle:
        yield Reader(bundle)


def holds(told: Json, shown: Json) -> bool:
    """Whether an answer has all that the guide shows of it."""
    if isinstance(shown, dict):
        return isinstance(told, dict) and all(
            name in told and holds(told[name], value) for name, value in shown.items()
        )
    if isinstance(shown, list):
        return isinstance(told, list) and len(told) == len(shown) and all(map(holds, told, shown))
    return told == shown


def test_every_request_of_the_guide_is_answered_as_it_says(reader: Reader) -> None:
    told: Json = None
    asked = compared = 0
    for language, block in BLOCKS:
        if language == "http":
            told = reader.ask(block)
            asked += 1
        elif language == "json":
            assert holds(told, json.loads(block)), (block, told)
            compared += 1
    assert (asked, compared) == (9, 7)


def test_the_guides_receiver_takes_what_is_ours_and_nothing_else() -> None:
    (code,) = (block for language, block in BLOCKS if language == "python")
    scope: dict[str, object] = {}
    exec(compile(code, "docs/escalation.md", "exec"), scope)  # noqa: S102 - the guide's own lines
    verified = scope["verified"]
    assert callable(verified)
    call = call_for(
        a_delivery(), Target(url="https://a.example.com", secret=SECRET), incident=None, now=NOW
    )
    assert verified(dict(call.headers), call.body, SECRET)
    assert not verified(dict(call.headers), call.body + b" ", SECRET)
    assert not verified(dict(call.headers), call.body, SECRET[:-1] + "A")


def test_the_guides_table_of_ladders_is_that_of_the_templates() -> None:
    for name, policy in templates().items():
        (row,) = re.findall(rf"(?m)^\| `{name}` \| (.*?) \|", GUIDE)
        tiers = row.split("; ")
        assert len(tiers) == len(policy.tiers)
        for text, tier in zip(tiers, policy.tiers, strict=True):
            after = re.match(r"after (\d+) min", text)
            assert (60 * int(after[1]) if after else 0) == tier.after_seconds
            assert tuple(re.findall(r"`(\w+)`", text)) == tier.roles


def test_the_guide_explains_every_state_of_the_log() -> None:
    table = GUIDE.partition("| state | meaning |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table)) - {"nextAttemptAt"} == {each.value for each in State}
