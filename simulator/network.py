"""What the network provider insists on, and what it keeps in step between resources."""

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from simulator.address import parse
from simulator.documents import Document, dig, drop, put
from simulator.wire import Refusal
from simulator.writes import Write

_PRIORITIES = range(100, 4097)
_DIRECTIONS = ("Inbound", "Outbound")
_ENDS = ("source", "destination")
_PROTECTION_SINCE = "2022-05-01"
_FIRST_OCTETS = (20, 40, 52, 104)


_DEFAULT_RULES = (
    ("AllowVnetInBound", "Inbound", 65000, "VirtualNetwork", "VirtualNetwork"),
    ("AllowAzureLoadBalancerInBound", "Inbound", 65001, "AzureLoadBalancer", "*"),
    ("DenyAllInBound", "Inbound", 65500, "*", "*"),
    ("AllowVnetOutBound", "Outbound", 65000, "VirtualNetwork", "VirtualNetwork"),
    ("AllowInternetOutBound", "Outbound", 65001, "*", "Internet"),
    ("DenyAllOutBound", "Outbound", 65500, "*", "*"),
)
"""Name, direction, priority, source, destination; what the name begins with is the access."""
_DESCRIPTIONS = {
    "AllowVnetInBound": "Allow inbound traffic from all VMs in VNET",
    "AllowAzureLoadBalancerInBound": "Allow inbound traffic from azure load balancer",
    "DenyAllInBound": "Deny all inbound traffic",
    "AllowVnetOutBound": "Allow outbound traffic from all VMs to all VMs in VNET",
    "AllowInternetOutBound": "Allow outbound traffic from all VMs to Internet",
    "DenyAllOutBound": "Deny all outbound traffic",
}


def add_default_rules(write: Write) -> None:
    """A new security group has six rules that nobody can change."""
    if dig(write.after, "properties.defaultSecurityRules") is not None:
        return
    rules = [
        {
            "name": name,
            "properties": {
                "description": _DESCRIPTIONS[name],
                "protocol": "*",
                "sourcePortRange": "*",
                "destinationPortRange": "*",
                "sourceAddressPrefix": source,
                "destinationAddressPrefix": destination,
                "access": "Allow" if name.startswith("Allow") else "Deny",
                "priority": priority,
                "direction": direction,
            },
        }
        for name, direction, priority, source, destination in _DEFAULT_RULES
    ]
    for rule in rules:
        _complete_rule(rule)
    put(write.after, "properties.defaultSecurityRules", rules)


def check_group(write: Write) -> None:
    """Every rule must be sound, and priorities unique within a direction."""
    rules = dig(write.after, "properties.securityRules") or []
    for rule in rules:
        _check_rule(write.address.id, rule)
        _complete_rule(rule)
    _check_priorities(rules)


def check_single_rule(write: Write) -> None:
    """A rule written as a child meets its siblings."""
    parent = write.state.find(write.address.parent.lower()) or {}
    _check_rule(write.address.parent, write.after)
    siblings = [
        rule
        for rule in dig(parent, "properties.securityRules") or []
        if str(rule.get("name")).lower() != write.address.name.lower()
    ]
    _check_priorities([*siblings, write.after])
    _complete_rule(write.after)


def _check_rule(group_id: str, rule: Mapping[str, Any]) -> None:
    name = f"{group_id}/securityRules/{rule.get('name')}"
    properties = rule.get("properties") or {}
    priority = properties.get("priority")
    if not isinstance(priority, int) or priority not in _PRIORITIES:
        raise Refusal(
            400,
            "SecurityRuleInvalidPriority",
            f"Security rule has invalid Priority. Value provided: {priority} Allowed range "
            f"100-4096. Rule {name}.",
        )
    _check_choice(name, properties, "direction", _DIRECTIONS)
    _check_choice(name, properties, "access", ("Allow", "Deny"))
    _check_present(name, "protocol", present=bool(properties.get("protocol")))
    for end in _ENDS:
        _check_ends(name, properties, end)


def _complete_rule(rule: Document) -> None:
    """The lists that a rule does not use are there, empty."""
    for end in _ENDS:
        rule["properties"].setdefault(f"{end}PortRanges", [])
        rule["properties"].setdefault(f"{end}AddressPrefixes", [])


def _check_ends(name: str, properties: Mapping[str, Any], end: str) -> None:
    """Addresses and ports are given in exactly one of their forms."""
    title = end.capitalize()
    addresses = [
        form
        for form in (
            f"{end}AddressPrefix",
            f"{end}AddressPrefixes",
            f"{end}ApplicationSecurityGroups",
        )
        if properties.get(form)
    ]
    ports = [form for form in (f"{end}PortRange", f"{end}PortRanges") if properties.get(form)]
    _check_present(name, f"{title}AddressPrefix", present=bool(addresses))
    _check_present(name, f"{title}PortRange", present=bool(ports))
    for forms in (addresses, ports):
        if len(forms) > 1:
            raise Refusal(
                400,
                "SecurityRuleParameterConflict",
                f"Security rule {name} specifies both {forms[0]} and {forms[1]}. Only one of them "
                "may be given.",
            )


