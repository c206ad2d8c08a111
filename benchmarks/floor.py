"""Detecting alone, beside the least that any Python program could do with the same documents.

The floor reads a page of JSON and looks at one property of each row. Ours reads the same page and
judges each row by all controls of its type, as a sweep does.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from benchmarks.estate import mixed
from benchmarks.estates import one_subscription
from rules import controls
from shared.model import Detector, NeedsLookup, Resource, ResourceId, State

PAGES, PAGE, ROUNDS = 5, 1_000, 3
_MADE: Final[Mapping[str, tuple[Callable[[int], dict[str, Any]], str]]] = {
    "Microsoft.Storage/storageAccounts": (one_subscription, "supportsHttpsTrafficOnly"),
    "Microsoft.Network/networkSecurityGroups": (lambda n: mixed(4 * n + 1), "securityRules"),
    "Microsoft.Compute/disks": (lambda n: mixed(4 * n + 3), "publicNetworkAccess"),
}
"""By type, what makes a document of it, and the property that the floor looks at."""


def main() -> None:
    """Print by type the documents a second of both, and how many controls judge."""
    known = controls()
    result = {}
    for kind, (make, looked_at) in _MADE.items():
        pages = [json.dumps([make(n) for n in _numbers(page)]).encode() for page in range(PAGES)]
        detectors = [
            control.detector
            for control in known.values()
            if any(one.key == kind.casefold() for one in control.detector.types)
        ]
        result[kind] = {
            "floor": _rate(pages, partial(_least, looked_at)),
            "ours": _rate(pages, partial(_judged, detectors)),
            "controls": len(detectors),
        }
    sys.stdout.write(json.dumps(result) + "\n")


def _numbers(page: int) -> range:
    return range(page * PAGE, (page + 1) * PAGE)


def _rate(pages: list[bytes], read: Callable[[bytes], int]) -> float:
    """Documents in a CPU second: the best of a few rounds, after one that is thrown away."""
    spent = []
    for _ in range(ROUNDS + 1):
        started = time.process_time()
        for page in pages:
            read(page)
        spent.append(time.process_time() - started)
    return len(pages) * PAGE / min(spent[1:])


def _least(key: str, page: bytes) -> int:
    count = 0
    for row in json.loads(page):
        if row["properties"].get(key) is False:
            count += 1
    return count


def _judged(detectors: list[Detector], page: bytes) -> int:
    count = 0
    for row in json.loads(page):
        resource = Resource(id=ResourceId(row["id"]), body=row)
        for detector in detectors:
            try:
                count += detector.judge(resource).state is not State.COMPLIANT
            except NeedsLookup:
                count += 1
    return count


if __name__ == "__main__":
    main()
