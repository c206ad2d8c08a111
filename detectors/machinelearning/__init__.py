"""Machine Learning workspaces, hubs and projects."""

from collections.abc import Iterator

from detectors.exposure import Store, by_list, unless_listed
from shared.model import OpenPath, Resource, ResourceType, Undecided

WORKSPACE = ResourceType("Microsoft.MachineLearningServices/workspaces", api_version="2024-10-01")
ALLOWED = "/properties/ipAllowlist"
_DENY = "/properties/networkAcls/defaultAction"

_listed = by_list(ALLOWED)
_unless_listed = unless_listed(_listed, ALLOWED)


def ways(workspace: Resource) -> Iterator[OpenPath]:
    """The ways in: the listed ranges, where there are any or all else is denied."""
    action = workspace.text(_DENY)
    if action not in ("", "allow", "deny"):
        raise Undecided(f"{_DENY} is {action!r}")
    yield from (_listed if action == "deny" else _unless_listed)(workspace)


STORE = Store(type=WORKSPACE, ways=ways)
