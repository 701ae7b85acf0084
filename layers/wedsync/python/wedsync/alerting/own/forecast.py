"""Where the values of the last minutes lead to, if they go on as they went."""

import math
from collections.abc import Sequence

LEAST_POINTS = 5
_SURE = 2.0
"""How many of its standard errors a slope must be away from zero to lead anywhere."""


def led_to(points: Sequence[tuple[float, float]], *, at: float) -> float | None:
    """The least-squares line through these (time, value) pairs, read at a later time.

    None where there are fewer than five, and where they scatter so much that the line might as
    well be level: a slope counts from two of its standard errors on
    (``s_b = sqrt(Σ(y - ŷ)² / (n - 2) / Σ(x - x̄)²)``).
    """
    n = len(points)
    if n < LEAST_POINTS:
        return None
    mean_x = math.fsum(x for x, _ in points) / n
    mean_y = math.fsum(y for _, y in points) / n
    spread = math.fsum((x - mean_x) ** 2 for x, _ in points)
    if not spread:
        return None
    slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    left = math.fsum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
    error = math.sqrt(left / (n - 2) / spread)
    if abs(slope) <= _SURE * error:
        return None
    return mean_y + slope * (at - mean_x)
