"""Whether what was measured in this run bears out what is claimed of throughput."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.report import Section, Table, number

SENTENCE = "Sub-second processing of 1M+ data points per minute"
SECTIONS = ("hotpath", "server")
"""What has to be measured to tell."""
_MB = 2**20 / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One number that the sentence rests on. ``least``: it must reach its bar, else stay below."""

    name: str
    value: float
    bar: float
    least: bool

    @property
    def holds(self) -> bool:
        """Whether the number is what it must be."""
        return self.value >= self.bar if self.least else self.value < self.bar

    def row(self) -> tuple[str, ...]:
        """As it is printed."""
        bar = f"{'≥' if self.least else '<'} {self.bar:,.0f}"
        return self.name, number(self.value), bar, "holds" if self.holds else "MISSES"


def claims(figures: Mapping[str, Mapping[str, float]]) -> tuple[Claim, ...]:
    """All of them, from the figures of the sections that were measured."""
    hotpath, server = figures["hotpath"], figures["server"]
    decoded_ms = 1000 * (hotpath["whole CPU s per 1M"] - hotpath["decode CPU s per 1M"])
    peak_mb = _MB * max(server["peak MiB"], server["paced: peak MiB"])
    return (
        _below("1M points folded, from decoded frames to four windows' packed blobs, CPU ms",
               decoded_ms, 1000),
        _least("points a minute through the local server, first put to all readable",
               server["paced: points a minute"], 1_000_000),
        _least("batches meanwhile", server["paced: batches"], 12),
        _least("producers meanwhile", server["paced: producers"], 10),
        _below("server memory, peak MB", peak_mb, 500),
        _below("memory of a process that counts 1M points, peak MB", hotpath["peak RSS MB"], 500),
        _least("points written a second, put to acknowledged on disk",
               server["points acknowledged per second"], 20_000),
        _least("points processed a second, put to readable", server["points per second"], 10_000),
    )  # fmt: skip


def told(sections: Mapping[str, Section]) -> tuple[str, bool]:
    """The numbers, and the sentence if it is true; else what misses. And whether it is true."""
    found = claims({name: section.figures for name, section in sections.items()})
    columns = ("claim", "measured in this run", "bar", "")
    table = Table(columns=columns, rows=[each.row() for each in found])
    missing = [each for each in found if not each.holds]
    said = SENTENCE
    if missing:
        names = "; ".join(
            f"{each.name}: {number(each.value)}, not {each.row()[2]}" for each in missing
        )
        said = f"not true in this run: {SENTENCE} ({names})"
    whole_ms = 1000 * sections["hotpath"].figures["whole CPU s per 1M"]
    with_text = (
        f"With the frames' decoding, from events' text on, it is {number(whole_ms)} ms of one core "
        "for 1M points. The server's points came as JSON rows."
    )
    lines = (
        "## Evidence",
        "",
        *table.lines(),
        "",
        with_text,
        "",
        said,
    )
    return "\n".join(lines), not missing


def _least(name: str, value: float, bar: float) -> Claim:
    return Claim(name=name, value=value, bar=bar, least=True)


def _below(name: str, value: float, bar: float) -> Claim:
    return Claim(name=name, value=value, bar=bar, least=False)
