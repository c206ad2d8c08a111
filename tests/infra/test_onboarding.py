"""A subscription that the templates deployed to has what onboarding makes, by the same names."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model import Resource, ResourceId
from shared.onboarding import Deployment, Fate, Place, parts
from tests.engine.world import enforce, policy
from tests.infra.bicep import inside, text_of
from tests.infra.deploying import Deployed
from tests.infra.test_bicep import CLASSES, INFRA
from tests.onboarding.conftest import GATE, HAND, HOME, NEW, STATE, Estate, deployment

WRITES = policy(enforce("storage-public-blob-access"))
TAGS = {"azd-env-name": "prod"}
PRINCIPAL = "dddddddd-0000-4000-8000-000000000001"
GROUP = "rg-portcullis-prod"
SETTINGS = "Microsoft.Insights/diagnosticSettings"
TOPIC = (
    f"/subscriptions/{NEW}/resourceGroups/{GROUP}"
    "/providers/Microsoft.EventGrid/systemTopics/portcullis-prod"
)
CANARY = {
    "name": "portcullis-canary-prod",
    "location": "westeurope",
    "tags": TAGS,
    "gatePrincipalId": GATE,
}
BOTH = {"environmentName": "prod", "gatePrincipalId": GATE, "handPrincipalId": HAND}


def of_templates(
    subscription: str, of: Deployment, principal: str = PRINCIPAL
) -> dict[str, dict[str, Any]]:
    """What `main.bicep` makes in a watched subscription, whose roles are those of `of`."""
    topic = {"name": of.topic, "adopt": False, "tags": TAGS}
    events = {
        "topicName": of.topic,
        "prefix": of.topic,
        "accountId": STATE,
        "queue": of.queue,
        "container": of.container,
        "functionId": "",
        "events": list(of.events),
    }
    access = {
        "account": ResourceId(STATE).name,
        "queue": of.queue,
        "container": of.container,
        "principalId": principal,
    }
    role = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions"
    canary = {
        **CANARY,
        "roleId": f"{role}/{next(_canary_role(subscription))[0].rpartition('/')[2]}",
    }
    group = {"name": GROUP, "location": "westeurope", "tags": TAGS}
    made = [
        *([] if subscription == HOME else module("group", subscription, "", group, "group")),
        *module("roles", subscription, "", {**BOTH, "roles": of.roles}, "gate", "gateMay"),
        *module("roles", subscription, "", {**BOTH, "roles": of.roles}, "hand", "handMay"),
        *module("topic", subscription, GROUP, topic, "made"),
        *module("event-access", HOME, GROUP, access, "sender", "writer"),
        *module("subscriptions", subscription, GROUP, events, "toQueue"),
        *_canary_role(subscription),
        *module("canary", subscription, GROUP, canary, "canary", "gateMay"),
    ]
    return dict(made)


def _canary_role(subscription: str) -> Any:
    return module("canary-role", subscription, "", {"environmentName": "prod"}, "role")


def module(name: str, subscription: str, group: str, given: dict[str, Any], *symbols: str) -> Any:
    path = INFRA / "modules" / f"{name}.bicep"
    file = Deployed(path, CLASSES, given=given, subscription=subscription, group=group)
    return file.documents(*symbols)


@pytest.mark.parametrize("subscription", [HOME, NEW])
def test_templates_and_onboarding_make_the_same(subscription: str) -> None:
    """The same ids with the same documents: so that neither trips over what the other made."""
    of = deployment(WRITES, canary=True)
    at = f"/subscriptions/{subscription}/resourceGroups/{GROUP}"
    identity = {"identity": {"type": "SystemAssigned", "principalId": PRINCIPAL}}
    topic = ResourceId(f"{at}/providers/Microsoft.EventGrid/systemTopics/{of.topic}")
    fresh, later = (
        Place(subscription=subscription),
        Place(subscription=subscription, topic=Resource(id=topic, body=identity)),
    )
    made = [
        *(one for one in parts(of, fresh) if one.target == topic),
        *(one for one in parts(of, later) if one.target != topic),
    ]
    ours = {one.target.text: dict(one.body) for one in made if one.target.type != SETTINGS}
    assert ours == of_templates(subscription, of)


def test_with_rights_of_a_management_group_both_name_its_role() -> None:
    """What `main.bicep` puts on a canary is what onboarding puts there."""
    main = Deployed(
        INFRA / "main.bicep",
        CLASSES,
        given={"environmentName": "prod", "rightsAtManagementGroup": True, "gatePrincipal": GATE},
        subscription=HOME,
    )
    told = main.value(written(main, "canaries", "roleId"), {"one": {"id": NEW}, "i": 0})
    canary = {**CANARY, "roleId": told}
    made = dict(module("canary", NEW, GROUP, canary, "canary", "gateMay"))
    of = deployment(WRITES, canary=True, grants=False)
    ours = {
        part.target.text: dict(part.body)
        for part in parts(of, Place(subscription=NEW))
        if "/templateSpecs/" in part.target.text
    }
    assert ours == made


def written(file: Deployed, module: str, parameter: str) -> Any:
    """What stands for a parameter of a module."""
    pairs = [*inside(file.modules[module].body, "object_property")]
    return next(
        one.named_children[-1] for one in pairs if text_of(one.named_children[0]) == parameter
    )


def test_what_a_template_deployed_is_all_there() -> None:
    """Only what templates leave to onboarding is planned: where the activity log goes."""
    estate = Estate()
    of = deployment(WRITES, canary=True)

    def write(principal: str, *, access: bool) -> None:
        for resource_id, body in of_templates(NEW, of, principal).items():
            if resource_id.startswith(STATE) is access:
                estate.tenant.write(resource_id, body, by=estate.who)

    write(PRINCIPAL, access=False)
    topic = estate.tenant.read(TOPIC)
    assert topic is not None
    write(topic["identity"]["principalId"], access=True)
    steps = estate.onboarding(of).planned(NEW)
    assert [step.part.target.type for step in steps if step.fate is not Fate.THERE] == [SETTINGS]
