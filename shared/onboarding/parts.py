"""What belongs into a subscription that is watched, as ARM documents; the same as in `infra/`.

Pure. Names are those of `infra/modules`, so that a subscription that a template deployed to has
all of it already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from shared import names
from shared.model import Resource, ResourceId
from shared.names import guid
from shared.onboarding import bodies
from shared.onboarding.bodies import CATEGORIES

Body = Mapping[str, Any]

ROLES: Final = {
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Queue Data Message Sender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
}
"""Built-in roles by name (Microsoft Learn, "Azure built-in roles")."""
CANARY: Final = "Microsoft.Resources/templateSpecs"
"""A type that costs nothing, does nothing, and needs no provider to be registered."""
TAGS_ONLY: Final = ("Microsoft.Resources/tags/read", "Microsoft.Resources/tags/write")
EVENTS_VERSION: Final = "2025-02-15"
GRANTS_VERSION: Final = "2022-04-01"
GROUPS_VERSION: Final = "2025-04-01"
SETTINGS_VERSION: Final = "2021-05-01-preview"
CONTACTS_VERSION: Final = "2023-12-01-preview"
CANARY_VERSION: Final = "2022-02-01"

_APP: Final = "ServicePrincipal"
_AUTHORIZATION: Final = "providers/Microsoft.Authorization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment as its templates and the code tell of it.

    `name` is the azd environment. `gate` and `hand` are the object ids of the identities, `hand`
    empty where policy lets nothing be written. `state` is the storage account, `workspace` where
    records end. `roles` and `events` are what `infra` generates. `contact` is a mail address for
    Defender's alerts, `readers` the object id of the security team's group; empty for neither.
    Without `grants` the rights come from a management group, and so does the role on the canary.
    """

    name: str
    location: str
    gate: str
    hand: str
    state: ResourceId
    workspace: ResourceId
    queue: str
    container: str
    roles: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]
    contact: str = ""
    readers: str = ""
    canary: bool = False
    grants: bool = True

    @property
    def group(self) -> str:
        """The name of our resource group, the same in every subscription."""
        return names.group(self.name)

    @property
    def topic(self) -> str:
        return names.topic(self.name)


