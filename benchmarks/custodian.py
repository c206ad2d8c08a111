"""Cloud Custodian's own event handler, run by its own interpreter: an event a line, timed.

Nothing of this project is imported here, and nothing of Custodian is changed.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

POLICY = {
    "policies": [
        {
            "name": "secure-transfer",
            "resource": "azure.storage",
            "mode": {"type": "azure-event-grid", "events": ["StorageWrite"]},
            "filters": [
                {"type": "value", "key": "properties.supportsHttpsTrafficOnly", "value": False}
            ],
            "actions": [{"type": "require-secure-transfer", "value": True}],
        }
    ]
}


def main() -> None:
    """Answer `{"cpu_ms", "wall_ms"}` to every line of standard input, an Event Grid event."""
    logging.disable(logging.CRITICAL)
    handler: Any = importlib.import_module("c7n_azure.handler")
    entry: Any = importlib.import_module("c7n_azure.entry")
    entry.initialize_azure()
    with tempfile.TemporaryDirectory() as scratch:
        policy = Path(scratch) / "policy.json"
        policy.write_text(json.dumps(POLICY), encoding="utf-8")
        context = {"config_file": str(policy), "auth_file": None, "output_dir": scratch}
        subscription = os.environ["AZURE_SUBSCRIPTION_ID"]
        for line in sys.stdin:
            event = json.loads(line)
            cpu, wall = time.process_time(), time.perf_counter()
            handler.run(event, context, subscription)
            took = (time.process_time() - cpu, time.perf_counter() - wall)
            answer = {"cpu_ms": took[0] * 1000, "wall_ms": took[1] * 1000}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
