"""Who is in the directory: people, guests, groups, programs, and who is a member of which group.

The one source of membership: what role assignments give to a group is decided by it, and what
Microsoft Graph answers is read from it. Object ids are kept as written and compared without case.
"""

from dataclasses import dataclass
from typing import Literal

from simulator.documents import Document

Kind = Literal["user", "group", "servicePrincipal"]

_USER: Document = {
    "displayName": None,
    "userPrincipalName": None,
    "mail": None,
    "accountEnabled": True,
    "userType": "Member",
    "creationType": None,
    "externalUserState": None,
    "onPremisesSyncEnabled": None,
}
_GROUP: Document = {
    "displayName": None,
    "description": None,
    "groupTypes": [],
    "isAssignableToRole": None,
    "mailEnabled": False,
    "securityEnabled": True,
    "onPremisesSyncEnabled": None,
}
_SERVICE_PRINCIPAL: Document = {
    "displayName": None,
    "appId": None,
    "appDisplayName": None,
    "appOwnerOrganizationId": None,
    "servicePrincipalType": "Application",
    "accountEnabled": True,
}
_DEFAULTS: dict[Kind, Document] = {
    "user": _USER,
    "group": _GROUP,
    "servicePrincipal": _SERVICE_PRINCIPAL,
}
PROPERTIES: dict[Kind, frozenset[str]] = {
    kind: frozenset({"id", *defaults}) for kind, defaults in _DEFAULTS.items()
}
"""What is known of each kind, by the names of Microsoft Graph."""


@dataclass(frozen=True)
class Principal:
    """One object of the directory; `properties` as Microsoft Graph names them."""

    id: str
    kind: Kind
    properties: Document


class Principals:
    """The directory's objects. Not thread-safe: arranging is done before clients ask."""

    def __init__(self, tenant_id: str) -> None:
        """Begin with an empty directory."""
        self._tenant_id = tenant_id
        self._known: dict[str, Principal] = {}
        self._groups: dict[str, set[str]] = {}
        self._members: dict[str, set[str]] = {}

    # The owner's side

    def add_user(
        self, object_id: str, name: str, *, upn: str, enabled: bool = True, guest: bool = False
    ) -> None:
        """A person; a guest is one whom another tenant vouches for."""
        invited = {
            "userType": "Guest",
            "creationType": "Invitation",
            "externalUserState": "Accepted",
        }
        about = {"displayName": name, "userPrincipalName": upn, "accountEnabled": enabled}
        self._add("user", object_id, {**about, **(invited if guest else {})})

    def add_group(self, object_id: str, name: str) -> None:
        """A security group, empty at first."""
        self._add("group", object_id, {"displayName": name})

    def add_application(
        self,
        object_id: str,
        name: str,
        app_id: str,
        *,
        owner: str | None = None,
        enabled: bool = True,
    ) -> None:
        """An application's service principal; `owner` is the tenant that it is registered in."""
        about = {"displayName": name, "appId": app_id, "appDisplayName": name}
        home = {"appOwnerOrganizationId": owner or self._tenant_id, "accountEnabled": enabled}
        self._add("servicePrincipal", object_id, {**about, **home})

    def add_managed_identity(self, object_id: str, name: str, app_id: str) -> None:
        """A managed identity's service principal: no tenant registers an application for it."""
        about = {"displayName": name, "appId": app_id, "servicePrincipalType": "ManagedIdentity"}
        self._add("servicePrincipal", object_id, about)

    def join(self, group: str, member: str) -> None:
        """Make an object (a user, a program, another group) a direct member of a group.

        Neither needs to be declared for role assignments to count; Graph lists declared ones.
        """
        self._groups.setdefault(member.lower(), set()).add(group.lower())
        self._members.setdefault(group.lower(), set()).add(member.lower())

    def leave(self, group: str, member: str) -> None:
        """End a direct membership; nothing happens where there is none."""
        self._groups.get(member.lower(), set()).discard(group.lower())
        self._members.get(group.lower(), set()).discard(member.lower())

    def remove(self, object_id: str) -> None:
        """Delete an object for good, with its memberships; role assignments to it stay behind."""
        key = object_id.lower()
        self._known.pop(key, None)
        for group in list(self._groups.get(key, ())):
            self.leave(group, key)
        for member in list(self._members.get(key, ())):
            self.leave(key, member)

    # What the tenant's parts ask

    def find(self, object_id: str) -> Principal | None:
        """The object with this id; None where it was never declared, or is deleted."""
        return self._known.get(object_id.lower())

    def user(self, name: str) -> Principal | None:
        """The user with this user principal name."""
        wanted = name.lower()
        people = (one for one in self._known.values() if one.kind == "user")
        return next(
            (one for one in people if one.properties["userPrincipalName"].lower() == wanted), None
        )

    def groups_of(self, object_id: str) -> list[str]:
        """Keys (lower-case ids): the object's own first, then those of all groups it is in."""
        found = [object_id.lower()]
        for member in found:
            found += sorted(self._groups.get(member, set()) - set(found))
        return found

    def members(self, group: str, *, nested: bool = False) -> list[str]:
        """Keys of a group's members in order; `nested`: of its groups' members too, however deep.

        A group that is in itself by way of others is not its own member.
        """
        key = group.lower()
        found = set(self._members.get(key, ()))
        waiting = list(found) if nested else []
        while waiting:
            inner = self._members.get(waiting.pop(), set()) - found
            found |= inner
            waiting += inner
        return sorted(found - {key} if nested else found)

    def _add(self, kind: Kind, object_id: str, properties: Document) -> None:
        self._known[object_id.lower()] = Principal(
            object_id, kind, {"id": object_id, **_DEFAULTS[kind], **properties}
        )
