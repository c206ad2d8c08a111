"""Turn an Elastic SAN's public endpoint off; the rules of its volume groups stay as they are."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off, switched_off
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    groups = [group.id.name for group in finding.resource.related("volumeGroups")]
    off = switched_off(finding)
    return endpoint_off(REMEDIATION, finding, parameters, groups, off)


REMEDIATION = Remediation(
    control="elasticsan-public-network-access",
    title="Turn the public endpoint of an Elastic SAN off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Initiators that come by a service endpoint lose their volumes.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.ElasticSan/elasticSans/write",
        "Microsoft.ElasticSan/locations/asyncoperations/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
