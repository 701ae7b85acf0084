"""What has been filed may still change, and is never confused with what is present."""

from dataclasses import replace

import pytest

from tests.domain.incidents.builders import NOW, an_incident
from tests.functions.stage import TENANT, Stage
from wedsync.incidents.lifecycle import resolve
from wedsync.incidents.model import Incident
from wedsync.stores.episodes import Overtaken, Stored


def _followed(stage: Stage) -> tuple[Stored[Incident], Stored[Incident]]:
    """A resolved incident and the one that took its place."""
    incidents = stage.services.incidents
    first = incidents.begin(TENANT, an_incident(), after=None)
    over = resolve(first.value, by="ana", at=NOW).incident
    resolved = incidents.save(TENANT, over, expected=first.version)
    name = over.incident_id.rpartition("-")[0]
    second = replace(an_incident(), incident_id=f"{name}-2", title="the second")
    return resolved, incidents.begin(TENANT, second, after=resolved)


def test_an_incident_that_is_filed_can_still_be_changed(stage: Stage) -> None:
    """Whoever was paged is told that it is over, also when the next one has begun meanwhile."""
    incidents = stage.services.incidents
    resolved, present = _followed(stage)
    told = replace(resolved.value, description="everyone has been told")
    incidents.save(TENANT, told, expected=resolved.version)
    assert incidents.get(TENANT, told.incident_id).value.description == "everyone has been told"
    assert incidents.get(TENANT, present.value.incident_id).value == present.value


def test_equal_version_numbers_do_not_make_two_episodes_one(stage: Stage) -> None:
    incidents = stage.services.incidents
    filed, present = _followed(stage)
    while filed.version < present.version:
        filed = incidents.save(TENANT, filed.value, expected=filed.version)
    incidents.save(TENANT, replace(filed.value, title="the first"), expected=filed.version)
    assert incidents.get(TENANT, present.value.incident_id).value.title == "the second"
    assert incidents.get(TENANT, filed.value.incident_id).value.title == "the first"


def test_a_filed_incident_takes_one_of_two_changes_of_the_same_version(stage: Stage) -> None:
    incidents = stage.services.incidents
    filed, _ = _followed(stage)
    incidents.save(TENANT, filed.value, expected=filed.version)
    with pytest.raises(Overtaken):
        incidents.save(TENANT, filed.value, expected=filed.version)


def test_a_slow_writer_files_nothing_older_over_what_is_filed(stage: Stage) -> None:
    incidents = stage.services.incidents
    filed, present = _followed(stage)
    told = replace(filed.value, description="everyone has been told")
    incidents.save(TENANT, told, expected=filed.version)
    third = replace(present.value, incident_id=f"{present.value.incident_id[:-1]}3")
    with pytest.raises(Overtaken):
        incidents.begin(TENANT, third, after=filed)
    assert incidents.get(TENANT, told.incident_id).value.description == "everyone has been told"
