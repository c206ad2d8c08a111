"""Value types every other module speaks in. Imports nothing else of this project."""

from shared.model.document import (
    ABSENT,
    Json,
    Path,
    digest,
    parse_pointer,
    pointer_to,
    same,
    shown,
    unshown,
    value_at,
    values_at,
)
from shared.model.plan import Change, Edit, Plan, Reversible, Verb, edited
from shared.model.resource import NeedsLookup, Resource, ResourceId, ResourceType, Undecided
from shared.model.rules import (
    Control,
    Detector,
    Evidence,
    Finding,
    Kind,
    Lookup,
    Parameter,
    Parameters,
    Remediation,
    Severity,
    State,
    Verdict,
    Wake,
)

__all__ = [
    "ABSENT", "Change", "Control", "Detector", "Edit", "Evidence", "Finding", "Json", "Kind",
    "Lookup", "NeedsLookup", "Parameter", "Parameters", "Path", "Plan", "Remediation",
    "Resource", "ResourceId", "ResourceType", "Reversible", "Severity", "State", "Undecided",
    "Verb", "Verdict", "Wake", "digest", "edited", "parse_pointer", "pointer_to", "same",
    "shown", "unshown", "value_at", "values_at",
]  # fmt: skip
