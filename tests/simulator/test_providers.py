"""What a subscription says about providers, and which names are still to be had."""

import pytest

from simulator.tenant import Tenant
from tests.simulator.client import ACCOUNT, ROBOT, SUB, Client, code

CHECK = f"{SUB}/providers/Microsoft.Storage/checkNameAvailability"


def test_providers_are_listed_with_their_types(tenant: Tenant, arm: Client) -> None:
    """Clients take api-versions from here."""
    tenant.unregistered.add("Microsoft.Sql")
    listed = {one["namespace"]: one for one in arm.get(f"{SUB}/providers").json()["value"]}
    assert listed["Microsoft.Sql"]["registrationState"] == "NotRegistered"
    storage = listed["Microsoft.Storage"]
    assert storage == arm.get(f"{SUB}/providers/Microsoft.Storage").json()
    accounts = storage["resourceTypes"][0]
    assert accounts["resourceType"] == "storageAccounts"
    assert accounts["apiVersions"] == [accounts["defaultApiVersion"]]
    assert "westeurope" in accounts["locations"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("contoso", "AlreadyExists"),
        ("Contoso!", "AccountNameInvalid"),
        ("ab", "AccountNameInvalid"),
    ],
)
def test_a_storage_accounts_name_may_be_taken_or_bad(
    tenant: Tenant, arm: Client, name: str, reason: str
) -> None:
    tenant.load({"id": ACCOUNT})
    told = arm.post(CHECK, {"name": name, "type": "Microsoft.Storage/storageAccounts"}).json()
    assert (told["nameAvailable"], told["reason"]) == (False, reason)


def test_a_free_name_is_free_and_nothing_is_written(tenant: Tenant, arm: Client) -> None:
    assert arm.post(CHECK, {"name": "fabrikam"}).json() == {"nameAvailable": True}
    assert tenant.writes == []


@pytest.mark.parametrize(
    "path",
    [f"{SUB}/providers", f"{SUB}/providers/Microsoft.Storage", CHECK],
)
def test_reading_about_providers_is_a_right(path: str) -> None:
    tenant = Tenant(rbac=True)
    tenant.load({"id": SUB})
    arm = Client(tenant, ROBOT)
    answer = arm.post(path, {"name": "x"}) if path == CHECK else arm.get(path)
    assert (answer.status_code, code(answer)) == (403, "AuthorizationFailed")
