"""From findings to plans: parameters filled in, and as few writes as they allow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from shared.model import (
    ABSENT,
    MISREAD,
    Control,
    Finding,
    Json,
    Lookup,
    NeedsLookup,
    Plan,
    Resource,
    Severity,
    Undecided,
    Verb,
    pointer_to,
)

_SECRET = re.compile(
    "passw|secret|connectionstring|accesskey|primarykey|secondarykey|sastoken|credential",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """One plan with the findings it ends."""

    plan: Plan
    findings: tuple[Finding, ...]

    @property
    def severity(self) -> Severity:
        return max((f.detector.severity for f in self.findings), key=lambda s: s.rank)


class Missing(Undecided):
    """A guided cure was not told all it must be told."""

    def __init__(self, control: str, names: list[str]) -> None:
        super().__init__(f"{control} needs {', '.join(names)}")
        self.names = names


def person_parameters(control: Control, given: Mapping[str, Json]) -> dict[str, Json]:
    """`given`, with what a person who says nothing more means."""
    declared = control.remediation.parameters if control.remediation else ()
    assumed = {p.name: p.for_person for p in declared if p.for_person is not ABSENT}
    return {**assumed, **given}


LookUp = Callable[[Lookup, Resource], tuple[Resource, ...] | Undecided]


def plan_of(
    control: Control, finding: Finding, parameters: Mapping[str, Json], look: LookUp
) -> Plan:
    """The plan that ends one finding; `look` makes the lookups that only planning needs.

    Raises:
        Missing: parameters lack. Undecided: no safe plan can be made, with the reason.
    """
    cure = control.remediation
    if cure is None:
        raise Undecided(f"{control.id} has no remediation")
    declared = {p.name: p.default for p in cure.parameters}
    whole = {**declared, **{k: v for k, v in parameters.items() if k in declared}}
    missing = [name for name, value in whole.items() if value is ABSENT]
    if missing:
        raise Missing(control.id, missing)
    plan: Plan | None = None
    while plan is None:
        try:
            plan = cure.plan(finding, whole)
        except NeedsLookup as need:
            at = finding.resource
            found = look(control.lookup(need.name, at.id), at)
            finding = replace(finding, resource=at.with_lookup(need.name, found))
        except Undecided:
            raise
        except MISREAD as error:
            raise Undecided(f"{control.id} cannot plan for this document: {error!r}") from error
    _check(control, plan)
    return plan


def _check(control: Control, plan: Plan) -> None:
    edits_nothing = [c for c in plan.changes if c.verb in (Verb.PATCH, Verb.PUT) and not c.edits]
    if not plan.changes or edits_nothing:
        raise Undecided(f"{control.id} found nothing it could change")
    for change in plan.changes:
        for edit in change.edits:
            if any(isinstance(s, str) and _SECRET.search(s) for s in edit.path):
                raise Undecided(f"{pointer_to(edit.path)} looks like a secret: not touched")


def merge(cures: Iterable[Cure]) -> list[Cure]:
    """The same cures in as few writes as they allow; their order is kept."""
    merged: list[Cure] = []
    for cure in cures:
        for i, other in enumerate(merged):
            together = other.plan.merged(cure.plan)
            if together is not None:
                merged[i] = Cure(plan=together, findings=(*other.findings, *cure.findings))
                break
        else:
            merged.append(cure)
    return merged
