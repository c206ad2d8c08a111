"""The roles of a deployment are enough for the apps that hold them, and no more than enough."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

import pytest

from infra.app import app
from infra.roles import HIERARCHY, reads, roles, writes
from shared import needs
from shared.errors import Refused, Unusable
from shared.needs import GUARDS
from shared.own import READS as OWN
from shared.policy import Policy
from simulator.access import Access
from tests.cases import Case
from tests.engine.test_least_privilege import (
    CURED,
    JUDGED,
    allow,
    assert_judged,
    assert_no_write,
    placed,
    refused_on_the_way,
    there_and_back,
)
from tests.engine.world import CONTROLS, US, World, policy
from tests.infra.conftest import generated

AUDITS = policy("")
PERIMETER = "securedbyperimeter"
_NO_CURE = "of a control without a cure, whose cases are not played here"
UNUSED = {
    "Microsoft.Authorization/permissions/read": "a sweep asks it, of what it cannot see",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions/read": _NO_CURE,
    "Microsoft.HDInsight/clusters/read": _NO_CURE,
    "Microsoft.Security/assessments/subAssessments/read": "no case has assessments",
}
"""Reads of the gate that no case here takes, with the reason that the role has them."""


def asks(*controls: str) -> Policy:
    """A policy that lets people say yes to the cures of these controls."""
    return policy(f"rules: [{{control: [{', '.join(controls)}], mode: approve}}]")


def alike(cases: list[Case]) -> list[Case]:
    """Of cases that show the same types, the first: a look judges by all controls of a type.

    What lies in a security perimeter is read otherwise.
    """
    found: dict[Any, Case] = {}
    for case in cases:
        kinds = frozenset(type_of(d["id"]) for all_ in case.lookups.values() for d in all_)
        network = str(case.body.get("properties", {}).get("publicNetworkAccess")).casefold()
        key = (type_of(case.body["id"]), kinds, frozenset(case.lookups), network == PERIMETER)
        found.setdefault(key, case)
    return list(found.values())


def type_of(resource_id: str) -> str:
    namespace, *path = resource_id.lower().rpartition("/providers/")[2].split("/")
    return "/".join((namespace, *path[::2]))


GATE = generated("roles.json")["gate"]["actions"]
SEEN = alike(JUDGED)
ONCE = list({case.control: case for case in CURED}.values())


def of_gate(case: Case) -> World:
    world = placed(case)
    allow(world, case, "gate", GATE)
    return world


def of_hand(case: Case, without: str = "") -> World:
    """The case where we hold what the hand holds under a policy about its control alone."""
    world = placed(case)
    actions = roles(CONTROLS, asks(case.control))["hand"]["actions"]
    allow(world, case, "hand", [one for one in actions if one != without])
    return world


def test_a_deployment_that_audits_writes_nothing() -> None:
    """As the policy is shipped there is no hand, and the gate has rights to read alone."""
    shipped = generated("roles.json")
    assert generated("app.json")["hand"] is False
    assert shipped["hand"]["actions"] == []
    assert {one.rpartition("/")[2] for one in shipped["gate"]["actions"]} == {"read"}
    assert not any("*" in one for one in shipped["gate"]["actions"])


@pytest.mark.parametrize("case", {one.control: one for one in JUDGED}.values(), ids=str)
def test_the_gate_can_judge_with_its_role(case: Case) -> None:
    """Every case comes out as without access control, and nothing is refused on the way."""
    assert_judged(of_gate(case), case)


@pytest.mark.parametrize("case", ONCE, ids=str)
def test_the_gate_is_refused_every_write(case: Case) -> None:
    assert_no_write(of_gate(case), case)


@pytest.mark.parametrize("case", ONCE, ids=str)
def test_the_hand_can_cure_and_undo_with_its_role(case: Case) -> None:
    """What policy lets be written is written and taken back; nothing on the way is refused."""
    world = of_hand(case)
    assert there_and_back(world, case) == ""
    assert refused_on_the_way(world) == set()


NEEDED = [
    "storage-public-blob-access",
    "nsg-ssh-from-internet",
    "sql-firewall-any-internet",
]
"""Controls whose permissions are all needed; of the others `test_least_privilege` lists why not."""


@pytest.mark.parametrize("control", NEEDED)
def test_no_write_of_the_hand_can_be_spared(control: str) -> None:
    """For want of any of them a cure, or its undoing, is refused by Azure."""
    mine = [case for case in CURED if case.control == control]
    for action in writes(CONTROLS, asks(control)):
        if action.endswith("/read"):
            continue
        failed = [case for case in mine if there_and_back(of_hand(case, action), case) != ""]
        assert failed, action


def test_the_hand_writes_what_policy_lets_be_written() -> None:
    """Of a control that is not named, nothing; of all, what every cure declares."""
    one = roles(CONTROLS, asks("storage-public-blob-access"))["hand"]["actions"]
    assert [action for action in one if not action.endswith("/read")] == [
        "Microsoft.Storage/storageAccounts/write"
    ]
    cures = [one.remediation for one in CONTROLS.values() if one.remediation]
    everything = {action.casefold() for cure in cures for action in cure.permissions}
    assert {
        one.casefold() for one in writes(CONTROLS, policy("rules: [{control: '*', mode: approve}]"))
    } == (everything | {one.casefold() for one in OWN})


def test_what_is_audited_gives_no_right() -> None:
    """A rule that audits lets nothing be written, whatever it names."""
    audits = policy("rules: [{control: storage-public-blob-access, mode: audit}]")
    assert writes(CONTROLS, audits) == []
    assert app(CONTROLS, audits)["hand"] is False
    assert app(CONTROLS, asks("storage-public-blob-access"))["hand"] is True


def test_reads_follow_the_policy() -> None:
    """Management groups, stacks and deployments are read where policy speaks of them."""
    more = {
        "infrastructure_code: {stacks: true}": {"Microsoft.Resources/deploymentStacks/read"},
        "infrastructure_code: {deployments: 7d}": {"Microsoft.Resources/deployments/read"},
        "scopes: [/providers/Microsoft.Management/managementGroups/contoso]": set(HIERARCHY),
    }
    for text, expected in more.items():
        assert set(reads(CONTROLS, policy(text))) - set(reads(CONTROLS, AUDITS)) == expected


def test_the_simulated_tenant_grants_the_same() -> None:
    """What `make up` gives to gate and hand is in the roles of a deployment."""
    assert {one.casefold() for one in needs.reads(CONTROLS)} <= {one.casefold() for one in GATE}


@cache
def taken() -> frozenset[str]:
    """The actions that Azure was asked for in judging and planning all cases, in lower case."""
    found: set[str] = set()
    grant = Access.grant

    def noted(self: Access, identity: Any, action: str, *more: Any) -> Any:
        given = grant(self, identity, action, *more)
        if given is not None and identity == US:
            found.add(action.lower())
        return given

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Access, "grant", noted)
        for case in SEEN:
            gate = of_gate(case).gate()
            gate.people.preview(case.id, dict(case.parameters), frozenset({case.control}))
    return frozenset(found)


def spare(actions: list[str]) -> set[str]:
    return {one for one in actions if one.lower() not in taken()}


def test_no_read_of_the_gate_is_superfluous() -> None:
    """Each is taken by some case; of the others the reason is listed. One more is reported."""
    assert spare(GATE) == set(UNUSED)
    galleries = "Microsoft.Compute/galleries/read"
    assert spare([*GATE, galleries]) - set(UNUSED) == {galleries}


@pytest.mark.parametrize("action", ["Microsoft.Storage/storageAccounts/read", *GUARDS[1:]])
def test_a_read_that_is_missing_is_noticed(action: str) -> None:
    """Without the right to see an account nothing is judged; without its group's, nothing cured."""
    (case,) = [one for one in ONCE if one.control == "storage-public-blob-access"]
    world = of_hand(case, action)
    gate = world.gate()
    with suppress(Unusable, Refused):
        gate.people.apply(case.id, "carol", dict(case.parameters), frozenset({case.control}))
    world.run(gate, hours=0.2, step=60)
    assert world.our_writes() == []
    assert refused_on_the_way(world) != set()
