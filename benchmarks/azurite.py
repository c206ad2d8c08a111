"""Warm events with state in Azure Tables, Queues and Blobs, on Azurite, in this very process."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from azure.core.credentials import AzureNamedKeyCredential

from benchmarks.estate import account
from benchmarks.processes import tenant_process
from benchmarks.warm import EVENTS, POLICY, WARM_UP, Line, timed
from shared.store.azure import AzureStore
from tests.azurite import ACCOUNT, KEY, Azurite, missing


def main() -> None:
    """Print medians per event; what is missing, where there is no Azurite."""
    if why := missing():
        sys.stdout.write(json.dumps({"missing": why}) + "\n")
        return
    azurite = Azurite()
    state = AzureStore(
        AzureNamedKeyCredential(ACCOUNT, KEY),
        tables=azurite.addresses["table"],
        queues=azurite.addresses["queue"],
        blobs=azurite.addresses["blob"],
    )
    try:
        with tempfile.TemporaryDirectory() as scratch, tenant_process() as tenant:
            os.environ.update(tenant.environment)
            policy = Path(scratch) / "policy.yaml"
            policy.write_text(POLICY, encoding="utf-8")
            documents = [account(i) for i in range(WARM_UP + EVENTS)]
            ids: list[str] = tenant.ask("load", documents=documents)["ids"]
            line = Line(tenant, policy, lambda _: state, azurite.advance)
            sys.stdout.write(json.dumps(timed(tenant, line, ids)) + "\n")
    finally:
        state.close()
        azurite.stop()


if __name__ == "__main__":
    main()
