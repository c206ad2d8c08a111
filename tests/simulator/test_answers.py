"""What the tenant adds to what was written, and what it keeps to itself."""

import pytest

from simulator.tenant import Tenant
from tests.simulator.client import ACCOUNT, COSMOS, GROUP, NIC, PIP, SERVER, VAULT, Client

NETWORK = f"{GROUP}/providers/Microsoft.Network"
COMPUTE = f"{GROUP}/providers/Microsoft.Compute"
BALANCER = f"{NETWORK}/loadBalancers/lb1"
WEST = {"location": "westeurope"}
SUBNET = f"{NETWORK}/virtualNetworks/net1/subnets/apps"


@pytest.mark.parametrize(
    ("version", "known"),
    [("2018-02-14", False), ("2021-06-01-preview", True), ("2023-07-01", True)],
)
def test_an_old_api_version_fills_in_only_what_it_knows(
    arm: Client, version: str, *, known: bool
) -> None:
    made = arm.send("PUT", f"{VAULT}?api-version={version}", {**WEST, "properties": {}}).json()
    assert ("publicNetworkAccess" in made["properties"]) is known


def test_soft_delete_comes_with_creation_and_not_with_an_update(
    tenant: Tenant, arm: Client
) -> None:
    old = f"{VAULT}-old"
    tenant.load({"id": old, **WEST, "properties": {}})
    kept = arm.send("PUT", old, {**WEST, "properties": {}}).json()
    made = arm.send("PUT", VAULT, {**WEST, "properties": {}}).json()
    again = arm.send("PUT", VAULT, {**WEST, "properties": {}}).json()
    assert "enableSoftDelete" not in kept["properties"]
    assert made["properties"]["enableSoftDelete"] is True
    assert again["properties"]["softDeleteRetentionInDays"] == 90


def test_a_new_storage_account_has_what_its_kind_and_sku_say(tenant: Tenant, arm: Client) -> None:
    body = {"location": "eastus", "kind": "BlobStorage", "sku": {"name": "Standard_GRS"}}
    arm.send("PUT", ACCOUNT, body)
    tenant.settle()
    made = arm.send("GET", ACCOUNT).json()
    assert made["sku"]["tier"] == "Standard"
    assert set(made["properties"]["primaryEndpoints"]) == {"blob", "table", "dfs"}
    assert made["properties"]["secondaryLocation"] == "westus"
    assert made["properties"]["supportsHttpsTrafficOnly"] is True


def test_a_put_that_is_silent_about_https_leaves_it(tenant: Tenant, arm: Client) -> None:
    held = {"supportsHttpsTrafficOnly": False, "accessTier": "Cool"}
    tenant.load({"id": ACCOUNT, **WEST, "kind": "StorageV2", "properties": held})
    after = arm.send("PUT", ACCOUNT, {**WEST, "kind": "StorageV2"}).json()
    assert held.items() <= after["properties"].items()


def test_a_static_address_is_there_when_creation_has_ended(tenant: Tenant, arm: Client) -> None:
    body = {**WEST, "properties": {"publicIPAllocationMethod": "Static"}}
    made = arm.send("PUT", PIP, {**body, "sku": {"name": "Standard"}}).json()
    assert "ipAddress" not in made["properties"]
    assert made["properties"]["ddosSettings"] == {"protectionMode": "VirtualNetworkInherited"}
    tenant.settle()
    assert arm.send("GET", PIP).json()["properties"]["ipAddress"]


def test_a_cosmos_account_shows_its_regions_and_later_its_endpoints(
    tenant: Tenant, arm: Client
) -> None:
    places = [{"locationName": "West US"}, {"locationName": "East US", "failoverPriority": 1}]
    made = arm.send("PUT", COSMOS, {**WEST, "properties": {"locations": places}}).json()
    assert [place["id"] for place in made["properties"]["readLocations"]] == [
        "cosmos1-westus",
        "cosmos1-eastus",
    ]
    assert len(made["properties"]["writeLocations"]) == 1
    assert "documentEndpoint" not in made["properties"]
    tenant.settle()
    after = arm.send("GET", COSMOS).json()["properties"]
    assert after["documentEndpoint"] == "https://cosmos1.documents.azure.com:443/"
    assert after["locations"][1]["documentEndpoint"].startswith("https://cosmos1-eastus.")


