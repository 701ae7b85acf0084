"""Who is believed: keys that were issued, and tokens signed by a pinned key."""

import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from wedsync.errors import Unauthenticated
from wedsync.resources import Resource
from wedsync.runtime.tokens import AUDIENCE, ISSUER, issue, prove
from wedsync.stores.keys import KeyStore
from wedsync.tenancy import Caller, Role, Tenant

NOW = datetime(2026, 6, 20, 12, tzinfo=UTC)
PRIVATE = ec.generate_private_key(ec.SECP256R1())
SHARED = "a-shared-secret-of-some-length-0123456789"


class Pinned:
    """The pinned key set: one ES256 key, one HS256 key."""

    def value(self) -> bytes:
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(PRIVATE.public_key()))
        shared = json.loads(jwt.algorithms.HMACAlgorithm.to_jwk(SHARED))
        return json.dumps(
            {
                "keys": [
                    {**public, "kid": "idp", "alg": "ES256"},
                    {**shared, "kid": "shared", "alg": "HS256"},
                ]
            }
        ).encode()


def keys() -> KeyStore:
    cloud = LocalCloud(None, clock=ManualClock(NOW), ids=SeededIds(1))
    return KeyStore(cloud.table(Resource.KEYS))


def claims(**changed: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ana",
        "tenantId": "t1",
        "role": "operator",
        "nbf": int((NOW - timedelta(minutes=1)).timestamp()),
        "exp": int((NOW + timedelta(minutes=10)).timestamp()),
    }
    return {name: value for name, value in (usual | changed).items() if value is not None}


def signed(content: dict[str, object], *, kid: str = "idp") -> str:
    return jwt.encode(content, PRIVATE, algorithm="ES256", headers={"kid": kid})


def test_an_issued_key_proves_its_caller() -> None:
    store = keys()
    caller = Caller(tenant=Tenant("t1"), subject="key_1", role=Role.DEVICE, vendor_id="v1")
    made = issue(store, caller, key_id="key_1", secret=b"\x07" * 32, now=NOW)
    assert prove(made.token, keys=store, token_keys=Pinned(), now=NOW) == caller


@pytest.mark.parametrize("spoilt", ["wsk_", "wsk_key_1_", "wsk_key_1_00", "wsk__07", "", "a.b.c"])
def test_a_token_that_was_never_issued_proves_nobody(spoilt: str) -> None:
    store = keys()
    caller = Caller(tenant=Tenant("t1"), subject="key_1", role=Role.ADMIN)
    issue(store, caller, key_id="key_1", secret=b"\x07" * 32, now=NOW)
    with pytest.raises(Unauthenticated):
        prove(spoilt, keys=store, token_keys=Pinned(), now=NOW)


def test_a_bearer_token_of_a_pinned_key_proves_its_caller() -> None:
    token = signed(claims(vendorId="v1", role="vendor"))
    assert prove(token, keys=keys(), token_keys=Pinned(), now=NOW) == Caller(
        tenant=Tenant("t1"), subject="ana", role=Role.VENDOR, vendor_id="v1"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "somebody"},
        {"aud": "another-api"},
        {"exp": int(NOW.timestamp())},
        {"nbf": int((NOW + timedelta(minutes=1)).timestamp())},
        {"exp": None},
        {"nbf": None},
        {"sub": None},
        {"tenantId": None},
        {"tenantId": "a/b"},
        {"role": "root"},
        {"role": None},
    ],
    ids=str,
)
def test_a_token_with_wrong_or_missing_claims_proves_nobody(changed: dict[str, object]) -> None:
    with pytest.raises(Unauthenticated):
        prove(signed(claims(**changed)), keys=keys(), token_keys=Pinned(), now=NOW)


def test_an_algorithm_is_taken_from_the_pinned_set_and_never_from_the_token() -> None:
    unsigned = jwt.encode(claims(), "", algorithm="none", headers={"kid": "idp"})
    confused = jwt.encode(claims(), SHARED, algorithm="HS256", headers={"kid": "idp"})
    unknown = signed(claims(), kid="another")
    for token in (unsigned, confused, unknown):
        with pytest.raises(Unauthenticated):
            prove(token, keys=keys(), token_keys=Pinned(), now=NOW)
    shared = jwt.encode(claims(), SHARED, algorithm="HS256", headers={"kid": "shared"})
    assert prove(shared, keys=keys(), token_keys=Pinned(), now=NOW).subject == "ana"
