"""The network provider: etags, rules in two places, attachment, and its refusals."""

from datetime import timedelta
from typing import Any

import pytest

from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.simulator.client import ALICE, GROUP, NIC, NSG, PIP, Client, code, interface, rule

SSH = f"{NSG}/securityRules/ssh"
VNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/net"


@pytest.fixture
def group(tenant: Tenant) -> str:
    tenant.load({"id": NSG, "location": "westeurope", "properties": {"securityRules": []}})
    return NSG


def _named(name: str, **body: Any) -> dict[str, Any]:
    return {"name": name, **rule(**body)}


def test_a_rule_is_one_datum_with_two_addresses(tenant: Tenant, arm: Client, group: str) -> None:
    """Written as a child it shows in the parent, written in the parent it shows as a child."""
    assert arm.put(SSH, rule()).status_code == 201
    tenant.settle()
    assert arm.get(SSH).json() == arm.get(group).json()["properties"]["securityRules"][0]
    document = arm.get(group).json()
    document["properties"]["securityRules"][0]["properties"]["access"] = "Deny"
    arm.put(group, document)
    tenant.settle()
    assert arm.get(SSH).json()["properties"]["access"] == "Deny"
    arm.delete(SSH.replace("ssh", "SSH"))
    tenant.settle()
    assert arm.get(group).json()["properties"]["securityRules"] == []


def test_every_write_of_a_child_moves_the_parents_etag(
    tenant: Tenant, arm: Client, group: str
) -> None:
    etags = [arm.get(group).json()["etag"]]
    for method in ("PUT", "DELETE"):
        arm.send(method, SSH, rule() if method == "PUT" else None)
        tenant.settle()
        etags.append(arm.get(group).json()["etag"])
    assert len(set(etags)) == 3


@pytest.mark.parametrize("path", [NSG, SSH])
def test_a_stale_etag_is_refused(tenant: Tenant, arm: Client, group: str, path: str) -> None:
    """Between a read and its write somebody else wrote: 412, and nothing changes."""
    tenant.write(SSH, rule(), by=ALICE)
    stale = arm.get(path).json()["etag"]
    tenant.write(SSH, rule(port="3389"), by=ALICE)
    body = arm.get(path).json()
    answer = arm.put(path, body, If_Match=stale)
    assert (answer.status_code, code(answer)) == (412, "PreconditionFailed")
    detail = answer.json()["error"]["details"][0]
    assert detail["code"] == "PreconditionFailedEtagMismatch"
    fresh = arm.put(path, body, If_Match=body["etag"])
    assert fresh.status_code == 200


def test_if_match_guards_existence_too(tenant: Tenant, arm: Client) -> None:
    assert arm.put(NSG, {"location": "westeurope"}, If_Match="*").status_code == 412
    assert arm.put(NSG, {"location": "westeurope"}, If_None_Match="*").status_code == 201
    tenant.settle()
    assert arm.put(NSG, {"location": "westeurope"}, If_None_Match="*").status_code == 412


def test_the_etag_of_the_answer_is_not_the_last_word(
    tenant: Tenant, arm: Client, group: str
) -> None:
    """The etag moves once more when the operation ends, so a client must read it again."""
    answered = arm.put(group, {"location": "westeurope"}).json()["etag"]
    tenant.settle()
    assert arm.get(group).json()["etag"] != answered


def test_a_new_group_has_the_default_rules(tenant: Tenant, arm: Client) -> None:
    arm.put(NSG, {"location": "westeurope"})
    tenant.settle()
    defaults = arm.get(NSG).json()["properties"]["defaultSecurityRules"]
    assert [one["properties"]["priority"] for one in defaults] == [65000, 65001, 65500] * 2
    assert defaults[2]["id"] == f"{NSG}/defaultSecurityRules/DenyAllInBound"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"priority": 99}, "SecurityRuleInvalidPriority"),
        ({"priority": 4097}, "SecurityRuleInvalidPriority"),
        ({"priority": None}, "SecurityRuleInvalidPriority"),
        ({"sourceAddressPrefix": None}, "SecurityRuleParameterEmptyOrNull"),
        (
            {"sourceAddressPrefix": None, "sourceAddressPrefixes": []},
            "SecurityRuleParameterEmptyOrNull",
        ),
        ({"sourceAddressPrefixes": ["10.0.0.0/8"]}, "SecurityRuleParameterConflict"),
        ({"destinationPortRange": ""}, "SecurityRuleParameterEmptyOrNull"),
        ({"destinationPortRanges": ["80"]}, "SecurityRuleParameterConflict"),
        ({"protocol": None}, "SecurityRuleParameterEmptyOrNull"),
        ({"direction": "Sideways"}, "InvalidRequestFormat"),
        ({"access": "Maybe"}, "InvalidRequestFormat"),
    ],
)
def test_an_unsound_rule_is_refused_in_both_places(
    arm: Client, group: str, change: dict[str, Any], expected: str
) -> None:
    bad = rule()
    bad["properties"] |= change
    body = {"location": "westeurope", "properties": {"securityRules": [{"name": "ssh", **bad}]}}
    for answer in (arm.put(SSH, bad), arm.put(group, body)):
        assert (answer.status_code, code(answer)) == (400, expected)
    assert arm.get(group).json()["properties"]["securityRules"] == []