def _check_present(name: str, parameter: str, *, present: bool) -> None:
    if not present:
        raise Refusal(
            400,
            "SecurityRuleParameterEmptyOrNull",
            f"Security rule parameter {parameter} for rule with Id {name} cannot be empty or null.",
        )


def _check_choice(
    name: str, properties: Mapping[str, Any], parameter: str, choices: tuple[str, ...]
) -> None:
    value = str(properties.get(parameter, ""))
    if value.lower() not in {choice.lower() for choice in choices}:
        raise Refusal(
            400,
            "InvalidRequestFormat",
            f"Cannot parse the request: value '{value}' of {parameter} in {name} is not one of "
            f"{', '.join(choices)}.",
        )


def _check_priorities(rules: list[Mapping[str, Any]]) -> None:
    seen: dict[tuple[str, int], str] = {}
    for rule in rules:
        properties = rule.get("properties") or {}
        place = (str(properties.get("direction")).lower(), int(properties.get("priority", 0)))
        name = str(rule.get("name"))
        if place in seen:
            raise Refusal(
                400,
                "SecurityRuleConflict",
                f"Security rule {name} conflicts with rule {seen[place]}. Rules cannot have the "
                f"same Priority and Direction. Priority: {place[1]} Direction: {place[0]}.",
            )
        seen[place] = name


def check_interface(write: Write) -> None:
    """An interface has configurations, and what they refer to exists and is at rest."""
    configurations = dig(write.after, "properties.ipConfigurations")
    if not configurations:
        raise Refusal(
            400,
            "NetworkInterfaceMustHaveAtLeastOneIpConfiguration",
            f"Network interface {write.address.id} must have at least one IP configuration.",
        )
    for reference in _references(write.after):
        _check_reference(write, reference)


def _references(interface: Document) -> Iterator[str]:
    group = dig(interface, "properties.networkSecurityGroup.id")
    if group:
        yield str(group)
    for configuration in dig(interface, "properties.ipConfigurations") or []:
        for name in ("publicIPAddress", "subnet"):
            reference = dig(configuration, f"properties.{name}.id")
            if reference:
                yield str(reference)


def _check_reference(write: Write, reference: str) -> None:
    document = write.state.find(parse(reference).key)
    if document is None:
        # A reference that was there before was loaded so; only new ones must resolve.
        if write.before is not None and reference.lower() in {
            known.lower() for known in _references(write.before)
        }:
            return
        raise Refusal(
            400,
            "InvalidResourceReference",
            f"Resource {reference} referenced by resource {write.address.id} was not found. "
            "Please make sure that the referenced resource exists, and that both resources are in "
            "the same region.",
        )
    state = dig(document, "properties.provisioningState", "Succeeded")
    if state == "Updating":
        detail = {
            "code": "ReferencedResourceNotProvisioned",
            "message": f"Cannot proceed with operation because resource {reference} used by "
            f"resource {write.address.id} is not in Succeeded state. Resource is in {state} state.",
        }
        raise Refusal(
            429,
            "RetryableError",
            "A retryable error occurred.",
            extra={"details": [detail]},
            headers={"Retry-After": "10"},
        )
    _check_free(write, reference, document)


def _check_free(write: Write, reference: str, document: Document) -> None:
    holder = dig(document, "properties.ipConfiguration.id")
    if holder and not str(holder).lower().startswith(write.address.key + "/"):
        raise Refusal(
            400,
            "PublicIPAddressInUse",
            f"Resource {write.address.id} is referencing public IP address {reference} that is "
            f"already allocated to resource {holder}.",
        )


def assign_private_addresses(write: Write) -> None:
    """Configurations keep their private address, or get one."""
    before = {
        str(one.get("name")).lower(): dig(one, "properties.privateIPAddress")
        for one in dig(write.before, "properties.ipConfigurations") or []
    }
    for number, one in enumerate(dig(write.after, "properties.ipConfigurations") or []):
        if not dig(one, "properties.privateIPAddress"):
            kept = before.get(str(one.get("name")).lower())
            put(one, "properties.privateIPAddress", kept or f"10.0.0.{4 + number}")


def name_suffix(write: Write) -> None:
    """The network's own name server knows every interface below a suffix of its own."""
    suffix = f"{write.state.random.getrandbits(64):x}.internal.cloudapp.net"
    if not dig(write.after, "properties.dnsSettings.internalDomainNameSuffix"):
        put(write.after, "properties.dnsSettings.internalDomainNameSuffix", suffix)


