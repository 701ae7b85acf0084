"""Every example of docs/alerting-rules.md is taken as it stands, and answered as it says."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl

from tests.docs.test_escalation import holds
from tests.harness import Json, a_wedding_request
from tests.scenarios.language import Day
from tests.scenarios.test_own_rules import guest_list
from wedsync.alerting.own.condition import NoData, Operator, Statistic
from wedsync.api.conditions import ConditionRequest

GUIDE = (Path(__file__).parents[2] / "docs" / "alerting-rules.md").read_text()
BLOCKS = re.findall(r"(?ms)^```(http|json)\n(.*?)^```", GUIDE)
REFUSED = {400, 409}


class Reader:
    """Follows the guide from its first request to its last, on a wedding's day."""

    def __init__(self) -> None:
        self.day = Day("2026-06-20", starts="13:30", weddings={"w1": a_wedding_request()})
        self.names: dict[str, str] = {}

    def ask(self, block: str) -> Json:
        head, _, body = block.partition("\n\n")
        method, path = head.split()
        path, _, query = self._filled(path).partition("?")
        bundle = self.day.bundle
        text = self._filled(body).strip() or None
        answer = bundle.request(method, path, text, query=dict(parse_qsl(query)))
        assert answer.status < 300 or answer.status in REFUSED, (head, answer)
        members = cast("Mapping[str, str]", answer.body or {})
        if "ruleId" in members and "verdict" not in members:
            self.names.setdefault("firstRuleId", members["ruleId"])
            self.names["ruleId"] = members["ruleId"]
        if "firstRuleId" in self.names and "alertId" not in self.names:
            self._slow_guest_lists()
        return answer.body

    def _slow_guest_lists(self) -> None:
        """The first rule is made at half past one; guest lists are slow for a minute."""
        self.day.push(guest_list("w1", 1500))
        (alert,) = self.day.bundle.alerts()
        self.names["alertId"] = str(alert["alertId"])
        self.day.at("14:10")

    def _filled(self, text: str) -> str:
        return re.sub(r"\{(\w+Id)\}", lambda found: self.names[found[1]], text)


def test_every_request_of_the_guide_is_answered_as_it_says() -> None:
    reader = Reader()
    told: Json = None
    asked = compared = 0
    for language, block in BLOCKS:
        if language == "http":
            told = reader.ask(block)
            asked += 1
        else:
            assert holds(told, json.loads(block)), (block, told)
            compared += 1
    assert (asked, compared) == (12, 11)


def test_the_guide_names_every_member_of_a_condition_and_every_value() -> None:
    conditions = GUIDE.partition("## Conditions")[2].partition("## When it is judged")[0]
    named = set(re.findall(r"`([^`]+)`", conditions))
    members = {
        field.alias or name
        for name, field in ConditionRequest.model_fields.items()
        if name not in {"every", "some"}
    }
    camel = {re.sub(r"_(\w)", lambda found: found[1].upper(), each) for each in members}
    assert camel <= named, camel - named
    for kind in (Statistic, Operator, NoData):
        assert {each.value for each in kind} <= named, kind
