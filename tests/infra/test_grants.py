"""Every declared grant has an exact meaning for IAM."""

import pytest

from infra.grants import CONSUMING, PARKING, SENDING_FAILURES, meanings, service
from infra.registry import registry
from wedsync.resources import Access, Grant, Resource, ResourceKind

GRANTS = sorted(
    {grant for function in registry() for grant in function.declaration.uses},
    key=lambda grant: (grant.resource.name, sorted(grant.access)),
)


@pytest.mark.parametrize(
    "grant", GRANTS, ids=lambda grant: f"{grant.resource.name} {'+'.join(sorted(grant.access))}"
)
def test_a_grant_means_exact_actions_of_its_own_service(grant: Grant) -> None:
    found = [
        action
        for meaning in meanings(grant)
        for permission in meaning.permissions
        for action in permission.actions
    ]
    assert found
    assert not [action for action in found if "*" in action]
    services = {service(grant.resource.kind)}
    if grant.resource.kind is ResourceKind.CAPACITY:
        services.add("kinesis")  # that of functions, and of the stream
    assert {action.split(":")[0] for action in found} == services
    encrypted = grant.resource.kind not in {ResourceKind.READINGS, ResourceKind.CAPACITY}
    for meaning in meanings(grant):
        assert bool(meaning.key_actions) == encrypted
        assert not [action for action in meaning.key_actions if "*" in action]


def test_reading_a_table_lets_nobody_write_it_and_writing_lets_nobody_read_it() -> None:
    def actions(grant: Grant) -> set[str]:
        return {
            action
            for meaning in meanings(grant)
            for permission in meaning.permissions
            for action in permission.actions
        }

    read, write = actions(Resource.ALERTS.read()), actions(Resource.ALERTS.write())
    assert not read & write
    assert actions(Resource.ALERTS.read_write()) == read | write


@pytest.mark.parametrize(
    ("resource", "access"),
    [
        (Resource.ALERTS, Access.SEND),
        (Resource.WAKE, Access.READ),
        (Resource.TIER_0, Access.READ),
        (Resource.SIGNING, Access.WRITE),
        (Resource.METRICS_STREAM, Access.READ),
    ],
    ids=str,
)
def test_access_that_a_resource_does_not_know_is_refused(
    resource: Resource, access: Access
) -> None:
    with pytest.raises(ValueError, match=resource.name):
        meanings(Grant(resource, frozenset({access})))


def test_what_lambda_itself_needs_is_exact_too() -> None:
    assert set(CONSUMING) == {ResourceKind.STREAM, ResourceKind.QUEUE}
    for meaning in (*CONSUMING.values(), PARKING, SENDING_FAILURES):
        for permission in meaning.permissions:
            assert not [action for action in permission.actions if "*" in action]
