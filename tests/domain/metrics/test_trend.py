"""A slope per day, against regressions that were worked out by hand."""

import pytest

from wedsync.metrics.trend import slope, student_975

DAYS = [float(day) for day in range(14)]


def test_a_slope_and_its_interval_are_those_of_least_squares() -> None:
    # y = 2x, one above it on even days and one below on odd ones. With n = 14:
    # Sxx = n(n² - 1)/12 = 227.5, Sxy = 2 · 227.5 - 7 = 448, Syy = 4 · 227.5 - 28 + 14 = 896,
    # b = 448/227.5, residuals 896 - 448²/227.5 = 13.784615, s² = 13.784615/12 = 1.148718,
    # s_b = sqrt(1.148718/227.5) = 0.0710583, t(0.975, 12) = 2.178813: ± 0.154823
    found = slope(DAYS, [2 * day + (1 if day % 2 == 0 else -1) for day in DAYS])
    assert found.per_day == pytest.approx(1.9692308, abs=1e-7)
    assert found.low == pytest.approx(1.9692308 - 0.154823, abs=1e-5)
    assert found.high == pytest.approx(1.9692308 + 0.154823, abs=1e-5)


def test_a_straight_line_leaves_no_doubt() -> None:
    found = slope(DAYS, [3 - 0.5 * day for day in DAYS])
    assert found.per_day == pytest.approx(-0.5)
    assert found.low == pytest.approx(found.high)


def test_gaps_count_by_their_length() -> None:
    days = [0.0, 1.0, 10.0, 20.0]
    assert slope(days, [day * 4 for day in days]).per_day == pytest.approx(4)


def test_no_trend_lies_within_its_interval() -> None:
    found = slope(DAYS, [5.0, 7.0] * 7)
    assert found.low < 0 < found.high


@pytest.mark.parametrize(
    ("degrees", "table"),
    [(1, 12.706), (2, 4.303), (5, 2.571), (12, 2.179), (28, 2.048), (120, 1.980)],
)
def test_students_t_is_that_of_the_tables(degrees: int, table: float) -> None:
    assert student_975(degrees) == pytest.approx(table, abs=1e-3)


def test_two_days_have_no_interval() -> None:
    with pytest.raises(ValueError, match="three different days"):
        slope([1.0, 2.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="degree"):
        student_975(0)