@dataclass(slots=True, kw_only=True)
class Place:
    """A subscription by its GUID, and what was found there.

    `topic` is its system topic, None where it has none yet. `former` are the assignments of the
    hand's role, by their ids, None where there is no such role.
    """

    subscription: str
    topic: Resource | None = None
    former: Sequence[ResourceId] | None = None

    @property
    def id(self) -> str:
        return f"/subscriptions/{self.subscription}"

    @property
    def principal(self) -> str:
        """The object id that the topic delivers as; empty until it has one."""
        return str(self.topic.get("/identity/principalId") or "") if self.topic else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instead:
    """What serves as well as a part, under whatever name."""

    collection: str
    api_version: str
    serves: Callable[[Resource], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing that belongs into a subscription.

    `body` is what makes it, `wanted` what has to stand in it where it is there already (None: all
    of `body`). `patched` ones are sent `body` as a PATCH there. `waits` names what has to be there
    before the part can be named. What `stays` says why is never taken away; what is to be
    `exactly` ours only where it is just as we made it, for its name is anybody's. An `unwanted`
    part was right once, and is taken away.
    """

    what: str
    target: ResourceId
    api_version: str
    body: Body
    wanted: Body | None = None
    patched: bool = False
    instead: Instead | None = None
    waits: str = ""
    stays: str = ""
    exactly: bool = False
    unwanted: bool = False


def parts(of: Deployment, place: Place) -> Iterator[Part]:
    """Everything, in the order in which it is made.

    The topic of `place` is looked at when its turn has come: what is made then is known by then.
    """
    home = of.state.subscription == place.subscription.casefold()
    if of.grants:
        yield from _rights(of, place, "gate", of.gate, "judges what is here")
        if of.hand:
            yield from _rights(of, place, "hand", of.hand, "cures what its policy lets it cure")
        else:
            yield from _former(of, place)
    if not home:
        yield _group(of, place)
    yield _topic(of, place)
    yield from _delivery(of, place)
    yield from _events(of, place)
    if of.canary:
        yield from _canary(of, place)
    yield _activity_log(of, place)
    if of.contact:
        yield _contact(of, place)
    if of.readers:
        at = ResourceId(names.grant(place.id, guid(place.id, of.name, of.readers, "Reader")))
        why = {"description": "The security team reads what Portcullis watches."}
        yield _built_in(f"role Reader for {of.readers}", at, of.readers, "Reader", why)


# --- rights


def _rights(of: Deployment, place: Place, app: str, principal: str, does: str) -> Iterator[Part]:
    told = of.roles[app]
    name = f"Portcullis {app} {of.name} {place.subscription}"
    at = names.role(place.id, of.name, app)
    role = _role(place, at, name, told["description"], told["actions"])
    yield role
    yield _assigned(role.target, place.id, principal, f"Portcullis {does}.")


def _former(of: Deployment, place: Place) -> Iterator[Part]:
    """The rights of a hand whose policy lets nothing be written any more."""
    if place.former is None:
        return
    gone = partial(Part, api_version=GRANTS_VERSION, body={}, unwanted=True)
    at = ResourceId(names.role(place.id, of.name, "hand"))
    yield gone(what="custom role of the hand, which writes nothing any more", target=at)
    for one in place.former:
        yield gone(what="assignment of that role", target=one)


def _role(place: Place, at: str, role_name: str, description: str, actions: Sequence[str]) -> Part:
    reads = sum(one.casefold().endswith("/read") for one in actions)
    writes = f"{len(actions) - reads} writes" if len(actions) > reads else "no write"
    return Part(
        what=f"custom role {role_name!r}: {reads} reads, {writes}",
        target=ResourceId(at),
        api_version=GRANTS_VERSION,
        body=bodies.role(role_name, description, actions, place.id),
    )


def _assigned(role: ResourceId, scope: str, principal: str, why: str) -> Part:
    """The assignment of a custom role, by the names that `infra/modules` give."""
    by_role = scope == role.scope.text
    name = guid(role.text if by_role else scope, principal)
    what = f"that role for {principal}" if by_role else f"tags of the canary alone, for {principal}"
    more = {"principalType": _APP, "description": why}
    return _assignment(what, ResourceId(names.grant(scope, name)), principal, role.text, more)


def _built_in(what: str, at: ResourceId, principal: str, role: str, more: Body) -> Part:
    definition = f"/subscriptions/{at.subscription}/{_AUTHORIZATION}/roleDefinitions/{ROLES[role]}"
    return _assignment(what, at, principal, definition, more)


def _assignment(what: str, at: ResourceId, principal: str, definition: str, more: Body) -> Part:
    def serves(one: Resource) -> bool:
        given = ResourceId(str(one.get("/properties/roleDefinitionId") or "/none")).name
        same = given.casefold() == ResourceId(definition).name.casefold()
        held = ResourceId(str(one.get("/properties/scope") or "/none"))
        return same and at.scope.within(held) and not one.get("/properties/condition")

    listed = at.text.rpartition("/")[0]
    return Part(
        what=what,
        target=at,
        api_version=GRANTS_VERSION,
        body={"properties": {"principalId": principal, "roleDefinitionId": definition, **more}},
        # Nothing of an assignment can be changed, and its role may be spelt in another way.
        wanted={"properties": {"principalId": principal}},
        instead=Instead(
            collection=f"{listed}?$filter=principalId eq '{principal}'",
            api_version=GRANTS_VERSION,
            serves=serves,
        ),
        waits="" if principal else "the identity of the system topic",
    )


# --- events


def _group(of: Deployment, place: Place) -> Part:
    return Part(
        what=f"resource group {of.group}",
        target=ResourceId(f"{place.id}/resourceGroups/{of.group}"),
        api_version=GROUPS_VERSION,
        body={"location": of.location, "tags": {"azd-env-name": of.name}},
        wanted={},
    )


def _topic(of: Deployment, place: Place) -> Part:
    """Azure allows one such topic a subscription: one that is there is adopted."""
    found = place.topic
    if found is None:
        return Part(
            what=f"system topic {of.topic} for the events of the subscription",
            target=ResourceId(
                f"{place.id}/resourceGroups/{of.group}"
                f"/providers/Microsoft.EventGrid/systemTopics/{of.topic}"
            ),
            api_version=EVENTS_VERSION,
            body=bodies.topic(of.name, place.id),
        )
    ours = found.id.name.casefold() == of.topic.casefold()
    whose = "" if ours else "it was there before"
    said = f"system topic {found.id.name}" + ("" if ours else ", which is there and is adopted")
    kind = str(found.get("/identity/type") or "None")
    identity: dict[str, Any] = {"type": "SystemAssigned"}
    if "userassigned" in kind.casefold():
        held = found.get("/identity/userAssignedIdentities") or {}
        identity = {
            "type": "SystemAssigned, UserAssigned",
            "userAssignedIdentities": {one: {} for one in held},
        }
    lacks = "systemassigned" not in kind.casefold()
    return Part(
        what=f"{said}: a system-assigned identity, to deliver as" if lacks else said,
        target=found.id,
        api_version=EVENTS_VERSION,
        body={"identity": identity},
        wanted={"identity": identity} if lacks else {},
        patched=True,
        stays=whose,
    )


def _delivery(of: Deployment, place: Place) -> Iterator[Part]:
    """What the topic may do in the account of state: put events into the queue, letters beside."""
    for service, kind, name, role in (
        ("queueServices", "queues", of.queue, "Storage Queue Data Message Sender"),
        ("blobServices", "containers", of.container, "Storage Blob Data Contributor"),
    ):
        scope = f"{of.state.text}/{service}/default/{kind}/{name}"
        at = ResourceId(names.grant(scope, guid(scope, place.principal, role)))
        what = f"{role} on {name}, for the topic"
        yield _built_in(what, at, place.principal, role, {"principalType": _APP})


def _events(of: Deployment, place: Place) -> Iterator[Part]:
    topic = place.topic.id.text if place.topic else str(_topic(of, place).target)
    for one in of.events:
        name = names.listener(of.name, one["name"])
        where = (of.state.text, of.queue, of.container)
        yield Part(
            what=f"event subscription {name}, into the queue {of.queue}",
            target=ResourceId(f"{topic}/eventSubscriptions/{name}"),
            api_version=EVENTS_VERSION,
            body=bodies.listener(one["filter"], *where),
            wanted=bodies.listener({"advancedFilters": [], **one["filter"]}, *where),
            waits="" if place.topic else "the system topic",
        )


# --- the canary


def canary_in(subscription: str, group: str, name: str) -> ResourceId:
    """Where a subscription's canary is."""
    return ResourceId(
        f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{CANARY}/{name}"
    )


def _canary(of: Deployment, place: Place) -> Iterator[Part]:
    at = canary_in(place.subscription, of.group, names.canary(of.name))
    yield Part(
        what=f"canary {at.name}, whose tag the gate changes",
        target=at,
        api_version=CANARY_VERSION,
        body=bodies.canary(of.location, of.name),
        # The tags are the gate's to change, and who owns the group may say more in it.
        wanted={},
    )
    why = "Portcullis sees whether its change comes back."
    if of.grants:
        name = f"Portcullis canary {of.name} {place.subscription}"
        told = "Changes tags of the canary, and nothing else."
        role = _role(place, names.role(place.id, of.name, "canary"), name, told, TAGS_ONLY)
        yield role
        yield _assigned(role.target, at.text, of.gate, why)
        return
    shared = f"{place.id}/{_AUTHORIZATION}/roleDefinitions/{names.canary_role(of.gate, of.name)}"
    yield _assigned(ResourceId(shared), at.text, of.gate, why)


# --- what every subscription should have


def _activity_log(of: Deployment, place: Place) -> Part:
    def serves(one: Resource) -> bool:
        told = str(one.get("/properties/workspaceId") or "/none")
        on = {
            str(log.get("category")).casefold()
            for log in one.get("/properties/logs") or ()
            if log.get("enabled")
        }
        return ResourceId(told) == of.workspace and {c.casefold() for c in CATEGORIES} <= on

    listed = f"{place.id}/providers/Microsoft.Insights/diagnosticSettings"
    return Part(
        what=f"activity log into the workspace {of.workspace.name}",
        target=ResourceId(f"{listed}/portcullis-{of.name}"),
        api_version=SETTINGS_VERSION,
        body=bodies.activity_log(of.workspace.text),
        instead=Instead(collection=listed, api_version=SETTINGS_VERSION, serves=serves),
    )


def _contact(of: Deployment, place: Place) -> Part:
    """Whom Defender for Cloud tells; whoever is told already is left alone."""
    listed = f"{place.id}/providers/Microsoft.Security/securityContacts"
    return Part(
        what=f"security contact {of.contact}, for alerts of high severity",
        target=ResourceId(f"{listed}/default"),
        api_version=CONTACTS_VERSION,
        body=bodies.contact(of.contact),
        instead=Instead(
            collection=listed,
            api_version=CONTACTS_VERSION,
            serves=lambda one: bool(str(one.get("/properties/emails") or "").strip()),
        ),
        exactly=True,
    )
