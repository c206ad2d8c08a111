"""Give cluster nodes no public IPs. The whole workspace is written back as it was read."""

from shared.model import (
    Edit,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
)

VALUE = "/properties/parameters/enableNoPublicIp/value"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    if not parameters["hide"]:
        raise Undecided("nobody said to take the public addresses away")
    edit = Edit.of(finding.resource.body, VALUE, after=True)
    return REMEDIATION.propose(
        finding,
        [finding.put(edit)],
        "Every cluster, pool and SQL warehouse must be stopped before, or the update fails.",
        "Nodes need another way out: without one in their network, jobs fail.",
        "It is not meant to be turned back.",
    )


REMEDIATION = Remediation(
    control="databricks-no-public-ip",
    title="Enable secure cluster connectivity",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Running clusters have to be stopped; jobs fail until they run again.",
    reversible=Reversible.NO,
    permissions=(
        "Microsoft.Databricks/workspaces/write",
        "Microsoft.Databricks/locations/operationstatuses/read",
    ),
    parameters=(
        Parameter(
            name="hide",
            description="Whether nodes are to have no public addresses.",
            schema={"type": "boolean"},
            for_person=True,
        ),
    ),
)
