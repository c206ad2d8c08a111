"""What a role assignment was used for, as our own state knows it, in the shape of a document.

`<assignment>/providers/Portcullis.State/uses/kept` is always there. Its properties are `since`, an
instant: how long uses have been kept of the assignment's subscription (absent: not at all), and
`uses`: objects of `scope` (the resource group, or what is wider), `action` and `last`, an instant.
Only writes, deletes and actions are known; readers, and clients of data planes, look idle.

Source: Microsoft Learn, "Azure Activity Log event schema", `authorization.evidence`.
"""

from typing import Final

from shared.model.resource import ResourceId, ResourceType

STATE: Final = "Portcullis.State"
USES: Final = ResourceType(f"{STATE}/uses", api_version="1")


def uses_of(assignment: ResourceId) -> str:
    """The id under which an assignment's uses are looked up."""
    return f"{assignment}/providers/{USES.name}/kept"


def of_state(resource_id: ResourceId) -> bool:
    """Whether our own state is asked for it, and not Azure."""
    return f"/providers/{STATE.casefold()}/" in resource_id.key
