"""How many documents are judged in a second of one core, in this very process.

By `portcullis check`, files read included; and by all controls of a type, everything that they
look up at hand.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rules import controls
from shared.checking import check
from shared.model import Control, Detector, Json, NeedsLookup, Resource
from tests.cases import Case, Documents, cases

COPIES = 4
_ENOUGH = 200
_OLD, _FILE = "00000000-0000-4000-8000-", 500


def main() -> None:
    """Print documents, those judged, CPU seconds of a whole check, and rates by type."""
    known = controls()
    every = cases()
    documents = _documents(every)
    with tempfile.TemporaryDirectory() as scratch:
        for start in range(0, len(documents), _FILE):
            file = Path(scratch) / f"{start:06d}.json"
            file.write_text(json.dumps(documents[start : start + _FILE]), encoding="utf-8")
        check([Path(scratch)], known)
        started = time.process_time()
        report = check([Path(scratch)], known)
        spent = time.process_time() - started
    result: dict[str, Any] = {"documents": report.documents, "judged": report.judged}
    result |= {"cpu": spent, "types": _rates(known, every)}
    sys.stdout.write(json.dumps(result) + "\n")


def _rates(known: Mapping[str, Control], every: list[Case]) -> dict[str, tuple[int, float]]:
    """By type, how many controls judge it, and documents in a second."""
    judging: dict[str, list[Detector]] = defaultdict(list)
    for control in known.values():
        for kind in control.detector.types:
            judging[kind.key].append(control.detector)
    documents: dict[str, list[Resource]] = defaultdict(list)
    for case in every:
        of = case.id.type.casefold()
        documents[of].append(_with_everything(judging[of], case))
    return {of: (len(judging[of]), _rate(judging[of], docs)) for of, docs in documents.items()}


def _rate(detectors: list[Detector], documents: list[Resource]) -> float:
    rounds = max(2, _ENOUGH // len(documents))
    started = time.process_time()
    for _ in range(rounds):
        for one in documents:
            for detector in detectors:
                detector.judge(one)
    return rounds * len(documents) / (time.process_time() - started)


def _with_everything(detectors: list[Detector], case: Case) -> Resource:
    """A case's document with every lookup that is asked for, as its file gives it."""
    documents, given = Documents.of(case), defaultdict[str, Json](list, case.lookups)
    resource = Resource(id=case.id, body=case.body)
    for detector in detectors:
        while True:
            try:
                detector.judge(resource)
                break
            except NeedsLookup as need:
                lookup = detector.lookup(need.name, resource.id)
                found = documents.looked_up(lookup, resource, given)
                resource = resource.with_lookup(need.name, found)
    return resource


def _documents(every: list[Case]) -> list[dict[str, object]]:
    """The documents of every control's cases, and what is looked up beside them, many times.

    Each copy of a case lies in a subscription of its own, so that no two are one resource.
    """
    made: list[dict[str, object]] = []
    for number, case in enumerate(every):
        beside = [one for found in case.lookups.values() if found != "failed" for one in found]
        for copy in range(COPIES):
            subscription = f"/subscriptions/{_OLD}{number:06d}{copy:06d}"
            text = json.dumps([case.body, *beside])
            made.extend(json.loads(_moved(text, case.id.subscription, subscription)))
    return made


def _moved(text: str, old: str, new: str) -> str:
    return text.replace(f"/subscriptions/{old}", new) if old else text


if __name__ == "__main__":
    main()
