"""ARM ids taken apart.

Compared without case everywhere, kept as first written. An id may be a management group, a
subscription, a resource group, a resource, a child, or an extension resource on any of these and
on the tenant root. Placeholders such as `{subscription-id}` are plain segments.
"""

from dataclasses import dataclass
from functools import lru_cache

SUBSCRIPTION = "Microsoft.Resources/subscriptions"
GROUP = "Microsoft.Resources/resourceGroups"
MANAGEMENT_GROUP = "Microsoft.Management/managementGroups"
ROOT = "/"


@dataclass(frozen=True)
class Address:
    """A parsed id.

    `key` is the lower-case id, the identity. `scope` is what an extension or top-level resource
    sits on (a group, subscription, management group, resource or `/`); for a child it is its
    parent's. `parent` is the containing resource's id, or the scope where there is none.
    `rest` holds segments after the last complete type/name pair: a collection or an action.
    """

    id: str
    key: str
    type: str
    name: str
    names: tuple[str, ...]
    scope: str
    parent: str
    subscription: str
    group: str
    rest: str

    @property
    def type_key(self) -> str:
        return self.type.lower()

    @property
    def namespace(self) -> str:
        return self.type.split("/", 1)[0]

    @property
    def is_child(self) -> bool:
        return self.type.count("/") > 1

    @property
    def group_id(self) -> str:
        """The resource group's id; empty outside of groups."""
        if not self.group:
            return ""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    @property
    def subscription_id(self) -> str:
        """The subscription's id with its prefix; empty outside of subscriptions."""
        return f"/subscriptions/{self.subscription}" if self.subscription else ""


@lru_cache(maxsize=65536)
def parse(resource_id: str) -> Address:
    """Take an id or a request path apart. Raises ValueError for what cannot be one."""
    segments = [segment for segment in resource_id.split("/") if segment]
    text = "/" + "/".join(segments)
    if not segments:
        return Address(ROOT, ROOT, "", "", (), "", "", "", "", "")
    lowered = [segment.lower() for segment in segments]
    provider_at = max(
        (i for i, segment in enumerate(lowered) if segment == "providers"), default=-1
    )
    subscription = segments[1] if lowered[0] == "subscriptions" and len(segments) > 1 else ""
    in_group = bool(subscription) and lowered[2:3] == ["resourcegroups"] and len(segments) > 3
    group = segments[3] if in_group else ""
    if provider_at < 0 or (subscription and lowered[2:] == ["providers"]):
        return _container(text, segments, subscription, group)
    scope = "/" + "/".join(segments[:provider_at])
    pairs = segments[provider_at + 2 :]
    if len(segments) < provider_at + 2:
        raise ValueError(f"{resource_id!r} names no provider")
    rest = pairs.pop() if len(pairs) % 2 else ""
    names = tuple(pairs[1::2])
    type_ = "/".join([segments[provider_at + 1], *pairs[0::2]])
    own = text[: -len(rest) - 1] if rest else text
    parent = own.rsplit("/", 2)[0] if len(names) > 1 else scope
    name = names[-1] if names else ""
    return Address(own, own.lower(), type_, name, names, scope, parent, subscription, group, rest)


def _container(text: str, segments: list[str], subscription: str, group: str) -> Address:
    """A subscription, a resource group, or a collection directly below one."""
    if segments == ["tenants"]:
        return Address(ROOT, ROOT, "", "", (), "", "", "", "", "tenants")
    if segments[0].lower() != "subscriptions":
        raise ValueError(f"{text!r} is not an ARM id")
    depth = 4 if group else min(len(segments), 2)
    own = "/" + "/".join(segments[:depth])
    rest = "/".join(segments[depth:])
    if group:
        parent = f"/subscriptions/{subscription}"
        return Address(
            own, own.lower(), GROUP, group, (group,), parent, parent, subscription, group, rest
        )
    if not subscription:
        return Address(ROOT, ROOT, "", "", (), "", "", "", "", text.strip("/"))
    return Address(
        own, own.lower(), SUBSCRIPTION, subscription, (subscription,), ROOT, ROOT, subscription,
        "", rest,
    )  # fmt: skip


def ancestors(address: Address) -> list[str]:
    """Keys of the scopes that contain `address` within its subscription, nearest first.

    Begins with the address itself; ends with the subscription where there is one. Management
    groups and the root are not in an id: the tenant knows them.
    """
    keys = [address.key]
    while True:
        parent = address.parent
        if not parent or parent == ROOT:
            return keys
        keys.append(parent.lower())
        address = parse(parent)
