r"""Figures in the text format of Prometheus, version 0.0.4.

Source: prometheus.io, "Exposition formats", and the naming rules that ``promtool check metrics``
applies: base units, ``_total`` for counters alone, no type in a name. A label's value escapes
``\``, ``"`` and line breaks, a help text ``\`` and line breaks.

Labels are dimensions by names that Prometheus takes. To it a label without a value is none, and
samples of the same labels are the same series: what becomes alike is added up here.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The upper bounds of a histogram's buckets; the last one has none."""

_RESERVED = frozenset({"le", "quantile"})
_WORD_BEGINS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_]")

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

    def joined(self, other: "Sample | Histogram") -> "Sample":
        """Both counts together."""
        if not isinstance(other, Sample):
            raise TypeError("a family has samples of one kind")
        return Sample(self.labels, self.value + other.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Observations under their labels; ``below[i]`` of them lie at or below the i-th bound."""

    labels: Labels
    below: Sequence[int]
    count: int
    sum: float

    def joined(self, other: "Sample | Histogram") -> "Histogram":
        """The observations of both."""
        if not isinstance(other, Histogram):
            raise TypeError("a family has samples of one kind")
        return Histogram(
            labels=self.labels,
            below=[mine + its for mine, its in zip(self.below, other.below, strict=True)],
            count=self.count + other.count,
            sum=self.sum + other.sum,
        )


@dataclass(slots=True, kw_only=True)
class Family:
    """All samples of one name, told together."""

    name: str
    kind: FamilyKind
    help: str
    samples: list[Sample | Histogram] = field(default_factory=list)


def label_names(dims: Iterable[tuple[str, str]], *, but: frozenset[str] = frozenset()) -> Labels:
    """Dimensions as labels: in snake case, with none of the names that mean something else.

    ``but`` are names that are taken. Values of dimensions that come to one name are joined by a
    semicolon, as OpenTelemetry has it.
    """
    labels: dict[str, str] = {}
    for dim, value in dims:
        if value:
            name = _NOT_PLAIN.sub("_", _WORD_BEGINS.sub("_", dim)).lower()
            if not name[:1].isalpha() or name in _RESERVED | but:
                name = f"dim_{name}"
            labels[name] = f"{labels[name]};{value}" if name in labels else value
    return labels


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
