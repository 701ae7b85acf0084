"""A request that no route takes is told so in the form of every other error."""

from wedsync.errors import MethodNotAllowed, NotFound
from wedsync.runtime.http import Unrouted, endpoint


@endpoint(
    "ANY $default",
    summary="Answer what no route takes",
    roles=(),
    raises=(NotFound, MethodNotAllowed),
    takes_raw_body=True,
)
def handler(route: Unrouted) -> None:
    """Answer 405 where the path is known under other methods, else 404."""
    if route.allowed is not None:
        raise MethodNotAllowed(allowed=route.allowed)
    raise NotFound