def offer_endpoints(write: Write) -> None:
    """A service endpoint has a state of its own; one that names no regions is good for all."""
    subnets = dig(write.after, "properties.subnets")
    for subnet in [write.after] if subnets is None else subnets:
        for endpoint in dig(subnet, "properties.serviceEndpoints") or []:
            endpoint["provisioningState"] = "Succeeded"
            endpoint["locations"] = endpoint.get("locations") or ["*"]


def public_address(chance: Random) -> str:
    """An address that this tenant has not handed out before, most likely."""
    tail = ".".join(str(chance.randrange(1, 255)) for _ in range(3))
    return f"{chance.choice(_FIRST_OCTETS)}.{tail}"


def assign_public_address(write: Write) -> None:
    """A static address is there when creation has ended; a dynamic one comes with attachment."""
    method = str(dig(write.after, "properties.publicIPAllocationMethod"))
    if method == "Static" and not dig(write.after, "properties.ipAddress"):
        put(write.after, "properties.ipAddress", public_address(write.state.random))


def protect_standard(write: Write) -> None:
    """A standard address is protected from floods as its virtual network is."""
    standard = str(dig(write.after, "sku.name")).lower() == "standard"
    known = write.api_version >= _PROTECTION_SINCE
    if standard and known and dig(write.after, "properties.ddosSettings") is None:
        put(write.after, "properties.ddosSettings", {"protectionMode": "VirtualNetworkInherited"})


def certify(write: Write) -> None:
    """The first generation of gateways knows its backends by certificate, the second by root."""
    second = str(dig(write.after, "properties.sku.tier")).lower().endswith("_v2")
    other = "authenticationCertificates" if second else "trustedRootCertificates"
    if not dig(write.after, f"properties.{other}"):
        drop(write.after, f"properties.{other}")


def balance(write: Write) -> None:
    """A frontend in a subnet has a private address; a basic balancer has no outbound rules."""
    if str(dig(write.after, "sku.name")).lower() == "basic":
        drop(write.after, "properties.outboundRules")
        for rule in dig(write.after, "properties.loadBalancingRules") or []:
            drop(rule, "properties.disableOutboundSnat")
    for number, one in enumerate(dig(write.after, "properties.frontendIPConfigurations") or []):
        if dig(one, "properties.subnet") is not None:
            private = {
                "privateIPAddress": f"10.0.0.{4 + number}",
                "privateIPAddressVersion": "IPv4",
            }
            one["properties"] = {**private, **one["properties"]}


def check_public_address_unused(write: Write) -> None:
    holder = dig(write.before, "properties.ipConfiguration.id")
    if holder:
        raise Refusal(
            400,
            "PublicIPAddressCannotBeDeleted",
            f"Public IP address {write.address.id} can not be deleted since it is still allocated "
            f"to resource {holder}. In order to delete the public IP, disassociate/detach the "
            "Public IP address from the resource.  To learn how to do this, see "
            "aka.ms/deletepublicip.",
        )


def check_group_unused(write: Write) -> None:
    users = [
        str(user.get("id"))
        for place in ("networkInterfaces", "subnets")
        for user in dig(write.before, f"properties.{place}") or []
    ]
    if users:
        raise Refusal(
            400,
            "InUseNetworkSecurityGroupCannotBeDeleted",
            f"Network security group {write.address.id} cannot be deleted because it is in use by "
            f"the following resources: {', '.join(users)}.",
        )


def check_interface_unused(write: Write) -> None:
    machine = dig(write.before, "properties.virtualMachine.id")
    if machine:
        raise Refusal(
            400,
            "NicInUse",
            f"Network Interface {write.address.id} is used by existing resource {machine}. In "
            "order to delete the network interface, it must be dissociated from the resource.",
        )


def check_subnet_unused(write: Write) -> None:
    _refuse_used_subnet(write.before or {})


def check_subnets_kept(write: Write) -> None:
    """A virtual network's PUT must not drop a subnet that something uses."""
    kept = {str(one.get("name")).lower() for one in dig(write.after, "properties.subnets") or []}
    for subnet in dig(write.before, "properties.subnets") or []:
        if str(subnet.get("name")).lower() not in kept:
            _refuse_used_subnet(subnet)


def _refuse_used_subnet(subnet: Mapping[str, Any]) -> None:
    users = dig(subnet, "properties.ipConfigurations") or []
    if users:
        raise Refusal(
            400,
            "InUseSubnetCannotBeDeleted",
            f"Subnet {subnet.get('name')} is in use by {users[0].get('id')} and cannot be deleted.",
        )
