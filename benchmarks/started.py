"""One start of an app under Microsoft's worker code, in this very process.

Runs under the worker's own interpreter, with the app's folder and its packages first on the path.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from typing import Any, TextIO

from tests.worker.process import Worker, aside


async def main(folder: str, order: dict[str, Any], answers: TextIO) -> None:
    """Print, step by step, when it was done by the machine's clock, and the CPU until then."""
    steps: dict[str, dict[str, float]] = {}

    def passed(step: str, fault: str | None = None) -> None:
        if fault:
            sys.exit(f"{step}: {fault}")
        used = resource.getrusage(resource.RUSAGE_SELF)
        steps[step] = {"at": time.monotonic(), "cpu": used.ru_utime + used.ru_stime}

    worker = Worker(folder)
    passed("started", await worker.start())
    await worker.index()
    passed("indexed")
    passed("loaded", await worker.load(order["function"]))
    passed("answered", (await worker.call(order)).get("fault"))
    origins = [sys.modules[name].__file__ for name in ("function_app", "azure.functions")]
    print(json.dumps({"steps": steps, "origins": origins}), file=answers, flush=True)


if __name__ == "__main__":
    with aside() as own:
        asyncio.run(main(sys.argv[1], json.load(sys.stdin), own))
