"""What runbooks may scale is deployed."""

from infra.registry import registry
from wedsync.resources import Resource
from wedsync.runbooks.model import TARGETS, Dimension


def test_every_target_is_a_function_or_the_stream() -> None:
    functions = {each.declaration.name for each in registry()}
    for dimension, targets in TARGETS.items():
        deployed = {Resource.METRICS_STREAM.slug} if dimension is Dimension.SHARDS else functions
        assert set(targets) <= deployed
