"""Channels' secrets are unreadable where they lie, and open in their own place alone."""

import base64

import pytest

from tests.functions.stage import Stage
from wedsync.notifications.contacts import BrokenSeal
from wedsync.notifications.payloads import Target
from wedsync.stores.sealing import Sealing
from wedsync.tenancy import Tenant

MINE, OTHER = Tenant("mine"), Tenant("other")
TARGET = Target(url="https://hooks.example.com/planted-path", secret="planted-secret")  # noqa: S106 - planted


@pytest.fixture
def sealing(stage: Stage) -> Sealing:
    return stage.services.sealing


def test_what_is_sealed_says_nothing_and_comes_back_whole(sealing: Sealing) -> None:
    sealed = sealing.seal(MINE, "con_1", TARGET)
    for text in (sealed, repr(base64.b64decode(sealed))):
        assert "planted" not in text
        assert "example" not in text
    assert sealing.unseal(MINE, "con_1", sealed) == TARGET
    assert sealing.seal(MINE, "con_1", TARGET) != sealed


@pytest.mark.parametrize(("tenant", "contact"), [(OTHER, "con_1"), (MINE, "con_2")])
def test_a_seal_that_was_moved_does_not_open(
    sealing: Sealing, tenant: Tenant, contact: str
) -> None:
    sealed = sealing.seal(MINE, "con_1", TARGET)
    with pytest.raises(BrokenSeal):
        sealing.unseal(tenant, contact, sealed)


def test_a_seal_that_was_damaged_does_not_open(sealing: Sealing) -> None:
    raw = bytearray(base64.b64decode(sealing.seal(MINE, "con_1", TARGET)))
    raw[20] ^= 1
    with pytest.raises(BrokenSeal):
        sealing.unseal(MINE, "con_1", base64.b64encode(raw).decode())
