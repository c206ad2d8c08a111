"""The tenant's own process: serves over TLS, and does what a line on standard input orders."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from benchmarks.estates import ESTATES
from simulator.clock import WallClock
from simulator.server import Serving, serve
from simulator.tenant import Identity, Tenant

PERSON = Identity(
    "Dana",
    "22222222-2222-4222-8222-222222222222",
    kind="User",
    upn="dana@contoso.example",
)
_LEAST_WAIT = timedelta(seconds=1)


class Orders:
    """What the measuring process may order."""

    def __init__(self, tenant: Tenant, served: Serving) -> None:
        self._tenant = tenant
        self._served = served
        self._told = 0
        self._filled: list[str] = []

    def load(self, documents: list[dict[str, Any]]) -> dict[str, Any]:
        """Put documents in place, silently."""
        return {"ids": [self._tenant.load(document) for document in documents]}

    def fill(self, kind: str, count: int) -> dict[str, Any]:
        """Put as many documents of an estate in place, silently."""
        made = map(ESTATES[kind], range(count))
        self._filled = [self._tenant.load(document) for document in made]
        return {"ids": self._filled}

    def behave(
        self,
        *,
        reads: float = 0,
        writes: float = 0,
        throttling: bool = False,
        quota: bool = False,
    ) -> dict[str, Any]:
        """Be as far away as these seconds, and as strict about how much is asked.

        `throttling` is ARM's and the providers', `quota` that of Resource Graph.
        """
        self._served.latency.reads, self._served.latency.writes = reads, writes
        self._tenant.throttle.enabled = throttling
        self._tenant.graph.quota_enforced = quota
        return {}

    def still_open(self) -> dict[str, Any]:
        """How many storage accounts accept plain HTTP."""
        documents = (self._tenant.read(one) or {} for one in self._filled)
        accepting = [d["properties"].get("supportsHttpsTrafficOnly") is False for d in documents]
        return {"count": sum(accepting)}

    def hasty(self) -> dict[str, Any]:
        """How many requests that were throttled came again within the second they had to wait."""
        refused: dict[tuple[str, str], datetime] = {}
        count = 0
        for one in self._tenant.requests:
            key = (one.method, one.path.casefold())
            before = refused.pop(key, None)
            count += before is not None and one.at - before < _LEAST_WAIT
            if one.status == HTTPStatus.TOO_MANY_REQUESTS:
                refused[key] = one.at
        return {"count": count}

    def read(self, resource_id: str) -> dict[str, Any]:
        """The current document."""
        return {"document": self._tenant.read(resource_id)}

    def change(self, resource_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """A person's PATCH; the message that a storage queue then holds."""
        self._tenant.events.take()
        self._tenant.write(resource_id, body, by=PERSON, method="PATCH")
        return {"messages": self._tenant.events.take_messages()}

    def seen(self) -> dict[str, Any]:
        """Connections and requests to Entra so far, and all others since this was last asked.

        The person's are left out.
        """
        new = self._tenant.requests[self._told :]
        self._told += len(new)
        asked = [[r.method, r.path, r.status] for r in new if r.identity != PERSON.name]
        return {
            "requests": asked,
            "connections": self._served.connections,
            "sign_ins": self._tenant.entra.answered,
        }


def main() -> None:
    """Serve until standard input ends."""
    tenant = Tenant(WallClock())
    with serve(tenant) as served:
        orders = Orders(tenant, served)
        _say({"environment": served.environment, "proxied": served.proxied})
        for line in sys.stdin:
            order = json.loads(line)
            _say(getattr(orders, order.pop("do"))(**order))


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
