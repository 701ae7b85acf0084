"""Markdown tables of figures, and the machine that they were taken on."""

import importlib.metadata
import math
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_PACKAGES = (
    "numpy",
    "polars",
    "orjson",
    "msgspec",
    "zstandard",
    "boto3",
    "pydantic",
    "aws-lambda-powertools",
)


class Differs(Exception):
    """What was measured gave another result than its reference: its speed means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells that are text already."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def lines(self) -> Iterator[str]:
        """As Markdown: names to the left, figures to the right."""
        yield f"| {' | '.join(self.columns)} |"
        yield f"|---|{'---:|' * (len(self.columns) - 1)}"
        for row in self.rows:
            yield f"| {' | '.join(row)} |"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One thing that was measured. ``figures`` hold the same numbers for machines to read."""

    name: str
    title: str
    said: str
    tables: tuple[Table, ...]
    figures: Mapping[str, float] = field(default_factory=dict)

    def text(self) -> str:
        """As Markdown."""
        tables = "\n\n".join("\n".join(table.lines()) for table in self.tables)
        return f"## {self.title}\n\n{self.said}\n\n{tables}\n"


def machine() -> Mapping[str, str]:
    """What the figures were taken on; nothing that names a user or a place."""
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    system = release.get("PRETTY_NAME", platform.system())
    return {
        "CPU": _cpu(),
        "cores": str(psutil.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{system}, {platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
        "busy before the run": f"load {psutil.getloadavg()[0]:.1f}",
    }


def machine_text(told: Mapping[str, str]) -> str:
    """The machine in one line."""
    return " · ".join(f"{name} {value}" for name, value in told.items())


def median(values: Sequence[float]) -> float:
    """The middle one; of an even number the lower of the two."""
    return quantile(values, 0.5)


def quantile(values: Sequence[float], q: float) -> float:
    """The value of nearest rank ceil(q·n)."""
    return sorted(values)[max(0, math.ceil(q * len(values)) - 1)]


def number(value: float) -> str:
    """With three digits that mean something, thousands apart."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def times(value: float) -> str:
    """A ratio."""
    return f"{number(value)}\N{MULTIPLICATION SIGN}"


def _cpu() -> str:
    told = Path("/proc/cpuinfo")
    if told.exists():
        for line in told.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
