"""The policy at a management group makes what onboarding makes, with the rights that it has."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared import names
from shared.model import Resource
from shared.onboarding import Deployment, Fate, Place, parts
from simulator.address import parse
from simulator.call import Identity
from simulator.clock import VirtualClock
from simulator.roles import OWNER, assignment
from simulator.tenant import Request, WriteRefused
from tests.infra.arm import Deploying
from tests.infra.conftest import generated
from tests.infra.deploying import Deployed
from tests.infra.test_bicep import CLASSES, INFRA
from tests.onboarding.conftest import (
    GATE,
    HAND,
    HOME,
    NEW,
    OUR_GROUP,
    OWEN,
    STATE,
    WORKSPACE,
    Estate,
    deployment,
    heard,
)

CORP = "/providers/Microsoft.Management/managementGroups/corp"
WHO = Identity(
    name="policy",
    object_id="aaaaaaaa-0000-4000-8000-000000000021",
    app_id="aaaaaaaa-0000-4000-8000-000000000022",
    kind="ServicePrincipal",
)
GIVEN = {
    "environmentName": "prod",
    "location": "westeurope",
    "gatePrincipalId": GATE,
    "stateId": STATE,
    "workspaceId": WORKSPACE,
    "securityContact": "soc@contoso.example",
    "canary": True,
}
QUEUE = f"{STATE}/queueServices/default/queues/hints"
CONTAINER = f"{STATE}/blobServices/default/containers/deadletters"
HERE = f"/subscriptions/{NEW}"
GROUP = f"{HERE}/resourceGroups/rg-portcullis-prod"
TOPIC = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/portcullis-prod"
PRINCIPAL = "dddddddd-0000-4000-8000-000000000001"
ALL = ("events", "activity-log", "contact", "canary")


def whole(**more: Any) -> Deployment:
    """What `portcullis onboard` would be told of the same deployment."""
    told = {"contact": "soc@contoso.example", "canary": True, "grants": False}
    return deployment(**{**told, **more})


def template(name: str = "onboarding", **more: Any) -> Deployed:
    given = {**GIVEN, **more}
    return Deployed(INFRA / f"{name}.bicep", CLASSES, given=given, management_group="corp")


def details(file: Deployed) -> dict[str, dict[str, Any]]:
    """What each policy looks for, and what it deploys, by its name."""
    made = dict(file.documents("definitions"))
    return {
        at.rpartition("/portcullis-prod-")[2]: body["properties"]["policyRule"]["then"]["details"]
        for at, body in made.items()
    }


# --- what is deployed


@dataclass
class Noted:
    """Notes what a deployment writes; a topic has its identity at once."""

    made: dict[str, Any] = field(default_factory=dict)

    def deploys(self, deployment: str, namespaces: set[str]) -> None:
        pass

    def put(self, resource_id: str, body: dict[str, Any]) -> None:
        assert resource_id not in self.made
        self.made[resource_id] = body

    def get(self, resource_id: str) -> dict[str, Any]:
        return {"identity": {**self.made[resource_id]["identity"], "principalId": PRINCIPAL}}


def deploy(azure: Any, about: dict[str, Any], subscription: str, name: str = "Policy_1") -> None:
    """As the policy does it: a deployment to the subscription, with the values that it passes."""
    assert about["deploymentScope"] == "subscription"
    given = about["deployment"]["properties"]
    values = {name: one["value"] for name, one in given["parameters"].items()}
    Deploying(azure, name, given["template"], values, subscription).run()


@pytest.mark.parametrize("subscription", [HOME, NEW])
def test_policy_and_onboarding_make_the_same(subscription: str) -> None:
    """The same ids with the same documents, none less and none more."""
    made: dict[str, Any] = {}
    for about in details(template()).values():
        noted = Noted()
        deploy(noted, about, subscription)
        assert all(made.get(at, body) == body for at, body in noted.made.items())
        made |= noted.made
    assert made == of_onboarding(subscription)


def of_onboarding(subscription: str) -> dict[str, Any]:
    of, place, made = whole(), Place(subscription=subscription), {}
    for part in parts(of, place):
        made[part.target.text] = dict(part.body)
        if part.target.name == of.topic and part.target.type.endswith("/systemTopics"):
            identity = {"type": "SystemAssigned", "principalId": PRINCIPAL}
            place.topic = Resource(id=part.target, body={"identity": identity})
    return made


def test_two_deployments_at_once_do_not_meet() -> None:
    """In the group of the queue each has a name of its own, by subscription and by its parent."""
    about = details(template())["events"]
    seen: list[str] = []

    class Named(Noted):
        def deploys(self, deployment: str, namespaces: set[str]) -> None:
            seen.append(deployment)

    for subscription, name in ((HOME, "Policy_1"), (NEW, "Policy_1"), (NEW, "Policy_2")):
        deploy(Named(), about, subscription, name)
    beside = [one for one in seen if one.startswith(f"{OUR_GROUP}/")]
    assert len({one for one in beside if "portcullis-events-2" in one}) == 3
    assert all(len(one.rpartition("/")[2]) <= 64 for one in seen)


# --- the policy itself


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({}, ALL),
        ({"canary": False}, ("events", "activity-log", "contact")),
        ({"securityContact": "", "canary": False}, ("events", "activity-log")),
    ],
)
def test_what_nobody_wants_is_no_policy_and_no_right(
    more: dict[str, Any], names: tuple[str, ...]
) -> None:
    file = template(**more)
    assert tuple(details(file)) == names
    ((_, initiative),) = file.documents("initiative")
    members = initiative["properties"]["policyDefinitions"]
    assert [one["policyDefinitionReferenceId"] for one in members] == list(names)
    assert [one["policyDefinitionId"] for one in members] == [
        at for at, _ in file.documents("definitions")
    ]
    actions = " ".join(roles(file)["writes"])
    assert ("securityContacts" in actions) is ("contact" in names)
    assert ("roleAssignments" in actions) is ("canary" in names)


def test_it_is_assigned_by_the_name_that_the_code_knows() -> None:
    ((at, assigned),) = template().documents("assigned")
    ((initiative, _),) = template().documents("initiative")
    assert (
        at == f"{CORP}/providers/Microsoft.Authorization/policyAssignments/{names.policy('prod')}"
    )
    assert assigned["properties"]["policyDefinitionId"] == initiative
    assert assigned["identity"] == {"type": "SystemAssigned"}
    assert all(len(names.policy(one)) <= 24 for one in ("prod", "a" * 32))


def test_a_definition_names_only_the_role_that_it_has_at_the_group() -> None:
    """Whoever saves the assignment in the portal gives what is named, at the group."""
    (role, *_) = [at for at, _ in template().documents("roleDefinitions")]
    for about in details(template()).values():
        (named,) = about["roleDefinitionIds"]
        assert named == f"/providers/Microsoft.Authorization/roleDefinitions/{role[-36:]}"


# --- rights


def roles(file: Deployed) -> dict[str, list[str]]:
    """The actions of each role of the policy, by the word in its name."""
    return {
        body["properties"]["roleName"].split()[2]: body["properties"]["permissions"][0]["actions"]
        for _, body in file.documents("roleDefinitions")
    }


def given_rights(file: Deployed) -> dict[str, Any]:
    """The roles and their assignments, as they are deployed."""
    made = dict(file.documents("roleDefinitions"))
    made |= assigned(file, "below", "may", management_group="corp")
    made |= assigned(file, "state", "mayDeploy", "maySend", "mayWrite")
    made |= assigned(file, "log", "may")
    return made


def assigned(
    file: Deployed, name: str, *symbols: str, management_group: str = ""
) -> dict[str, Any]:
    """What a module assigns to the identity of the policy, at home or at the management group."""
    (body,) = file.bodies(file.modules[name])
    module = Deployed(
        INFRA / file.modules[name].what,
        CLASSES,
        given={**body["params"], "principalId": WHO.object_id},
        subscription=HOME,
        group="rg-portcullis-prod",
        management_group=management_group,
    )
    return dict(module.documents(*symbols))


@dataclass
class Carried:
    """Azure, as the identity of the policy meets it: everything under its own rights."""

    estate: Estate

    def deploys(self, deployment: str, namespaces: set[str]) -> None:
        for verb in ("read", "write"):
            self._may(f"Microsoft.Resources/deployments/{verb}", deployment)
        scope = deployment.partition("/providers/")[0]
        if self.estate.tenant.read(scope) is None:
            raise WriteRefused(f"ResourceGroupNotFound: {scope}")
        for space in namespaces & self.estate.tenant.unregistered:
            at = "/".join(scope.split("/")[:3])
            self._ask("POST", f"{at}/providers/{space}/register?api-version=2021-04-01")

    def put(self, resource_id: str, body: dict[str, Any]) -> None:
        if "/systemTopics/" in resource_id and "/eventSubscriptions/" in resource_id:
            # Microsoft Learn, "Authorizing access to Event Grid resources": at the source.
            source = "/".join(resource_id.split("/")[:3])
            self._may("Microsoft.EventGrid/eventSubscriptions/write", source)
        self.estate.tenant.write(resource_id, body, by=WHO)

    def get(self, resource_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("GET", f"{resource_id}?api-version=2025-02-15")
        return found

    def _may(self, action: str, at: str) -> None:
        if not self.estate.tenant.gates.may(WHO, action, parse(at)):
            raise WriteRefused(f"AuthorizationFailed: {action} at {at}")

    def _ask(self, method: str, url: str) -> Any:
        token = self.estate.tenant.token(WHO)
        request = Request(method, url, {"authorization": f"Bearer {token}"})
        answer = self.estate.tenant.handle(request)
        if answer.status >= 300:
            raise WriteRefused(answer.body.decode())
        return json.loads(answer.body)


def placed(below: Sequence[str] = (HOME, NEW), without: tuple[str, str] = ("", "")) -> Estate:
    """A tenant with both files deployed at a management group, with subscriptions `below` it.

    `without` is a role of the policy and an action that it lacks.
    """
    estate = Estate(clock=VirtualClock())
    estate.tenant.principals.add_managed_identity(WHO.object_id, "policy", WHO.app_id or "")
    estate.tenant.load({"id": CORP})
    for one in below:
        estate.tenant.load({"id": f"{CORP}/subscriptions/{one}"})
    for at, body in template("management-group", handPrincipalId=HAND).documents("canaryRole"):
        estate.tenant.load({**body, "id": at})
    for at, body in given_rights(template()).items():
        role, action = without
        if body["properties"].get("roleName", "").split()[2:3] == [role]:
            (block,) = body["properties"]["permissions"]
            block["actions"] = [one for one in block["actions"] if one != action]
        estate.tenant.load({**body, "id": at})
    return estate


def carry_out(estate: Estate, subscription: str = NEW, *, unregistered: bool = False) -> None:
    """Each policy deploys, whatever order Azure takes."""
    for name in reversed(ALL):
        if unregistered:
            spaces = ("Microsoft.EventGrid", "Microsoft.Insights", "Microsoft.Security")
            estate.tenant.unregistered.update(spaces)
        deploy(Carried(estate), details(template())[name], subscription)


@pytest.mark.parametrize("subscription", [HOME, NEW])
def test_what_the_policy_deployed_is_all_there(subscription: str) -> None:
    """Onboarding finds nothing left to do, and nothing to change."""
    estate = placed()
    carry_out(estate, subscription)
    steps = estate.onboarding(whole()).planned(subscription)
    assert {step.fate for step in steps} == {Fate.THERE}
    assert len(steps) == (9 if subscription == HOME else 10)


def test_deploying_again_changes_nothing() -> None:
    """As a remediation does that comes a second time."""
    estate = placed()
    carry_out(estate)
    before = estate.everything()
    carry_out(estate)
    assert estate.everything() == before


def test_the_group_of_the_deployment_keeps_its_tags() -> None:
    estate = placed()
    tags = {"azd-env-name": "prod", "owner": "platform"}
    estate.tenant.load({"id": OUR_GROUP, "location": "westeurope", "tags": tags})
    carry_out(estate, HOME)
    group = estate.tenant.read(OUR_GROUP)
    assert group is not None
    assert group["tags"] == tags


NEEDED = [(role, action) for role, actions in roles(template()).items() for action in actions]


@pytest.mark.parametrize(("role", "action"), [("", ""), *NEEDED])
def test_no_action_of_its_roles_can_be_spared(role: str, action: str) -> None:
    """For want of any of them a deployment is refused; with all of them none is.

    The subscription is new, without any provider, and the account of state is elsewhere than below
    the management group.
    """
    estate = placed(below=[NEW], without=(role, action))
    if not role:
        carry_out(estate, unregistered=True)
        return
    with pytest.raises(WriteRefused, match="AuthorizationFailed"):
        carry_out(estate, unregistered=True)


def grant(principal: str, role: str, kind: str = "ServicePrincipal") -> dict[str, Any]:
    definition = f"/subscriptions/{HOME}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    told = {"principalId": principal, "roleDefinitionId": definition, "principalType": kind}
    return {"properties": told}


SENDER, WRITER = (
    generated("builtin-roles.json")[one]
    for one in ("Storage Queue Data Message Sender", "Storage Blob Data Contributor")
)
OF_CANARY = names.canary_role(GATE, "prod")
CANARY = f"{GROUP}/providers/Microsoft.Resources/templateSpecs/portcullis-canary-prod"
HOSTS = f"{OUR_GROUP}/providers/Microsoft.Storage/storageAccounts/sthost"
ROLE_OF_ALL = {
    "of another role on the queue": (QUEUE, grant(GATE, OWNER)),
    "of the container's role on the queue": (QUEUE, grant(GATE, WRITER)),
    "of the queue's role on the container": (CONTAINER, grant(GATE, SENDER)),
    "for a person": (QUEUE, grant(OWEN.object_id, SENDER, "User")),
    "on the account": (STATE, grant(GATE, WRITER)),
    "where the apps' packages are": (HOSTS, grant(GATE, WRITER)),
    "of another role in a subscription": (HERE, grant(GATE, OWNER)),
    "of the canary's role for another": (CANARY, grant(HAND, OF_CANARY)),
}


@pytest.mark.parametrize(("scope", "body"), ROLE_OF_ALL.values(), ids=ROLE_OF_ALL)
def test_its_right_to_assign_roles_is_bounded(scope: str, body: dict[str, Any]) -> None:
    """It gives topics their two roles and the gate the one on canaries, and nothing else."""
    estate = placed(below=[NEW])
    carry_out(estate)
    estate.tenant.load({"id": HOSTS, "location": "westeurope", "properties": {}})
    name = "eeeeeeee-0000-4000-8000-000000000001"
    with pytest.raises(WriteRefused, match="AuthorizationFailed"):
        estate.tenant.write(names.grant(scope, name), body, by=WHO)


# --- what it takes for missing


def lacks(estate: Estate, about: dict[str, Any], subscription: str = NEW) -> bool:
    """Whether what a policy looks for is not there: as Azure Policy finds it.

    With a name one resource is read; without, all of the type are asked for what must hold.
    """
    at = f"/subscriptions/{subscription}"
    if about["existenceScope"] == "resourceGroup":
        namespace, *types = about["type"].split("/")
        path = "/".join(f"{t}/{n}" for t, n in zip(types, about["name"].split("/"), strict=True))
        group = f"{at}/resourceGroups/{about['resourceGroupName']}"
        return estate.tenant.read(f"{group}/providers/{namespace}/{path}") is None
    collection = f"{at}/providers/{about['type']}/".lower()
    found = [one for key, one in estate.everything().items() if key.startswith(collection)]
    return not any(holds(about["existenceCondition"], one) for one in found)


ALIASES: dict[str, Callable[[dict[str, Any]], str]] = {
    "Microsoft.Insights/diagnosticSettings/logs.enabled": lambda one: str(
        any(log["enabled"] for log in one["logs"])
    ).lower(),
    "Microsoft.Insights/diagnosticSettings/workspaceId": lambda one: one["workspaceId"],
    "Microsoft.Security/securityContacts/email": lambda one: one["emails"],
}
"""Those that Azure's built-in policies use for the same question."""


