"""Let only known clients mount the volume. Rules keep everything but their clients."""

from shared.model import (
    WIDE,
    Addresses,
    Edit,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
    parse_pointer,
)

RULES = "/properties/exportPolicy/rules"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    volume = finding.resource
    allowed = ",".join(parameters["allowed_clients"])
    if Addresses.union(map(Addresses.parse, parameters["allowed_clients"])).size > WIDE:
        raise Undecided("allowed_clients is too wide to be a list of known clients")
    open_rules = {parse_pointer(one.path)[3] for one in finding.evidence}
    rules = [
        {**rule, "allowedClients": allowed} if i in open_rules else dict(rule)
        for i, rule in enumerate(volume.items(RULES))
    ]
    return REMEDIATION.propose(finding, [finding.patch(Edit.of(volume.body, RULES, rules))])


REMEDIATION = Remediation(
    control="netapp-export-policy-any",
    title="Export to known clients alone",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="NFS clients that are not listed lose the volume, with what they have open.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.NetApp/netAppAccounts/capacityPools/volumes/write",
        "Microsoft.NetApp/locations/operationresults/read",
    ),
    parameters=(
        Parameter(
            name="allowed_clients",
            description="Who may mount the volume: addresses and blocks of addresses.",
            schema={
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "pattern": r"^[0-9][0-9./]*$"},
            },
        ),
    ),
)
