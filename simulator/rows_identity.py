"""Who may do what, and who vouches for whom: PIM, Lighthouse, federated credentials, classic roles.

PIM's schedules and Defender's assessments are only read, and need no rows.
"""

from simulator.documents import clone, dig, put
from simulator.types import ResourceType
from simulator.wire import Refusal
from simulator.writes import Write

_AUTHORIZATION = "Microsoft.Authorization"
_FLAGS = ("blockSubscriptionsLeavingTenant", "blockSubscriptionsIntoTenant")
_TENANT_WIDE = (*_FLAGS, "exemptedPrincipals", "tenantChangeAllowedTenants")
_MOST_CREDENTIALS = 20


def _merge_rules(write: Write) -> None:
    """PIM's settings exist with their role; a PATCH replaces the rules it names, whole.

    What holds in the end is computed from them: nothing is enforced from above here.
    """
    if write.method != "PATCH":
        raise Refusal(
            405,
            "MethodNotAllowed",
            f"The requested resource does not support http method '{write.method}'.",
        )
    sent = {rule.get("id"): rule for rule in dig(write.body, "properties.rules") or []}
    held = dig(write.before, "properties.rules") or []
    merged = [sent.pop(rule.get("id"), rule) for rule in held]
    if sent:
        name = next(iter(sent))
        raise Refusal(400, "InvalidPolicyRule", f"The policy rule '{name}' is invalid.")
    put(write.after, "properties.rules", clone(merged))
    put(write.after, "properties.effectiveRules", clone(merged))


def _take_flat(write: Write) -> None:
    """The tenant's policy is sent flat, and shown among the properties."""
    strangers = [name for name in write.body if name not in _TENANT_WIDE]
    if strangers:
        raise Refusal(400, "InvalidRequestContent", f"Could not find member '{strangers[0]}'.")
    held = {"policyId": dig(write.before, "properties.policyId") or write.state.guid()}
    for name in _TENANT_WIDE:
        sent = write.after.pop(name, None)
        held[name] = sent if sent is not None else (False if name in _FLAGS else [])
    write.after["properties"] = held


def _check_credential(write: Write) -> None:
    """A credential is whole, and no other of the identity has its issuer and subject."""
    for name in ("issuer", "subject", "audiences"):
        if not dig(write.after, f"properties.{name}"):
            raise Refusal(400, "BadRequest", f"The federated identity credential lacks {name}.")
    siblings = write.state.attached(write.address.parent.lower(), write.address.type_key)
    others = [e.document for e in siblings.entries.values() if e.address.key != write.address.key]
    if write.creates and len(others) >= _MOST_CREDENTIALS:
        raise Refusal(400, "BadRequest", "Too many Federated Identity Credentials are configured.")
    mine = _vouched(write.after)
    if any(_vouched(other) == mine for other in others):
        raise Refusal(
            409, "Conflict", "Issuer and subject combination already exists for this identity."
        )


def _vouched(document: dict[str, object]) -> tuple[object, object]:
    return dig(document, "properties.issuer"), dig(document, "properties.subject")


def _check_delegation(write: Write) -> None:
    named = str(dig(write.after, "properties.registrationDefinitionId") or "")
    if not write.state.exists(named.lower()):
        raise Refusal(
            400, "RegistrationDefinitionNotFound", f"The definition '{named}' was not found."
        )


ROWS = (
    ResourceType(
        f"{_AUTHORIZATION}/roleManagementPolicies",
        api_version="2020-10-01",
        rules=(_merge_rules,),
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        f"{_AUTHORIZATION}/classicAdministrators",
        api_version="2015-07-01",
        patch=None,
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        "Microsoft.Subscription/policies",
        api_version="2021-10-01",
        patch=None,
        created_status=200,
        rules=(_take_flat,),
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        "Microsoft.ManagedServices/registrationDefinitions",
        api_version="2022-10-01",
        patch=None,
        located=False,
    ),
    ResourceType(
        "Microsoft.ManagedServices/registrationAssignments",
        api_version="2022-10-01",
        patch=None,
        rules=(_check_delegation,),
        located=False,
    ),
    ResourceType(
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        api_version="2023-01-31",
        patch=None,
        rules=(_check_credential,),
        provisioning_state=False,
        located=False,
    ),
)
