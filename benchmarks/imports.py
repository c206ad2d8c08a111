"""What the packages of Azure cost before any code of ours runs, in this very process."""

from __future__ import annotations

import json
import resource
import sys


def main() -> None:
    """Print CPU seconds from the start of the process until they are imported."""
    import azure.core.pipeline.policies  # noqa: PLC0415  their import is what is measured
    import azure.functions  # noqa: PLC0415
    import azure.identity  # noqa: PLC0415
    import azure.mgmt.core  # noqa: F401, PLC0415

    used = resource.getrusage(resource.RUSAGE_SELF)
    sys.stdout.write(json.dumps({"cpu": used.ru_utime + used.ru_stime}) + "\n")


if __name__ == "__main__":
    main()
