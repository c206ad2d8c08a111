"""What stands between a caller and a change: access, locks, policy, subscriptions.

Each check raises the refusal that Azure answers, in the order in which Azure checks.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from simulator.access import Access, facts_of
from simulator.address import GROUP, ROOT, SUBSCRIPTION, Address, ancestors, parse
from simulator.authorization import ASSIGNMENTS
from simulator.call import Call, Grant, Identity, operation_type
from simulator.conditions import NOTHING, Attributes, UnknownCondition, understand
from simulator.documents import Document, dig
from simulator.drafts import parse_body
from simulator.linked import linked
from simulator.policies import PolicyDenial, disallowed
from simulator.roles import CONTRIBUTOR, DEFINITIONS
from simulator.state import Entry, State
from simulator.wire import Refusal, unknown

__all__ = ["DENY_ASSIGNMENTS", "EVERYONE", "LOCKS", "Gates", "PolicyDenial"]

LOCKS = "microsoft.authorization/locks"
DENY_ASSIGNMENTS = "microsoft.authorization/denyassignments"
EVERYONE = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class _Refused:
    object_id: str
    action: str
    scope: str


@dataclass
class Gates:
    """The tenant's access rules; documents (locks, deny assignments) are read from `state`.

    Without `access` everybody may do everything that nothing refuses.
    """

    state: State
    access: Access | None = None
    policies: list[PolicyDenial] = field(default_factory=list)
    unregistered: set[str] = field(default_factory=set)
    refusals: list[_Refused] = field(default_factory=list)

    def refuse(self, identity: Identity, action: str, scope: str) -> None:
        """Deny `identity` every action that matches the glob, at and below `scope`."""
        self.refusals.append(
            _Refused(identity.object_id, action.lower(), scope.rstrip("/").lower())
        )

    def may(
        self,
        identity: Identity,
        action: str,
        address: Address,
        attributes: Attributes = NOTHING,
    ) -> bool:
        """The seam for access control: what is granted and nothing refuses."""
        if self._refuses(identity, action, address):
            return False
        if self.access is None or _open_to_all(action, address):
            return True
        return self.access.grant(identity, action, address, attributes) is not None

    def _refuses(self, identity: Identity, action: str, address: Address) -> bool:
        if not self.refusals:
            return False
        lowered = action.lower()
        scopes = set(self.state.scopes(address))
        return any(
            refused.object_id == identity.object_id
            and fnmatchcase(lowered, refused.action)
            and (refused.scope in scopes or not refused.scope)
            for refused in self.refusals
        )

    def grant(self, call: Call) -> Grant | None:
        """What allows a call; in a tenant without access control, that all are Contributors."""
        if self.access is None:
            return _assumed(call)
        return self.access.grant(call.identity, call.action, call.address, self._attributes(call))

    def permissions(self, identity: Identity, address: Address) -> list[Document]:
        """What somebody may do at a scope, as `Microsoft.Authorization/permissions` lists it."""
        everything: list[Document] = [{"actions": ["*"], "notActions": []}]
        held = everything if self.access is None else self.access.permissions(identity, address)
        scopes = set(self.state.scopes(address))
        refused = [
            one.action
            for one in self.refusals
            if one.object_id == identity.object_id and (one.scope in scopes or not one.scope)
        ]
        return [
            {**block, "notActions": [*block["notActions"], *refused]}
            | {"dataActions": [], "notDataActions": []}
            for block in held
        ]

    @property
    def are_open(self) -> bool:
        """Whether everybody may do everything."""
        return self.access is None and not self.refusals

    def reaches(self, identity: Identity, address: Address) -> bool:
        """Whether somebody may read a subscription, or anything inside it."""
        if self._refuses(identity, f"{SUBSCRIPTION}/read", address):
            return False
        return self.access is None or self.access.reaches(identity, address)

    def require(self, call: Call, action: str) -> None:
        """Check, where access is controlled, an action that the call's path does not tell."""
        if self.access is not None and not self.may(call.identity, action, call.address):
            raise _forbidden(call, action)

    def authorize(self, call: Call) -> None:
        """Check access for the action that this call is."""
        allowed = self.may(call.identity, call.action, call.address, self._attributes(call))
        if not allowed and not self._lists_something(call):
            raise _forbidden(call, call.action)
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

    def check_references(self, call: Call, body: Document) -> None:
        """Check, where access is controlled, what a written document refers to."""
        if self.access is None:
            return
        for action, target in linked(call.address.type_key, body):
            scope = _scope(target)
            if scope is None or not self.may(call.identity, action, scope):
                raise Refusal(
                    403,
                    "LinkedAuthorizationFailed",
                    f"The client '{_client(call.identity)}' with object id "
                    f"'{call.identity.object_id}' has permission to perform action "
                    f"'{call.action}' on scope '{call.address.id}'; however, it does not have "
                    f"permission to perform action '{action}' on the linked scope(s) '{target}' "
                    "or the linked scope(s) are invalid.",
                )
        if call.address.type_key == ASSIGNMENTS:
            _check_granted(self.access, call, body)

    def shows(self, call: Call) -> Callable[[Address], bool]:
        """Which items of the list that a call asks for its caller gets to see."""
        access, identity = self.access, call.identity
        if access is None:
            return lambda _: True
        if call.address.key == ROOT and call.address.rest.lower() == "subscriptions":
            return lambda item: access.reaches(identity, item)
        generic = call.address.rest.lower() == "resources"
        if not generic and self.may(identity, call.action, call.address):
            return lambda _: True
        return lambda item: self.may(identity, f"{operation_type(item)}/read", item)

    def _lists_something(self, call: Call) -> bool:
        """Whether a list has items that the caller may read, though it may not read all of it."""
        address, access = call.address, self.access
        if access is None or call.method != "GET" or not address.rest:
            return False
        if self._refuses(call.identity, call.action, address):
            return False
        if address.key == ROOT:
            return True
        if address.name and address.type not in {SUBSCRIPTION, GROUP}:
            # The list of a resource's children is its provider's, who asks for the right to all.
            return False
        scope = address if address.name else parse(address.scope)
        if address.rest.lower() == "resources":
            return access.reaches(call.identity, scope)
        return access.allows_below(call.identity, call.action, scope)

    def _attributes(self, call: Call) -> Attributes:
        if self.access is None or call.address.type_key != ASSIGNMENTS:
            return NOTHING
        written = parse_body(call) if call.method == "PUT" else None
        return Attributes(facts_of(written), facts_of(self.state.at(call.address)))

    def admit(self, call: Call) -> None:
        """Check what holds for every write: the subscription's state, registration, locks."""
        self._check_subscription(call.address)
        self._check_registration(call.address)
        self._check_locks(call)

    def check_policy(self, call: Call, document: Document) -> None:
        """Refuse what a policy assignment denies, as Azure does before the provider sees it."""
        scopes = set(self.state.scopes(call.address)) if self.policies else set()
        for policy in self.policies:
            applies = (
                policy.scope.rstrip("/").lower() in scopes
                and policy.resource_type.lower() == call.address.type_key
            )
            if applies and policy.denies(document):
                raise disallowed(policy, call)

    def _denial(self, call: Call) -> Entry | None:
        if not self.state.has_any(DENY_ASSIGNMENTS):
            return None
        action = call.action.lower()
        for scope in self.state.scopes(call.address):
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


