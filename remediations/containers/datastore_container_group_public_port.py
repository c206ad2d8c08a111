"""Stop the container group: its address and ports are fixed when it is made."""

from shared.model import (
    Change,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
    Verb,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    if not parameters["stop"]:
        raise Undecided("nobody said to stop the group")
    change = Change(
        verb=Verb.POST,
        target=finding.resource.id,
        api_version=finding.type.api_version,
        action="stop",
    )
    return REMEDIATION.propose(
        finding,
        [change],
        "Every container of the group stops; a person starts it again.",
        "What the containers keep outside of mounted volumes is lost, and so may the address be.",
        "To stay: make the group anew inside a virtual network.",
    )


REMEDIATION = Remediation(
    control="datastore-container-group-public-port",
    title="Stop the container group",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="The database, and everything else in the group, stops.",
    reversible=Reversible.NO,
    permissions=("Microsoft.ContainerInstance/containerGroups/stop/action",),
    parameters=(
        Parameter(
            name="stop",
            description="Whether the group is to be stopped.",
            schema={"type": "boolean"},
            for_person=True,
        ),
    ),
)
