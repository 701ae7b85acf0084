"""A cloud that stands before another one, and changes only what it says."""

from wedsync.cloud.protocols import (
    Bucket,
    Clock,
    Cloud,
    Ids,
    Queue,
    Secret,
    Stream,
    Table,
    TimeSeries,
    Topic,
    Web,
)
from wedsync.resources import Resource


class ForwardingCloud:
    """Everything is the other cloud's own, but for what a subclass puts in its place."""

    def __init__(self, cloud: Cloud) -> None:
        """Stand before ``cloud``."""
        self._cloud = cloud

    @property
    def clock(self) -> Clock:
        """The time."""
        return self._cloud.clock

    @property
    def wall_clock(self) -> Clock:
        """The time that callers live by."""
        return self._cloud.wall_clock

    @property
    def ids(self) -> Ids:
        """Ids and randomness."""
        return self._cloud.ids

    @property
    def web(self) -> Web:
        """Other people's endpoints."""
        return self._cloud.web

    def table(self, resource: Resource) -> Table:
        """Open a table."""
        return self._cloud.table(resource)

    def stream(self, resource: Resource) -> Stream:
        """Open a stream."""
        return self._cloud.stream(resource)

    def topic(self, resource: Resource) -> Topic:
        """Open a topic."""
        return self._cloud.topic(resource)

    def queue(self, resource: Resource) -> Queue:
        """Open a queue."""
        return self._cloud.queue(resource)

    def bucket(self, resource: Resource) -> Bucket:
        """Open a bucket."""
        return self._cloud.bucket(resource)

    def secret(self, resource: Resource) -> Secret:
        """Open a secret."""
        return self._cloud.secret(resource)

    def time_series(self, resource: Resource) -> TimeSeries:
        """Open a time series store."""
        return self._cloud.time_series(resource)
