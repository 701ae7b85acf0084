r"""Figures in the text format of Prometheus, version 0.0.4.

Source: prometheus.io, "Exposition formats", and the naming rules that ``promtool check metrics``
applies: base units, ``_total`` for counters alone, no type in a name. A label's value escapes
``\``, ``"`` and line breaks, a help text ``\`` and line breaks.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The upper bounds of a histogram's buckets; the last one has none."""

Labels = Mapping[str, str]


class FamilyKind(StrEnum):
    """What Prometheus may do with the samples of a family."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Sample:
    """One number under its labels."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Observations under their labels; ``below[i]`` of them lie at or below the i-th bound."""

    labels: Labels
    below: Sequence[int]
    count: int
    sum: float


@dataclass(slots=True, kw_only=True)
class Family:
    """All samples of one name, told together."""

    name: str
    kind: FamilyKind
    help: str
    samples: list[Sample | Histogram] = field(default_factory=list)


def exposition(families: Iterable[Family]) -> str:
    """The families that have samples, each name once, each with its help and its type."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        lines.append(f"# HELP {family.name} {_escaped_help(family.help)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        for sample in family.samples:
            lines += _lines(family.name, sample)
    return "".join(f"{line}\n" for line in lines)


def _lines(name: str, sample: Sample | Histogram) -> Iterable[str]:
    if isinstance(sample, Sample):
        yield f"{name}{_labels(sample.labels)} {_number(sample.value)}"
        return
    for bound, below in zip(BOUNDS_SECONDS, sample.below, strict=True):
        yield f"{name}_bucket{_labels({**sample.labels, 'le': _number(bound)})} {below}"
    yield f"{name}_bucket{_labels({**sample.labels, 'le': '+Inf'})} {sample.count}"
    yield f"{name}_sum{_labels(sample.labels)} {_number(sample.sum)}"
    yield f"{name}_count{_labels(sample.labels)} {sample.count}"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{told}}}"


def _escaped(text: str) -> str:
    return _escaped_help(text).replace('"', r"\"")


def _escaped_help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value))
