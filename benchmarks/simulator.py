"""The simulated tenant with a large estate: pages of its index, its memory, and reads over TLS."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from typing import Any

from benchmarks.cold import peak_mib
from benchmarks.estate import mixed
from benchmarks.processes import ROOT, clean
from simulator.call import Identity
from simulator.clock import WallClock
from simulator.server import serve
from simulator.tenant import Request, Tenant

RESOURCES = 100_000
READS, ROUNDS = 1_000, 5
_PAGE = 1_000
_GRAPH = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
_QUERY = (
    "resources | where type in~ ('microsoft.storage/storageaccounts', 'microsoft.compute/disks', "
    "'microsoft.network/networksecuritygroups', 'microsoft.network/networkinterfaces') "
    "| order by id asc"
)
_TOKEN = re.compile(rb'"\$skipToken":"([^"]+)"}$')
_READER = Identity("reader", "22222222-2222-4222-8222-222222222222", app_id="bench")


def main() -> None:
    """Print CPU milliseconds of pages, peak MiB, and reads in a CPU second of the server."""
    tenant = Tenant(WallClock())
    ids = [tenant.load(mixed(number)) for number in range(RESOURCES)]
    first, following = _pages(tenant), _pages(tenant)
    mib = peak_mib()
    result = {"resources": len(ids), "first": first, "next": following, "mib": mib}
    result["reads"] = _reads(tenant, ids[:: RESOURCES // READS])
    sys.stdout.write(json.dumps(result) + "\n")


def _pages(tenant: Tenant) -> list[float]:
    """CPU milliseconds of each page of a whole sweep, the answer's JSON included."""
    headers = {"authorization": f"Bearer {tenant.token(_READER)}"}
    options: dict[str, Any] = {"$top": _PAGE}
    spent: list[float] = []
    while not spent or "$skipToken" in options:
        body = json.dumps({"query": _QUERY, "options": options}).encode()
        started = time.process_time()
        answer = tenant.handle(Request("POST", _GRAPH, headers, body))
        spent.append((time.process_time() - started) * 1000)
        token = _TOKEN.search(answer.body)
        options = {"$top": _PAGE, **({"$skipToken": token[1].decode()} if token else {})}
    if len(spent) != RESOURCES // _PAGE:
        sys.exit(f"{len(spent)} pages came")
    return spent


def _reads(tenant: Tenant, ids: list[str]) -> list[float]:
    """Reads in a second of this process's CPU, while another one does nothing but read."""
    rates: list[float] = []
    with serve(tenant) as served:
        arguments = [str(served.port), str(served.ca_bundle), tenant.token(_READER)]
        command = [sys.executable, "-m", "benchmarks.reader", *arguments]
        for _ in range(ROUNDS):
            started = time.process_time()
            text = "\n".join(ids)
            subprocess.run(command, cwd=ROOT, env=clean(), input=text, text=True, check=True)
            rates.append(len(ids) / (time.process_time() - started))
    return rates


if __name__ == "__main__":
    main()
