"""The list prices that every cost is told in: the one table to change when they do."""

from dataclasses import dataclass

REGION = "us-east-1"
AS_OF = "late 2026"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars, on demand, without free tiers and discounts."""

    million_read_units: float
    """DynamoDB; a unit is 4 KiB read consistently."""
    million_write_units: float
    """DynamoDB; a unit is 1 KiB written."""
    shard_hour: float
    """Kinesis, provisioned: 1 MiB or 1,000 records a second."""
    million_put_units: float
    """Kinesis; a unit is 25 KiB of one record."""
    million_invocations: float
    """Lambda."""
    gb_second: float
    """Lambda."""


LISTED = Prices(
    million_read_units=0.125,
    million_write_units=0.625,
    shard_hour=0.015,
    million_put_units=0.014,
    million_invocations=0.20,
    gb_second=0.0000166667,
)
GB_OF_ONE_CORE = 1769 / 1024
"""So much memory has one whole core on Lambda: a second of CPU is so many GB-seconds."""
