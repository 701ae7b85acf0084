"""Logs: one JSON line an event, with the id that runs from edge to page."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

NAMESPACE = "WedSync"


@functools.cache
def logger() -> Logger:
    """The bundle's logger, made when first used."""
    return Logger(service="wedsync")


def log_figures(
    message: str,
    *,
    at: datetime,
    figures: Mapping[str, float],
    units: Mapping[str, str] | None = None,
    told: Mapping[str, object] | None = None,
) -> None:
    """One line that CloudWatch also takes as metrics (embedded metric format), no dimension.

    Figures are counts where ``units`` names no other; ``told`` stands beside them in the line.
    """
    described = {
        "Namespace": NAMESPACE,
        "Dimensions": [[]],
        "Metrics": [{"Name": name, "Unit": (units or {}).get(name, "Count")} for name in figures],
    }
    metadata = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [described]}
    logger().info(message, extra={"_aws": metadata, **figures, **(told or {})})
