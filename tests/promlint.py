"""The rules of ``promtool check metrics``, which is not installed here.

Source: prometheus/client_golang, ``testutil/promlint`` (its validations), over what the text format
itself allows: help and type once and before the samples, all samples of a family in one group,
names and labels of its alphabet, no sample twice.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

_BASE_UNITS = frozenset(
    {
        *("amperes", "bytes", "celsius", "grams", "joules", "kelvin", "meters", "metres"),
        *("seconds", "volts"),
    }
)
_OTHER_UNITS = frozenset(
    {
        *("minutes", "hours", "days", "weeks", "kelvins", "fahrenheit", "rankine", "inches"),
        *("yards", "miles", "bits", "calories", "pounds", "ounces"),
    }
)
_PREFIXES = (
    *("pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega"),
    *("mibi", "giga", "gibi", "tera", "tebi", "peta", "pebi"),
)
_ABBREVIATIONS = frozenset(
    {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"}
)
_TYPES = ("counter", "gauge", "summary", "histogram", "gauge_histogram")
_CAMEL_CASE = re.compile(r"[a-z][A-Z]")
_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


@dataclass(slots=True)
class Metric:
    """A family as its lines tell it. Its samples: name, labels without empty ones, number."""

    name: str
    help: str | None = None
    type: str = "untyped"
    samples: list[tuple[str, tuple[tuple[str, str], ...], str]] = field(default_factory=list)

    @property
    def labels(self) -> set[str]:
        """All names of labels but for the buckets' bound."""
        return {
            label
            for name, labels, _ in self.samples
            for label, _ in labels
            if not (label == "le" and self.type == "histogram" and name == f"{self.name}_bucket")
        }


def lint(text: str) -> list[str]:
    """What a linter would say of this text, a problem each; what is no such text is one, too."""
    try:
        list(text_string_to_metric_families(text))
        metrics = _metrics(text)
    except ValueError as error:
        return [f"text format: {error}"]
    return [f"{metric.name}: {told}" for metric in metrics for told in _problems(metric)]


def _problems(metric: Metric) -> Iterator[str]:
    for rule in _RULES:
        yield from rule(metric)


def _metrics(text: str) -> list[Metric]:
    """The families, as strictly as Prometheus reads them."""
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    found: dict[str, Metric] = {}
    current = Metric("")
    for line in text.splitlines():
        if line.startswith("# "):
            _, word, name, told = line.split(" ", 3)
            if name != current.name:
                current = _begun(found, name)
            _tell(current, word, told)
            continue
        match = _SAMPLE.fullmatch(line)
        if match is None:
            raise ValueError(f"no sample: {line}")
        name, labels, number = match.groups()
        suffixes = _SUFFIXES.get(current.type, ("",))
        if name not in {current.name + each for each in suffixes}:
            current = _begun(found, name)
        current.samples.append((name, _labels(labels or ""), number))
    return list(found.values())


def _begun(found: dict[str, Metric], name: str) -> Metric:
    if name in found:
        raise ValueError(f"{name} is told of in two places")
    return found.setdefault(name, Metric(name))


def _tell(metric: Metric, word: str, told: str) -> None:
    if metric.samples:
        raise ValueError(f"{word} of {metric.name} after its samples")
    if word == "HELP" and metric.help is None:
        metric.help = told
    elif word == "TYPE" and metric.type == "untyped":
        metric.type = told
    else:
        raise ValueError(f"a second {word} of {metric.name}")


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    labels: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = _LABEL.match(text, at)
        if match is None:
            raise ValueError(f"no labels: {text}")
        labels.append((match[1], match[2]))
        at = match.end()
    if len({name for name, _ in labels}) < len(labels):
        raise ValueError(f"a label twice: {text}")
    if any(name.startswith("__") for name, _ in labels):
        raise ValueError(f"a label of Prometheus' own: {text}")
    return tuple(sorted((name, value) for name, value in labels if value))


def _help(metric: Metric) -> Iterator[str]:
    if not metric.help:
        yield "no help text"


def _units(metric: Metric) -> Iterator[str]:
    for word in metric.name.split("_"):
        if word in _BASE_UNITS:
            return
        prefixed = (word.removeprefix(each) for each in _PREFIXES if word.startswith(each))
        if word in _OTHER_UNITS or any(each in _BASE_UNITS | _OTHER_UNITS for each in prefixed):
            yield f"use a base unit instead of {word}"
            return


def _counter(metric: Metric) -> Iterator[str]:
    total = metric.name.endswith("_total")
    if metric.type == "counter" and not total:
        yield "counter metrics should have a _total suffix"
    if metric.type not in ("counter", "untyped") and total:
        yield "non-counter metrics should not have a _total suffix"


def _gauge(metric: Metric) -> Iterator[str]:
    if metric.type not in ("gauge", "untyped") and metric.name.endswith("_timestamp_seconds"):
        yield "non-gauge metrics should not have a _timestamp_seconds suffix"


def _reserved(metric: Metric) -> Iterator[str]:
    if metric.type == "untyped":
        return
    distributed = metric.type in ("histogram", "summary")
    if metric.type != "histogram" and metric.name.endswith("_bucket"):
        yield "non-histogram metrics should not have a _bucket suffix"
    if not distributed and metric.name.endswith(("_count", "_sum")):
        yield "non-histogram and non-summary metrics should not have _count or _sum"
    if "le" in metric.labels:
        yield "only buckets should have a label le"
    if metric.type != "summary" and "quantile" in metric.labels:
        yield "non-summary metrics should not have a label quantile"


def _type_in_name(metric: Metric) -> Iterator[str]:
    name = f"{metric.name.lower()}_"
    if any(f"_{each}_" in name for each in _TYPES):
        yield "a name should not include its type"


def _characters(metric: Metric) -> Iterator[str]:
    if ":" in metric.name:
        yield "names should not contain a colon"
    if any(_CAMEL_CASE.search(name) for name in (metric.name, *metric.labels)):
        yield "names should be written in snake_case"


def _abbreviations(metric: Metric) -> Iterator[str]:
    if set(metric.name.lower().split("_")[1:]) & _ABBREVIATIONS:
        yield "names should not contain abbreviated units"


def _duplicates(metric: Metric) -> Iterator[str]:
    seen = [each[:2] for each in metric.samples]
    if len(set(seen)) < len(seen):
        yield "metric not unique"


def _buckets(metric: Metric) -> Iterator[str]:
    """Prometheus' own demand on histograms: cumulative, and the last bucket holds all."""
    if metric.type != "histogram":
        return
    buckets: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    counts = {}
    for name, labels, number in metric.samples:
        rest = tuple(each for each in labels if each[0] != "le")
        if name.endswith("_bucket"):
            bound = float(dict(labels).get("le", "nan"))
            buckets.setdefault(rest, []).append((bound, float(number)))
        elif name.endswith("_count"):
            counts[rest] = float(number)
    for rest in buckets.keys() | counts.keys():
        bounds, numbers = zip(*buckets.get(rest, [(0.0, 0.0)]), strict=True)
        whole = bounds[-1] == float("inf") and numbers[-1] == counts.get(rest)
        if not whole or list(bounds) != sorted(bounds) or list(numbers) != sorted(numbers):
            yield f"buckets of {rest} do not add up"


_RULES: tuple[Callable[[Metric], Iterator[str]], ...] = (
    _help,
    _units,
    _counter,
    _gauge,
    _reserved,
    _type_in_name,
    _characters,
    _abbreviations,
    _duplicates,
    _buckets,
)
