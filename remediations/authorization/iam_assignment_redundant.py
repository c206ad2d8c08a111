"""Take away an assignment that repeats what its principal has already."""

from detectors.authorization.principals import ROLE
from remediations.authorization.removal import PERMISSIONS, removed
from shared.model import (
    Evidence,
    Finding,
    Kind,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Role,
    Undecided,
)


def plan(finding: Finding, _: Parameters) -> Plan:
    """The narrower assignment's end.

    Raises:
        Undecided: the wider one is of a privileged role, and may have to go itself.
    """
    for wider in (one for one in finding.evidence if one.resource is not None):
        role = _defined(finding, wider)
        if role.privileges:
            raise Undecided(
                f"{role.name} at {wider.resource} is privileged and may have to go itself: narrow"
                " that one first"
            )
    return removed(REMEDIATION, finding)


def _defined(finding: Finding, wider: Evidence) -> Role:
    name = str(wider.observed).rstrip("/").rsplit("/", 1)[-1].casefold()
    for definition in finding.resource.related("definitions"):
        if definition.id.name.casefold() == name:
            return Role.of(definition)
    raise Undecided(f"the definition of {wider.observed} ({ROLE}) is not there")


REMEDIATION = Remediation(
    control="iam-assignment-redundant",
    title="Take away an assignment that repeats a wider one",
    kind=Kind.AUTO,
    plan=plan,
    disruption="None while the wider assignment lives.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    privileged=True,
)
