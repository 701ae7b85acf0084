"""Forecasts by a straight line: only where there is one."""

import random

import pytest

from wedsync.alerting.own.forecast import LEAST_POINTS, led_to


def test_a_line_goes_on_as_it_went() -> None:
    line = [(float(minute), 50.0 + 1.5 * minute) for minute in range(10)]
    assert led_to(line, at=30.0) == pytest.approx(95.0)


def test_a_level_line_leads_nowhere() -> None:
    assert led_to([(float(minute), 50.0) for minute in range(10)], at=30.0) is None


def test_too_few_points_are_no_line() -> None:
    line = [(float(minute), float(minute)) for minute in range(LEAST_POINTS)]
    assert led_to(line[:-1], at=30.0) is None
    assert led_to(line, at=30.0) is not None
    assert led_to([(1.0, 5.0)] * LEAST_POINTS, at=30.0) is None


def test_scatter_about_a_level_seldom_leads_anywhere() -> None:
    rng = random.Random(5)
    led = sum(
        led_to([(float(minute), rng.gauss(50, 5)) for minute in range(15)], at=45.0) is not None
        for _ in range(500)
    )
    assert led < 50
