"""What a policy of Azure deploys into a subscription that lacks it, and what that takes.

Made of the parts that `portcullis onboard` makes: both ways make the same, by the same ids.

Sources: Microsoft Learn, "Azure Policy definitions deployIfNotExists effect" (functions inside of a
deployment are the template's own). Bicep doubles the bracket of each expression in what it loads,
and Azure takes it away again, of all but `copy`: there is none here
(https://github.com/Azure/bicep/issues/7241).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from infra.templates import GROUPS, HOME, PRINCIPAL, TOPICS, Words, template
from shared.model import Resource, ResourceId
from shared.names import guid
from shared.onboarding import Deployment, Part, Place, parts
from shared.onboarding.parts import CANARY, ROLES

TOLD: Final = (
    "environmentName",
    "gatePrincipalId",
    "location",
    "securityContact",
    "stateId",
    "workspaceId",
)
"""The parameters of each template; Azure takes none that a template does not declare."""
DEPLOYS: Final = ("Microsoft.Resources/deployments/*",)
"""What a deployment takes beside the writes that it makes (Microsoft Learn, "Deploy resources with
ARM templates and Azure CLI"); who deploys also clears the history of a group that is full.
"""
GRANTS: Final = ("Microsoft.Authorization/roleAssignments/write",)
LOGS: Final = ("Microsoft.OperationalInsights/workspaces/sharedKeys/action",)
"""What Azure asks of a workspace that a diagnostic setting names; the key is not used."""
_BESIDE: Final[Mapping[str, Sequence[str]]] = {
    TOPICS: (
        # Its object id is read.
        f"{TOPICS}/read",
        # At what the events are of: Microsoft Learn, "Authorizing access to Event Grid resources".
        "Microsoft.EventGrid/eventSubscriptions/write",
    )
}
"""What the write of a type takes beside itself."""
_ALWAYS: Final = {"Microsoft.Authorization", "Microsoft.Resources"}
"""Providers that need no registration; the others are registered by the deployment."""
_STATE: Final = (
    f"/subscriptions/{HOME}/resourceGroups/{{beside}}/providers/Microsoft.Storage"
    "/storageAccounts/{account}"
)
_VALUES: Final = {
    _STATE: "parameters('stateId')",
    HOME: "split(parameters('stateId'), '/')[2]",
    "{beside}": "split(parameters('stateId'), '/')[4]",
    "/{workspace}": "parameters('workspaceId')",
    "{contact}": "parameters('securityContact')",
    "{environment}": "parameters('environmentName')",
    "{gate}": "parameters('gatePrincipalId')",
    "{location}": "parameters('location')",
}
_OF_REQUEST: Final = "@Request[Microsoft.Authorization/roleAssignments:{}]"
_ROLE: Final = _OF_REQUEST.format("RoleDefinitionId") + " ForAnyOfAnyValues:GuidEquals {<role>}"
_TYPE: Final = (
    _OF_REQUEST.format("PrincipalType")
    + " ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'}"
)
_WHO: Final = _OF_REQUEST.format("PrincipalId") + " ForAnyOfAnyValues:GuidEquals {<principal>}"


def onboarding(app: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What `onboarding.bicep` loads: of each thing that can lack the template and its actions.

    `last` names the events of the event subscription that is made when all else is there.
    `conditions` say what may be assigned; `<role>` and `<principal>` are filled in there.
    """
    found = list(_parts(_deployment(app, events)))
    words = _words(found)

    def policy(name: str, of: _Chosen) -> dict[str, Any]:
        chosen = [part for part in found if of(part)]
        return {"actions": _actions(chosen), "template": template(name, chosen, TOLD, words)}

    return {
        "events": policy("events", _of_events),
        "activityLog": policy("activity-log", _is("diagnosticSettings")),
        "contact": policy("contact", _is("securityContacts")),
        "canary": policy("canary", _of_canary),
        "last": events[-1]["name"],
        "deploys": list(DEPLOYS),
        "grants": list(GRANTS),
        "logs": list(LOGS),
        "conditions": {"delivery": _only(_ROLE, _TYPE), "canary": _only(_ROLE, _TYPE, _WHO)},
    }


def _only(*what: str) -> str:
    """Lets roles be assigned like this alone; all else is free."""
    return f"((!(ActionMatches{{'{GRANTS[0]}'}})) OR ({' AND '.join(what)}))"


def _deployment(app: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Deployment:
    return Deployment(
        name="{environment}",
        location="{location}",
        gate="{gate}",
        hand="",
        state=ResourceId(_STATE),
        workspace=ResourceId("{workspace}"),
        queue=app["hints"],
        container=app["deadLetters"],
        roles={},
        events=events,
        contact="{contact}",
        canary=True,
        grants=False,
    )


def _parts(of: Deployment) -> Iterator[Part]:
    place = Place(subscription="{subscription}")
    for part in parts(of, place):
        if part.target.type == TOPICS:
            identity = {"type": "SystemAssigned", "principalId": PRINCIPAL}
            place.topic = Resource(id=part.target, body={"identity": identity})
        yield part


def _words(found: Sequence[Part]) -> Words:
    """Names that are hashes are known by what they are hashes of."""
    plain = Words(_VALUES)
    hashes: list[tuple[str, ...]] = [("{gate}", "{environment}", "canary")]
    for part in found:
        scope = part.target.scope.text
        hashes += [(scope, PRINCIPAL, role) for role in ROLES] + [(scope, "{gate}")]
    written = {guid(*of): ", ".join(map(plain.expression, of)) for of in hashes}
    return Words({**_VALUES, **{one: f"guid({of})" for one, of in written.items()}})


# --- which part is of which policy

_Chosen = Callable[[Part], bool]


def _is(kind: str) -> _Chosen:
    return lambda part: part.target.type.endswith(f"/{kind}")


def _of_canary(part: Part) -> bool:
    return part.target.type == GROUPS or f"/{CANARY}/" in part.target.text


def _of_events(part: Part) -> bool:
    of_another = (_of_canary, _is("diagnosticSettings"), _is("securityContacts"))
    return part.target.type == GROUPS or not any(one(part) for one in of_another)


# --- what that takes


def _actions(of: Sequence[Part]) -> list[str]:
    """What is needed in a subscription to make these parts."""
    here = [part.target.type for part in of if not part.target.within(ResourceId(_STATE))]
    spaces = {one.partition("/")[0] for one in here} - _ALWAYS
    return sorted(
        {f"{_operation(one)}/write" for one in here}
        | {beside for one in here for beside in _BESIDE.get(one, ())}
        | {f"{space}/register/action" for space in spaces}
    )


def _operation(kind: str) -> str:
    """A type as operations are named by it."""
    return "Microsoft.Resources/subscriptions/resourceGroups" if kind == GROUPS else kind
