"""Which runbooks an incident asks for."""

from dataclasses import replace

import pytest

from tests.domain.incidents.builders import (
    A_TUESDAY_BEFORE,
    a_reported_incident,
    an_incident,
)
from wedsync.alerting.severity import Severity
from wedsync.runbooks.matching import mismatch
from wedsync.runbooks.model import Match, Mode, Runbook, mode_of

ANY = Runbook(runbook_id="r", title="R", match=Match(), steps=())


@pytest.mark.parametrize(
    ("match", "applies"),
    [
        (Match(), True),
        (Match(types=("photo_upload_failures", "x")), True),
        (Match(types=("x",)), False),
        (Match(rules=("platform.photo_upload_failures",)), True),
        (Match(rules=("platform.x",)), False),
        (Match(severities=(Severity.CRITICAL,)), True),
        (Match(severities=(Severity.LOW,)), False),
        (Match(services=("gallery",)), False),
        (Match(wedding_day=True), True),
        (Match(wedding_day=False), False),
        (Match(types=("photo_upload_failures",), severities=(Severity.LOW,)), False),
    ],
)
def test_every_condition_has_to_hold(*, match: Match, applies: bool) -> None:
    found = mismatch(replace(ANY, match=match), an_incident())

    assert (found is None) is applies


def test_what_concerns_no_wedding_day_is_off_day() -> None:
    early = replace(an_incident(), wedding_context=A_TUESDAY_BEFORE)

    assert mismatch(replace(ANY, match=Match(wedding_day=False)), early) is None
    assert mismatch(replace(ANY, match=Match(wedding_day=False)), a_reported_incident()) is None


def test_off_the_day_a_runbook_only_says_what_it_would_do_until_it_is_armed() -> None:
    assert mode_of(ANY, is_wedding_day=False) is Mode.DRY_RUN
    assert mode_of(replace(ANY, off_day=Mode.ARMED), is_wedding_day=False) is Mode.ARMED
    assert mode_of(ANY, is_wedding_day=True) is Mode.ARMED
