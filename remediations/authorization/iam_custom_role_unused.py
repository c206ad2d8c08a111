"""Delete a custom role that nobody holds."""

from shared.model import Change, Finding, Kind, Parameters, Plan, Remediation, Reversible, Verb


def plan(finding: Finding, _: Parameters) -> Plan:
    definition = finding.resource
    gone = Change(
        verb=Verb.DELETE,
        target=definition.id,
        api_version=finding.type.api_version,
        document={"properties": _written(definition.body["properties"])},
    )
    return REMEDIATION.propose(
        finding,
        [gone],
        "Undo makes the role anew, under the same id: who made it and when is lost.",
        "Azure refuses to delete a role that anybody holds, wherever that is.",
    )


def _written(properties: dict[str, object]) -> dict[str, object]:
    """What a PUT of a definition takes."""
    names = ("roleName", "description", "type", "permissions", "assignableScopes")
    return {name: properties[name] for name in names if properties.get(name) is not None}


REMEDIATION = Remediation(
    control="iam-custom-role-unused",
    title="Delete a custom role that nobody holds",
    kind=Kind.AUTO,
    plan=plan,
    disruption="None: nobody holds the role. Templates that name it will fail.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Authorization/roleDefinitions/delete",
        "Microsoft.Authorization/roleDefinitions/write",
    ),
)
