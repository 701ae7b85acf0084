"""What somebody meant who wrote a name that nobody knows."""

import pytest

from wedsync.spelling import did_you_mean, misspelt, one_of

KNOWN = frozenset({"weddingId", "eventId", "source", "dims", "data", "count", "ts", "value"})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("weddingID", "weddingId"),
        ("wedding_id", "weddingId"),
        ("weddingIds", "weddingId"),
        ("wedingId", "weddingId"),
        ("weddimgId", "weddingId"),
        ("dim", "dims"),
        ("DIMS", "dims"),
        ("dimss", "dims"),
        ("sources", "source"),
        ("TS", "ts"),
        # Known wrong: each is a name of its own.
        ("resource", None),
        ("account", None),
        ("country", None),
        ("date", None),
        ("event", None),
        ("t", None),
        ("x" * 10_000, None),
        ("", None),
    ],
)
def test_a_slip_is_told_from_another_name(name: str, meant: str | None) -> None:
    assert misspelt(name, KNOWN) == meant


def test_a_refusal_tells_what_would_be_valid_and_asks_for_what_is_near() -> None:
    assert one_of("tmer", ["gauge", "timer"]) == "must be one of gauge, timer; did you mean timer?"
    assert one_of(7, ["gauge", "timer"]) == "must be one of gauge, timer"
    assert one_of("x", [f"n{n}" for n in range(30)]).endswith("n19 and 10 more")
    assert did_you_mean("cats", ["gauge", "timer"]) == ""


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("=>", (">", ">=", "<", "<="), ">="),
        ("=<", (">", ">=", "<", "<="), "<="),
        ("p96", ("p50", "p90", "p95", "p99"), "p95"),
        ("p98", ("p50", "p90", "p95", "p99"), "p99"),
        ("average", ("avg", "max"), "avg"),
        ("colour", ("avg", "max"), ""),
        ("tpye", ("type", "tape"), "type"),
    ],
)
def test_what_stands_in_another_order_or_is_near_by_number_was_meant(
    name: str, known: tuple[str, ...], meant: str
) -> None:
    assert did_you_mean(name, known) == (f"; did you mean {meant}?" if meant else "")
