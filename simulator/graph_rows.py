"""Rows as Resource Graph gives them, which are not quite the documents that ARM gives.

Types in lower case, group and subscription beside the document, `kind: ""`, `managedBy: ""` and
nulls where ARM has nothing; containers know the management groups above them.
"""

from typing import Any

from simulator.address import GROUP, MANAGEMENT_GROUP, SUBSCRIPTION, Address, parse
from simulator.call import operation_type
from simulator.documents import Document, dig
from simulator.kql_expressions import Row
from simulator.state import State
from simulator.wire import encode

CHANGE = "microsoft.resources/changes"
DEFINITIONS = "microsoft.authorization/roledefinitions"
"""Shown without a place, and only to who asks for the whole tenant."""
_AUTHORIZATION = {
    "microsoft.authorization/roleassignments",
    DEFINITIONS,
    "microsoft.authorization/denyassignments",
    "microsoft.authorization/locks",
}
_POLICY = {"microsoft.authorization/policyassignments"}
_CONTAINERS = {
    SUBSCRIPTION.lower(): "microsoft.resources/subscriptions",
    GROUP.lower(): "microsoft.resources/subscriptions/resourcegroups",
    MANAGEMENT_GROUP.lower(): "microsoft.management/managementgroups",
}
_CHILDREN_HELD = {
    "microsoft.sql/servers/databases",
    "microsoft.sql/servers/elasticpools",
    "microsoft.compute/virtualmachines/extensions",
    "microsoft.network/networkwatchers/flowlogs",
    "microsoft.web/sites/slots",
    "microsoft.automation/automationaccounts/runbooks",
    "microsoft.healthcareapis/workspaces/fhirservices",
    "microsoft.netapp/netappaccounts/capacitypools/volumes",
}
_MANAGED_SERVICES = "microsoft.managedservices"
_NOT_RESOURCES = {
    "microsoft.authorization",
    "microsoft.resources",
    "microsoft.management",
    _MANAGED_SERVICES,
}


def type_of(kind: str) -> str:
    """A type as Graph names it; `kind` as it is stored, in lower case."""
    return _CONTAINERS.get(kind, kind)


def held(table: str, kind: str) -> bool:
    """Whether a table of documents holds a type; `kind` as it is stored.

    Child types that Graph does not hold (firewall rules, configurations) are in none.
    """
    if table == "authorizationresources":
        return kind in _AUTHORIZATION
    if table == "policyresources":
        return kind in _POLICY
    if table == "resourcecontainers":
        return kind in _CONTAINERS
    if table == "managedservicesresources":
        return kind.startswith(f"{_MANAGED_SERVICES}/")
    if kind.split("/", 1)[0] in _NOT_RESOURCES:
        return False
    return kind.count("/") == 1 or kind in _CHILDREN_HELD


class EncodedRows:
    """Rows as JSON, each made once for as long as its document stays what it is."""

    def __init__(self, state: State) -> None:
        """Keep rows of what is in `state`."""
        self._state = state
        self._made: dict[str, tuple[Document, bytes]] = {}
        state.watchers.append(self._forget)

    def of(self, address: Address, document: Document) -> bytes:
        """The row of a document. Those of containers tell of other documents, and are not kept."""
        made = self._made.get(address.key)
        if made is not None and made[0] is document:
            return made[1]
        row = encode(row_of(address, document, self._state))
        if address.type_key not in _CONTAINERS:
            self._made[address.key] = (document, row)
        return row

    def _forget(self, address: Address, before: Document | None, _: Document | None) -> None:
        if before is not None:
            self._made.pop(address.key, None)


def row_of(address: Address, document: Document, state: State) -> Row:
    """The row of a document."""
    found: Row = {
        "id": address.id,
        "name": address.name if address.type != SUBSCRIPTION else document.get("displayName"),
        "type": operation_type(address).lower(),
        "tenantId": state.tenant_of(address.subscription),
        "kind": document.get("kind") or "",
        "location": str(document.get("location") or "").replace(" ", "").lower(),
        "resourceGroup": address.group.lower(),
        "subscriptionId": address.subscription,
        "managedBy": document.get("managedBy") or "",
        "sku": document.get("sku"),
        "plan": document.get("plan"),
        "properties": document.get("properties") or {},
        "tags": document.get("tags"),
        "identity": document.get("identity"),
        "zones": document.get("zones"),
        "extendedLocation": document.get("extendedLocation"),
    }
    if address.type_key == DEFINITIONS:
        placeless = f"/providers/Microsoft.Authorization/RoleDefinitions/{address.name}"
        found |= {"id": placeless, "subscriptionId": "", "resourceGroup": ""}
    if address.type == SUBSCRIPTION:
        found["properties"] = _of_subscription(address, document, state)
    elif address.type == MANAGEMENT_GROUP:
        found["properties"] = _of_group(address, document, state)
    return found


def _of_subscription(address: Address, document: Document, state: State) -> Document:
    chain = _chain(state.scopes_above(address.subscription), state)
    return {"state": document.get("state"), "managementGroupAncestorsChain": chain}


def _of_group(address: Address, document: Document, state: State) -> Document:
    properties: dict[str, Any] = document.get("properties") or {}
    chain = _chain(state.scopes(address)[1:], state)
    details = {
        **(properties.get("details") or {}),
        "managementGroupAncestors": [one["name"] for one in chain],
        "managementGroupAncestorsChain": chain,
    }
    return {"displayName": address.name, "tenantId": state.tenant_id, **properties,
            "details": details}  # fmt: skip


def _chain(scopes: list[str], state: State) -> list[Document]:
    """Management groups by name, nearest first, the tenant's root last."""
    chain: list[Document] = []
    for scope in scopes[:-1]:
        entry = state.entries.get(scope)
        name = entry.address.name if entry else parse(scope).name
        root = "Tenant Root Group" if name == state.tenant_id else name
        shown = dig(entry.document if entry else None, "properties.displayName", root)
        chain.append({"displayName": shown, "name": name})
    return chain
