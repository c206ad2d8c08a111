"""What this deployment itself runs on: no cure may cut it off.

Pure but for `Ours`, which reads the few documents that ids alone do not decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Final
from urllib.parse import urlsplit

from shared import names
from shared.model import Resource, ResourceId, ResourceType, parse_pointer, values_at

OWN: Final = "PORTCULLIS_OWN"
"""The setting that lists what no other setting names."""
DEPLOYMENT: Final = "PORTCULLIS_DEPLOYMENT"
"""The setting that names the deployment, as its templates were told."""
Read = Callable[[ResourceId, str], Resource | None]

_ACCOUNTS = "microsoft.storage/storageaccounts"
_VAULTS = "microsoft.keyvault/vaults"
_WORKSPACES = "microsoft.operationalinsights/workspaces"
_SYSTEM_TOPICS = "microsoft.eventgrid/systemtopics"
_RULES = ResourceType("Microsoft.Insights/dataCollectionRules", api_version="2023-03-11")
_ENDS = parse_pointer("/properties/destinations/logAnalytics/*/workspaceResourceId")
_EVENTS = "2025-02-15"
# Standard, zonal (z01) and secondary endpoints alike begin with the account's name.
_ENDPOINT = re.compile(
    r"([a-z0-9]{3,24})(?:-secondary)?\.(?:z\d+\.)?(?:blob|dfs|file|queue|table)\.", re.IGNORECASE
)
_REFERENCE = re.compile(r"@Microsoft\.KeyVault\(([^)]*)\)", re.IGNORECASE)
_VAULT = re.compile(r"(?:VaultName\s*=\s*|SecretUri\s*=\s*https:[\\/]+)([a-z0-9-]+)", re.IGNORECASE)
_HOST_STORAGE = "AzureWebJobsStorage"
_CONTENT = ("WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", "DEPLOYMENT_STORAGE_CONNECTION_STRING")
_LOOPBACK = re.compile(r"://(?:127\.|localhost|\[::1\])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """By what our own resources are known; names, hosts and ids in lower case.

    `accounts` and `vaults` are the names of storage accounts and key vaults, unique in a cloud.
    `hosts` are where records and notices are sent. `rules` are immutable ids of data collection
    rules. `identities` are the object and client ids we act under. `apps` and `listed` are ARM
    ids; what lies in one is ours too. `deployments` are the names of deployments, after which what
    is ours in each subscription is named.
    """

    accounts: frozenset[str] = frozenset()
    vaults: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    identities: frozenset[str] = frozenset()
    apps: frozenset[ResourceId] = frozenset()
    listed: frozenset[ResourceId] = frozenset()
    deployments: frozenset[str] = frozenset()

    def __or__(self, other: Own) -> Own:
        both = {f.name: getattr(self, f.name) | getattr(other, f.name) for f in fields(Own)}
        return Own(**both)


NOTHING: Final = Own()


@dataclass(frozen=True, slots=True)
class _Shown:
    """A type that only its document tells: what of it is compared with what of `Own`."""

    type: ResourceType
    pointers: tuple[str, ...]
    known_by: str
    why: str


# The pointers: Azure REST specifications of EventGrid 2025-02-15, Monitor 2023-03-11 and
# ManagedIdentity 2023-01-31; event subscriptions name the account that their queue is in.
_DELIVERY = (
    "/properties/destination/properties/resourceId",
    "/properties/deliveryWithResourceIdentity/destination/properties/resourceId",
)
_SHOWN: Mapping[str, _Shown] = {
    shown.type.key: shown
    for shown in (
        *(
            _Shown(
                ResourceType(f"Microsoft.EventGrid/{name}", _EVENTS),
                ("/properties/endpoint",),
                "hosts",
                "notices are published to it",
            )
            for name in ("topics", "domains")
        ),
        _Shown(
            ResourceType("Microsoft.Insights/dataCollectionEndpoints", _RULES.api_version),
            ("/properties/logsIngestion/endpoint",),
            "hosts",
            "records are sent to it",
        ),
        _Shown(_RULES, ("/properties/immutableId",), "rules", "records are sent through it"),
        _Shown(
            ResourceType("Microsoft.ManagedIdentity/userAssignedIdentities", "2023-01-31"),
            ("/properties/principalId", "/properties/clientId"),
            "identities",
            "we act under this identity",
        ),
        *(
            _Shown(
                ResourceType(f"Microsoft.EventGrid/{name}", _EVENTS),
                _DELIVERY,
                "accounts",
                "its events wake us",
            )
            for name in ("eventSubscriptions", "systemTopics/eventSubscriptions")
        ),
        _Shown(
            ResourceType("Microsoft.EventGrid/systemTopics", _EVENTS),
            ("/properties/topicType",),
            "accounts",
            "a subscription has one such topic, and its events wake us",
        ),
    )
}

READS: Final = tuple(f"{shown.type.name}/read" for shown in _SHOWN.values())
"""What seeing whether a resource is ours may take."""


class Ours:
    """Says of a resource why it is our own; `read` is asked where only a document can tell."""

    def __init__(self, own: Own, read: Read) -> None:
        self._own = own
        self._read = read

    def why(self, target: ResourceId, seen: Mapping[ResourceId, Resource]) -> str:
        """Why `target`, or what it is a part of, is ours; empty where it is not.

        `seen` are documents that were read just now.

        Raises:
            Transient, Refused: it cannot be seen.
        """
        return next((why for at in _upwards(target) if (why := self._at(at, seen))), "")

    def _at(self, at: ResourceId, seen: Mapping[ResourceId, Resource]) -> str:
        own, kind = self._own, at.type.casefold()
        if by_name := self.by_name(at):
            return by_name
        if kind == _WORKSPACES and own.rules:
            return self._workspace(at)
        shown = _SHOWN.get(kind)
        if shown is None or not getattr(own, shown.known_by):
            return ""
        found = seen.get(at) or self._read(at, shown.type.api_version)
        return shown.why if found is not None and self._tells(found, shown) else ""

    def by_name(self, at: ResourceId) -> str:
        """Why this very resource is ours, as far as its id tells; empty where it does not."""
        own, kind, name = self._own, at.type.casefold(), at.name.casefold()
        if at in own.listed:
            return f"{OWN} lists it"
        if at in own.apps:
            return "we run in it"
        if kind == _ACCOUNTS and name in own.accounts:
            return "our state, queues or code are kept in it"
        return "our settings refer to it" if kind == _VAULTS and name in own.vaults else ""

    def _tells(self, found: Resource, shown: _Shown) -> bool:
        values = [str(found.get(pointer) or "").casefold() for pointer in shown.pointers]
        if shown.type.key == _SYSTEM_TOPICS:
            # Azure allows one system topic a source: all who listen to a subscription share it.
            return values == ["microsoft.resources.subscriptions"]
        if shown.known_by == "accounts":
            inside = [ResourceId(value) for value in values if value]
            return any(self.by_name(up) for one in inside for up in _upwards(one))
        if shown.known_by == "hosts":
            values = [urlsplit(value).hostname or "" for value in values]
        return not getattr(self._own, shown.known_by).isdisjoint(values)

    def _workspace(self, at: ResourceId) -> str:
        """Only the data collection rule knows where records end, and no setting names its id."""
        own, known = self._own, False
        for one in sorted(own.listed, key=lambda x: x.key):
            known = known or one.type.casefold() == _WORKSPACES
            rule = self._read(one, _RULES.api_version) if _RULES.matches(one) else None
            if rule is None or not self._tells(rule, _SHOWN[_RULES.key]):
                continue
            known = True
            if at in map(ResourceId, map(str, values_at(rule.body, _ENDS))):
                return "records end in it"
        if known:
            return ""
        return f"records may end in it: {OWN} does not name the data collection rule"


def lost_with(own: Own, deleted: ResourceId) -> str:
    """Why the deletion of `deleted` is a blow to ourselves; empty where it is none.

    Only what ids and names tell: the document is gone.
    """
    whys = (Ours(own, _unread).by_name(at) for at in _upwards(deleted))
    if why := next((why for why in whys if why), "") or _named_after(own, deleted):
        return why
    inside = sorted(one.text for one in own.listed | own.apps if one.within(deleted))
    return f"{inside[0]} lay in it" if inside else ""


def _named_after(own: Own, deleted: ResourceId) -> str:
    """Why something in a subscription that is watched is ours by its name."""
    whys = (_of_deployment(one, own, deleted) for one in sorted(own.deployments))
    return next((why for why in whys if why), "")


def _of_deployment(deployment: str, own: Own, deleted: ResourceId) -> str:
    name, scope = deleted.name.casefold(), f"/subscriptions/{deleted.subscription}"
    kind = deleted.type.casefold()
    if kind in _BY_NAME:
        called, why = _BY_NAME[kind]
        return why if name == called(deployment).casefold() else ""
    if kind == f"{_SYSTEM_TOPICS}/eventsubscriptions":
        ours = name.startswith(names.listener(deployment).casefold())
        return "it brought us the events of the subscription" if ours else ""
    roles = [names.role(scope, deployment, app) for app in names.APPS]
    grants = {names.guid(role, who) for role in roles for who in own.identities}
    ours = name in grants | {ResourceId(role).name for role in roles}
    return "our rights in the subscription hung on it" if ours else ""


_BY_NAME: Final[Mapping[str, tuple[Callable[[str], str], str]]] = {
    _SYSTEM_TOPICS: (names.topic, "the events of the subscription came through it"),
    "microsoft.resources/resourcegroups": (names.group, "what told us of events lay in it"),
    "microsoft.resources/templatespecs": (names.canary, "by it we saw whether events come"),
}


def _unread(_: ResourceId, __: str) -> Resource | None:
    return None


def _upwards(target: ResourceId) -> Iterator[ResourceId]:
    """A resource and all that it is a part of, or attached to."""
    at: ResourceId | None = target
    while at is not None and at.text != "/":
        yield at
        at = at.parent


# --- what the environment names


def named(environment: Mapping[str, str], faults: list[str]) -> Own:
    """What the host's variables, references to key vaults, and `PORTCULLIS_OWN` name.

    App Service resolves references before the app sees them, and says which there are in
    `WEBSITE_KEYVAULT_REFERENCES` (Microsoft Learn, "Environment variables and app settings").
    """
    get = environment.get
    references = (r for value in environment.values() for r in _REFERENCE.findall(value))
    vaults = (name for r in references for name in _VAULT.findall(r))
    clients = (get("AZURE_CLIENT_ID", ""), get(f"{_HOST_STORAGE}__clientId", ""))
    accounts = {one for pair in environment.items() if (one := _account_of(*pair))}
    return Own(
        accounts=frozenset(accounts),
        vaults=frozenset(one.casefold() for one in vaults),
        identities=frozenset(one.casefold() for one in clients if one),
        apps=frozenset(_app(environment)),
        listed=frozenset(_listed(get(OWN, ""), faults)),
        deployments=frozenset({get(DEPLOYMENT, "")} - {""}),
    )


def account_at(address: str) -> str:
    """The storage account that answers there; empty for an emulator's address."""
    found = _ENDPOINT.match(urlsplit(address).hostname or "")
    return found[1].casefold() if found else ""


