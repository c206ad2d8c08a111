"""Microsoft.Authorization and Microsoft.Resources: synchronous, without etags."""

from simulator import authorization
from simulator.regions import check_region
from simulator.types import Long, ResourceType

_NAMESPACE = "Microsoft.Authorization"

ROWS = (
    ResourceType(
        f"{_NAMESPACE}/roleAssignments",
        api_version="2022-04-01",
        patch=None,
        delete_returns_body=True,
        read_only=(
            "properties.scope",
            "properties.createdOn",
            "properties.updatedOn",
            "properties.createdBy",
            "properties.updatedBy",
        ),
        defaults={"properties": {"principalType": "User"}},
        versions={"properties.principalType": ("2018-09-01-preview", "")},
        rules=(authorization.check_assignment,),
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        f"{_NAMESPACE}/roleDefinitions",
        api_version="2022-04-01",
        patch=None,
        delete_returns_body=True,
        rules=(authorization.check_definition,),
        removal=authorization.check_unassigned,
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        f"{_NAMESPACE}/locks",
        api_version="2020-05-01",
        patch=None,
        rules=(authorization.check_lock,),
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        f"{_NAMESPACE}/denyAssignments",
        api_version="2022-04-01",
        patch=None,
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        f"{_NAMESPACE}/policyAssignments",
        api_version="2023-04-01",
        delete_returns_body=True,
        defaults={
            "sku": {"name": "A0", "tier": "Free"},
            "properties": {"enforcementMode": "Default"},
        },
        versions={
            "sku": ("2018-05-01", "2019-09-01"),
            "properties.enforcementMode": ("2019-01-01", ""),
        },
        rules=(authorization.sign_policy_assignment,),
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        "Microsoft.Resources/resourceGroups",
        api_version="2021-04-01",
        gone=404,
        delete=Long(style="location", status=202, seconds=30, retry_after=15, body="none"),
        defaults={"properties": {}},
        rules=(check_region,),
    ),
    ResourceType(
        "Microsoft.Resources/subscriptions",
        api_version="2022-12-01",
        patch=None,
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        "Microsoft.Management/managementGroups",
        api_version="2021-04-01",
        provisioning_state=False,
        located=False,
    ),
)
