"""An incident as a value."""

from pydantic import TypeAdapter

from tests.domain.incidents.builders import NOW, after, an_incident, delivered
from wedsync.incidents.lifecycle import acknowledge
from wedsync.incidents.model import Incident


def test_an_incident_survives_storage_with_its_ladder() -> None:
    incident, _ = delivered(an_incident(), at=NOW)
    incident = acknowledge(incident, by="mia", at=after(10)).incident
    adapter = TypeAdapter(Incident)

    assert adapter.validate_json(adapter.dump_json(incident)) == incident


def test_the_level_counts_the_tiers_that_were_paged() -> None:
    incident = an_incident()
    assert incident.escalation_level == 0

    incident, _ = delivered(incident, at=NOW)
    assert incident.escalation_level == 1

    incident, _ = delivered(incident, at=after(900))
    assert incident.escalation_level == 3
