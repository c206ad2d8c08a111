"""Access by role assignments: what somebody may do is what the tenant's documents say.

An assignment gives its role's actions at its scope and everything below it, to its principal and,
where that is a group, to the group's members. Rights add up: an action that one role leaves out
(`notActions`) may come from another. Only deny assignments take away, and those are not here.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulator.address import MANAGEMENT_GROUP, ROOT, Address, ancestors, parse
from simulator.authorization import ASSIGNMENTS
from simulator.call import Grant, Identity
from simulator.conditions import NOTHING, Attributes, UnknownCondition, matches, understand
from simulator.documents import Document, dig
from simulator.principals import Principals
from simulator.roles import DEFINITIONS
from simulator.state import State
from simulator.wire import unknown

_DEFINITIONS = DEFINITIONS.lower()
_PLACES = MANAGEMENT_GROUP.lower()


@dataclass(frozen=True)
class _Block:
    """One permission block: what it lists, less what it leaves out, where its condition holds."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    condition: str

    def covers(self, action: str) -> bool:
        return any(matches(action, one) for one in self.actions) and not any(
            matches(action, one) for one in self.not_actions
        )

    def reads(self) -> bool:
        """Whether it covers any reading at all."""
        return any(one.lower().endswith(("*", "/read")) for one in self.actions) and not any(
            one.lower() in {"*", "*/read"} for one in self.not_actions
        )


@dataclass(frozen=True)
class _Role:
    name: str
    scopes: frozenset[str]
    blocks: tuple[_Block, ...]


@dataclass(frozen=True)
class _Held:
    """One assignment in force."""

    scope: str
    role: _Role
    condition: str
    grant: Grant

    def allows(self, action: str, attributes: Attributes) -> bool:
        """Raises UnknownCondition where that hangs on a condition nobody here understands."""
        return any(
            block.covers(action)
            and _holds(self.condition, action, attributes)
            and _holds(block.condition, action, attributes)
            for block in self.role.blocks
        )


@dataclass(frozen=True)
class _Change:
    """An assignment that changed, as it was, until the change is known everywhere."""

    due: datetime
    key: str
    address: Address
    before: Document | None


