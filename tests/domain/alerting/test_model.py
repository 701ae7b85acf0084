"""An alert's identity, and that it survives storage."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tests.domain.alerting.builders import NOW, THE_DAY, found, photos
from wedsync.alerting.finding import Finding
from wedsync.alerting.lifecycle import advance
from wedsync.alerting.model import Alert, fingerprint
from wedsync.alerting.observation import Scope, WeddingObservation
from wedsync.alerting.photos import PHOTO_UPLOAD_FAILURES

FINDING = found(PHOTO_UPLOAD_FAILURES, photos(rate=2.0), THE_DAY)


def test_a_fingerprint_is_sixteen_hex_digits() -> None:
    of = fingerprint(tenant="t", rule_id="r", scope=Scope(wedding_id="w"))

    assert len(of) == 16
    assert set(of) <= set(string.hexdigits.lower())


def test_the_order_of_labels_does_not_matter_to_a_fingerprint() -> None:
    labels = (("host", "h1"), ("resource", "cpu"))

    assert fingerprint(
        tenant="t", rule_id="r", scope=Scope(service="s"), group=labels
    ) == fingerprint(tenant="t", rule_id="r", scope=Scope(service="s"), group=labels[::-1])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=3), st.text(max_size=3), st.text(max_size=3)),
        unique=True,
        min_size=2,
        max_size=2,
    )
)
def test_tenants_rules_and_weddings_never_run_into_each_other(
    parts: list[tuple[str, str, str]],
) -> None:
    one, other = (
        fingerprint(tenant=tenant, rule_id=rule, scope=Scope(wedding_id=wedding))
        for tenant, rule, wedding in parts
    )

    assert one != other


def test_a_wedding_and_a_service_of_the_same_name_are_two_things() -> None:
    wedding = fingerprint(tenant="t", rule_id="r", scope=Scope(wedding_id="x"))
    service = fingerprint(tenant="t", rule_id="r", scope=Scope(service="x"))

    assert wedding != service


def test_an_alert_survives_storage() -> None:
    alert = advance(None, FINDING, tenant="t", context=THE_DAY, now=NOW).alert
    adapter = TypeAdapter(Alert)

    assert alert is not None
    assert adapter.validate_json(adapter.dump_json(alert)) == alert


def test_findings_and_observations_survive_storage() -> None:
    findings, observations = TypeAdapter(Finding), TypeAdapter(WeddingObservation)

    assert findings.validate_json(findings.dump_json(FINDING)) == FINDING
    observation = photos(failed=1, completed=3)
    assert observations.validate_json(observations.dump_json(observation)) == observation
