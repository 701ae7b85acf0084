"""The sentence about throughput is said only where every number bears it out."""

import pytest

from benchmarks.evidence import SENTENCE, claims, told
from benchmarks.report import Section

TRUE = {
    "hotpath": {
        "whole CPU s per 1M": 1.1,
        "decode CPU s per 1M": 0.2,
        "peak RSS MB": 280.0,
    },
    "server": {
        "peak MiB": 250.0,
        "points per second": 60_000.0,
        "points acknowledged per second": 100_000.0,
        "paced: points a minute": 1_080_000.0,
        "paced: batches": 12.0,
        "paced: producers": 10.0,
        "paced: peak MiB": 260.0,
    },
}


def sections(section: str = "", figure: str = "", value: float = 0.0) -> dict[str, Section]:
    """What was measured, one figure of it another."""
    return {
        name: Section(
            name=name,
            title="",
            said="",
            tables=(),
            figures={**figures, figure: value} if name == section else figures,
        )
        for name, figures in TRUE.items()
    }


def test_it_is_the_last_line_where_all_of_it_holds() -> None:
    text, true = told(sections())
    assert true
    assert text.splitlines()[-1] == SENTENCE
    assert "MISSES" not in text


@pytest.mark.parametrize(
    ("section", "figure", "value", "says"),
    [
        ("hotpath", "whole CPU s per 1M", 1.2, "1,000, not < 1,000"),
        ("hotpath", "peak RSS MB", 500.0, "peak MB: 500, not < 500"),
        ("server", "paced: points a minute", 999_999.0, "999,999, not ≥ 1,000,000"),
        ("server", "paced: batches", 11.0, "batches meanwhile: 11.0, not ≥ 12"),
        ("server", "paced: producers", 9.0, "producers meanwhile: 9.00, not ≥ 10"),
        ("server", "paced: peak MiB", 477.0, "server memory, peak MB: 500, not < 500"),
        ("server", "peak MiB", 477.0, "server memory, peak MB: 500, not < 500"),
        ("server", "points acknowledged per second", 19_999.0, "19,999, not ≥ 20,000"),
        ("server", "points per second", 9_999.0, "9,999, not ≥ 10,000"),
    ],
)
def test_whatever_misses_is_named_in_its_place(
    section: str, figure: str, value: float, says: str
) -> None:
    measured = sections(section, figure, value)
    text, true = told(measured)
    assert not true
    assert text.splitlines()[-1].startswith("not true in this run: ")
    assert says in text.splitlines()[-1]
    found = claims({name: each.figures for name, each in measured.items()})
    assert sum(not each.holds for each in found) == 1
