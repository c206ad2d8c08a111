"""`python -m tests.compat`: a line for each step, a count at the end; 1 where one failed."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from simulator import contoso
from simulator.clock import WallClock
from simulator.server import Serving, serve
from simulator.tenant import Tenant
from tests.compat import az, custodian, prowler
from tests.compat.environments import AZ, CUSTODIAN, PROWLER, Failed, Tool

Part = Callable[[Tenant, Serving, Path], Iterator[tuple[str, str]]]


PARTS: Mapping[str, tuple[Tool, Part]] = {
    "az": (AZ, az.run),
    "custodian": (CUSTODIAN, custodian.run),
    "prowler": (PROWLER, prowler.run),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make compat")
    parser.add_argument("tools", nargs="*", metavar="TOOL", help=f"of {', '.join(PARTS)}")
    chosen = parser.parse_args().tools or list(PARTS)
    if unknown := [name for name in chosen if name not in PARTS]:
        parser.error(f"{', '.join(unknown)}: not one of {', '.join(PARTS)}")
    steps = failures = 0
    for name in chosen:
        tool, part = PARTS[name]
        for title, wrong in _against_a_tenant(tool, part):
            steps += 1
            failures += bool(wrong)
            print(f"{'FAILED' if wrong else 'ok    '} {title}", flush=True)
            if wrong:
                print(f"       {wrong}", flush=True)
    print(f"{steps} steps, {failures} failed")
    return 1 if failures else 0


def _against_a_tenant(tool: Tool, part: Part) -> Iterator[tuple[str, str]]:
    """The steps of one tool, on a tenant of its own."""
    print(f"setting up {tool.name}: {', '.join(tool.requirements)}", flush=True)
    try:
        tool.install()
    except Failed as failed:
        yield f"install {tool.name}", str(failed)
        return
    tenant = Tenant(WallClock())
    tenant.operation_seconds = 0
    contoso.estate(tenant)
    with (
        tempfile.TemporaryDirectory() as scratch,
        serve(tenant, identity=contoso.PIPELINE) as served,
    ):
        yield from part(tenant, served, Path(scratch))
        yield f"{tool.name} asked nothing that the tenant does not know", _unknown(tenant)
        if served.turned_away:
            print(f"       turned away: {', '.join(sorted(set(served.turned_away)))}", flush=True)


def _unknown(tenant: Tenant) -> str:
    """Requests that the simulator could not answer; Microsoft Graph is no part of this."""
    asked = {
        f"{one.method} {one.path}"
        for one in tenant.requests
        if one.status == 501 and "/tagNames" not in one.path and not one.path.startswith("/v1.0/")
    }
    return ", ".join(sorted(asked))


if __name__ == "__main__":
    sys.exit(main())
