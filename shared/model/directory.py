"""Principals, as lookups name them: Microsoft Graph's objects under ids of ARM's shape.

`/providers/Microsoft.Graph/directoryObjects/<guid>` is a user, group or service principal; its
document is `{"id", "type", "name", "properties"}`, where properties are Microsoft Graph's own
(`@odata.type`, `accountEnabled`, `userType`, `displayName`, ...). One that the directory does not
hold is not found. `/providers/Microsoft.Graph/groups/<guid>/transitiveMembers` lists a group's
members, members of its groups included, each a document of the same shape.

Source: Microsoft Graph v1.0, "Get directoryObject", "List group transitive members".
"""

from typing import Final

from shared.model.resource import ResourceId, ResourceType

DIRECTORY: Final = "Microsoft.Graph"
DIRECTORY_OBJECT: Final = ResourceType(f"{DIRECTORY}/directoryObjects", api_version="v1.0")
GROUP_MEMBERS: Final = ResourceType(f"{DIRECTORY}/groups/transitiveMembers", api_version="v1.0")


def directory_object(principal: str) -> str:
    """The id of the principal with this object id (a GUID)."""
    return f"/providers/{DIRECTORY_OBJECT.name}/{principal.casefold()}"


def group_members(group: str) -> str:
    """The collection of a group's members, transitive ones included."""
    return f"/providers/{DIRECTORY}/groups/{group.casefold()}/transitiveMembers"


def of_directory(resource_id: ResourceId) -> bool:
    """Whether Microsoft Graph is asked for it, and not ARM."""
    return resource_id.key.startswith(f"/providers/{DIRECTORY.casefold()}/")
