"""Requests about providers rather than resources: registration, names, and Resource Graph."""

import re

from simulator import types
from simulator.address import SUBSCRIPTION
from simulator.call import Call
from simulator.documents import Document, dig
from simulator.drafts import parse_body
from simulator.gates import Gates
from simulator.graph import Graph
from simulator.regions import NAMES, web_regions
from simulator.state import State
from simulator.wire import Response, answer, unknown

_STORAGE = "Microsoft.Storage/storageAccounts"
_STORAGE_NAME = re.compile(r"[a-z0-9]{3,24}")


class Providers:
    """Answers what no resource answers."""

    def __init__(self, state: State, gates: Gates, graph: Graph) -> None:
        """Registration is kept in `gates.unregistered`; names are taken by what is in `state`."""
        self._state = state
        self._gates = gates
        self._graph = graph

    def answer(self, call: Call) -> Response | None:
        """The answer to a request about a provider; None for any other request."""
        address = call.address
        if address.type.lower() == "microsoft.resourcegraph" and call.method == "POST":
            return self._graph.query(call) if address.rest.lower() == "resources" else None
        if not address.subscription:
            return None
        if address.type == SUBSCRIPTION:
            listed = (call.method, address.rest.lower()) == ("GET", "providers")
            return self._all(call) if listed else None
        return None if "/" in address.type else self._about(call)

    def _about(self, call: Call) -> Response | None:
        """What one namespace answers."""
        address = call.address
        asked = (call.method, address.rest.lower())
        if asked == ("GET", ""):
            self._gates.require(call, f"{SUBSCRIPTION}/providers/read")
        elif asked == ("POST", "register"):
            self._gates.require(call, call.action)
            self._register(address.type)
        elif (address.type.lower(), *asked) == (
            "microsoft.storage",
            "POST",
            "checknameavailability",
        ):
            self._gates.require(call, f"{address.type}/checknameavailability/read")
            return answer(200, self._availability(str(dig(parse_body(call), "name", ""))))
        elif (address.type.lower(), *asked) == ("microsoft.web", "GET", "georegions"):
            if call.target.query.get("sku") != "FlexConsumption":
                raise unknown("regions of Microsoft.Web for anything but Flex Consumption")
            self._gates.require(call, f"{address.type}/geoRegions/read")
            return answer(200, {"value": web_regions(address.subscription_id)})
        else:
            return None
        return answer(200, self._registration(address.subscription_id, address.type))

    def _all(self, call: Call) -> Response:
        self._gates.require(call, f"{SUBSCRIPTION}/providers/read")
        known = {row.name.split("/", 1)[0] for row in types.rows()} | self._gates.unregistered
        subscription = call.address.subscription_id
        found = [self._registration(subscription, namespace) for namespace in sorted(known)]
        return answer(200, {"value": found})

    def _register(self, namespace: str) -> None:
        for name in list(self._gates.unregistered):
            if name.lower() == namespace.lower():
                self._gates.unregistered.discard(name)

    def _registration(self, subscription: str, namespace: str) -> Document:
        """The provider with its types; of each, the one api-version that is sure to be known."""
        missing = namespace.lower() in {name.lower() for name in self._gates.unregistered}
        prefix = f"{namespace.lower()}/"
        return {
            "id": f"{subscription}/providers/{namespace}",
            "namespace": namespace,
            "registrationState": "NotRegistered" if missing else "Registered",
            "registrationPolicy": "RegistrationRequired",
            "resourceTypes": [
                {
                    "resourceType": row.name.split("/", 1)[1],
                    "locations": list(NAMES) if row.located else [],
                    "apiVersions": [row.api_version],
                    "defaultApiVersion": row.api_version,
                }
                for row in types.rows()
                if row.key.startswith(prefix)
            ],
        }

    def _availability(self, name: str) -> Document:
        """Whether a storage account may have this name, which must be its own everywhere."""
        if not _STORAGE_NAME.fullmatch(name):
            return _unavailable(
                "AccountNameInvalid",
                f"{name} is not a valid storage account name. Storage account name must be "
                "between 3 and 24 characters in length and use numbers and lower-case letters "
                "only.",
            )
        for entry in self._state.entries.values():
            if entry.address.type == _STORAGE and entry.address.name.lower() == name:
                why = f"The storage account named {name} is already taken."
                return _unavailable("AlreadyExists", why)
        return {"nameAvailable": True}


def _unavailable(reason: str, message: str) -> Document:
    return {"nameAvailable": False, "reason": reason, "message": message}
