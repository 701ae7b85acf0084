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


def log_figures(message: str, *, at: datetime, figures: Mapping[str, int]) -> None:
    """One line that CloudWatch also takes as metrics (embedded metric format), no dimension."""
    described = {
        "Namespace": NAMESPACE,
        "Dimensions": [[]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in figures],
    }
    metadata = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [described]}
    logger().info(message, extra={"_aws": metadata, **figures})
