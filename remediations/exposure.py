"""Cures that turn a data store's public endpoint off.

Only where every sub-resource in use has an approved private endpoint with a linked DNS zone is
that no outage: an approved `blob` endpoint serves neither `dfs` nor `file`. Else a person is asked.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from shared.model import (
    Change,
    Edit,
    Finding,
    Json,
    Lookup,
    NeedsLookup,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Resource,
    ResourceId,
    ResourceType,
    Undecided,
    value_at,
    values_at,
)

_ENDPOINT = ResourceType("Microsoft.Network/privateEndpoints", api_version="2024-05-01")
_ZONE_GROUP = ResourceType(f"{_ENDPOINT.name}/privateDnsZoneGroups", api_version="2024-05-01")
_ZONE_LINK = ResourceType(
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks", api_version="2020-06-01"
)

CONNECTIONS: Final = "privateEndpointConnections"
PUBLIC_ACCESS: Final = "/properties/publicNetworkAccess"

IN_USE: Final = Parameter(
    name="in_use",
    description="The sub-resources that clients use, as private endpoints name them; [] means all.",
    schema={"type": "array", "items": {"type": "string", "minLength": 1}},
    for_person=[],
)


def _approved(store: Resource) -> Iterator[str]:
    """The private endpoints whose connections were approved.

    They stand in the store's document, or in a collection that its cure looks up by the name.
    """
    beside = store.related(CONNECTIONS) if CONNECTIONS in store.lookups else ()
    bodies = [connection.body for connection in beside]
    for connection in (*store.items(f"/properties/{CONNECTIONS}"), *bodies):
        status = value_at(connection, ("properties", "privateLinkServiceConnectionState", "status"))
        endpoint = value_at(connection, ("properties", "privateEndpoint", "id"))
        if str(status).casefold() == "approved" and isinstance(endpoint, str) and endpoint:
            yield endpoint


def _zones(store: Resource) -> Iterator[str]:
    for group in store.related("privateDnsZoneGroups"):
        yield from _zones_of(group)


def _zones_of(group: Resource) -> Iterator[str]:
    path = ("properties", "privateDnsZoneConfigs", "*", "properties", "privateDnsZoneId")
    yield from (str(zone) for zone in values_at(group.body, path) if zone)


LOOKUPS: Final = (
    Lookup(name="privateEndpoints", type=_ENDPOINT, ids=_approved),
    Lookup(
        name="privateDnsZoneGroups",
        type=_ZONE_GROUP,
        ids=lambda store: [
            f"{endpoint.id}/privateDnsZoneGroups" for endpoint in store.related("privateEndpoints")
        ],
        many=True,
    ),
    Lookup(
        name="virtualNetworkLinks",
        type=_ZONE_LINK,
        ids=lambda store: [f"{zone}/virtualNetworkLinks" for zone in dict.fromkeys(_zones(store))],
        many=True,
    ),
)


def switched_off(
    finding: Finding, *switches: str, off: Json = "Disabled", on: Json = "Enabled"
) -> Change:
    """The PATCH that turns the switches off; undo of an absent one writes `on`, what absent means.

    None named means `publicNetworkAccess`.
    """
    body = finding.resource.body
    edits = (Edit.of(body, one, off, restore=on) for one in switches or (PUBLIC_ACCESS,))
    return finding.patch(*edits)


def replicates(finding: Finding, *pointers: str) -> str:
    """A caveat where one of the pointers says that the store takes part in replication."""
    values = [finding.resource.get(one) for one in pointers]
    parts = [str(value) for value in values if value and str(value).casefold() != "none"]
    if not parts:
        return ""
    return (
        f"It replicates ({', '.join(parts)}): the others keep their own public endpoints, and "
        "clients that fail over to this one are cut off."
    )


def told(store: Resource, lookup: Lookup, words: Callable[[Resource], str]) -> Iterator[str]:
    """A caveat for each resource that a lookup finds, where `words` has one; or why it failed.

    Raises:
        NeedsLookup: it was not made yet.
    """
    try:
        found = store.related(lookup.name)
    except NeedsLookup:
        raise
    except Undecided as reason:
        yield f"Whether clients of others depend on it cannot be seen: {reason}."
        return
    yield from filter(None, map(words, found))


def endpoint_off(
    remediation: Remediation,
    finding: Finding,
    parameters: Parameters,
    offered: Iterable[str],
    change: Change,
    *caveats: str,
) -> Plan:
    """`change` turns the endpoint off; a person is asked while a sub-resource in use is unserved.

    `offered` are the sub-resources that the store can be reached by (Microsoft Learn, "Private
    link resource"), as private endpoints name them.

    Raises:
        NeedsLookup: one of the cure's. Undecided: `in_use` names what the store does not offer.
    """
    names = {name.casefold(): name for name in offered}
    used = [str(name) for name in parameters["in_use"]]
    unknown = [name for name in used if name.casefold() not in names]
    if unknown:
        raise Undecided(f"{', '.join(unknown)}: not among {', '.join(names.values())}")
    wanted = [names[name.casefold()] for name in used] or list(names.values())
    beside = any(one.name == CONNECTIONS for one in remediation.lookups)
    asks = _unserved(finding.resource, wanted, beside=beside)
    return remediation.propose(finding, [change], *caveats, asks, asks=asks)


def _unserved(store: Resource, wanted: list[str], *, beside: bool) -> str:
    """Which of the sub-resources nobody could reach any more, in words; empty where none."""
    try:
        served = set(_served(store, beside=beside))
    except NeedsLookup:
        raise
    except Undecided as reason:
        return f"Whether private endpoints serve its clients cannot be seen: {reason}."
    missing = [name for name in wanted if name.casefold() not in served]
    if not missing:
        return ""
    return (
        f"No approved private endpoint with a linked DNS zone serves {', '.join(missing)}: "
        "clients that use it are cut off."
    )


def _served(store: Resource, *, beside: bool) -> Iterator[str]:
    """The sub-resources with an approved endpoint whose names resolve, in lower case.

    `beside` says that its connections have to be looked up.
    """
    if beside:
        store.related(CONNECTIONS)
    endpoints = store.related("privateEndpoints")
    groups = store.related("privateDnsZoneGroups") if endpoints else ()
    links = store.related("virtualNetworkLinks") if groups else ()
    linked = {
        link.id.parent
        for link in links
        if link.text("/properties/virtualNetworkLinkState") in ("", "completed")
    }
    for endpoint in endpoints:
        mine = (group for group in groups if group.id.parent == endpoint.id)
        zones = {ResourceId(zone) for group in mine for zone in _zones_of(group)}
        if zones & linked:
            yield from _groups(endpoint, store.id)


def _groups(endpoint: Resource, store: ResourceId) -> Iterator[str]:
    """The sub-resources that an endpoint's approved connections to this store name."""
    for kind in ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections"):
        for i, _ in enumerate(endpoint.items(f"/properties/{kind}")):
            at = f"/properties/{kind}/{i}/properties"
            target = endpoint.get(f"{at}/privateLinkServiceId")
            # A store below another resource is reached by that one's endpoints.
            if isinstance(target, str) and store.within(ResourceId(target)):
                yield from (str(name).casefold() for name in endpoint.get(f"{at}/groupIds") or [])
