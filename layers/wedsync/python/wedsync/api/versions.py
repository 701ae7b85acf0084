"""Versions of what is changed: told as an ETag, and named by If-Match where a change needs one."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header

from wedsync.errors import PreconditionFailed

IfMatch = Annotated[str | None, Header(alias="if-match")]
"""The version that a caller wants changed; none, or ``*``, for whichever is there."""


def etag(version: int) -> str:
    """How a version is told."""
    return f'"{version}"'


def names_version(if_match: str | None) -> bool:
    """Whether it is about one version alone."""
    return if_match not in (None, "*")


def require_version(if_match: str | None, present: int) -> None:
    """Raises PreconditionFailed where If-Match names another version than the present one."""
    if names_version(if_match) and if_match != etag(present):
        raise PreconditionFailed
