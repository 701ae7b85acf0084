"""Stores stand on the seam: what holds for them holds on SQLite and on DynamoDB."""

from collections.abc import Iterator

import pytest

from tests.functions.stage import Stage, on_moto, on_sqlite


@pytest.fixture(params=["sqlite", "moto"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with {"sqlite": on_sqlite, "moto": on_moto}[request.param]() as stage:
        yield stage
