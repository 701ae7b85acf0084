from datetime import UTC, datetime, timedelta

import pytest

from infra.demo.cast import cast
from wedsync.api.weddings import WeddingRequest, to_wedding
from wedsync.weddings.calendar import local
from wedsync.weddings.model import Status
from wedsync.weddings.timeline import operational_window, status

HOURS = [datetime(2026, 11, 18, tzinfo=UTC) + timedelta(hours=5 * step) for step in range(34)]


@pytest.mark.parametrize("now", HOURS, ids=str)
def test_at_any_hour_of_any_day_one_wedding_is_on_and_five_are_to_come(now: datetime) -> None:
    company = cast(seed=1, now=now)
    weddings = [
        to_wedding(
            WeddingRequest.model_validate(each.document(), strict=False),
            wedding_id=f"w{number}",
            created_at=now,
            at=now,
            version=1,
        )
        for number, each in enumerate(company.all)
    ]
    assert operational_window(weddings[0]).contains(now)
    assert weddings[0].date == local(weddings[0], now).date()
    assert [status(each, now) for each in weddings] == [Status.TODAY] + 5 * [Status.PLANNING]
    zones = {each.venue.time_zone for each in weddings}
    assert {"Australia/Sydney", "Pacific/Honolulu"} <= zones


@pytest.mark.parametrize("now", HOURS, ids=str)
def test_it_says_whether_the_day_is_a_saturday_at_the_venue(now: datetime) -> None:
    company = cast(seed=1, now=now)
    saturday = local(company.live.place.time_zone, now).weekday() == 5
    assert ("not Saturday" in company.day) is not saturday
    # Somewhere it is Saturday for about 50 hours, and then a wedding is on there.
    if datetime(2026, 11, 20, 12, tzinfo=UTC) <= now <= datetime(2026, 11, 22, 6, tzinfo=UTC):
        assert saturday
