"""Every example of docs/clients.md does what it says, against a real server."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from tests.harness import a_wedding_request
from tests.infra.local.processes import ROOT, Server, eventually
from wedsync.metrics.signature import sign

GUIDE = (ROOT / "docs" / "clients.md").read_text()
COMMAND = ("-c", "from infra.local.cli import main; main()")


@dataclass(frozen=True, slots=True)
class Example:
    """One fenced block, by the heading above it."""

    title: str
    language: str
    code: str

    @property
    def name(self) -> str:
        return f"{self.title} ({self.language})"


def examples() -> list[Example]:
    found: list[Example] = []
    for section in re.split(r"(?m)^## ", GUIDE)[1:]:
        title = section.partition("\n")[0]
        found += [
            Example(title, language, code)
            for language, code in re.findall(r"(?ms)^```(\w+)\n(.*?)^```", section)
        ]
    return found


EXAMPLES = examples()
RUN = {"sh": ["sh", "-eu", "-c"], "python": [sys.executable, "-W", "error", "-c"]}
COUNTS = {"The Kinesis Producer Library": 2}
"""How many points an example sends, where it is not one."""


class Platform:
    """A server with a wedding for each example."""

    def __init__(self, data: Path) -> None:
        self.server = Server(*COMMAND, "serve", "--port", "0", "--data", str(data))
        tokens = cast("dict[str, str]", self.server.line["tokens"])
        self.device = cast("dict[str, str]", self.server.line["device"])
        self.token = tokens["device"]
        self._headers = {"authorization": f"Bearer {tokens['admin']}"}

    def a_wedding(self) -> str:
        request = a_wedding_request()
        status, _, body = self.server.ask("POST", "/api/weddings", request, self._headers)
        assert status == 201, body
        return str(json.loads(body)["weddingId"])

    def environment(self, wedding_id: str) -> dict[str, str]:
        url = str(self.server.line["url"])
        return {
            "PATH": os.defpath,
            "PYTHONPATH": str(ROOT / "layers" / "wedsync" / "python"),
            "URL": url,
            "TOKEN": self.token,
            "STREAM": str(self.server.line["stream"]),
            "KEY_ID": self.device["keyId"],
            "SECRET": self.device["signingSecret"],
            "WEDDING": wedding_id,
            "AWS_ENDPOINT_URL_KINESIS": url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
        }

    def counted(self, name: str, wedding_id: str, stat: str = "count") -> float:
        query = f"name={name}&weddingId={wedding_id}&stat={stat}&window=1h&timeRange=2h"
        target = f"/api/metrics/series?{query}"
        status, _, body = self.server.ask("GET", target, headers=self._headers)
        assert status == 200, body
        lines = json.loads(body)["series"]
        return float(sum(value for line in lines for _, value in line["points"]))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = Platform(tmp_path_factory.mktemp("data"))
    yield platform
    platform.server.end()


@pytest.mark.parametrize(
    "example", [each for each in EXAMPLES if each.language in RUN], ids=lambda each: each.name
)
def test_an_example_sends_what_it_says(
    platform: Platform, example: Example, tmp_path: Path
) -> None:
    wedding_id = platform.a_wedding()
    done = subprocess.run(  # noqa: S603 - our own guide
        [*RUN[example.language], example.code],
        cwd=tmp_path,
        env=platform.environment(wedding_id),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = COUNTS.get(example.title, 1)
    eventually(lambda: platform.counted("photo.upload", wedding_id) == expected)
    values = {640.0, 1350.0}
    assert platform.counted("photo.upload", wedding_id, "sum") in values


STATEMENTS = [each.code for each in EXAMPLES if each.language == "sql"]


def forwarded(statement: str, message: bytes, *, topic: str) -> bytes:
    """What a rule of AWS IoT Core forwards, as far as these statements go."""
    selected = re.fullmatch(r"SELECT (.*) FROM '([^']*)'\s*", statement)
    assert selected is not None
    pattern = selected[2].replace("+", "[^/]+")
    assert re.fullmatch(pattern, topic), "the rule does not look at this topic"
    if selected[1] == "*":
        return message
    functions: dict[str, Callable[[], object]] = {
        "*": lambda: json.loads(message),
        "encode(*, 'base64')": lambda: base64.b64encode(message).decode(),
        "topic()": lambda: topic,
        "topic(2)": lambda: topic.split("/")[1],
        "timestamp()": lambda: None,
        "clientid()": lambda: "camera-1",
        "traceid()": lambda: "6a1f7f0e-0000-4000-8000-000000000001",
    }
    parts = re.findall(r"\s*(.+?) AS (\w+)(?:,|$)", selected[1])
    return json.dumps({alias: functions[part]() for part, alias in parts}).encode()


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_rules_statement_makes_records_that_count(platform: Platform, statement: str) -> None:
    wedding_id = platform.a_wedding()
    now = platform.server.document("GET", "/_local/clock")["now"]
    said = {"name": "photo.upload", "kind": "timer", "value": 640, "ts": now}
    message = json.dumps(said).encode()
    topic = f"wedsync/{wedding_id}/metrics"
    if "signed" in statement:
        topic = f"wedsync/{wedding_id}/signed"
        message = sign(
            json.dumps({**said, "weddingId": wedding_id}).encode(),
            secret=platform.device["signingSecret"].encode(),
            key_id=platform.device["keyId"],
            at_unix=1,
            batch_id=f"message-of-{wedding_id}",
        )
    record = forwarded(statement, message, topic=topic)
    for _ in range(2):
        platform.server.kinesis().put_record(
            StreamName="wedsync-metrics", PartitionKey="rule", Data=record
        )
    eventually(lambda: platform.counted("photo.upload", wedding_id) == 1)


def test_the_guide_has_examples_of_every_kind() -> None:
    titles = {each.title for each in EXAMPLES}
    assert titles >= {
        "curl",
        "The Python client",
        "boto3",
        "The Kinesis Producer Library",
        "Rules of AWS IoT Core",
        "OpenTelemetry",
    }
    assert len(STATEMENTS) == 3
    assert {each.language for each in EXAMPLES} == {"sh", "python", "sql"}
