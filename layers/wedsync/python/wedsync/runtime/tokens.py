"""Proving a caller: an API key, or a signed bearer token.

An API key reads ``wsk_<keyId>_<secret>``. A bearer token is a JWT whose key id names a key of the
pinned set; only the algorithm that the set states for that key is accepted.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from wedsync.cloud import Secret
from wedsync.errors import Unauthenticated
from wedsync.stores.keys import KeyStore, matches
from wedsync.tenancy import Caller, Role, Tenant

API_KEY_PREFIX = "wsk"
ISSUER = "wedsync"
AUDIENCE = "wedsync-api"
_LONGEST_ID = 128
ALGORITHMS = frozenset({"HS256", "RS256", "ES256", "EdDSA"})


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as its owner sees it, once."""

    key_id: str
    token: str


def issue(
    keys: KeyStore,
    caller: Caller,
    *,
    key_id: str,
    secret: bytes,
    now: datetime,
) -> NewKey:
    """Make and store an API key for this caller."""
    text = secret.hex()
    keys.add(key_id, text, caller, now=now)
    return NewKey(key_id, f"{API_KEY_PREFIX}_{key_id}_{text}")


def prove(token: str, *, keys: KeyStore, token_keys: Secret, now: datetime) -> Caller:
    """The caller of this token. Raises Unauthenticated, without saying what was wrong."""
    if token.startswith(API_KEY_PREFIX + "_"):
        return _by_api_key(token, keys)
    if token.count(".") == 2:
        return _by_jwt(token, token_keys, now)
    raise Unauthenticated


def named_key(token: str, *, keys: KeyStore) -> str | None:
    """The id of the key that a token names, where there is such a key, whoever sent it."""
    if not token.startswith(API_KEY_PREFIX + "_"):
        return None
    key_id, _ = _split(token)
    return key_id if 0 < len(key_id) <= _LONGEST_ID and keys.find(key_id) is not None else None


def _split(token: str) -> tuple[str, str]:
    key_id, _, secret = token.removeprefix(API_KEY_PREFIX + "_").rpartition("_")
    return key_id, secret


def _by_api_key(token: str, keys: KeyStore) -> Caller:
    key_id, secret = _split(token)
    if not key_id or len(key_id) > _LONGEST_ID or not secret:
        raise Unauthenticated
    record = keys.find(key_id)
    if record is None or not matches(record, secret):
        raise Unauthenticated
    return record.caller


def _by_jwt(token: str, token_keys: Secret, now: datetime) -> Caller:
    import jwt

    try:
        key_id = jwt.get_unverified_header(token).get("kid")
        pinned = {key["kid"]: key for key in json.loads(token_keys.value())["keys"]}
        key = jwt.PyJWK(pinned[key_id])
        if key.algorithm_name not in ALGORITHMS:
            raise Unauthenticated
        claims = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            issuer=ISSUER,
            audience=AUDIENCE,
            # The clock of the seam decides, not the library's: expiry is checked below.
            options={
                "require": ["exp", "nbf", "sub"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        at = now.timestamp()
        if not float(claims["nbf"]) <= at < float(claims["exp"]):
            raise Unauthenticated
        return Caller(
            tenant=Tenant(str(claims["tenantId"])),
            subject=str(claims["sub"]),
            role=Role(claims["role"]),
            vendor_id=str(claims["vendorId"]) if claims.get("vendorId") else None,
        )
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        raise Unauthenticated from None
