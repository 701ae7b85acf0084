"""What can be sent, and what it feeds."""

from wedsync.api.catalog import CatalogReply
from wedsync.runtime.http import FromCaller, endpoint


@endpoint("GET /api/metrics/catalog", summary="List the metrics that figures are made of")
def handler(caller: FromCaller) -> CatalogReply:
    """Answer the catalogue, which is every tenant's."""
    del caller
    return CatalogReply.whole()
