"""What a function costs before its first line: CPU time of imports in a fresh interpreter."""

import json
import re
import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path

from benchmarks.measure import Table
from infra.registry import SOURCE, registry

_REPOSITORY = SOURCE.parent
_LIBRARY = _REPOSITORY / "layers" / "wedsync" / "python"
_TRIES = 2
_SHOWN = 4
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| +(\S+)")
_START = f"import sys; sys.path[:0] = [{str(_REPOSITORY)!r}, {str(_LIBRARY)!r}]"
_FIRST_RUN = """
import json, time
from datetime import UTC, datetime
from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from infra.local.invocations import Invoker, Returned
from wedsync.settings import Settings
import importlib
event = json.load(open({sample!r}))
cloud = LocalCloud(None, clock=ManualClock(datetime(2026, 6, 20, 14, 5, tzinfo=UTC)),
                   ids=SeededIds(1))
invoker = Invoker(lambda _: cloud, Settings(), cloud.ids)
handler = importlib.import_module({module!r}).handler
began = time.process_time()
outcome = invoker.invoke(handler, event)
first = time.process_time() - began
began = time.process_time()
invoker.invoke(handler, event)
second = time.process_time() - began
returned = isinstance(outcome, Returned)
print(json.dumps([first * 1000, second * 1000] if returned else None))
"""


def run() -> Table:
    """Every declared function, and what all of them import in the cloud."""
    bare = _cpu_ms("")
    rows: list[tuple[str, ...]] = []
    figures: dict[str, float] = {}
    for function in registry():
        declaration = function.declaration
        above = _cpu_ms(f"import {declaration.module}") - bare
        runs = _invocations(declaration.module)
        figures[declaration.name] = above
        rows.append(
            (
                declaration.name,
                f"{above:.0f}",
                "-" if runs is None else f"{runs[0]:.0f}",
                "-" if runs is None else f"{runs[1]:.1f}",
                _dominant(f"import {declaration.module}"),
            )
        )
    above = _cpu_ms("import wedsync.aws.cloud") - bare
    figures["wedsync.aws"] = above
    rows.append(
        ("the AWS adapter alone", f"{above:.0f}", "", "", _dominant("import wedsync.aws.cloud"))
    )
    rows.sort(key=lambda row: -float(row[1]))
    return Table(
        "Cold start: CPU ms above a bare interpreter",
        ("function", "import", "first run", "second run", "most of the import (ms by itself)"),
        tuple(rows),
        note=f"Least of {_TRIES} fresh interpreters, compiled code cached; a bare one costs "
        f"{bare:.0f} ms. Runs play the function's sample event on an empty local cloud, "
        "where a stream's records are parked and a wake-up finds no incident (-).",
        figures=figures,
    )


def _cpu_ms(statement: str) -> float:
    """CPU time of a fresh interpreter, the least of some tries."""
    return min(_once(statement) for _ in range(_TRIES))


def _once(statement: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _python(f"{_START}\n{statement}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ((after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)) * 1000


def _invocations(module: str) -> tuple[float, float] | None:
    """The first run and the next one, in ms of CPU; None where the sample needs more to run."""
    path = module.removeprefix("functions.").replace(".", "/")
    sample = _REPOSITORY / "events" / f"{path}.json"
    script = _FIRST_RUN.format(sample=str(sample), module=module)
    last = _python(f"{_START}\n{script}").stdout.splitlines()[-1]
    taken = json.loads(last)
    return None if taken is None else (taken[0], taken[1])


def _dominant(statement: str) -> str:
    """The packages that spend most of an import, each without what it imports in turn."""
    spent: Counter[str] = Counter()
    said = _python(f"{_START}\n{statement}", "-X", "importtime").stderr
    for microseconds, module in _IMPORT.findall(said):
        spent[module.partition(".")[0]] += int(microseconds)
    return ", ".join(f"{name} {us / 1000:.0f}" for name, us in spent.most_common(_SHOWN))


def _python(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, *options, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path("/"),
    )
