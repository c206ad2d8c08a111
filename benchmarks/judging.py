"""How many documents `portcullis check` judges in a second of one core, in this very process."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from shared.checking import check
from tests.cases import cases
from wiring import controls

COPIES = 40
_OLD, _FILE = "00000000-0000-4000-8000-", 500


def main() -> None:
    """Print documents, those judged, and CPU seconds of a whole check, files read included."""
    known = controls()
    documents = _documents()
    with tempfile.TemporaryDirectory() as scratch:
        for start in range(0, len(documents), _FILE):
            file = Path(scratch) / f"{start:06d}.json"
            file.write_text(json.dumps(documents[start : start + _FILE]), encoding="utf-8")
        check([Path(scratch)], known)
        started = time.process_time()
        report = check([Path(scratch)], known)
        spent = time.process_time() - started
    result = {"documents": report.documents, "judged": report.judged, "cpu": spent}
    sys.stdout.write(json.dumps(result) + "\n")


def _documents() -> list[dict[str, object]]:
    """The documents of every control's cases, and what is looked up beside them, many times.

    Each copy of a case lies in a subscription of its own, so that no two are one resource.
    """
    made: list[dict[str, object]] = []
    for number, case in enumerate(cases()):
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
