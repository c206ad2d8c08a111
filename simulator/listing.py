"""Collections: every list that ARM has, in pages.

Keys in order of id; a page's `$skiptoken` holds the last key, so a list that changes under a
reader neither repeats nor loses what stays.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from urllib.parse import quote

from simulator import types
from simulator.address import (
    GROUP,
    MANAGEMENT_GROUP,
    ROOT,
    SUBSCRIPTION,
    Address,
    ancestors,
    parse,
)
from simulator.call import Call
from simulator.documents import Document, dig
from simulator.gates import Gates
from simulator.principals import Principals
from simulator.regions import locations
from simulator.state import Entry, State
from simulator.wire import Refusal, Response, answer, seal, unknown, unseal

_ASSIGNMENTS = "microsoft.authorization/roleassignments"
_DEFINITIONS = "microsoft.authorization/roledefinitions"
_SCHEDULES = {
    "microsoft.authorization/roleassignmentscheduleinstances",
    "microsoft.authorization/roleeligibilityscheduleinstances",
}
_DEFINITION_FILTER = re.compile(r"(type|roleName) eq '([^']+)'", re.IGNORECASE)
_AT_SCOPE = "atscope()"
_DEPLOYED = {"microsoft.resources/deployments", "microsoft.resources/deploymentstacks"}
_AT_SCOPE_ONLY = {
    "microsoft.insights/diagnosticsettings",
    "microsoft.eventgrid/eventsubscriptions",
    *_DEPLOYED,
}
_TYPE_FILTER = re.compile(r"resourceType eq '([^']+)'(?: and name eq '([^']+)')?", re.IGNORECASE)
_PERMISSIONS = "microsoft.authorization/permissions"
_SETTINGS = "microsoft.authorization/rolemanagementpolicyassignments"
_ROLE_FILTER = re.compile(r"roleDefinitionId eq '[^']*?([^'/]+)'", re.IGNORECASE)
_HOLDER_FILTER = re.compile(r"principalId eq '([^']+)'|assignedTo\('([^']+)'\)", re.IGNORECASE)


Source = Callable[[str], Iterator[Entry]]
"""Entries whose key sorts after the given one, in order."""


class Listing:
    """Answers GETs of collections. `page_size` is the greatest number of items on a page."""

    def __init__(self, state: State, gates: Gates, principals: Principals) -> None:
        """List what is in `state` and `gates` show; `principals` know who is in which group.

        Set `empty_page_after` to send an empty page after the nth.
        """
        self._state = state
        self._gates = gates
        self._principals = principals
        self.page_size = 1000
        self.empty_page_after: int | None = None

    def collection(self, call: Call) -> Response:
        """One page of the collection that the call's path names."""
        address = call.address
        if address.key == ROOT and address.rest.lower() == "subscriptions":
            return self._page(call, _of(self._state.subscriptions()))
        if address.key == ROOT and address.rest.lower() == "tenants":
            return answer(200, {"value": [self._tenant()]})
        if address.type == SUBSCRIPTION and address.rest:
            return self._in_subscription(call)
        if address.type == GROUP and address.rest.lower() == "resources":
            return self._generic(call, address.key)
        if address.key.startswith(f"/providers/{MANAGEMENT_GROUP}/".lower()) and (
            address.rest.lower() == "descendants"
        ):
            return self._descendants(call)
        if not address.rest:
            raise unknown(f"the list {call.target.path}")
        return self._of_type(call)

    def _in_subscription(self, call: Call) -> Response:
        rest = call.address.rest.lower()
        if rest == "resourcegroups":
            index = self._state.of_type(call.address.subscription, GROUP.lower())
            return self._page(call, index.after)
        if rest == "resources":
            return self._generic(call, call.address.key)
        if rest == "locations":
            return answer(200, {"value": locations(call.address.subscription_id)})
        raise unknown(f"the list {call.target.path}")

    def _generic(self, call: Call, scope: str) -> Response:
        """`/resources`: top-level resources, without their properties."""
        text = call.target.query.get("$filter", "")
        match = _TYPE_FILTER.fullmatch(text)
        if text and match is None:
            raise _unknown_filter(call)
        wanted, name = (one and one.lower() for one in match.groups()) if match else (None, None)
        found = [
            entry
            for entry in self._below_groups(scope)
            if wanted in {None, entry.address.type_key}
            and name in {None, entry.address.name.lower()}
        ]
        return self._page(call, _of(found), _bare)

    def _below_groups(self, scope: str) -> Iterator[Entry]:
        for entry in self._state.below(scope):
            if entry.address.type == GROUP:
                yield from self._below_groups(entry.address.key)
            elif entry.address.type_key not in _DEPLOYED and (
                entry.address.namespace.lower() != "microsoft.authorization"
            ):
                yield entry

    def _of_type(self, call: Call) -> Response:
        address = call.address
        type_name = f"{address.type}/{address.rest}"
        type_key = type_name.lower()
        scope = (address.id if address.name else address.scope).lower()
        if not address.name and scope != ROOT and not self._state.exists(scope):
            raise Refusal(404, "ResourceNotFound", f"The scope '{address.scope}' was not found.")
        if address.name and not self._state.exists(address.key):
            raise Refusal(
                404,
                "ParentResourceNotFound",
                f"Failed to perform 'read' on resource(s) of type "
                f"'{type_name.split('/', 1)[1]}', because the parent resource '{address.id}' "
                "could not be found.",
            )
        if type_key in {_ASSIGNMENTS, *_SCHEDULES}:
            return self._granted(call, scope, type_key)
        special = {
            _DEFINITIONS: self._definitions,
            _SETTINGS: self._settings,
            _PERMISSIONS: self._permissions,
        }.get(type_key)
        if special is not None:
            return special(call, scope)
        if call.target.query.get("$filter"):
            raise _unknown_filter(call)
        place = types.embedding(type_name)
        if place is not None and address.name:
            parent = self._state.find(address.key)
            return answer(200, {"value": dig(parent, f"properties.{place[1].path}", None) or []})
        if scope == f"/subscriptions/{address.subscription}".lower():
            return self._page(call, self._subscription_wide(address.subscription, type_key, scope))
        return self._page(call, self._attached(address, scope, type_name))

    def _attached(self, address: Address, scope: str, type_name: str) -> Source:
        made = self._state.attached(scope, type_name.lower())
        unmade = self._state.implicit_children(address.id, type_name) if address.name else []
        return _of([*made.entries.values(), *unmade]) if unmade else made.after

    def _subscription_wide(self, subscription: str, type_key: str, scope: str) -> Source:
        if type_key in _AT_SCOPE_ONLY:
            return self._state.attached(scope, type_key).after
        return self._state.of_type(subscription, type_key).after

    def _granted(self, call: Call, scope: str, type_key: str) -> Response:
        """Grants (PIM shows them too) at, above and (unless `atScope()`) below a scope."""
        text = call.target.query.get("$filter", "")
        holders = self._holders(call) if text and text.lower() != _AT_SCOPE else None
        subscription = call.address.subscription
        found = self._above(call, scope, type_key)
        if text.lower() != _AT_SCOPE:
            prefix = scope.rstrip("/") + "/"
            index = self._state.of_type(subscription, type_key)
            found += [entry for key, entry in index.entries.items() if key.startswith(prefix)]
        chosen = {
            entry.address.key: entry
            for entry in found
            if holders is None or _principal(entry) in holders
        }
        source = _of(chosen.values())
        return self._page(call, source, lambda document: _prefixed(document, subscription))

    def _holders(self, call: Call) -> set[str]:
        """Whose grants a filter asks for: a principal's or, with `assignedTo`, its groups' too."""
        match = _HOLDER_FILTER.fullmatch(call.target.query["$filter"])
        if match is None:
            raise _unknown_filter(call)
        direct, member = match.groups()
        if direct:
            return {direct.lower()}
        found = self._principals.find(member)
        if found is not None and found.kind == "group":
            # Documented for users and service principals alone.
            raise _unknown_filter(call)
        return set(self._principals.groups_of(member))

    def _definitions(self, call: Call, scope: str) -> Response:
        """Role definitions at and above a scope, by type or name where a filter says so."""
        text = call.target.query.get("$filter", "")
        match = _DEFINITION_FILTER.fullmatch(text)
        if text and match is None:
            raise _unknown_filter(call)
        found = {
            entry.address.name.lower(): entry
            for entry in self._above(call, scope, _DEFINITIONS)
            if match is None or _has_property(entry, match.group(1), match.group(2))
        }
        subscription = call.address.subscription
        prefix = f"/subscriptions/{subscription}" if subscription else ""
        source = _of(found.values())
        return self._page(call, source, lambda document: _rooted(document, prefix))

    def _permissions(self, call: Call, scope: str) -> Response:
        """What the caller may do at the scope."""
        return answer(200, {"value": self._gates.permissions(call.identity, parse(scope))})

    def _settings(self, call: Call, scope: str) -> Response:
        """PIM's settings at a scope itself; of one role where a filter says so."""
        text = call.target.query.get("$filter", "")
        match = _ROLE_FILTER.fullmatch(text)
        if text and match is None:
            raise _unknown_filter(call)
        found = self._state.attached(scope, _SETTINGS).entries.values()
        wanted = match.group(1).lower() if match else ""
        return self._page(call, _of(one for one in found if _role(one).endswith(wanted)))

    def _above(self, call: Call, scope: str, type_key: str) -> list[Entry]:
        """What of a type is attached at a scope and at those above it, the root included."""
        subscription = call.address.subscription
        scopes = _chain(scope)
        scopes += self._state.scopes_above(subscription) if subscription else [ROOT]
        return [
            entry
            for each in dict.fromkeys(scopes)
            for entry in self._state.attached(each, type_key).entries.values()
        ]

    def _descendants(self, call: Call) -> Response:
        """Management groups and subscriptions below a management group, each with its parent."""
        key = call.address.key
        if not (self._state.exists(key) or self._state.is_root_group(key)):
            raise Refusal(
                404, "NotFound", f"The management group '{call.address.name}' was not found."
            )
        known = self._state.of_type("", MANAGEMENT_GROUP.lower()).entries.values()
        chains = {
            entry.address.key: self._state.scopes(entry.address)
            for entry in (*known, *self._state.subscriptions())
        }
        below = [self._state.entries[one] for one, chain in chains.items() if key in chain[1:]]

        def shown(document: Document) -> Document:
            parent = chains[document["id"].lower()][1]
            return _descendant(document, str((self._state.find(parent) or {}).get("id", parent)))

        return self._page(call, _of(below), shown)

    def _tenant(self) -> Document:
        tenant = self._state.tenant_id
        return {"id": f"/tenants/{tenant}", "tenantId": tenant, "displayName": "Simulated"}

    def _page(
        self,
        call: Call,
        source: Source,
        shown: Callable[[Document], Document] = lambda document: document,
    ) -> Response:
        """One page, with the link to the next as this collection's provider gives it."""
        number, last = _token(call.target.query.get("$skiptoken", ""))
        if self.empty_page_after is not None and number == self.empty_page_after:
            return self._answer([], _link(call, number + 1, last))
        shows = self._gates.shows(call)
        visible = (entry for entry in source(last) if shows(entry.address))
        found = list(islice(visible, self.page_size + 1))
        page = found[: self.page_size]
        value = [shown(entry.document) for entry in page]
        if len(found) > self.page_size:
            return self._answer(value, _link(call, number + 1, page[-1].address.key))
        row = types.row_of(f"{call.address.type}/{call.address.rest}")
        if page and row is not None and row.empty_last_page:
            return self._answer(value, _link(call, number + 1, page[-1].address.key))
        return self._answer(value, None)

    def _answer(self, value: list[Document], link: str | None) -> Response:
        return answer(200, {"value": value} if link is None else {"value": value, "nextLink": link})


