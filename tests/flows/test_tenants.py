"""A tenant is known by a wedding, by its data or by a key."""

from datetime import timedelta

from tests.builders import utc
from tests.harness import Bundle, a_point, a_wedding_request
from wedsync.flows.rollup import roll_up_days, roll_up_hours
from wedsync.flows.tenants import is_known, known_tenants
from wedsync.tenancy import Caller, Role, Tenant

NOW = utc("2026-06-20T12:00")


def test_a_tenant_is_known_by_a_wedding_alone() -> None:
    with Bundle(at=NOW, shards=1) as bundle:
        assert not is_known(bundle.services, Tenant("rival"))
        bundle.register(a_wedding_request())
        assert is_known(bundle.services, bundle.tenant)
        assert not is_known(bundle.services, Tenant("rival"))


def test_a_tenant_is_known_by_data_however_long_ago() -> None:
    with Bundle(at=NOW, shards=1) as bundle:
        bundle.put(a_point("photo.upload", NOW, value=500, dims={"outcome": "completed"}))
        bundle.drain()
        assert known_tenants(bundle.services) == {bundle.tenant}
        for _ in range(3):
            assert is_known(bundle.services, bundle.tenant)
            bundle.clock.advance(timedelta(hours=40).total_seconds())
            roll_up_hours(bundle.services, bundle.now)
            roll_up_days(bundle.services, bundle.now)
        assert known_tenants(bundle.services) == frozenset()
        assert is_known(bundle.services, bundle.tenant)


def test_a_tenant_is_known_by_a_key_also_once_it_is_revoked() -> None:
    with Bundle(at=NOW, shards=1) as bundle:
        rival, keys = Tenant("rival"), bundle.services.keys
        caller = Caller(tenant=rival, subject="key_1", role=Role.VIEWER)
        keys.add("key_1", "secret", caller, now=NOW)
        keys.revoke("key_1", now=NOW)
        assert is_known(bundle.services, rival)
        assert known_tenants(bundle.services) == {rival}
        assert not is_known(bundle.services, Tenant("riva"))