@pytest.mark.parametrize(
    "source",
    [
        {"sourceAddressPrefix": "Internet"},
        {"sourceAddressPrefixes": ["10.0.0.0/8", "192.0.2.1"]},
        {"sourceApplicationSecurityGroups": [{"id": f"{GROUP}/providers/x/y/z"}]},
    ],
)
def test_a_source_has_three_forms(arm: Client, group: str, source: dict[str, Any]) -> None:
    body = rule()
    del body["properties"]["sourceAddressPrefix"]
    body["properties"] |= source
    assert arm.put(SSH, body).status_code == 201


def test_priorities_are_unique_within_a_direction(tenant: Tenant, arm: Client, group: str) -> None:
    tenant.write(SSH, rule(200), by=ALICE)
    rdp = f"{NSG}/securityRules/rdp"
    clash = arm.put(rdp, rule(200, port="3389"))
    assert (clash.status_code, code(clash)) == (400, "SecurityRuleConflict")
    assert arm.put(rdp, rule(200, direction="Outbound")).status_code == 201
    tenant.settle()
    assert arm.put(SSH, rule(200, port="2222")).status_code == 200


def test_a_put_without_a_rule_removes_it(tenant: Tenant, arm: Client, group: str) -> None:
    """An update is a full PUT: what the body lacks is gone."""
    tenant.write(SSH, rule(), by=ALICE)
    arm.put(group, {"location": "westeurope", "properties": {}})
    tenant.settle()
    assert arm.get(SSH).status_code == 404


def test_detaching_frees_a_public_address(tenant: Tenant, arm: Client) -> None:
    """Drop `publicIPAddress` from the interface: the address shows no holder, and no IP."""
    tenant.load(
        {"id": PIP, "location": "westeurope", "properties": {"publicIPAllocationMethod": "Dynamic"}}
    )
    tenant.load(interface(public=True))
    attached = arm.get(PIP).json()
    assert attached["properties"]["ipConfiguration"] == {"id": f"{NIC}/ipConfigurations/ipconfig1"}
    assert attached["properties"]["ipAddress"]
    refused = arm.delete(PIP)
    assert (refused.status_code, code(refused)) == (400, "PublicIPAddressCannotBeDeleted")
    document = arm.get(NIC).json()
    del document["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"]
    arm.put(NIC, document, If_Match=document["etag"])
    assert "ipConfiguration" in arm.get(PIP).json()["properties"], "before the operation ended"
    tenant.settle()
    detached = arm.get(PIP).json()
    assert not {"ipConfiguration", "ipAddress"} & set(detached["properties"])
    assert detached["etag"] != attached["etag"]
    assert arm.delete(PIP).status_code == 202


@pytest.mark.parametrize(("method", "same"), [("Static", True), ("Dynamic", False)])
def test_reattaching_gives_a_dynamic_address_another_value(
    tenant: Tenant, method: str, *, same: bool
) -> None:
    """What cannot come back exactly: a dynamic address is a new one after an undo."""
    tenant.load(
        {
            "id": PIP,
            "location": "westeurope",
            "properties": {"publicIPAllocationMethod": method, "ipAddress": "203.0.113.9"},
        }
    )
    tenant.load(interface(public=True))
    tenant.write(NIC, interface(public=False), by=ALICE)
    tenant.write(NIC, interface(public=True), by=ALICE)
    after = tenant.read(PIP)
    assert after is not None
    assert after["properties"]["ipConfiguration"]["id"].startswith(NIC)
    assert (after["properties"]["ipAddress"] == "203.0.113.9") is same


