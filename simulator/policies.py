"""Azure Policy with the effect deny, and how ARM words its refusals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.call import Call
from simulator.documents import dig
from simulator.wire import Refusal


@dataclass(frozen=True)
class PolicyDenial:
    """An Azure Policy assignment with effect deny.

    Applies at and below `scope` (a management group, subscription, group or resource) to
    `resource_type`, for documents whose dotted `path` has one of `values`, or for which `when`
    is true. Only what a write would leave behind is judged, so an existing document may violate.
    """

    scope: str
    resource_type: str
    path: str = ""
    values: tuple[Any, ...] = ()
    when: Callable[[Mapping[str, Any]], bool] | None = None
    name: str = "Deny"
    assignment_id: str = ""

    def denies(self, document: Mapping[str, Any]) -> bool:
        if self.when is not None:
            return self.when(document)
        return dig(document, self.path) in self.values


def disallowed(policy: PolicyDenial, call: Call) -> Refusal:
    """The refusal of a write whose result the policy denies."""
    name = policy.assignment_id.rsplit("/", 1)[-1] or policy.name
    definition = f"/providers/Microsoft.Authorization/policyDefinitions/{name}"
    identifiers = (
        f'[{{"policyAssignment":{{"name":"{policy.name}","id":"{policy.assignment_id}"}},'
        f'"policyDefinition":{{"name":"{policy.name}","id":"{definition}"}}}}]'
    )
    info = {
        "evaluationDetails": {
            "evaluatedExpressions": [
                {
                    "result": "True",
                    "expressionKind": "Field",
                    "expression": "type",
                    "path": "type",
                    "expressionValue": call.address.type,
                    "targetValue": policy.resource_type,
                    "operator": "Equals",
                }
            ]
        },
        "policyDefinitionId": definition,
        "policyDefinitionName": name,
        "policyDefinitionDisplayName": policy.name,
        "policyDefinitionEffect": "deny",
        "policyAssignmentId": policy.assignment_id,
        "policyAssignmentName": name,
        "policyAssignmentDisplayName": policy.name,
        "policyAssignmentScope": policy.scope,
        "policyAssignmentParameters": {},
    }
    return Refusal(
        403,
        "RequestDisallowedByPolicy",
        f"Resource '{call.address.name}' was disallowed by policy. Policy identifiers: "
        f"'{identifiers}'.",
        extra={
            "target": call.address.name,
            "additionalInfo": [{"type": "PolicyViolation", "info": info}],
        },
    )
