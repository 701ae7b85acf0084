"""How likely counts are by chance: exact tails, as natural logarithms, and Wilson's interval."""

import math

_NEGLIGIBLE = 1e-9
_TERMS = 500


def at_least(successes: int, trials: int, chance: float) -> float:
    """Find ln P(X >= successes), X binomial: how far chance alone explains so many failures.

    Summed from the tail's own end, where the terms fall; exact to nine digits.
    """
    if successes <= 0 or chance >= 1.0:
        return 0.0
    if successes > trials or chance <= 0.0:
        return -math.inf
    if successes <= trials * chance:
        return 0.0
    first = (
        math.lgamma(trials + 1)
        - math.lgamma(successes + 1)
        - math.lgamma(trials - successes + 1)
        + successes * math.log(chance)
        + (trials - successes) * math.log1p(-chance)
    )
    odds = chance / (1.0 - chance)
    term = total = 1.0
    for count in range(successes, min(trials, successes + _TERMS)):
        term *= odds * (trials - count) / (count + 1)
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return min(0.0, first + math.log(total))


def at_most(count: int, mean: float, spread: float) -> float:
    """Find ln P(X <= count) for a count that is Poisson around a mean that varies itself.

    ``spread`` is the relative variance of that mean; the count is negative binomial with size
    1/spread, and Poisson in the limit of none.
    """
    if mean <= 0.0 or count >= mean:
        return 0.0
    size = 1.0 / max(spread, 1e-6)
    share = mean / (mean + size)
    last = (
        math.lgamma(count + size)
        - math.lgamma(size)
        - math.lgamma(count + 1)
        + count * math.log(share)
        - size * math.log1p(mean / size)
    )
    term = total = 1.0
    for below in range(count, max(0, count - _TERMS), -1):
        term *= below / ((below - 1 + size) * share)
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return min(0.0, last + math.log(total))


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Bound a share from both sides (Wilson 1927): honest for few trials, and at 0 and 1."""
    if not trials:
        return 0.0, 1.0
    share = successes / trials
    scale = 1.0 + z * z / trials
    middle = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def one_in(log_chance: float) -> str:
    """Say how rare something is: ``1 in 3e+07``."""
    decades = -log_chance / math.log(10)
    return f"1 in {10**decades:.0e}" if decades < 300 else "less than 1 in 1e+300"
