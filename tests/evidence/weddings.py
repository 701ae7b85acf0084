"""Wedding days through the whole bundle: what must call somebody, and what must not."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.harness import a_wedding_request
from tests.scenarios.language import (
    Day,
    Told,
    between,
    health_check,
    photo_failures,
    photos,
    requests,
    response_time,
    supplied_failure_rate,
)

Making = Callable[[np.random.Generator], tuple[Told, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something at a wedding. ``critical``: somebody must be called within five minutes."""

    name: str
    critical: bool
    told: Making
    on: str = "2026-06-20"


@dataclass(slots=True, kw_only=True)
class WeddingScore:
    """How often critical happenings were called for, and others were not."""

    critical: int = 0
    called: int = 0
    harmless: int = 0
    called_for_nothing: int = 0
    seconds: float = 0.0

    @property
    def is_complete(self) -> bool:
        """Every critical happening was called for, and there were some."""
        return 0 < self.critical == self.called

    @property
    def false_share(self) -> float:
        """The share of calls that were for nothing."""
        return self.called_for_nothing / max(1, self.called + self.called_for_nothing)


def _well(rng: np.random.Generator) -> Told:
    return photos("w1", completed=int(rng.integers(50, 200)))


HAPPENINGS = (
    Happening(
        name="photo uploads fail, as counted",
        critical=True,
        told=lambda rng: (photo_failures("w1", rate=float(rng.choice([1.5, 2.0, 5.0, 50.0]))),),
    ),
    Happening(
        name="photo uploads fail, as supplied",
        critical=True,
        told=lambda rng: (supplied_failure_rate("w1", float(rng.uniform(1.01, 60))),),
    ),
    Happening(
        name="two of three uploads fail",
        critical=True,
        told=lambda _: (photos("w1", completed=1, failed=2),),
    ),
    Happening(
        name="requests fail",
        critical=True,
        told=lambda rng: (
            requests(wedding="w1", number=85),
            requests(wedding="w1", number=int(rng.integers(12, 300)), status=503),
        ),
    ),
    Happening(
        name="answers take more than five seconds",
        critical=True,
        told=lambda rng: (requests(wedding="w1", ms=float(rng.uniform(5100, 30000)), number=40),),
    ),
    Happening(
        name="the response time is beyond five seconds, as told",
        critical=True,
        told=lambda rng: (response_time("w1", float(rng.uniform(5001, 30000))),),
    ),
    Happening(
        name="the database fails",
        critical=True,
        told=lambda _: (health_check("database", "failed", wedding="w1", times=2),),
    ),
    Happening(
        name="one upload in a hundred fails",
        critical=False,
        told=lambda _: (photo_failures("w1", rate=1.0),),
    ),
    Happening(
        name="one of three uploads fails",
        critical=False,
        told=lambda _: (photos("w1", completed=2, failed=1),),
    ),
    Happening(
        name="answers take a little long",
        critical=False,
        told=lambda rng: (requests(wedding="w1", ms=float(rng.uniform(300, 1900)), number=60),),
    ),
    Happening(
        name="a request fails",
        critical=False,
        told=lambda _: (
            requests(wedding="w1", number=30),
            requests(wedding="w1", number=1, status=500),
        ),
    ),
    Happening(
        name="callers send what is refused",
        critical=False,
        told=lambda rng: (
            requests(wedding="w1", number=int(rng.integers(10, 500)), status=404),
            requests(wedding="w1", number=20),
        ),
    ),
    Happening(
        name="photos fail months before the wedding",
        critical=False,
        told=lambda _: (photo_failures("w1", rate=20.0),),
        on="2026-09-12",
    ),
)


def play_weddings(seed: int, *, rounds: int) -> WeddingScore:
    """Play every happening so many times, each on a Saturday of its own."""
    rng = np.random.default_rng(seed)
    score = WeddingScore()
    for _ in range(rounds):
        for happening in HAPPENINGS:
            _play(rng, happening, score)
    return score


def _play(rng: np.random.Generator, happening: Happening, score: WeddingScore) -> None:
    day = Day("2026-06-20", weddings={"w1": a_wedding_request(on=happening.on)})
    day.at("16:00").push(_well(rng) if happening.critical else photos("w1", started=1))
    day.at("16:10")
    began = day.bundle.now
    day.push(*happening.told(rng))
    day.at("16:15")
    pages = [one for one in day.heard(between("16:10", "16:15")) if one.kind == "page"]
    if happening.critical:
        score.critical += 1
        score.called += bool(pages)
        if pages:
            score.seconds = max(score.seconds, (pages[0].at - began).total_seconds())
    else:
        score.harmless += 1
        score.called_for_nothing += bool(pages)
    day.bundle.close()
