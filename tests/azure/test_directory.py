"""Microsoft Graph, asked over the same pipeline as ARM, in front of the simulated directory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.azure.directory import Directory
from shared.errors import Refused
from shared.model import Resource, ResourceId, directory_object, group_members
from simulator.adapter import TenantCredential, transport
from simulator.call import Identity
from simulator.clock import VirtualClock
from simulator.tenant import Tenant

US = Identity("00000000-0000-0000-0000-0000000000a1", "00000000-0000-0000-0000-0000000000b1")
ADA, BOB, EVE = (f"00000000-0000-0000-0000-00000000c00{i}" for i in range(3))
TEAM, INNER, DEPLOY = (f"00000000-0000-0000-0000-00000000d00{i}" for i in range(3))
READ = ("User.Read.All", "GroupMember.Read.All", "Application.Read.All")


@pytest.fixture
def tenant() -> Tenant:
    tenant = Tenant(VirtualClock())
    tenant.add_identity(US)
    people = tenant.principals
    people.add_managed_identity(US.object_id, "portcullis", str(US.app_id))
    people.add_user(ADA, "Ada", upn="ada@contoso.example")
    people.add_user(BOB, "Bob", upn="bob@contoso.example", enabled=False)
    people.add_user(EVE, "Eve", upn="eve@fabrikam.example", guest=True)
    people.add_group(TEAM, "team")
    people.add_group(INNER, "inner")
    people.add_application(DEPLOY, "deploy", DEPLOY)
    people.join(TEAM, INNER)
    people.join(INNER, ADA)
    people.join(TEAM, DEPLOY)
    return tenant


@pytest.fixture
def directory(tenant: Tenant) -> Iterator[Directory]:
    tenant.directory.allow(US, *READ)
    yield (found := asking(tenant))
    found.close()


def asking(tenant: Tenant, known: str = US.object_id) -> Directory:
    credential = TenantCredential(tenant, US)
    return Directory(credential, tenant.clock.now, known, transport=transport(tenant))


def shown(directory: Directory, principal: str) -> Resource:
    found = directory.get(ResourceId(directory_object(principal)))
    assert found is not None
    return found


def test_people_are_told_with_what_decides_over_them(directory: Directory) -> None:
    """Whether an account may sign in, and whether it is a guest's."""
    assert shown(directory, ADA.upper()).get("/properties/accountEnabled") is True
    assert shown(directory, BOB).get("/properties/accountEnabled") is False
    assert shown(directory, EVE).text("/properties/userType") == "guest"
    assert shown(directory, ADA).id == ResourceId(directory_object(ADA))


def test_programs_and_groups_are_told_as_such(directory: Directory) -> None:
    assert shown(directory, DEPLOY).text("/properties/appId") == DEPLOY
    assert shown(directory, TEAM).text("/properties/@odata.type") == "#microsoft.graph.group"


def test_whoever_is_gone_is_not_found(directory: Directory) -> None:
    assert directory.get(ResourceId(directory_object(ADA.replace("c", "e")))) is None


def test_members_come_from_inner_groups_too_and_people_with_details(directory: Directory) -> None:
    members = {one.id.name: one for one in directory.list(group_members(TEAM), "v1.0")}
    assert set(members) == {INNER, ADA, DEPLOY}
    assert members[ADA].get("/properties/accountEnabled") is True
    assert members[DEPLOY].get("/properties/accountEnabled") is None


def test_an_empty_answer_is_no_absence(tenant: Tenant) -> None:
    """Where not even our own identity is shown, nobody is said to be gone."""
    tenant.directory.allow(US, *READ)
    with pytest.raises(Refused, match="own identity"):
        asking(tenant, EVE.replace("c", "f")).get(ResourceId(directory_object(ADA)))


def test_without_consent_nothing_is_seen(tenant: Tenant) -> None:
    with pytest.raises(Refused, match="403"):
        asking(tenant).get(ResourceId(directory_object(ADA)))


def test_a_kind_that_may_not_be_read_is_refused(tenant: Tenant) -> None:
    """Groups may be read, people not: an id alone is no sight of an account."""
    tenant.directory.allow(US, "GroupMember.Read.All")
    with pytest.raises(Refused):
        asking(tenant).get(ResourceId(directory_object(ADA)))
