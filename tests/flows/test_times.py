"""Spans of time as people say them."""

from datetime import timedelta

import pytest

from wedsync.flows.times import in_words


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(minutes=15), "15 min"),
        (timedelta(hours=6), "6 h"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=1), "24 h"),
        (timedelta(days=31), "31 days"),
        (timedelta(days=3, hours=1), "73 h"),
        (timedelta(minutes=90), "90 min"),
    ],
)
def test_a_span_is_said_in_whole_units(span: timedelta, said: str) -> None:
    assert in_words(span) == said
