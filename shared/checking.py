"""Judging ARM documents from files: the same rules, with the files beside them for lookups."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.errors import Unusable
from shared.findings import evidence_json
from shared.model import (
    Control,
    Lookup,
    NeedsLookup,
    Resource,
    ResourceId,
    State,
    Undecided,
    Verdict,
)


@dataclass(kw_only=True)
class Report:
    """What `check` says; `to_json` is the fixed machine-readable form."""

    documents: int = 0
    judged: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)
    not_covered: list[dict[str, str]] = field(default_factory=list)
    unjudged: list[dict[str, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "documents": self.documents,
            "judged": self.judged,
            "findings": self.findings,
            "not_covered": self.not_covered,
            "unjudged": self.unjudged,
        }

    @property
    def exit_code(self) -> int:
        """1 with any finding, else 2 where an applicable control is unknown, else 0."""
        states = {f["state"] for f in self.findings}
        return 1 if State.NON_COMPLIANT in states else 2 if State.UNKNOWN in states else 0


def check(paths: Iterable[Path], controls: Mapping[str, Control]) -> Report:
    """Judge every `*.json` document of files and folders.

    Raises:
        Unusable: a path does not exist.
    """
    report = Report()
    documents: list[tuple[Path, Resource]] = []
    for path in _files(paths):
        documents.extend(_read(path, report))
    by_id = {resource.id: resource for _, resource in documents}
    shelf = _Shelf(by_id.values(), controls)
    for path, resource in documents:
        mine = shelf.controls_of(resource.id)
        if not mine and not shelf.beside(resource.id):
            report.not_covered.append({"file": str(path), "type": resource.type})
            continue
        report.judged += 1
        for control in mine:
            _judge(control, resource, shelf, path, report)
    orphaned: set[tuple[str, ResourceId]] = set()
    for path, resource in documents:
        for control, parent in shelf.orphaned(resource.id, by_id):
            if (control.id, parent) in orphaned:
                continue
            orphaned.add((control.id, parent))
            reason = f"{parent} itself is not among the documents"
            verdict = Verdict(State.UNKNOWN, reason=reason)
            report.findings.append(_finding(control, parent, verdict, path))
    return report


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.rglob("*.json"))
        elif path.exists():
            yield path
        else:
            raise Unusable(f"{path}: no such file or folder")


def _read(path: Path, report: Report) -> Iterator[tuple[Path, Resource]]:
    """The documents of a file: one, an array, or a list answer's `value`."""
    try:
        body = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        report.documents += 1
        report.unjudged.append({"file": str(path), "reason": f"not a JSON document: {error}"})
        return
    if isinstance(body, dict) and isinstance(body.get("value"), list) and "id" not in body:
        body = body["value"]
    for one in body if isinstance(body, list) else [body]:
        report.documents += 1
        named = one.get("id") if isinstance(one, dict) else None
        if isinstance(named, str) and named.strip("/ "):
            yield path, Resource(id=ResourceId(named), body=one)
        else:
            report.unjudged.append({"file": str(path), "reason": "it has no id"})


class _Shelf:
    """The documents at hand, for lookups."""

    def __init__(self, documents: Iterable[Resource], controls: Mapping[str, Control]) -> None:
        self._by_id = {d.id: d for d in documents}
        self._by_collection: dict[str, list[Resource]] = {}
        self._controls: dict[str, list[Control]] = {}
        self._beside: dict[str, list[Control]] = {}
        for document in self._by_id.values():
            for collection in _collections(document.id):
                self._by_collection.setdefault(collection, []).append(document)
        for control in controls.values():
            detector = control.detector
            for kind in detector.types:
                self._controls.setdefault(kind.key, []).append(control)
            for lookup in detector.lookups:
                self._beside.setdefault(lookup.type.key, []).append(control)

    def controls_of(self, resource_id: ResourceId) -> list[Control]:
        return self._controls.get(resource_id.type.casefold(), [])

    def beside(self, resource_id: ResourceId) -> list[Control]:
        """The controls that look at such a document beside the one they judge."""
        return self._beside.get(resource_id.type.casefold(), [])

    def orphaned(
        self, child: ResourceId, known: Mapping[ResourceId, Resource]
    ) -> Iterator[tuple[Control, ResourceId]]:
        """Judged parents of `child` that are not at hand themselves."""
        parent = child.parent
        for control in self.beside(child):
            if parent is not None and parent not in known:
                if any(kind.matches(parent) for kind in control.detector.types):
                    yield control, parent

    def find(self, lookup: Lookup, resource: Resource) -> tuple[Resource, ...] | Undecided:
        found: list[Resource] = []
        try:
            listed = lookup.wanted(resource)
        except Undecided as reason:
            return reason
        for wanted in listed:
            here = (
                self._by_collection.get(ResourceId(wanted).key, [])
                if lookup.many
                else [d for d in [self._by_id.get(ResourceId(wanted))] if d]
            )
            if not here:
                return Undecided(f"{wanted} is not among the documents")
            found.extend(here)
        return tuple(found)


def _collections(resource_id: ResourceId) -> Iterator[str]:
    """Every collection that lists a resource: its parent's, its group's, its subscription's."""
    key = resource_id.key
    yield key.rsplit("/", 1)[0]
    at, marker = key.rfind("/providers/"), "/resourcegroups/"
    if at > 0 and marker in key[:at] and resource_id.subscription:
        yield f"/subscriptions/{resource_id.subscription}{key[at:].rsplit('/', 1)[0]}"


def _judge(control: Control, resource: Resource, shelf: _Shelf, path: Path, report: Report) -> None:
    while True:
        try:
            verdict = control.detector.judge(resource)
        except NeedsLookup as need:
            found = shelf.find(control.detector.lookup(need.name, resource.id), resource)
            resource = resource.with_lookup(need.name, found)
            continue
        if verdict.state is not State.COMPLIANT:
            report.findings.append(_finding(control, resource.id, verdict, path))
        return


def _finding(
    control: Control, resource: ResourceId, verdict: Verdict, path: Path
) -> dict[str, Any]:
    return {
        "resource_id": resource.text,
        "control": control.id,
        "severity": control.detector.severity.value,
        "state": verdict.state.value,
        "evidence": evidence_json(verdict.evidence),
        **({"reason": verdict.reason} if verdict.reason else {}),
        "title": control.detector.title,
        "file": str(path),
    }


def sarif(report: Report, controls: Mapping[str, Control]) -> dict[str, Any]:
    """The report as SARIF 2.1.0, for code scanning; unknown verdicts are notes for review."""
    levels = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
    used = sorted({f["control"] for f in report.findings})
    results = [
        {
            "ruleId": f["control"],
            "kind": "fail" if f["state"] == State.NON_COMPLIANT else "review",
            "level": levels[f["severity"]] if f["state"] == State.NON_COMPLIANT else "none",
            "message": {"text": _message(f)},
            "locations": [
                {
                    "physicalLocation": {"artifactLocation": {"uri": Path(f["file"]).as_posix()}},
                    "logicalLocations": [{"fullyQualifiedName": f["resource_id"]}],
                }
            ],
        }
        for f in report.findings
    ]
    rules = [{"id": u, "shortDescription": {"text": controls[u].detector.title}} for u in used]
    driver = {"name": "portcullis", "rules": rules}
    return {
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _message(finding: dict[str, Any]) -> str:
    why = "; ".join(
        f"{e['path']} is {json.dumps(e['observed'])}, expected {json.dumps(e['expected'])}"
        for e in finding["evidence"]
    )
    return f"{finding['title']}: {why or finding.get('reason', '')}"
