"""Keys are listed by tenant, and prove nobody once they are revoked."""

from datetime import timedelta

from tests.functions.stage import NOW, TENANT, Stage
from tests.functions.web import OTHER_TENANT
from wedsync.stores.keys import ListedKey
from wedsync.tenancy import Caller, Role

LATER = NOW + timedelta(hours=1)


def test_a_revoked_key_is_gone_and_stays_on_its_tenants_list(stage: Stage) -> None:
    keys = stage.services.keys
    callers = {
        tenant: Caller(
            tenant=tenant,
            subject=f"key_{tenant.id}",
            role=Role.VENDOR,
            vendor_id="photo-1",
            name="booth",
        )
        for tenant in (TENANT, OTHER_TENANT)
    }
    for caller in callers.values():
        keys.add(caller.subject, "secret", caller, now=NOW)
    mine = callers[TENANT]
    expected = ListedKey(key_id=mine.subject, caller=mine, created_at=NOW, revoked_at=LATER)
    found = keys.find(mine.subject)
    assert found is not None
    assert found.caller.shown == "booth (key_demo)"
    for when in (LATER, LATER + timedelta(hours=1)):
        assert keys.revoke(mine.subject, now=when) == expected
    assert keys.find(mine.subject) is None
    assert expected in keys.listed(TENANT)
    (other,) = (each for each in keys.listed() if each.caller == callers[OTHER_TENANT])
    assert (other.revoked_at, keys.find(other.key_id) is None) == (None, False)
    assert other not in keys.listed(TENANT)
    assert keys.revoke("nobody", now=LATER) is None
