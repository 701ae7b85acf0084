"""Which of the points that were read count: asked alike by HTTP ingest and by the consumer."""

from collections.abc import Mapping

from wedsync.flows.closing import first_changeable_minute
from wedsync.flows.provenance import identity_key
from wedsync.flows.times import MINUTE_MS
from wedsync.flows.visibility import foreign_weddings
from wedsync.metrics.columns import Columns
from wedsync.metrics.intake import Intake, Refused, Sender
from wedsync.metrics.otlp import Export
from wedsync.metrics.reading import BodiesRead, BodyReader
from wedsync.metrics.rows import rows_of_points
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant, may_be_tenant

_READER = "body-reader"


def warm_reader(services: Services) -> BodyReader:
    """What this process reads bodies with; it is cheaper the more it has met."""
    reader = services.memory.noted(_READER, BodyReader)
    if reader is None or reader.full:
        reader = BodyReader()
        services.memory.note(_READER, reader)
    return reader


def judge(
    services: Services, reader: BodyReader, read: BodiesRead, senders: Mapping[int, Sender]
) -> tuple[Columns | None, list[Refused]]:
    """The rows that count, and the points that do not; senders are by record."""
    intake = Intake(read, senders, reader.lexicon, valid_tenant=may_be_tenant)
    foreign = {
        (tenant, vendor): foreign_weddings(services.weddings, Tenant(tenant), vendor, named)
        for (tenant, vendor), named in intake.named_by_vendors().items()
    }
    return intake.judged(
        foreign,
        identity_key(services.signing.value()),
        kept_since_ms=first_changeable_minute(services.now()) * MINUTE_MS,
    )


def refused_of_export(
    services: Services, reader: BodyReader, export: Export, sender: Sender
) -> list[Refused]:
    """The data points of an export that would not count, each by its index."""
    points = [(each.index, each.point) for each in export.points]
    if not points:
        return []
    read = BodiesRead(parts=[rows_of_points(0, points, reader.lexicon)])
    return judge(services, reader, read, {0: sender})[1]
