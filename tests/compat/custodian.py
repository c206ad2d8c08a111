"""Cloud Custodian: lists and filters storage accounts, and cures one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulator import contoso
from simulator.server import Serving
from simulator.tenant import Tenant
from tests.compat.environments import CUSTODIAN, surroundings

POLICIES = """
policies:
  - name: accounts
    resource: azure.storage
  - name: accounts-without-secure-transfer
    resource: azure.storage
    filters: [{type: value, key: properties.supportsHttpsTrafficOnly, value: false}]
    actions: [{type: require-secure-transfer, value: true}]
  - name: vaults
    resource: azure.keyvault
  - name: servers-open-to-azure
    resource: azure.sqlserver
    filters: [{type: firewall-rules, include: ["0.0.0.0-0.0.0.0"]}]
  - name: groups-open-to-the-internet
    resource: azure.networksecuritygroup
    filters: [{type: ingress, ports: "443", access: Allow}]
"""
FOUND = {
    "accounts": 6,
    "accounts-without-secure-transfer": 1,
    "vaults": 1,
    "servers-open-to-azure": 0,
    "groups-open-to-the-internet": 1,
}


def run(tenant: Tenant, served: Serving, folder: Path) -> Iterator[tuple[str, str]]:
    """What is tried, each with what went wrong, or nothing."""
    opened = {"properties": {"supportsHttpsTrafficOnly": False}}
    tenant.write(contoso.WEBSITE, opened, by=contoso.YOU, method="PATCH")
    policies, out = folder / "policies.yml", folder / "out"
    policies.write_text(POLICIES, encoding="utf-8")
    done = subprocess.run(
        [CUSTODIAN.command, "run", "-s", str(out), "--cache-period", "0", str(policies)],
        env={
            **surroundings(folder),
            **served.proxied,
            "AZURE_SUBSCRIPTION_ID": contoso.SUBSCRIPTION.rsplit("/", 1)[-1],
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
    wrong = "; ".join(errors) or (done.stderr[-400:] if done.returncode else "")
    yield "custodian run", wrong
    for name, count in FOUND.items():
        found = _found(out / name / "resources.json")
        wrong = "" if len(found) == count else f"it found {len(found)}"
        yield f"custodian finds {count} in {name}", wrong
    document = tenant.read(contoso.WEBSITE) or {}
    cured = document["properties"]["supportsHttpsTrafficOnly"]
    yield "custodian cures the account", "" if cured is True else "it is as it was"


def _found(file: Path) -> list[Any]:
    return list(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else []
