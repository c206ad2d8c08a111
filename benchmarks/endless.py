"""A tenant whose index has any number of rows, made as they are asked for: none is kept.

Everything but the pages of Resource Graph's table `Resources` is the simulated tenant's own.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from benchmarks.estate import GROUP, mixed
from benchmarks.estates import one_subscription
from simulator.clock import WallClock
from simulator.server import serve
from simulator.tenant import Request, Response, Tenant
from simulator.wire import answer, encode, locate, seal, unseal

PAGE: Final = 1_000
OPEN_EVERY: Final = 1_000
"""One resource of so many is violating: a storage account that accepts plain HTTP."""
_NUMBER: Final = b"9999999"
_GRAPH: Final = "/providers/microsoft.resourcegraph/resources"
_ON, _OFF = b'"supportsHttpsTrafficOnly":true', b'"supportsHttpsTrafficOnly":false'


def shapes() -> list[bytes]:
    """A storage account, a security group, a network interface and a disk, all well kept.

    The number stands in the resource group's name, so that rows are in order of id.
    """
    documents = [one_subscription(1), *(mixed(kind) for kind in range(1, 4))]
    for one in documents:
        kind = one["id"].partition("/providers/")[2]
        group = GROUP.replace("/bench", f"/team-{_NUMBER.decode()}")
        one["id"] = f"{group}/providers/{kind}"
        one["type"] = one["type"].lower()
    return [encode(one) for one in documents]


class Endless(Tenant):
    """The simulated tenant, with so many resources in its index that are nowhere else."""

    def __init__(self, rows: int) -> None:
        super().__init__(WallClock())
        self._rows = rows
        self._shapes = shapes()

    def handle(self, request: Request) -> Response:
        if not locate(request.url).path.lower().startswith(_GRAPH):
            return super().handle(request)
        asked: dict[str, Any] = json.loads(request.body)
        if not asked["query"].lower().startswith("resources "):
            return super().handle(request)
        return self._page(asked.get("options") or {})

    def _page(self, options: dict[str, Any]) -> Response:
        token = str(options.get("$skipToken") or "")
        start = int(unseal(token)) if token else 0
        end = min(start + PAGE, self._rows)
        about: dict[str, Any] = {
            "totalRecords": self._rows,
            "count": end - start,
            "data": [],
            "facets": [],
            "resultTruncated": "false",
        }
        if end < self._rows:
            about["$skipToken"] = seal(str(end))
        response = answer(200, about)
        rows = b",".join(map(self._row, range(start, end)))
        response.body = response.body.replace(b'"data":[', b'"data":[' + rows, 1)
        return response

    def _row(self, number: int) -> bytes:
        row = self._shapes[number % len(self._shapes)].replace(_NUMBER, b"%07d" % number)
        return row.replace(_ON, _OFF) if number % OPEN_EVERY == 0 else row


def main(rows: str) -> None:
    """Serve until standard input ends."""
    with serve(Endless(int(rows))) as served:
        told = {"environment": served.environment, "proxied": served.proxied}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