def _account_of(variable: str, value: str) -> str:
    """The storage account that a variable of the host names; of a secret its name alone."""
    if variable.startswith(_HOST_STORAGE) and variable.endswith("ServiceUri"):
        return account_at(value)
    if variable in ("PORTCULLIS_STORAGE", f"{_HOST_STORAGE}__accountName"):
        return value.casefold()
    if variable not in (_HOST_STORAGE, *_CONTENT) or _LOOPBACK.search(value):
        return ""
    found = re.search(r"(?:^|;)\s*AccountName\s*=\s*([a-z0-9]+)", value, re.IGNORECASE)
    return found[1].casefold() if found else ""


def _listed(value: str, faults: list[str]) -> Iterator[ResourceId]:
    for one in (part.strip() for part in value.split(",")):
        if re.match(r"/subscriptions/[^/]+/.", one, re.IGNORECASE):
            yield ResourceId(one)
        elif one:
            faults.append(f"{OWN} names {one!r}: ids of resources, with commas between")


def _app(environment: Mapping[str, str]) -> Iterator[ResourceId]:
    """The function app that this process runs in, by the variables App Service gives it."""
    names = ("WEBSITE_OWNER_NAME", "WEBSITE_RESOURCE_GROUP", "WEBSITE_SITE_NAME")
    owner, group, site = (environment.get(name, "") for name in names)
    if owner and group and site:
        group = f"/subscriptions/{owner.split('+')[0]}/resourceGroups/{group}"
        yield ResourceId(f"{group}/providers/Microsoft.Web/sites/{site}")
