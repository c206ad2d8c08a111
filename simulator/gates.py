"""What stands between a caller and a change: access, locks, policy, subscriptions.

Each check raises the refusal that Azure answers, in the order in which Azure checks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from simulator.address import Address, ancestors, parse
from simulator.call import Call, Identity
from simulator.documents import Document, dig
from simulator.state import Entry, State
from simulator.wire import Refusal

LOCKS = "microsoft.authorization/locks"
DENY_ASSIGNMENTS = "microsoft.authorization/denyassignments"
EVERYONE = "00000000-0000-0000-0000-000000000000"


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


@dataclass(frozen=True)
class _Refused:
    object_id: str
    action: str
    scope: str


@dataclass
class Gates:
    """The tenant's access rules; documents (locks, deny assignments) are read from `state`."""

    state: State
    policies: list[PolicyDenial] = field(default_factory=list)
    unregistered: set[str] = field(default_factory=set)
    refusals: list[_Refused] = field(default_factory=list)

    def refuse(self, identity: Identity, action: str, scope: str) -> None:
        """Deny `identity` every action that matches the glob, at and below `scope`."""
        self.refusals.append(
            _Refused(identity.object_id, action.lower(), scope.rstrip("/").lower())
        )

    def may(self, identity: Identity, action: str, address: Address) -> bool:
        """The seam for access control: everything is allowed that nothing refuses."""
        if not self.refusals:
            return True
        lowered = action.lower()
        scopes = set(self._scopes(address))
        return not any(
            refused.object_id == identity.object_id
            and fnmatchcase(lowered, refused.action)
            and (refused.scope in scopes or not refused.scope)
            for refused in self.refusals
        )

    def authorize(self, call: Call) -> None:
        """Check access for the action that this call is."""
        if not self.may(call.identity, call.action, call.address):
            raise Refusal(
                403,
                "AuthorizationFailed",
                f"The client '{_client(call.identity)}' with object id "
                f"'{call.identity.object_id}' does not have authorization to perform action "
                f"'{call.action}' over scope '{call.address.id}' or the scope is invalid. If "
                "access was recently granted, please refresh your credentials.",
            )
        denial = self._denial(call)
        if denial is not None:
            raise Refusal(
                403,
                "DenyAssignmentAuthorizationFailed",
                f"The client '{_client(call.identity)}' with object id "
                f"'{call.identity.object_id}' has permission to perform action '{call.action}' on "
                f"scope '{call.address.id}'; however, the access is denied because of the deny "
                f"assignment with name '{dig(denial.document, 'properties.denyAssignmentName')}' "
                f"and Id '{denial.address.name}' at scope '{denial.address.scope}'.",
            )

    def admit(self, call: Call) -> None:
        """Check what holds for every write: the subscription's state, registration, locks."""
        self._check_subscription(call.address)
        self._check_registration(call.address)
        self._check_locks(call)

    def check_policy(self, call: Call, document: Document) -> None:
        """Refuse what a policy assignment denies, as Azure does before the provider sees it."""
        scopes = set(self._scopes(call.address)) if self.policies else set()
        for policy in self.policies:
            applies = (
                policy.scope.rstrip("/").lower() in scopes
                and policy.resource_type.lower() == call.address.type_key
            )
            if applies and policy.denies(document):
                raise _disallowed(policy, call)

    def _scopes(self, address: Address) -> list[str]:
        keys = ancestors(address)
        if address.subscription:
            keys += self.state.scopes_above(address.subscription)
        return keys

    def _denial(self, call: Call) -> Entry | None:
        if not self.state.has_any(DENY_ASSIGNMENTS):
            return None
        action = call.action.lower()
        for scope in self._scopes(call.address):
            for entry in self.state.attached(scope, DENY_ASSIGNMENTS).entries.values():
                if _denies(entry, call, action):
                    return entry
        return None

    def _check_subscription(self, address: Address) -> None:
        document = self.state.find(f"/subscriptions/{address.subscription}".lower()) or {}
        if document.get("state") == "Disabled":
            raise Refusal(
                409,
                "ReadOnlyDisabledSubscription",
                f"The subscription '{address.subscription}' is disabled and therefore marked as "
                "read only. You cannot perform any write actions on this subscription until it "
                "is re-enabled.",
            )

    def _check_registration(self, address: Address) -> None:
        namespace = address.namespace
        if namespace.lower() in {name.lower() for name in self.unregistered}:
            message = (
                f"The subscription is not registered to use namespace '{namespace}'. See "
                "https://aka.ms/rps-not-found for how to register subscriptions."
            )
            code = "MissingSubscriptionRegistration"
            details = [{"code": code, "target": namespace, "message": message}]
            raise Refusal(409, code, message, extra={"details": details})

    def _check_locks(self, call: Call) -> None:
        # Locks do not protect themselves, or nobody could ever remove one.
        if call.address.type_key == LOCKS:
            return
        deleting = call.method == "DELETE"
        locking = [
            scope
            for scope in ancestors(call.address)
            for entry in self.state.attached(scope, LOCKS).entries.values()
            if _locks(entry, deleting=deleting)
        ]
        if deleting:
            locking += self._locked_below(call.address)
        if locking:
            listed = ",".join(self._spelled(scope) for scope in locking)
            operation = "delete" if deleting else "write"
            raise Refusal(
                409,
                "ScopeLocked",
                f"The scope '{call.address.id}' cannot perform {operation} operation because "
                f"following scope(s) are locked: '{listed}'. Please remove the lock and try "
                "again.",
            )

    def _locked_below(self, address: Address) -> list[str]:
        """Scopes inside `address` that a lock keeps from being deleted along with it."""
        index = self.state.of_type(address.subscription, LOCKS)
        prefix = address.key + "/"
        return [
            entry.address.scope.lower()
            for entry in index.entries.values()
            if entry.address.scope.lower().startswith(prefix)
        ]

    def _spelled(self, key: str) -> str:
        entry = self.state.entries.get(key)
        return entry.address.id if entry else parse(key).id


def _locks(entry: Entry, *, deleting: bool) -> bool:
    level = str(dig(entry.document, "properties.level", "")).lower()
    return level == "readonly" or (deleting and level == "cannotdelete")


def _denies(entry: Entry, call: Call, action: str) -> bool:
    properties = entry.document.get("properties") or {}
    if properties.get("doNotApplyToChildScopes") and not _at(entry.address.scope, call.address):
        return False
    denied = {str(one.get("id")).lower() for one in properties.get("principals") or []}
    spared = {str(one.get("id")).lower() for one in properties.get("excludePrincipals") or []}
    caller = call.identity.object_id.lower()
    if caller in spared or not denied & {caller, EVERYONE}:
        return False
    return any(
        _any_matches(action, permission.get("actions"))
        and not _any_matches(action, permission.get("notActions"))
        for permission in properties.get("permissions") or []
    )


def _at(scope: str, address: Address) -> bool:
    """Whether something is at a scope itself: the scope, or its locks, assignments and the like."""
    attached = address.namespace.lower() == "microsoft.authorization"
    return scope.lower() in {address.key, address.scope.lower() if attached else address.key}


def _any_matches(action: str, patterns: list[str] | None) -> bool:
    return any(fnmatchcase(action, pattern.lower()) for pattern in patterns or [])


def _client(identity: Identity) -> str:
    return identity.upn or identity.app_id or identity.object_id


def _disallowed(policy: PolicyDenial, call: Call) -> Refusal:
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
