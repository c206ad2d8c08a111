"""Prowler: scans the tenant, and judges what it reads."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulator import contoso
from simulator.server import Serving
from simulator.tenant import Tenant
from tests.compat.environments import PROWLER, surroundings

SERVICES = ("storage", "network", "sqlserver", "iam")
_FINDINGS = 3
"""The exit code of a scan that found something."""
_EXPECTED = {
    ("storage_secure_transfer_required_is_enabled", "contosoweb"): "FAIL",
    ("storage_secure_transfer_required_is_enabled", "contosoassets"): "PASS",
    ("storage_blob_public_access_level_is_disabled", "contosoweb"): "PASS",
    ("network_http_internet_access_restricted", "web-front"): "PASS",
    ("sqlserver_auditing_enabled", "contoso-orders"): "FAIL",
}
_NOT_OURS = ("azure_provider.py", "network_public_ip_shodan")
"""The tenant's domains are Microsoft Graph's to tell, and Shodan wants a key."""


def run(tenant: Tenant, served: Serving, folder: Path) -> Iterator[tuple[str, str]]:
    """What is tried, each with what went wrong, or nothing."""
    opened = {"properties": {"supportsHttpsTrafficOnly": False}}
    tenant.write(contoso.WEBSITE, opened, by=contoso.YOU, method="PATCH")
    done = subprocess.run(
        [PROWLER.command, "azure", "--sp-env-auth", "--services", *SERVICES, "--no-banner",
         "--log-level", "ERROR", "--output-formats", "json-ocsf", "--output-filename", "scan",
         "--output-directory", str(folder)],
        env={**surroundings(folder), **served.proxied},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )  # fmt: skip
    said = (done.stdout + done.stderr).splitlines()
    errors = [x.strip() for x in said if "ERROR" in x and not any(one in x for one in _NOT_OURS)]
    ended = "" if done.returncode in {0, _FINDINGS} else "\n".join(said[-10:])
    yield f"prowler azure --services {' '.join(SERVICES)}", "; ".join(errors) or ended
    judged = _judged(folder / "scan.ocsf.json")
    counts = Counter((check.split("_")[0], status) for (check, _), status in judged.items())
    for service in ("storage", "network", "sqlserver"):
        passed, failed = counts[service, "PASS"], counts[service, "FAIL"]
        title = f"prowler judges {service}: {failed} failed, {passed} passed"
        yield title, "" if passed + failed else "nothing was judged"
    for (check, name), status in _EXPECTED.items():
        found = judged.get((check, name))
        yield f"prowler {check}, {name}: {status}", "" if found == status else f"it is {found}"


def _judged(file: Path) -> dict[tuple[str, str], str]:
    """PASS or FAIL by check and resource."""
    findings: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return {
        (one["metadata"]["event_code"], resource["name"]): one["status_code"]
        for one in findings
        for resource in one["resources"]
    }
