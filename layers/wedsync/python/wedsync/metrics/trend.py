"""Where a line of daily values is heading: its slope per day, and how sure that is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_DAYS = 14
"""Below two weeks a slope tells of weekdays more than of a trend."""
_Z_975 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """Units per day; ``low`` to ``high`` holds the true slope in 95 of 100 such samples."""

    per_day: float
    low: float
    high: float


def slope(days: Sequence[float], values: Sequence[float]) -> Slope:
    """The slope of the least-squares line through daily values, with its 95 % interval.

    With ``Sxx = Σ(x - x̄)²`` and ``Sxy = Σ(x - x̄)(y - ȳ)`` the slope is ``b = Sxy / Sxx``, its
    standard error ``s_b = sqrt(Σ(y - ŷ)² / (n - 2) / Sxx)``, and the interval
    ``b ± t(0.975, n - 2) · s_b``: ordinary least squares with normal errors, as in Draper and
    Smith, Applied Regression Analysis, 3rd ed. (1998), section 1.4. Days that resemble their
    neighbours make the true interval wider. ValueError for fewer than three different days.
    """
    n = len(values)
    if n != len(days) or len(set(days)) < 3:
        raise ValueError("a slope with an interval needs three different days")
    mean_x, mean_y = math.fsum(days) / n, math.fsum(values) / n
    sxx = math.fsum((x - mean_x) ** 2 for x in days)
    sxy = math.fsum((x - mean_x) * (y - mean_y) for x, y in zip(days, values, strict=True))
    per_day = sxy / sxx
    residuals = math.fsum(
        (y - mean_y - per_day * (x - mean_x)) ** 2 for x, y in zip(days, values, strict=True)
    )
    margin = student_975(n - 2) * math.sqrt(residuals / (n - 2) / sxx)
    return Slope(per_day=per_day, low=per_day - margin, high=per_day + margin)


def student_975(degrees: int) -> float:
    """The 97.5 % point of Student's t distribution.

    Exact for one and two degrees of freedom; above, the expansion in 1/degrees of Abramowitz and
    Stegun, Handbook of Mathematical Functions (1964), 26.7.5: within 0.001 from five degrees on.
    """
    if degrees < 1:
        raise ValueError("there is at least one degree of freedom")
    if degrees == 1:
        return math.tan(math.pi * 0.475)
    if degrees == 2:
        return 0.95 * math.sqrt(2 / (1 - 0.95**2))
    z = _Z_975
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return math.fsum(term / degrees**power for power, term in enumerate(terms))
