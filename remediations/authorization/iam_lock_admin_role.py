"""Make a custom role that administers resource locks, and nothing else."""

import uuid

from detectors.authorization import DEFINITION
from shared.model import (
    Change,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    ResourceId,
    Reversible,
    Undecided,
    Verb,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    """A role that can be assigned in the subscription alone, its id the same at a repetition.

    Names of custom roles are unique in a tenant, so that the subscription's id is in it.

    Raises:
        Undecided: a role of that name is there, and is not what is wanted.
    """
    subscription = finding.resource.id
    name = f"{parameters['role_name']} {subscription.subscription}"
    for one in finding.resource.related("roleDefinitions"):
        if one.text("/properties/roleName") == name.casefold():
            raise Undecided(f"{one.id} is called {name} and does not administer locks alone")
    guid = uuid.uuid5(uuid.NAMESPACE_URL, f"{subscription.key} {name}".casefold())
    made = Change(
        verb=Verb.CREATE,
        target=ResourceId(f"{subscription}/providers/{DEFINITION.name}/{guid}"),
        api_version=DEFINITION.api_version,
        document={
            "properties": {
                "roleName": name,
                "description": "Administers resource locks, and nothing else.",
                "type": "CustomRole",
                "permissions": [{"actions": ["Microsoft.Authorization/locks/*"], "notActions": []}],
                "assignableScopes": [str(subscription)],
            }
        },
    )
    return REMEDIATION.propose(
        finding,
        [made],
        "Nobody holds the role until somebody assigns it.",
    )


REMEDIATION = Remediation(
    control="iam-lock-admin-role",
    title="Make a role that administers resource locks",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="None: nobody holds the new role.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Authorization/roleDefinitions/write",
        "Microsoft.Authorization/roleDefinitions/delete",
    ),
    parameters=(
        Parameter(
            name="role_name",
            description="What the role is called, before the id of the subscription.",
            schema={"type": "string", "minLength": 1, "maxLength": 128},
            for_person="Resource Lock Administrator",
        ),
    ),
)
