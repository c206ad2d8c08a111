"""Where a query looks, and what of it its caller gets to see."""

from dataclasses import dataclass, field, replace
from typing import Any

from simulator.address import GROUP, MANAGEMENT_GROUP, Address, parse
from simulator.call import Call, Identity, operation_type
from simulator.documents import Document
from simulator.gates import Gates
from simulator.graph_rows import type_of
from simulator.state import State
from simulator.wire import Refusal

_FILTERS = {"AtScopeAndBelow", "AtScopeAboveAndBelow"}
_GROUPS = f"/providers/{MANAGEMENT_GROUP}/".lower()


@dataclass(frozen=True)
class Scope:
    """`subscriptions` are guids in lower case.

    `outside` are the scopes in no subscription (keys): None means all of them. Those of them that
    are `above` are seen by whoever may see the like at a subscription below. `cut`: there were
    more subscriptions than a query looks at.
    """

    subscriptions: list[str]
    outside: frozenset[str] | None = frozenset()
    above: frozenset[str] = field(default=frozenset())
    cut: bool = False

    def narrowed(self, subscriptions: frozenset[str] | None) -> "Scope":
        """The part of it in these subscriptions; what is in none has the empty one."""
        if subscriptions is None:
            return self
        inside = [one for one in self.subscriptions if one in subscriptions]
        return replace(
            self, subscriptions=inside, outside=self.outside if "" in subscriptions else frozenset()
        )

    def has(self, address: Address) -> bool:
        """Whether something that may be anywhere is inside."""
        if address.subscription:
            return address.subscription.lower() in self.subscriptions
        return self.outside is None or _place(address) in self.outside


class Scopes:
    """Finds what a request's body asks for. `limit` is how many subscriptions a query looks at."""

    def __init__(self, state: State, gates: Gates) -> None:
        """Find among what is in `state`."""
        self._state = state
        self._gates = gates
        self.limit = 10_000

    def of(self, call: Call, body: Document, table: str) -> Scope:
        """The scope of a query. Raises 403 where the caller can read nothing of what it names."""
        subscriptions = body.get("subscriptions")
        groups = body.get("managementGroups")
        if subscriptions and groups:
            raise bad_request("Subscriptions and management groups cannot be given together.")
        wanted = (body.get("options") or {}).get("authorizationScopeFilter", "AtScopeAndBelow")
        if wanted not in _FILTERS:
            raise bad_request(
                f"The simulated Resource Graph does not know the scope filter {wanted}."
            )
        upwards = wanted == "AtScopeAboveAndBelow" and table == "authorizationresources"
        if subscriptions:
            return self._given(call.identity, _names(subscriptions), upwards=upwards)
        if groups:
            return self._below(call.identity, _names(groups), upwards=upwards)
        known = self._known()
        return Scope(known[: self.limit], outside=None, cut=len(known) > self.limit)

    def _given(self, identity: Identity, asked: list[str], *, upwards: bool) -> Scope:
        known = set(self._known())
        readable = [one for one in asked if one in known and self._reaches(identity, one)]
        if not readable:
            raise _denied("subscriptions")
        scopes = [self._state.scopes_above(one) for one in readable] if upwards else []
        above = frozenset(scope for each in scopes for scope in each)
        return Scope(readable, above, above)

    def _below(self, identity: Identity, names: list[str], *, upwards: bool) -> Scope:
        """Management groups: what is in their subscriptions, and at the groups themselves."""
        keys = {f"{_GROUPS}{name}" for name in names}
        inside = [
            one for one in self._known() if not keys.isdisjoint(self._state.scopes_above(one))
        ]
        groups = {
            entry.address.key
            for entry in self._state.of_type("", MANAGEMENT_GROUP.lower()).entries.values()
            if not keys.isdisjoint(self._state.scopes(entry.address))
        }
        seen = any(self._gates.reaches(identity, parse(key)) for key in groups)
        if not seen and not any(self._reaches(identity, one) for one in inside):
            raise _denied("management groups")
        scopes = [self._state.scopes(parse(key)) for key in keys] if upwards else []
        above = frozenset(scope for each in scopes for scope in each) - groups
        cut = len(inside) > self.limit
        return Scope(inside[: self.limit], above | groups, above, cut)

    def _known(self) -> list[str]:
        return sorted(one.address.subscription.lower() for one in self._state.subscriptions())

    def _reaches(self, identity: Identity, subscription: str) -> bool:
        entry = self._state.entries[f"/subscriptions/{subscription}"]
        return self._gates.reaches(identity, entry.address)


class Sight:
    """What one caller gets to see in a scope. What it may not read is left out without a word."""

    def __init__(self, state: State, gates: Gates, identity: Identity, scope: Scope) -> None:
        """Look with the rights of `identity`."""
        self._state = state
        self._gates = gates
        self._identity = identity
        self._scope = scope

    def whole(self, subscription: str, kind: str) -> bool:
        """Whether everything of a type in a subscription may be read; False: perhaps not."""
        if self._gates.are_open:
            return True
        if self._gates.refusals or not subscription:
            return False
        try:
            return self._gates.may(
                self._identity, _read(kind), parse(f"/subscriptions/{subscription}")
            )
        except Refusal:
            return False

    def __call__(self, address: Address) -> bool:
        """Whether one thing may be read."""
        action = f"{operation_type(address)}/read"
        if self._gates.may(self._identity, action, address):
            return True
        # What is granted above a subscription is seen by who may see the subscription's grants.
        return address.scope.lower() in self._scope.above and any(
            self._gates.may(self._identity, action, parse(f"/subscriptions/{one}"))
            for one in self._scope.subscriptions
            if address.scope.lower() in self._state.scopes_above(one)
        )


def bad_request(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)


def _read(kind: str) -> str:
    return f"{type_of(kind) if kind == GROUP.lower() else kind}/read"


def _place(address: Address) -> str:
    return address.key if address.type == MANAGEMENT_GROUP else address.scope.lower()


def _names(given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise bad_request("Subscriptions and management groups are lists of names.")
    return list(dict.fromkeys(one.lower() for one in given))


def _denied(what: str) -> Refusal:
    return Refusal(
        403,
        "AuthorizationFailed",
        f"Access to all of the given {what} is denied, or they do not exist.",
    )