def _forbidden(call: Call, action: str) -> Refusal:
    return Refusal(
        403,
        "AuthorizationFailed",
        f"The client '{_client(call.identity)}' with object id "
        f"'{call.identity.object_id}' does not have authorization to perform action "
        f"'{action}' over scope '{call.address.id}' or the scope is invalid. If "
        "access was recently granted, please refresh your credentials.",
    )


def _scope(target: str) -> Address | None:
    try:
        return parse(target)
    except ValueError:
        return None


def _open_to_all(action: str, address: Address) -> bool:
    """The roles that every tenant has are no secret to anybody in it."""
    reading = action.lower() == f"{DEFINITIONS}/read".lower()
    return reading and address.scope == ROOT


def _assumed(call: Call) -> Grant:
    return Grant(
        role="Contributor",
        scope=f"/subscriptions/{call.address.subscription}",
        assignment_id=uuid.uuid5(uuid.NAMESPACE_OID, call.identity.object_id).hex,
        definition_id=CONTRIBUTOR,
        principal_id=call.identity.object_id,
        principal_type=call.identity.kind,
    )


def _check_granted(access: Access, call: Call, body: Document) -> None:
    """An assignment needs a role that may be assigned there, and a condition that says something.

    The provider's other rules come later, and say what is missing altogether.
    """
    role = str(dig(body, "properties.roleDefinitionId") or "")
    if role and not access.assignable(role, parse(call.address.scope)):
        raise Refusal(
            404,
            "RoleDefinitionDoesNotExist",
            f"The specified role definition with ID '{role.rsplit('/', 1)[-1]}' does not exist.",
        )
    condition = str(dig(body, "properties.condition") or "")
    version = dig(body, "properties.conditionVersion", "2.0")
    try:
        if condition:
            understand(condition)
    except UnknownCondition as error:
        raise unknown(f"the condition {condition!r}: {error}") from error
    if condition and version != "2.0":
        raise unknown(f"the condition version {version!r}")
