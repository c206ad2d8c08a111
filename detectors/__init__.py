"""Detectors, one module a control: `detectors/<service>/<control id with underscores>.py`.

A module is registered by holding a `DETECTOR`; one without, its name a single word, is what the
rules of a service share. Rules are pure, and import `shared.model` alone.
Here stands what the rules of several services share.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from shared.model import (
    MOST,
    OBJECT,
    WIDE,
    Addresses,
    Evidence,
    Resource,
    ResourceType,
    Undecided,
    fitting,
)

SUBSCRIPTION = ResourceType("Microsoft.Resources/subscriptions", api_version="2022-12-01")
NETWORK_ACLS = "/properties/networkAcls"
PUBLIC_ACCESS = "/properties/publicNetworkAccess"


def seen(resource: Resource) -> Resource:
    """The resource, where its document shows properties at all.

    Generic lists leave them out, and what an absent property means cannot be told from those.

    Raises:
        Undecided: it shows none.
    """
    if not isinstance(resource.get("/properties"), OBJECT):
        raise Undecided("this document carries no properties; read the resource by its id")
    return resource


def behind_public_access(
    resource: Resource, opened: Callable[[Resource], Iterable[Evidence]]
) -> Iterator[Evidence]:
    """What `opened` finds in the resource's own firewall, where that firewall counts.

    It counts for nothing while `publicNetworkAccess` is Disabled; absent means Enabled. Nor with
    `SecuredByPerimeter`: then a security perimeter decides, in whatever mode (Microsoft Learn,
    "Transition to a network security perimeter", impact on public network access).

    Raises:
        Undecided: `publicNetworkAccess` is not a string, or the document shows no properties.
    """
    if seen(resource).text(PUBLIC_ACCESS) not in ("disabled", "securedbyperimeter"):
        yield from opened(resource)


def open_network_acls(resource: Resource) -> Iterator[Evidence]:
    """Why `networkAcls`, as storage accounts and key vaults have it, lets the internet in.

    It does by its default action (absent means Allow), and also where it denies by default and
    lists address rules that together hold most of IPv4.

    Raises:
        Undecided: it is of another shape.
    """
    if not _denies(resource):
        pointer = f"{NETWORK_ACLS}/defaultAction"
        yield Evidence(pointer, resource.get(pointer), expected="Deny")
        return
    listed, sets = _listed(resource)
    if Addresses.union(sets).internet_share > MOST:
        yield from wide_rules(f"{NETWORK_ACLS}/ipRules/{{}}/value", listed, sets)


def wide_network_acls(resource: Resource) -> Iterator[Evidence]:
    """Why `networkAcls` that deny by default let in more than known clients.

    Where they allow by default, the rules count for nothing: see `open_network_acls`.

    Raises:
        Undecided: they are of another shape.
    """
    if not _denies(resource):
        return
    listed, sets = _listed(resource)
    if Addresses.union(sets).size > WIDE:
        yield from wide_rules(f"{NETWORK_ACLS}/ipRules/{{}}/value", listed, sets)


def _denies(resource: Resource) -> bool:
    acls = resource.get(NETWORK_ACLS)
    if acls is not None and not isinstance(acls, Mapping):
        raise Undecided(f"{NETWORK_ACLS} is not an object")
    action = resource.text(f"{NETWORK_ACLS}/defaultAction")
    if action not in ("", "allow", "deny"):
        raise Undecided(f"{NETWORK_ACLS}/defaultAction is {action!r}")
    return action == "deny"


def _listed(resource: Resource) -> tuple[list[str], list[Addresses]]:
    listed = [str(rule["value"]) for rule in resource.items(f"{NETWORK_ACLS}/ipRules")]
    return listed, [Addresses.parse(text) for text in listed]


def wide_rules(pointer: str, texts: list[str], sets: list[Addresses]) -> Iterator[Evidence]:
    """Evidence for each of the few widest of `texts` that has to go; `{}` is its index."""
    stay = fitting(sets)
    for i, text in enumerate(texts):
        if i not in stay:
            expected = f"rules that hold up to {WIDE} addresses together"
            yield Evidence(pointer.format(i), text, expected)
