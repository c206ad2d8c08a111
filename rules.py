"""Every rule there is: what its folders hold, and what it says of itself."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from shared.model import Control, Detector, Remediation, Reversible


def _modules(package: str) -> Iterator[tuple[str, ModuleType]]:
    """Every rule module below `package`, with the service folder it lies in."""
    # `pkgutil` reads every folder again and again, and a cold start waits for it.
    for file in sorted((Path(__file__).parent / package).glob("*/[!_]*.py"), key=str):
        yield file.parent.name, importlib.import_module(f"{package}.{file.parent.name}.{file.stem}")


def controls() -> dict[str, Control]:
    """Every control by id."""
    cures: dict[str, Remediation] = {}
    for _, module in _modules("remediations"):
        cure: Remediation | None = getattr(module, "REMEDIATION", None)
        if cure is not None:
            cures[cure.control] = cure
    found: dict[str, Control] = {}
    for service, module in _modules("detectors"):
        detector: Detector | None = getattr(module, "DETECTOR", None)
        if detector is not None:
            found[detector.id] = Control(detector, cures.get(detector.id), service)
    return found


def api_versions(known: Mapping[str, Control]) -> dict[str, str]:
    """The api-version of every type that any control reads."""
    versions: dict[str, str] = {}
    for control in known.values():
        detector = control.detector
        cured_by = control.remediation.lookups if control.remediation else ()
        looked_up = [one.type for one in (*detector.lookups, *cured_by)]
        waking = [one.type for one in detector.wakes]
        for known_type in (*detector.types, *looked_up, *waking):
            versions[known_type.key] = known_type.api_version
    return versions


def catalogue() -> list[dict[str, Any]]:
    """Every control with its metadata, as `portcullis controls` prints it."""
    mapped = benchmarks()
    return [
        {
            "id": control.id,
            "title": control.detector.title,
            "service": control.service,
            "family": control.detector.family,
            "resource_type": control.detector.resource_type.name,
            "severity": control.detector.severity.value,
            "kind": control.kind.value,
            "reversible": _undo(control) is not Reversible.NO,
            "undo": _undo(control).value,
            "benchmarks": {
                name: ids[control.id] for name, ids in mapped.items() if control.id in ids
            },
            "permissions": {
                "read": list(control.reads),
                "write": list(control.remediation.permissions) if control.remediation else [],
            },
        }
        for _, control in sorted(controls().items())
    ]


def _undo(control: Control) -> Reversible:
    """How far a cure can be taken back; a control without one has nothing to take back."""
    return control.remediation.reversible if control.remediation else Reversible.NO


def benchmarks() -> dict[str, dict[str, list[str]]]:
    """By benchmark (`cis-6.0`), the requirements that each control answers."""
    import yaml  # noqa: PLC0415  a cold start need not

    found: dict[str, dict[str, list[str]]] = {}
    for path in sorted((Path(__file__).parent / "detectors" / "benchmarks").glob("*.yaml")):
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        answers = found.setdefault(path.stem, {})
        for requirement, ids in body["requirements"].items():
            for control in ids:
                answers.setdefault(control, []).append(str(requirement))
    return found