@pytest.mark.parametrize("first", ["address", "interface"])
def test_attachment_does_not_depend_on_the_order_of_loading(tenant: Tenant, first: str) -> None:
    documents = [{"id": PIP, "location": "westeurope"}, interface(public=True)]
    for document in documents if first == "address" else reversed(documents):
        tenant.load(document)
    address = tenant.read(PIP)
    assert address is not None
    assert address["properties"]["ipConfiguration"]["id"].startswith(NIC)


def test_an_address_has_one_holder(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": PIP, "location": "westeurope"})
    tenant.load(interface(public=True))
    other = NIC.replace("vm1", "vm2")
    answer = arm.put(other, interface(public=True))
    assert (answer.status_code, code(answer)) == (400, "PublicIPAddressInUse")


def test_references_must_exist_and_be_at_rest(
    tenant: Tenant, arm: Client, clock: VirtualClock
) -> None:
    body = interface(public=False)
    body["properties"]["networkSecurityGroup"] = {"id": NSG}
    missing = arm.put(NIC, body)
    assert (missing.status_code, code(missing)) == (400, "InvalidResourceReference")
    arm.put(NSG, {"location": "westeurope"})
    early = arm.put(NIC, body)
    assert (early.status_code, code(early)) == (429, "RetryableError")
    assert early.headers["Retry-After"] == "10"
    clock.advance(timedelta(seconds=10))
    assert arm.put(NIC, body).status_code == 201


def test_a_reference_that_was_always_broken_is_left_alone(tenant: Tenant, arm: Client) -> None:
    """A recorded interface may name what was never recorded; writing it back must work."""
    document = interface(public=True)
    tenant.load(document)
    assert tenant.read(PIP) is None
    assert arm.put(NIC, document).status_code == 200


def test_an_interface_needs_a_configuration(arm: Client) -> None:
    answer = arm.put(NIC, {"location": "westeurope", "properties": {"ipConfigurations": []}})
    assert answer.status_code == 400


def test_a_busy_group_says_try_again(tenant: Tenant, arm: Client, group: str) -> None:
    """While one write is under way another is refused, of a child as of its parent."""
    arm.put(SSH, rule())
    for answer in (arm.put(SSH, rule()), arm.put(group, {"location": "westeurope"})):
        assert (answer.status_code, code(answer)) == (429, "AnotherOperationInProgress")
        assert answer.headers["Retry-After"] == "10"
    tenant.settle()
    assert arm.put(group, {"location": "westeurope"}).status_code == 200


def test_a_group_knows_its_users_and_stays_while_it_has_any(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": NSG, "location": "westeurope"})
    nic = interface(public=False)
    nic["properties"]["networkSecurityGroup"] = {"id": NSG.upper().replace("/SUBS", "/subs")}
    tenant.load(nic)
    subnet = {"name": "db", "properties": {"networkSecurityGroup": {"id": NSG}}}
    tenant.load({"id": VNET, "location": "westeurope", "properties": {"subnets": [subnet]}})
    held = arm.get(NSG).json()["properties"]
    assert held["networkInterfaces"] == [{"id": NIC}]
    assert held["subnets"] == [{"id": f"{VNET}/subnets/db"}]
    assert code(arm.delete(NSG)) == "InUseNetworkSecurityGroupCannotBeDeleted"
    tenant.remove(NIC, by=ALICE)
    assert "networkInterfaces" not in arm.get(NSG).json()["properties"]


def test_a_used_subnet_cannot_be_dropped(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": VNET, "location": "westeurope"})
    subnet = f"{VNET}/subnets/db"
    tenant.write(subnet, {"properties": {"addressPrefix": "10.0.0.0/24"}}, by=ALICE)
    nic = interface(public=False)
    nic["properties"]["ipConfigurations"][0]["properties"]["subnet"] = {"id": subnet}
    tenant.write(NIC, nic, by=ALICE)
    assert len(arm.get(subnet).json()["properties"]["ipConfigurations"]) == 1
    assert code(arm.delete(subnet)) == "InUseSubnetCannotBeDeleted"
    whole = arm.put(VNET, {"location": "westeurope", "properties": {"subnets": []}})
    assert code(whole) == "InUseSubnetCannotBeDeleted"


def test_a_machine_holds_its_interface(tenant: Tenant, arm: Client) -> None:
    machine = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm1"
    tenant.load(interface(public=False))
    profile = {"networkInterfaces": [{"id": NIC.replace("Prod-RG", "PROD-RG")}]}
    tenant.load(
        {"id": machine, "location": "westeurope", "properties": {"networkProfile": profile}}
    )
    assert arm.get(NIC).json()["properties"]["virtualMachine"] == {"id": machine}
    assert code(arm.delete(NIC)) == "NicInUse"