def holds(condition: dict[str, Any], document: dict[str, Any]) -> bool:
    if "allOf" in condition:
        return all(holds(one, document) for one in condition["allOf"])
    (operator,) = condition.keys() - {"field"}
    same = ALIASES[condition["field"]](document["properties"]) == condition[operator]
    return same is {"equals": True, "notEquals": False}[operator]


@pytest.mark.parametrize("name", ALL)
def test_each_lacks_before_and_not_after(name: str) -> None:
    estate = placed()
    about = details(template())[name]
    assert lacks(estate, about)
    deploy(Carried(estate), about, NEW)
    assert not lacks(estate, about)


def test_what_onboarding_made_lacks_nothing() -> None:
    estate = placed()
    heard(estate.onboarding(whole()).onboard, NEW)
    assert not any(lacks(estate, about) for about in details(template()).values())


def test_what_ended_half_way_is_not_taken_for_whole() -> None:
    """Wherever the deployment of events ended, they lack until the last of its writes."""
    about = details(template())["events"]

    class Ends(Carried):
        left = 0

        def put(self, resource_id: str, body: dict[str, Any]) -> None:
            super().put(resource_id, body)
            self.left -= 1
            if self.left == 0:
                raise WriteRefused("ended")

    for writes in range(1, 6):
        estate = placed()
        ended = Ends(estate)
        ended.left = writes
        with pytest.raises(WriteRefused, match="ended"):
            deploy(ended, about, NEW)
        assert lacks(estate, about)
        deploy(Carried(estate), about, NEW)
        assert not lacks(estate, about)


