"""Findings of the security check that stand, each with its reason."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, finding: str, *, reason: str) -> None:
    """Let one finding stand on this construct, and on nothing beside it."""
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))
