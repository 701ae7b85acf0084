"""What stands in .env.example is what a deployed function is given."""

from pathlib import Path

from wedsync.resources import Resource
from wedsync.settings import CLIENT_RATE, DEVICE_RATE, TENANT_POINTS, from_environment

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def test_the_example_holds_all_that_a_function_reads_with_the_usual_limits() -> None:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and line[0] != "#"]
    settings = from_environment(dict(line.split("=", 1) for line in lines))
    limits = (settings.client_rate, settings.device_rate, settings.tenant_points)
    assert limits == (CLIENT_RATE, DEVICE_RATE, TENANT_POINTS)
    assert set(settings.names) == {Resource.WINDOWS}
