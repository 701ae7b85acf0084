"""A request that no route takes is told so in the form of every other error."""

from wedsync.errors import MethodNotAllowed, NotFound
from wedsync.runtime.http import Unrouted, endpoint


@endpoint(
    "ANY $default",
    summary="Answer what no route takes",
    roles=(),
    raises=(NotFound, MethodNotAllowed),
)
def handler(route: Unrouted) -> None:
    """Answer 405 where the path is known under another method, else 404."""
    if route.path_is_known:
        raise MethodNotAllowed
    raise NotFound
