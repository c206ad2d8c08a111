"""Eligibility in Privileged Identity Management: a person's request, which the plan words."""

import json
import uuid
from typing import Final

from shared.model import Resource

_REQUESTS: Final = "Microsoft.Authorization/roleEligibilityScheduleRequests"


def command(assignment: Resource) -> str:
    """What makes the holder eligible for the role, there, for half a year."""
    name = uuid.uuid5(uuid.NAMESPACE_URL, assignment.id.key)
    body = {
        "properties": {
            "principalId": assignment.get("/properties/principalId"),
            "roleDefinitionId": assignment.get("/properties/roleDefinitionId"),
            "requestType": "AdminAssign",
            "justification": "eligible in place of a permanent grant",
            "scheduleInfo": {"expiration": {"type": "AfterDuration", "duration": "P180D"}},
        }
    }
    url = f"{assignment.id.scope}/providers/{_REQUESTS}/{name}?api-version=2020-10-01"
    return f"az rest --method put --url '{url}' --body '{json.dumps(body)}'"
