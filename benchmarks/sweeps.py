"""Sweeps of storage accounts, ours and a peer's in turn, each a whole process over TLS.

Both ask the same tenant, as far away as Azure, through the same proxy and with the same secret.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.estate import account
from benchmarks.estates import OPEN_EVERY
from benchmarks.processes import TenantProcess, Whole, clean, compile_all, tenant_process, whole
from tests.compat.environments import CUSTODIAN, PROWLER, surroundings

ACCOUNTS = 10_000
LATENCY = 0.03
KIND = "Microsoft.Storage/storageAccounts"
SUBSCRIPTION = account(0)["id"].split("/")[2]
POLICIES = """
policies:
  - name: secure-transfer
    resource: azure.storage
    filters: [{type: value, key: properties.supportsHttpsTrafficOnly, value: false}]
"""
_PROWLER_FOUND = 3

Sweeping = Callable[[TenantProcess, Path, int], Whole]
"""A sweep by one side of so many accounts, with what it writes going to a folder."""


def main(runs: str, *counts: str) -> None:
    """Print what each sweep took.

    Beside Custodian every run of both sides but the first, and what our looks took. With `counts`
    beside Prowler, which asks for each account: it is given so many, one number after the other.
    """
    compile_all()
    if counts:
        found = [_once(prowler, int(count)) for count in counts]
        result: dict[str, object] = {"ours": _runs(int(runs), (ours,))["ours"], "theirs": found}
    else:
        result = dict(_runs(int(runs), (ours, custodian)))
    sys.stdout.write(json.dumps(result) + "\n")


def _runs(runs: int, sides: tuple[Sweeping, ...]) -> dict[str, list[dict[str, float]]]:
    """By side (`ours`, and `custodian` as `theirs`), every run but the first; and our looks."""
    found: dict[str, list[dict[str, float]]] = {"ours": [], "theirs": []}
    with _tenant(ACCOUNTS) as (tenant, scratch):
        for run in range(runs + 1):
            for sweep in sides:
                took = counted(tenant, partial(sweep, tenant, fresh(scratch), ACCOUNTS))
                found["ours" if sweep is ours else "theirs"] += [took] if run else []
        if custodian in sides:
            found["looks"] = [_looks(tenant, fresh(scratch))]
    return found


def _once(sweep: Sweeping, accounts: int) -> dict[str, float]:
    with _tenant(accounts) as (tenant, scratch):
        took = counted(tenant, lambda: sweep(tenant, fresh(scratch), accounts))
    return {**took, "accounts": accounts}


@contextmanager
def _tenant(accounts: int) -> Iterator[tuple[TenantProcess, Path]]:
    with tempfile.TemporaryDirectory() as scratch, tenant_process() as tenant:
        tenant.ask("fill", kind="accounts", count=accounts)
        tenant.ask("behave", reads=LATENCY, writes=LATENCY)
        yield tenant, Path(scratch)


def fresh(scratch: Path) -> Path:
    """A new folder, which is the home of a tool and holds what it writes."""
    return Path(tempfile.mkdtemp(dir=scratch))


def counted(tenant: TenantProcess, run: Callable[[], Whole]) -> dict[str, float]:
    """What a process took, with its requests to Azure; sign-ins are left out."""
    tenant.ask("seen")
    took = run()
    asked = [one for one in tenant.ask("seen")["requests"] if "/providers/" in one[1]]
    return {**took.to_json(), "calls": len(asked)}


def ours(tenant: TenantProcess, folder: Path, accounts: int) -> Whole:
    """The index read and judged by every control of storage accounts, its hints noted."""
    took = _swept(tenant, folder, KIND)
    summary = json.loads(took.out.splitlines()[-1])
    wanted = {"seen": accounts, "hinted": violating(accounts)}
    if {name: summary[name] for name in wanted} != wanted:
        sys.exit(f"the sweep did not see what is there: {summary}")
    return took


def _swept(tenant: TenantProcess, folder: Path, *arguments: str) -> Whole:
    policy = folder / "policy.yaml"
    policy.write_text("version: 1\n", encoding="utf-8")
    own = {"PORTCULLIS_POLICY": str(policy), "PORTCULLIS_APP": "gate"}
    took = whole(
        [sys.executable, "-m", "benchmarks.swept", *arguments],
        {**clean(), **tenant.proxied, **own},
    )
    if took.code:
        sys.exit(f"our sweep failed: {took.said.strip()[-300:]}")
    return took


def _looks(tenant: TenantProcess, folder: Path) -> dict[str, float]:
    """What the looks took that a sweep leads to."""
    found: dict[str, float] = json.loads(_swept(tenant, folder, KIND, "then").out.splitlines()[-1])
    return {name: found[name] for name in ("looks", "looks_cpu", "looks_wall")}


def violating(accounts: int) -> int:
    return len(range(0, accounts, OPEN_EVERY))


def custodian_run(tenant: TenantProcess, folder: Path, policies: str, subscription: str) -> Whole:
    """`custodian run` of these policies in one subscription, its results below `out`."""
    file = folder / "policies.yml"
    file.write_text(policies, encoding="utf-8")
    return whole(
        [CUSTODIAN.command, "run", "-s", "out", "--cache-period", "0", str(file)],
        {**surroundings(folder), **tenant.proxied, "AZURE_SUBSCRIPTION_ID": subscription},
        within=folder,
    )


def custodian(tenant: TenantProcess, folder: Path, accounts: int) -> Whole:
    """One policy, one filter, no action."""
    took = custodian_run(tenant, folder, POLICIES, SUBSCRIPTION)
    found = json.loads((folder / "out/secure-transfer/resources.json").read_text("utf-8"))
    if took.code or len(found) != violating(accounts):
        sys.exit(f"Custodian did not find what is there: {len(found)}, {took.said[-300:]}")
    return took


def prowler(tenant: TenantProcess, folder: Path, accounts: int) -> Whole:
    """Every check of its storage service, its findings written as JSON."""
    took = whole(
        [PROWLER.command, "azure", "--sp-env-auth", "--services", "storage", "--no-banner",
         "--log-level", "ERROR", "--output-formats", "json-ocsf", "--output-filename", "scan",
         "--output-directory", str(folder)],
        {**surroundings(folder), **tenant.proxied},
        within=folder,
        longest=1200,
    )  # fmt: skip
    if took.code not in {0, _PROWLER_FOUND}:
        sys.exit(f"Prowler failed: {took.said[-300:]}")
    text = (folder / "scan.ocsf.json").read_text("utf-8")
    failed = [
        one
        for one in json.loads(text)
        if one["metadata"]["event_code"] == "storage_secure_transfer_required_is_enabled"
        and one["status_code"] == "FAIL"
    ]
    if len(failed) != violating(accounts):
        sys.exit(f"Prowler did not find what is there: {len(failed)}")
    return took


if __name__ == "__main__":
    main(*sys.argv[1:])
