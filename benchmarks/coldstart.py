"""Cold starts: CPU above a bare interpreter, function by function, and what the dear parts cost."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.report import Differs, Section, Table, median, number, times
from benchmarks.served import ROOT
from infra.local.clock import ManualClock
from infra.local.engine import LocalCloud
from tests.functions.cases import CASES, Case, sample
from tests.functions.stage import FUNCTIONS, NOW, SECRETS, PlantedIds, Stage

_PARTS = {
    "pydantic, with a model": (
        "from pydantic import BaseModel",
        "class Point(BaseModel):",
        "    name: str",
        "    value: float",
    ),
    "numpy": ("import numpy",),
    "Powertools' resolver, with validation": (
        "from aws_lambda_powertools.event_handler import APIGatewayHttpResolver",
        "APIGatewayHttpResolver(enable_validation=True)",
    ),
    "boto3, with a client": (
        "import boto3",
        "boto3.client('dynamodb', region_name='us-east-1')",
    ),
}
_QUICK = (
    "account-authorizer",
    "metrics-ingest",
    "metrics-real-time",
    "streams-metrics",
    "streams-wake",
    "weddings-create",
)
_ENDED_SECONDS = 60


def measure(*, quick: bool) -> Section:
    """Each function on what its sample finds, each time in an interpreter of its own."""
    rounds = 1 if quick else 2
    cases = [
        case for case in CASES if case.title == "sample" and (not quick or case.function in _QUICK)
    ]
    with tempfile.TemporaryDirectory() as folder:
        scenes = {case.function: _arranged(case, Path(folder)) for case in cases}
        found: dict[str, list[Mapping[str, float]]] = {name: [] for name in scenes}
        parts: dict[str, list[float]] = {name: [] for name in _PARTS}
        for _ in range(rounds):
            for name, lines in _PARTS.items():
                parts[name].append(_part(lines))
            for case in cases:
                found[case.function].append(_first_call(case, scenes[case.function]))
    return _section(found, parts, rounds)


def _arranged(case: Case, folder: Path) -> Path:
    """A folder with the cloud that the sample finds, and the sample."""
    scene = folder / case.function
    scene.mkdir()
    clock, ids = ManualClock(NOW), PlantedIds(1)
    with LocalCloud(scene / "cloud", clock=clock, ids=ids) as cloud:
        for resource, secret in SECRETS.items():
            ids.planted.append(secret)
            cloud.secret(resource).value()
        case.arrange(Stage(cloud, clock))
    (scene / "event.json").write_text(json.dumps(case.change(sample(case.function))))
    return scene


def _first_call(case: Case, scene: Path) -> Mapping[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(scene, Path(folder) / "scene"))
        told: dict[str, float] = json.loads(
            _run(
                "-m",
                "benchmarks.first_call",
                FUNCTIONS[case.function].declaration.module,
                str(copy / "cloud"),
                str(copy / "event.json"),
                NOW.isoformat(),
            )
        )
    if told["status"] != case.status or told["failures"] or told["refused"]:
        raise Differs(f"{case.function} answered {told}")
    return told


def _part(lines: Sequence[str]) -> float:
    program = (
        "import time",
        "began = time.process_time()",
        *lines,
        "print((time.process_time() - began) * 1000)",
    )
    return float(_run("-c", "\n".join(program)))


def _run(*arguments: str) -> str:
    """The last line that an interpreter of its own prints."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_ENDED_SECONDS,
        check=False,
    )
    if done.returncode:
        raise Differs(f"{arguments[:3]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1]


def _section(
    found: Mapping[str, Sequence[Mapping[str, float]]],
    parts: Mapping[str, Sequence[float]],
    rounds: int,
) -> Section:
    bare = median([each["bare"] for runs in found.values() for each in runs])
    cost = {name: min(values) for name, values in parts.items()}
    of = {
        name: {step: min(each[step] for each in runs) for step in ("import", "call")}
        for name, runs in found.items()
    }
    rows = [
        (
            name,
            number(told["import"]),
            number(told["call"]),
            number(told["import"] + told["call"]),
            number(bare),
            times((told["import"] + told["call"]) / bare),
        )
        for name, told in sorted(of.items())
    ]
    functions = Table(
        columns=(
            "function",
            "import, CPU ms",
            "first call, CPU ms",
            "together",
            "bare interpreter",
            "ratio",
        ),
        rows=rows,
    )
    dear = Table(
        columns=("part, by itself", "CPU ms", "bare interpreter", "ratio"),
        rows=[(name, number(ms), number(bare), times(ms / bare)) for name, ms in cost.items()],
    )
    said = (
        "CPU above a bare interpreter, each in a process of its own, bytecode present; the first "
        "call runs the function's sample event on SQLite, where a deployed function makes its "
        f"boto3 client besides. The least of {rounds}: what else the machine does only adds."
    )
    return Section(
        name="coldstart",
        title="Cold starts",
        said=said,
        tables=(functions, dear),
        figures={
            "bare interpreter ms": bare,
            **{f"{name} ms": ms for name, ms in cost.items()},
            **{f"{name}, {step} ms": ms for name, told in of.items() for step, ms in told.items()},
        },
    )