def _of(entries: Iterable[Entry]) -> Source:
    ordered = sorted(entries, key=lambda entry: entry.address.key)
    return lambda last: (entry for entry in ordered if entry.address.key > last)


def _unknown_filter(call: Call) -> Refusal:
    return unknown(f"the filter {call.target.query['$filter']!r} of {call.target.path}")


def _has_property(entry: Entry, name: str, value: str) -> bool:
    return str(dig(entry.document, f"properties.{name}")).lower() == value.lower()


def _link(call: Call, number: int, last: str) -> str:
    token = seal(f"{number}|{last}")
    query = [
        f"{quote(name, safe='$')}={quote(value)}"
        for name, value in call.target.query.items()
        if name != "$skiptoken"
    ]
    return f"{call.target.base}{quote(call.target.path)}?{'&'.join(query)}&$skiptoken={token}"


def _token(text: str) -> tuple[int, str]:
    if not text:
        return 0, ""
    try:
        number, last = unseal(text).split("|", 1)
        return int(number), last
    except ValueError as error:
        raise Refusal(400, "InvalidSkipToken", "The skip token is not valid.") from error


def _chain(scope: str) -> list[str]:
    """A scope and the scopes in its id above it, nearest first."""
    return [] if scope == ROOT else ancestors(parse(scope))


