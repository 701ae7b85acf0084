"""What an incident leaves to learn, as JSON or as a document to send to the team."""

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from wedsync.api.postmortems import PostmortemReply
from wedsync.api.versions import etag
from wedsync.errors import IncidentNotFound
from wedsync.flows.postmortem import postmortem
from wedsync.incidents.postmortem_text import markdown
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/incidents/{incident_id}/postmortem",
    summary="Read an incident's post-mortem",
    uses=(
        Resource.INCIDENTS.read(),
        Resource.RUNBOOKS.read(),
        Resource.WEDDINGS.read(),
        Resource.WINDOWS.read(),
    ),
    raises=(IncidentNotFound,),
    layers=("numeric",),
)
def handler(
    incident_id: str,
    caller: FromCaller,
    services: Injected,
    form: Annotated[Literal["json", "markdown"], Query(alias="format")] = "json",
    accept: Annotated[str, Header(alias="accept")] = "",
) -> Answer[PostmortemReply]:
    """Answer it as far as it is known; in Markdown where ``Accept`` or ``format`` asks for it."""
    found = postmortem(services, caller.tenant, incident_id)
    headers = {"etag": etag(found.findings.version), "vary": "accept"}
    encoded = None
    if form == "markdown" or accept.startswith("text/markdown"):
        headers["content-type"] = "text/markdown; charset=utf-8"
        encoded = markdown(found)
    return Answer(PostmortemReply.of(found), headers, encoded=encoded)
