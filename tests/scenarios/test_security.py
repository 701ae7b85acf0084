"""Keys that are refused: who hears of them, and of which nobody does."""

import json
from collections.abc import Sequence
from typing import cast

import pytest

from infra.local.first_start import MadeKey, make_key
from tests.harness import Json, a_wedding_request
from tests.scenarios.language import Day, between, notice, photos, resolved
from wedsync.metrics.signature import device_secret, sign
from wedsync.tenancy import Role, Tenant

OTHER = Tenant("elsewhere")


def a_tuesday(*, twice: bool = False) -> Day:
    weddings = {"w1": a_wedding_request(on="2026-09-12")}
    return Day("2026-03-03", starts="14:00", weddings=weddings, twice=twice)


def devices(day: Day, number: int, *, tenant: Tenant | None = None) -> list[MadeKey]:
    of = tenant or day.bundle.tenant
    return [
        make_key(day.bundle.cloud, tenant=of, role=Role.DEVICE, vendor_id=None)
        for _ in range(number)
    ]


def forge(day: Day, keys: Sequence[MadeKey], *, each: int) -> None:
    """Records under these keys, by somebody who has none of their secrets."""
    body = json.dumps(day.points(photos("w1", completed=1))).encode()
    for key in keys:
        for _ in range(each):
            signed = day.bundle.signed(body, device=key)
            day.bundle.put(signed.replace(b'"count": 1', b'"count": 9'))
    day.bundle.drain()


def under_removed_keys(day: Day, number: int, *, each: int) -> None:
    """Records that are signed well, under keys that there are not any more."""
    master = day.bundle.services.signing.value()
    body = json.dumps(day.points(photos("w1", completed=1))).encode()
    for key_id in (f"gone-{at}" for at in range(number)):
        for batch in range(each):
            record = sign(
                body,
                secret=device_secret(master, key_id),
                key_id=key_id,
                at_unix=int(day.bundle.now.timestamp()),
                batch_id=f"{key_id}/{day.bundle.now.timestamp()}/{batch}".replace(".", "-"),
            )
            day.bundle.put(record)
    day.bundle.drain()


def security(day: Day, *, tenant: Tenant | None = None) -> list[dict[str, Json]]:
    key = None if tenant is None else day.bundle.key(Role.VIEWER, tenant=tenant)
    items = day.bundle.get("/api/metrics/alerts", key=key)["items"]
    found = cast("list[dict[str, Json]]", items)
    return [each for each in found if each["ruleId"] == "platform.refused_keys"]


@pytest.mark.parametrize("twice", [False, True], ids=["once", "every trigger twice"])
def test_a_run_of_forged_records_is_one_episode_with_its_evidence(*, twice: bool) -> None:
    day = a_tuesday(twice=twice)
    keys = devices(day, 3)
    for _ in day.every(seconds=30, until="14:04:30"):
        forge(day, keys[:2], each=2)
        under_removed_keys(day, 2, each=1)
    (alert,) = security(day)
    assert (alert["type"], alert["severity"]) == ("security", "high")
    assert (alert["weddingId"], alert["service"]) == (None, None)
    (reason,) = cast("list[dict[str, str]]", alert["severityReasons"])
    assert "wrong-signature" in reason["reason"]
    assert "unknown-key" in reason["reason"]
    assert keys[0].key_id in reason["reason"]
    for key in keys:
        assert str(key.signing_secret) not in json.dumps(alert)
    day.expects_only(between("14:00", "14:08"), notice(severity="high"))
    day.expects_only(between("14:08:01", "14:30"), resolved(to="on_call_engineer"))
    assert [each["state"] for each in security(day)] == ["resolved"]


def test_one_device_that_has_the_wrong_secret_is_no_attack_however_often_it_tries() -> None:
    day = a_tuesday()
    clumsy = devices(day, 1)
    for _ in day.every(seconds=10, until="14:06"):
        forge(day, clumsy, each=5)
    day.expects_silence(between("14:00", "14:10"))
    assert security(day) == []


def test_who_only_names_the_keys_of_a_tenant_alarms_the_operator_and_not_that_tenant() -> None:
    day = a_tuesday()
    forge(day, devices(day, 4, tenant=OTHER), each=20)
    assert len(security(day)) == 1
    assert security(day, tenant=OTHER) == []


def test_a_tenant_whose_own_devices_speak_for_another_one_hears_of_it_itself() -> None:
    day = a_tuesday()
    claimed = [
        {**point, "tenantId": day.bundle.tenant.id}
        for point in day.points(photos("w1", completed=1))
    ]
    for key in devices(day, 4, tenant=OTHER):
        for _ in range(15):
            day.bundle.put_signed(*claimed, device=key)
    day.bundle.drain()
    assert security(day) == []
    (alert,) = security(day, tenant=OTHER)
    (reason,) = cast("list[dict[str, str]]", alert["severityReasons"])
    assert reason["reason"].startswith("60 refused in 5 minutes: 60 other-tenant; under")


def knock(day: Day, *tokens: str, each: int) -> None:
    """Requests with these tokens; all of them are refused."""
    for token in tokens:
        for _ in range(each):
            headers = {"authorization": f"Bearer {token}"}
            answer = day.bundle.request("GET", "/api/metrics/alerts", headers=headers)
            assert answer.status == 401


def test_somebody_who_tries_keys_over_http_is_told_to_the_operator() -> None:
    day = a_tuesday()
    (known,) = devices(day, 1, tenant=OTHER)
    secret = "5ec2e7" * 8
    for minute in day.every(seconds=60, until="14:04"):
        knock(day, f"wsk_{known.key_id}_{secret}", each=3)
        knock(day, *(f"wsk_key_{minute}{at}_{secret}" for at in range(5)), "a.b.c", each=2)
    (alert,) = security(day)
    (reason,) = cast("list[dict[str, str]]", alert["severityReasons"])
    assert "rejected-key; under the keys" in reason["reason"]
    assert known.key_id in reason["reason"]
    assert secret not in json.dumps(alert)
    assert security(day, tenant=OTHER) == []
    day.expects_only(
        between("14:00", "14:30"), notice(severity="high"), resolved(to="on_call_engineer")
    )


def test_one_client_whose_key_was_removed_is_no_attack() -> None:
    day = a_tuesday()
    for _ in day.every(seconds=10, until="14:06"):
        knock(day, "wsk_key_gone_00ff", each=5)
    day.expects_silence(between("14:00", "14:10"))
    assert security(day) == []


def test_who_brings_no_token_at_all_tries_none() -> None:
    day = a_tuesday()
    for _ in range(80):
        answer = day.bundle.request("GET", "/api/metrics/alerts", headers={"authorization": ""})
        assert answer.status == 401
    day.expects_silence(between("14:00", "14:10"))
