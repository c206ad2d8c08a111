"""Requests about providers rather than resources: registration and Resource Graph."""

from simulator.address import SUBSCRIPTION
from simulator.call import Call
from simulator.documents import Document
from simulator.gates import Gates
from simulator.graph import Graph
from simulator.wire import Response, answer


class Providers:
    """Answers what no resource answers."""

    def __init__(self, gates: Gates, graph: Graph) -> None:
        """Registration is kept in `gates.unregistered`."""
        self._gates = gates
        self._graph = graph

    def answer(self, call: Call) -> Response | None:
        """The answer to a request about a provider; None for any other request."""
        address = call.address
        if address.type.lower() == "microsoft.resourcegraph" and call.method == "POST":
            return self._graph.query(call) if address.rest.lower() == "resources" else None
        if not address.subscription or address.type == SUBSCRIPTION or "/" in address.type:
            return None
        if call.method == "GET" and not address.rest:
            self._gates.require(call, f"{SUBSCRIPTION}/providers/read")
            return answer(200, self._registration(address.type, address.id))
        if call.method == "POST" and address.rest.lower() == "register":
            self._gates.require(call, call.action)
            self._register(address.type)
            return answer(200, self._registration(address.type, address.id))
        return None

    def _register(self, namespace: str) -> None:
        for name in list(self._gates.unregistered):
            if name.lower() == namespace.lower():
                self._gates.unregistered.discard(name)

    def _registration(self, namespace: str, resource_id: str) -> Document:
        missing = namespace.lower() in {name.lower() for name in self._gates.unregistered}
        state = "NotRegistered" if missing else "Registered"
        return {"id": resource_id, "namespace": namespace, "registrationState": state}
