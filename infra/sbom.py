"""The list of what is deployed beside our own code: `python -m infra.sbom` writes `sbom.json`.

CycloneDX, of what `requirements.txt` locks: name, version, the SHA-256 of every file that may be
installed, and what brings it in. The same lock file makes the same list, whatever is installed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.package import LOCK, ROOT

TARGET = ROOT / "sbom.json"
PROJECT = ROOT / "pyproject.toml"
_CYCLONEDX = ("-W", "ignore", "-m", "cyclonedx_py", "requirements", "--output-reproducible")
_VIA = re.compile(r"^    #(?: via|  ) +(\S+)", re.MULTILINE)
_LOCKED = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?: ; (?P<where>[^\n]+?))? \\\n"
    r"(?P<more>(?: +\S[^\n]*\n)+)",
    re.MULTILINE,
)
"""One locked package: name, version, where it is installed at all, and its hashes and comments."""


def bill(lock: Path = ROOT / LOCK) -> dict[str, Any]:
    """The list as CycloneDX JSON has it.

    It names no package index: which one serves the files is for whoever installs to say, and their
    hashes hold on any.
    """
    done = subprocess.run(  # noqa: S603  our own words
        [sys.executable, *_CYCLONEDX, "--pyproject", str(PROJECT), str(lock)],
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    for tool in told["metadata"]["tools"]["components"]:
        tool.pop("externalReferences", None)
    lines = {
        (found["name"], found["version"]): found
        for found in _LOCKED.finditer(lock.read_text("utf-8"))
    }
    for part in told["components"]:
        where = lines[part["name"], part["version"]]["where"]
        part["description"] = f"Installed where {where}." if where else "Installed everywhere."
        for reference in part["externalReferences"]:
            reference["url"] = part["purl"]
            reference.pop("comment", None)
    told["dependencies"] = _dependencies(told, lines)
    return told


def _dependencies(
    told: Mapping[str, Any], lines: Mapping[tuple[str, str], re.Match[str]]
) -> list[dict[str, Any]]:
    """Who brings what in, by the comments of the lock file."""
    root = told["metadata"]["component"]
    refs: dict[str, list[str]] = {root["name"]: [root["bom-ref"]]}
    for part in told["components"]:
        refs.setdefault(part["name"], []).append(part["bom-ref"])
    brought: dict[str, set[str]] = {ref: set() for same in refs.values() for ref in same}
    for part in told["components"]:
        for via in _VIA.findall(lines[part["name"], part["version"]]["more"]):
            for ref in refs[via]:
                brought[ref].add(part["bom-ref"])
    return [{"ref": ref, "dependsOn": sorted(needs)} for ref, needs in sorted(brought.items())]


def main() -> int:
    """Write the list, and say how long it is."""
    told = bill()
    TARGET.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"{TARGET.name}: {len(told['components'])} packages are deployed with us\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
