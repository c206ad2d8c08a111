"""A large estate of many types and subscriptions: our sweep, and Custodian where it can follow.

Resource Graph keeps its quota of 15 queries in 5 seconds. Custodian asks ARM, one subscription a
run; it runs in a few of them, one after the other.
"""

from __future__ import annotations

import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.estates import subscription
from benchmarks.processes import TenantProcess, Whole, clean, tenant_process, whole
from benchmarks.sweeps import LATENCY, counted, custodian_run, fresh

POLICIES = """
policies:
  - name: secure-transfer
    resource: azure.storage
    filters: [{type: value, key: properties.supportsHttpsTrafficOnly, value: false}]
  - name: open-vaults
    resource: azure.keyvault
    filters: [{type: value, key: properties.publicNetworkAccess, value: Enabled}]
  - name: open-groups
    resource: azure.networksecuritygroup
    filters: [{type: ingress, ports: "22,3389,1433", access: Allow}]
  - name: open-disks
    resource: azure.disk
    filters: [{type: value, key: properties.networkAccessPolicy, value: AllowAll}]
  - name: open-databases
    resource: azure.cosmosdb
    filters: [{type: value, key: properties.publicNetworkAccess, value: Enabled}]
"""
_QUERIES, _WINDOW = 15, 5.0
_LONGEST = 600.0


def main(resources: str, custodian: str = "") -> None:
    """Print what our sweep took, and what Custodian did in the first so many subscriptions."""
    with tempfile.TemporaryDirectory() as folder, tenant_process() as tenant:
        scratch = Path(folder)
        tenant.ask("fill", kind="varied", count=int(resources))
        tenant.ask("behave", reads=LATENCY, quota=True)
        result = {"ours": _ours(tenant, scratch)}
        if custodian:
            result["theirs"] = _theirs(tenant, scratch, int(custodian))
    sys.stdout.write(json.dumps(result) + "\n")


def least(queries: int) -> float:
    """The seconds that Resource Graph's quota allows no fewer of, for queries one by one."""
    return (-(-queries // _QUERIES) - 1) * _WINDOW


def _ours(tenant: TenantProcess, scratch: Path) -> dict[str, Any]:
    policy = scratch / "policy.yaml"
    policy.write_text("version: 1\n", encoding="utf-8")
    own = {"PORTCULLIS_POLICY": str(policy), "PORTCULLIS_APP": "gate"}
    command = [sys.executable, "-m", "benchmarks.swept"]
    tenant.ask("seen")
    took = whole(command, {**clean(), **tenant.proxied, **own}, longest=_LONGEST)
    asked = [one[1].casefold() for one in tenant.ask("seen")["requests"]]
    queries = sum(path.endswith("/microsoft.resourcegraph/resources") for path in asked)
    if took.code:
        return {"missing": (took.said.strip().splitlines() or ["it was too slow"])[-1]}
    return {**took.to_json(), **json.loads(took.out.splitlines()[-1]), "queries": queries}


def _theirs(tenant: TenantProcess, scratch: Path, subscriptions: int) -> dict[str, float]:
    runs = [
        counted(tenant, partial(_swept, tenant, fresh(scratch), subscription(number)))
        for number in range(subscriptions)
    ]
    summed = {name: sum(run[name] for run in runs) for name in ("cpu", "wall", "calls")}
    return {**summed, "subscriptions": subscriptions}


def _swept(tenant: TenantProcess, folder: Path, place: str) -> Whole:
    took = custodian_run(tenant, folder, POLICIES, place)
    if took.code:
        sys.exit(f"Custodian failed: {took.said.strip()[-300:]}")
    return took


if __name__ == "__main__":
    main(*sys.argv[1:])