def _bare(document: Document) -> Document:
    return {name: value for name, value in document.items() if name not in {"properties", "etag"}}


def _principal(entry: Entry) -> str:
    return str(dig(entry.document, "properties.principalId", "")).lower()


def _role(entry: Entry) -> str:
    return str(dig(entry.document, "properties.roleDefinitionId", "")).lower()


def _rooted(definition: Document, prefix: str) -> Document:
    """Built-in roles are listed under the subscription that was asked."""
    if not prefix or not str(definition.get("id")).startswith("/providers/Microsoft.Authorization"):
        return definition
    return {**definition, "id": prefix + definition["id"]}


def _prefixed(document: Document, subscription: str) -> Document:
    """Lists name role definitions under the subscription that was asked, whatever is stored."""
    definition = str(dig(document, "properties.roleDefinitionId", ""))
    if not subscription or not definition:
        return document
    guid = definition.rsplit("/", 1)[-1]
    prefix = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions"
    return {
        **document,
        "properties": {**document["properties"], "roleDefinitionId": f"{prefix}/{guid}"},
    }


def _descendant(document: Document, parent: str) -> Document:
    address = parse(document["id"])
    kind = MANAGEMENT_GROUP if address.type == MANAGEMENT_GROUP else "/subscriptions"
    shown = document.get("displayName") or dig(document, "properties.displayName", address.name)
    return {
        "id": address.id,
        "type": kind,
        "name": address.name,
        "properties": {"displayName": shown, "parent": {"id": parent}},
    }
