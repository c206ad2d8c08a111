"""Deployments and deployment stacks: what was put out is loaded, templates are not run.

Shapes: the REST specification of Microsoft.Resources, deployments 2021-04-01 (`timestamp`,
`provisioningState`, `outputResources[].id` once it has succeeded) and deploymentStacks 2024-03-01
(`resources[].id` and `status`, absent before a stack first deploys).
"""

from simulator.types import ResourceType
from simulator.wire import unknown
from simulator.writes import Write

DEPLOYMENTS = "Microsoft.Resources/deployments"
STACKS = "Microsoft.Resources/deploymentStacks"


def refuse(write: Write) -> None:
    raise unknown(f"what a template puts out: load the {write.address.type} as they ended")


ROWS = tuple(
    ResourceType(
        name,
        api_version=version,
        patch=None,
        rules=(refuse,),
        removal=refuse,
        located=False,
        missing=missing,
    )
    for name, version, missing in (
        (DEPLOYMENTS, "2021-04-01", "DeploymentNotFound"),
        (STACKS, "2024-03-01", "DeploymentStackNotFound"),
    )
)