class Access:
    """Who may do what.

    `propagation` is how long an assignment that was made, changed or deleted takes to count: zero
    unless set, in Azure up to ten minutes.
    """

    def __init__(self, state: State, principals: Principals, now: Callable[[], datetime]) -> None:
        """Follow the assignments and definitions that come into `state` from now on."""
        self.propagation = timedelta(0)
        self._state = state
        self._principals = principals
        self._now = now
        self._assignments: dict[str, tuple[Address, Document]] = {}
        self._roles: dict[str, _Role] = {}
        self._recent: list[_Change] = []
        self._held: dict[str, dict[str, list[_Held]]] | None = None
        self._above: dict[str, list[str]] = {}
        state.watchers.append(self._watch)

    def settle(self, key: str) -> None:
        """Let what was done to this assignment count at once."""
        self._recent = [change for change in self._recent if change.key != key]
        self._held = None

    def grant(
        self,
        identity: Identity,
        action: str,
        address: Address,
        attributes: Attributes = NOTHING,
    ) -> Grant | None:
        """An assignment that allows an action, the nearest first; None where none does.

        Raises the simulator's own refusal where it hangs on a condition that is not understood.
        """
        doubt = ""
        for held in self._at_and_above(identity, address):
            try:
                if held.allows(action.lower(), attributes):
                    return held.grant
            except UnknownCondition as error:
                doubt = f"the condition of role assignment {held.grant.assignment_id}: {error}"
        if doubt:
            raise unknown(doubt)
        return None

    def permissions(self, identity: Identity, address: Address) -> list[Document]:
        """The permission blocks of what holds at a scope, conditions left out."""
        return [
            {"actions": list(block.actions), "notActions": list(block.not_actions)}
            for held in self._at_and_above(identity, address)
            for block in held.role.blocks
        ]

    def allows_below(self, identity: Identity, action: str, address: Address) -> bool:
        """Whether an action is allowed somewhere inside a scope."""
        return any(held.allows(action.lower(), NOTHING) for held in self._below(identity, address))

    def reaches(self, identity: Identity, address: Address) -> bool:
        """Whether anything at all can be read at a scope or inside it."""
        placed = (*self._at_and_above(identity, address), *self._below(identity, address))
        return any(block.reads() for held in placed for block in held.role.blocks)

    def assignable(self, role: str, address: Address) -> bool:
        """Whether a role (its guid or id) exists and can be assigned at a scope."""
        known = self._roles.get(_guid(role))
        return known is not None and not known.scopes.isdisjoint(self._scopes(address))

    # Who holds what

    def _at_and_above(self, identity: Identity, address: Address) -> Iterator[_Held]:
        held = self._in_force()
        scopes = self._scopes(address)
        for principal in self._principals.groups_of(identity.object_id):
            by_scope = held.get(principal)
            for scope in scopes if by_scope else ():
                yield from by_scope.get(scope, ()) if by_scope else ()

    def _below(self, identity: Identity, address: Address) -> Iterator[_Held]:
        held = self._in_force()
        # Below the tenant are its management groups; subscriptions are asked for by themselves.
        prefix = "/providers/" if address.key == ROOT else address.key + "/"
        for principal in self._principals.groups_of(identity.object_id):
            for scope, those in held.get(principal, {}).items():
                if scope.startswith(prefix):
                    yield from those

    def _scopes(self, address: Address) -> list[str]:
        if not address.subscription:
            return self._state.scopes(address)
        above = self._above.get(address.subscription)
        if above is None:
            above = self._state.scopes_above(address.subscription)
            self._above[address.subscription] = above
        return ancestors(address) + above

    def _in_force(self) -> Mapping[str, dict[str, list[_Held]]]:
        now = self._now()
        known = [change for change in self._recent if change.due > now]
        if self._held is None or len(known) != len(self._recent):
            self._recent = known
            self._held = self._gather()
        return self._held

    def _gather(self) -> dict[str, dict[str, list[_Held]]]:
        effective: dict[str, tuple[Address, Document] | None] = {**self._assignments}
        # Backwards: of several changes on their way, what was before the first still holds.
        for change in reversed(self._recent):
            before = change.before
            effective[change.key] = None if before is None else (change.address, before)
        gathered: dict[str, dict[str, list[_Held]]] = {}
        for found in effective.values():
            if found is None:
                continue
            held = self._hold(*found)
            if held is not None:
                principal = held.grant.principal_id.lower()
                gathered.setdefault(principal, {}).setdefault(held.scope, []).append(held)
        return gathered

    def _hold(self, address: Address, document: Document) -> _Held | None:
        """An assignment with its role; nothing where the role cannot be assigned there."""
        properties = document.get("properties") or {}
        definition = _guid(properties.get("roleDefinitionId"))
        scope = parse(address.scope)
        role = self._roles.get(definition)
        if role is None or not self.assignable(definition, scope):
            return None
        grant = Grant(
            role=role.name,
            scope=address.scope,
            assignment_id=address.name,
            definition_id=definition,
            principal_id=str(properties.get("principalId")),
            principal_type=str(properties.get("principalType") or "User"),
        )
        return _Held(scope.key, role, str(properties.get("condition") or ""), grant)

    # What changes it

    def _watch(self, address: Address, before: Document | None, after: Document | None) -> None:
        kind = address.type_key
        if kind == ASSIGNMENTS:
            self._assigned(address, before, after)
        elif kind == _DEFINITIONS:
            self._defined(address, after)
        elif kind.startswith(_PLACES):
            self._above.clear()
            self._held = None

    def _assigned(self, address: Address, before: Document | None, after: Document | None) -> None:
        if self.propagation:
            due = self._now() + self.propagation
            self._recent.append(_Change(due, address.key, address, before))
        if after is None:
            self._assignments.pop(address.key, None)
        else:
            self._assignments[address.key] = (address, after)
        self._held = None

    def _defined(self, address: Address, after: Document | None) -> None:
        if after is None:
            self._roles.pop(address.name.lower(), None)
        else:
            self._roles[address.name.lower()] = _role(after.get("properties") or {})
        self._held = None


def _role(properties: Mapping[str, Any]) -> _Role:
    blocks = tuple(
        _Block(
            tuple(one.get("actions") or ()),
            tuple(one.get("notActions") or ()),
            str(one.get("condition") or ""),
        )
        for one in properties.get("permissions") or ()
    )
    scopes = frozenset(
        scope.rstrip("/").lower() or ROOT for scope in properties.get("assignableScopes") or ()
    )
    return _Role(str(properties.get("roleName")), scopes, blocks)


def _holds(condition: str, action: str, attributes: Attributes) -> bool:
    return not condition or understand(condition)(action, attributes)


def _guid(role: object) -> str:
    """Role definitions are the same when their guid is, whatever scope prefixes it."""
    return str(role).rstrip("/").rsplit("/", 1)[-1].lower()


def facts_of(document: Document | None) -> dict[str, str]:
    """The attributes of a role assignment that conditions speak of."""
    found = {
        "roledefinitionid": _guid(dig(document, "properties.roleDefinitionId", "")),
        "principalid": str(dig(document, "properties.principalId", "")).lower(),
        "principaltype": str(dig(document, "properties.principalType", "")).lower(),
    }
    return {name: value for name, value in found.items() if value}
