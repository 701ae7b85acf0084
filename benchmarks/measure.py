"""Timing, and what a table says of it."""

import gc
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil


@dataclass(frozen=True, slots=True)
class Table:
    """One table of results; cells are texts, ready to be read."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)

    def markdown(self) -> str:
        """As Markdown: the first column to the left, all others to the right."""
        head = " | ".join(self.columns)
        rule = "|".join(["---", *["---:"] * (len(self.columns) - 1)])
        rows = [f"| {' | '.join(row)} |" for row in self.rows]
        note = ["", self.note] if self.note else []
        return "\n".join([f"### {self.title}", "", f"| {head} |", f"|{rule}|", *rows, *note, ""])


def cpu_seconds(contenders: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """CPU seconds of each, median of the rounds; in every round each runs once, in turn."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            gc.collect()
            began = time.process_time()
            run()
            taken[name].append(time.process_time() - began)
    return {name: statistics.median(each) for name, each in taken.items()}


def percentiles_ms(seconds: Sequence[float]) -> tuple[float, float]:
    """The 50th and the 95th percentile, in ms."""
    p50, p95 = np.percentile(seconds, [50, 95])
    return float(p50) * 1000, float(p95) * 1000


def machine() -> str:
    """What the figures were measured on."""
    memory_gib = psutil.virtual_memory().total / 2**30
    return (
        f"{_cpu_model()}, {psutil.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.system()}; "
        f"Python {platform.python_version()}, numpy {np.__version__}"
    )


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