def test_an_accepted_deletion_of_cosmos_says_how_it_stands(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": COSMOS, **WEST})
    assert arm.send("DELETE", COSMOS).json() == {"status": "Enqueued"}


def test_sql_deleted_at_once_before_it_had_operations(tenant: Tenant, arm: Client) -> None:
    for version, status in (("2023-08-01-preview", 202), ("2014-04-01", 200)):
        tenant.load({"id": SERVER, **WEST})
        assert arm.send("DELETE", f"{SERVER}?api-version={version}").status_code == status
        tenant.settle()


def test_references_to_the_outside_are_answered_as_ids(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": SUBNET, "properties": {"addressPrefix": "10.0.0.0/24"}})
    expanded = {"id": SUBNET, "name": "apps", "properties": {"addressPrefix": "10.0.0.0/24"}}
    one = {"name": "ip", "properties": {"subnet": expanded}}
    made = arm.send("PUT", NIC, {**WEST, "properties": {"ipConfigurations": [one]}}).json()
    (configuration,) = made["properties"]["ipConfigurations"]
    assert configuration["properties"]["subnet"] == {"id": SUBNET}
    assert configuration["properties"]["privateIPAddressVersion"] == "IPv4"


def test_parts_of_a_balancer_show_who_uses_them(tenant: Tenant, arm: Client) -> None:
    probe = {"id": f"{BALANCER}/probes/alive"}
    rule = {"name": "web", "properties": {"probe": probe}}
    body = {"probes": [{"name": "alive", "properties": {}}], "loadBalancingRules": [rule]}
    for rules in ([rule], []):
        sent = {**body, "loadBalancingRules": rules}
        made = arm.send("PUT", BALANCER, {**WEST, "properties": sent}).json()["properties"]
        uses = [{"id": f"{BALANCER}/loadBalancingRules/web"}] if rules else None
        assert made["probes"][0]["properties"].get("loadBalancingRules") == uses
        body["probes"] = made["probes"]
        tenant.settle()


@pytest.mark.parametrize(("version", "typed"), [("2018-04-01", False), ("2018-06-01", True)])
def test_parts_of_network_resources_had_no_type_once(
    arm: Client, version: str, *, typed: bool
) -> None:
    made = arm.send("PUT", f"{NETWORK}/networkSecurityGroups/g?api-version={version}", WEST).json()
    rules = made["properties"]["defaultSecurityRules"]
    assert [("type" in rule) for rule in rules] == [typed] * 6


def test_a_system_assigned_identity_keeps_its_principal(arm: Client) -> None:
    body = {**WEST, "identity": {"type": "SystemAssigned"}}
    first = arm.send("PUT", VAULT, body).json()["identity"]
    again = arm.send("PUT", VAULT, {**body, "identity": {**first, "principalId": "forged"}}).json()
    assert again["identity"] == first
    assert first["principalId"]


def test_a_machine_of_a_known_image_is_told_its_system(arm: Client) -> None:
    image = {"publisher": "MicrosoftWindowsServer", "sku": "2019-Datacenter"}
    disk = {"createOption": "FromImage", "managedDisk": {"storageAccountType": "Standard_LRS"}}
    properties = {
        "storageProfile": {"imageReference": image, "osDisk": disk},
        "osProfile": {"adminUsername": "ops", "adminPassword": "hidden"},
    }
    machine = f"{COMPUTE}/virtualMachines/vm9"
    made = arm.send("PUT", machine, {**WEST, "properties": properties}).json()["properties"]
    assert made["storageProfile"]["osDisk"]["osType"] == "Windows"
    assert made["storageProfile"]["dataDisks"] == []
    assert made["osProfile"]["windowsConfiguration"]["provisionVMAgent"] is True
    assert "adminPassword" not in made["osProfile"]


def test_container_groups_and_clusters_keep_their_secrets(arm: Client) -> None:
    variable = {"name": "KEY", "secureValue": "hidden"}
    container = {"name": "c", "properties": {"environmentVariables": [variable]}}
    group = f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/g1"
    cluster = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/k1"
    principal = {"clientId": "id", "secret": "hidden"}
    bodies = {
        group: {"containers": [container], "ipAddress": {"type": "Public"}},
        cluster: {"servicePrincipalProfile": principal, "agentPoolProfiles": [{"name": "p"}]},
    }
    for path, properties in bodies.items():
        answer = arm.send("PUT", path, {**WEST, "properties": properties})
        assert answer.status_code == 201
        assert "hidden" not in answer.text()


def test_only_the_network_details_a_failed_precondition(tenant: Tenant, arm: Client) -> None:
    machine = f"{COMPUTE}/virtualMachines/vm9"
    for path, detailed in ((machine, False), (PIP, True)):
        tenant.load({"id": path, **WEST})
        refused = arm.send("PUT", path, WEST, If_Match='"stale"')
        assert refused.status_code == 412
        assert ("details" in refused.json()["error"]) is detailed


def test_a_disk_being_made_is_answered_as_asked_for(tenant: Tenant, arm: Client) -> None:
    disk = f"{COMPUTE}/disks/d1"
    made = arm.send("PUT", disk, {**WEST, "properties": {"diskSizeGB": 32}}).json()
    assert made == {
        "name": "d1",
        **WEST,
        "properties": {"diskSizeGB": 32, "provisioningState": "Updating", "isArmResource": True},
    }
    tenant.settle()
    after = arm.send("GET", disk).json()
    assert after["sku"] == {"name": "Standard_LRS", "tier": "Standard"}
    assert after["properties"]["publicNetworkAccess"] == "Enabled"


def test_rules_that_come_with_a_group_are_whole(arm: Client) -> None:
    made = arm.send("PUT", f"{NETWORK}/networkSecurityGroups/g", WEST).json()
    for rule in made["properties"]["defaultSecurityRules"]:
        assert rule["properties"]["description"]
        assert rule["properties"]["access"] == ("Deny" if "Deny" in rule["name"] else "Allow")
        assert rule["properties"]["sourceAddressPrefixes"] == []


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_change_that_is_silent_about_regions_leaves_them(
    tenant: Tenant, arm: Client, method: str
) -> None:
    places = [{"locationName": "West US"}]
    arm.send("PUT", COSMOS, {**WEST, "properties": {"locations": places}})
    tenant.settle()
    before = tenant.read(COSMOS)
    arm.send(method, COSMOS, {**WEST, "tags": {"owner": "ops"}, "properties": {}})
    tenant.settle()
    after = tenant.read(COSMOS)
    assert before is not None
    assert after == {**before, "tags": {"owner": "ops"}}


@pytest.mark.parametrize(
    ("kind", "capability", "apis"),
    [
        ("GlobalDocumentDB", None, "Sql"),
        ("MongoDB", "EnableMongo", "MongoDB"),
        ("GlobalDocumentDB", "EnableGremlin", "Gremlin, Sql"),
    ],
)
def test_a_cosmos_account_says_which_interfaces_it_has(
    arm: Client, kind: str, capability: str | None, apis: str
) -> None:
    chosen = [{"name": capability}] if capability else []
    body = {**WEST, "kind": kind, "properties": {"capabilities": chosen}}
    assert arm.send("PUT", COSMOS, body).json()["properties"]["EnabledApiTypes"] == apis


@pytest.mark.parametrize(
    ("tier", "certificates"),
    [("Standard", "authenticationCertificates"), ("WAF_v2", "trustedRootCertificates")],
)
def test_a_gateway_knows_certificates_by_its_generation(
    arm: Client, tier: str, certificates: str
) -> None:
    gateway = f"{NETWORK}/applicationGateways/gw"
    made = arm.send("PUT", gateway, {**WEST, "properties": {"sku": {"tier": tier}}}).json()
    both = {"authenticationCertificates", "trustedRootCertificates"}
    assert both & made["properties"].keys() == {certificates}
