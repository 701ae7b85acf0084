"""An operator silences alerts for a while; what matches is recorded and nobody is told."""

from wedsync.api.silences import SilenceReply, SilenceRequest
from wedsync.api.versions import etag
from wedsync.errors import CriticalSilence, RuleNotFound, TooLarge, TooManyRules, WeddingNotFound
from wedsync.flows.new_silences import add_silence
from wedsync.flows.rulebook import find_rule
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/metrics/alerts/silences",
    summary="Silence alerts for a while",
    uses=(Resource.RULES.read_write(), Resource.WEDDINGS.read()),
    raises=(CriticalSilence, RuleNotFound, WeddingNotFound, TooManyRules, TooLarge),
    status=201,
)
def handler(
    silence: SilenceRequest, caller: FromCaller, services: Injected
) -> Answer[SilenceReply]:
    """Answer the silence; one that could hide the worst from a wedding must be forced."""
    tenant, now = caller.tenant, services.now()
    made = silence.silence(
        silence_id=services.new_id("silence"), created_by=caller.subject, now=now
    )
    for rule_id in made.matchers.rule_ids:
        find_rule(services, tenant, rule_id, pointer="/matchers/ruleId")
    for wedding_id in made.matchers.wedding_ids:
        services.weddings.get(tenant, wedding_id, pointer="/matchers/weddingId")
    stored = add_silence(services, tenant, made)
    return Answer(
        SilenceReply.of(stored, now=now),
        {
            "location": f"/api/metrics/alerts/silences/{stored.silence_id}",
            "etag": etag(stored.version),
        },
    )
