"""Logs: one JSON line an event, with the id that runs from edge to page."""

import functools

from aws_lambda_powertools import Logger


@functools.cache
def logger() -> Logger:
    """The bundle's logger, made when first used."""
    return Logger(service="wedsync")
