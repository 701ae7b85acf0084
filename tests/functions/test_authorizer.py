"""Who is calling: API keys and signed tokens, proved or not."""

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import cast

import jwt
import pytest

from tests.functions.cases import a_key, sample
from tests.functions.stage import NOW, TENANT, TOKEN_KEY, Stage, on_sqlite
from wedsync.errors import Unauthenticated
from wedsync.runtime.tokens import issue, prove
from wedsync.tenancy import Caller, Role

CLAIMS = {
    "iss": "wedsync",
    "aud": "wedsync-api",
    "sub": "mia",
    "tenantId": "demo",
    "role": "viewer",
    "nbf": NOW.timestamp() - 60,
    "exp": NOW.timestamp() + 60,
}


@pytest.fixture
def stage() -> Iterator[Stage]:
    with on_sqlite() as stage:
        yield stage


def token(
    key: bytes = TOKEN_KEY,
    *,
    kid: str | None = "tokens-1",
    claims: Mapping[str, object] = MappingProxyType({}),
) -> str:
    chosen = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return jwt.encode(chosen, key, algorithm="HS256", headers={"kid": kid} if kid else {})


def proved(stage: Stage, text: str) -> Caller:
    services = stage.services
    return prove(text, keys=services.keys, token_keys=services.token_keys, now=services.now())


def test_a_signed_token_proves_its_caller(stage: Stage) -> None:
    caller = proved(stage, token(claims={"vendorId": "photo-1", "role": "vendor"}))
    assert caller == Caller(tenant=TENANT, subject="mia", role=Role.VENDOR, vendor_id="photo-1")


WRONG: dict[str, dict[str, object]] = {
    "another issuer": {"iss": "someone"},
    "another audience": {"aud": "something"},
    "expired": {"exp": NOW.timestamp()},
    "not yet": {"nbf": NOW.timestamp() + 1},
    "for ever": {"exp": None},
    "no beginning": {"nbf": None},
    "nobody": {"sub": None},
    "no tenant": {"tenantId": None},
    "no such role": {"role": "root"},
    "no role": {"role": None},
    "a tenant that fits no key": {"tenantId": "a#b"},
    "a tenant that is empty": {"tenantId": ""},
    "an expiry that is no time": {"exp": "later"},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_token_that_says_too_little_or_too_much_proves_nobody(stage: Stage, what: str) -> None:
    try:
        text = token(claims=WRONG[what])
    except (TypeError, ValueError):
        pytest.skip("cannot even be made")
    with pytest.raises(Unauthenticated):
        proved(stage, text)


def _unsigned(**header: object) -> str:
    parts = [json.dumps(each).encode() for each in ({"typ": "JWT", **header}, CLAIMS)]
    return ".".join(base64.urlsafe_b64encode(each).decode().rstrip("=") for each in parts) + "."


FORGED = {
    "another key": token(b"some other key of thirty-two bytes"),
    "another key id": token(kid="tokens-2"),
    "no key id": token(kid=None),
    "no algorithm": _unsigned(alg="none", kid="tokens-1"),
    "an algorithm of another key": _unsigned(alg="RS256", kid="tokens-1") + "AAAA",
    "a key of its own": _unsigned(alg="HS256", kid="tokens-1", jwk={"kty": "oct", "k": "AA"}),
    "dots": "..",
    "a dot too many": "a.b.c.d",
    "no base64": "!.!.!",
    "a key of nobody": "wsk_nobody_00",
    "a key without a secret": "wsk_key_sample_",
    "an endless key": "wsk_" + "x" * 5000 + "_00",
    "empty": "",
    "characters of other scripts": "wsk_é_日本",
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_token_proves_nobody(stage: Stage, what: str) -> None:
    a_key(stage)
    with pytest.raises(Unauthenticated):
        proved(stage, FORGED[what])


def test_a_key_is_shown_once_and_stored_as_a_hash(stage: Stage) -> None:
    caller = Caller(tenant=TENANT, subject="camera", role=Role.DEVICE)
    made = issue(stage.services.keys, caller, key_id="key_1", secret=b"\x01" * 32, now=NOW)
    assert proved(stage, made.token) == caller
    record = stage.services.keys.find("key_1")
    assert record is not None
    assert made.token.rpartition("_")[2] not in repr(record)


def test_the_authorizer_never_denies_and_tells_nothing_of_nobody(stage: Stage) -> None:
    event = sample("account-authorizer")
    assert stage.run("account-authorizer", event) == {"isAuthorized": True, "context": {}}
    a_key(stage)
    answer = stage.run("account-authorizer", event)
    assert answer["context"] == {
        "tenant": "demo",
        "subject": "key_sample",
        "role": "operator",
        "vendorId": "",
        "name": "",
        "rateLimit": "100",
        "rateRemaining": "99",
        "rateReset": "1",
        "retryAfter": "",
    }


def test_what_is_asked_too_often_is_told_to_the_endpoint(stage: Stage) -> None:
    a_key(stage)
    event = sample("account-authorizer")
    told = [
        cast("Mapping[str, str]", stage.run("account-authorizer", event)["context"])
        for _ in range(101)
    ]
    assert [each["retryAfter"] for each in told] == [""] * 100 + ["1"]
    assert {each["tenant"] for each in told} == {"demo"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(stage: Stage, scheme: str) -> None:
    event = sample("account-authorizer")
    event["headers"] = {"Authorization": f"{scheme} {token()}"}
    assert stage.run("account-authorizer", event)["context"]
    stage.clock.set(NOW + timedelta(minutes=2))
    assert stage.run("account-authorizer", event)["context"] == {}


def test_an_event_without_headers_is_nobodys(stage: Stage) -> None:
    event = sample("account-authorizer") | {"headers": None}
    assert stage.run("account-authorizer", event)["context"] == {}