def test_a_topic_of_others_makes_it_fail_until_onboarding_adopts_it() -> None:
    """Azure takes one topic a subscription: nothing is taken over, and the lack stays visible."""
    estate = placed()
    theirs = f"{HERE}/resourceGroups/events/providers/Microsoft.EventGrid/systemTopics/all-changes"
    source = {"source": HERE, "topicType": "Microsoft.Resources.Subscriptions"}
    estate.tenant.load({"id": f"{HERE}/resourceGroups/events", "location": "westeurope"})
    estate.tenant.write(theirs, {"location": "global", "properties": source}, by=OWEN)
    about = details(template())["events"]
    with pytest.raises(WriteRefused, match="Only one system topic is allowed per source"):
        deploy(Carried(estate), about, NEW)
    assert lacks(estate, about)
    heard(estate.onboarding(whole()).onboard, NEW)
    assert {step.fate for step in estate.onboarding(whole()).planned(NEW)} == {Fate.THERE}


def test_a_canary_needs_its_role_at_the_management_group() -> None:
    """Without it nothing is assigned, and Azure says which role is not there."""
    estate = placed()
    estate.tenant.remove(
        f"{CORP}/providers/Microsoft.Authorization/roleDefinitions/{OF_CANARY}", by=above(estate)
    )
    with pytest.raises(WriteRefused, match=OF_CANARY):
        deploy(Carried(estate), details(template())["canary"], NEW)


def above(estate: Estate) -> Identity:
    """Somebody who may do everything at the management group."""
    estate.tenant.load(assignment(OWEN.object_id, OWNER, CORP, principalType="User"))
    return OWEN
