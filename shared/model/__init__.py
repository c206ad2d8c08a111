"""Value types every other module speaks in. Imports nothing else of this project."""

from shared.model.addresses import (
    AZURE_SERVICES,
    EVERY_ADDRESS,
    MOST,
    NOWHERE,
    PRIVATE,
    WIDE,
    Addresses,
    Ranges,
    fitting,
)
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
from shared.model.security_rules import (
    Opening,
    SecurityRule,
    closing_edits,
    open_to_internet,
    openings,
)

__all__ = [
    "ABSENT", "AZURE_SERVICES", "EVERY_ADDRESS", "MOST", "NOWHERE", "PRIVATE", "WIDE",
    "Addresses", "Change", "Control", "Detector", "Edit", "Evidence", "Finding", "Json",
    "Kind", "Lookup", "NeedsLookup", "Opening", "Parameter", "Parameters", "Path", "Plan",
    "Ranges", "Remediation", "Resource", "ResourceId", "ResourceType", "Reversible",
    "SecurityRule", "Severity", "State", "Undecided", "Verb", "Verdict", "Wake",
    "closing_edits", "digest", "edited", "fitting", "open_to_internet", "openings",
    "parse_pointer", "pointer_to", "same", "shown", "unshown", "value_at", "values_at",
]  # fmt: skip
