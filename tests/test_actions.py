"""What roles allow, held against a count over every short action there is."""

import itertools
import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import PRIVILEGES, Json, Resource, ResourceId, Role, Roles, Undecided
from shared.model.actions import Patterns, Permission, matches, meets

SHORT = ["".join(letters) for n in range(5) for letters in itertools.product("ab/", repeat=n)]
LONG = ["".join(letters) for n in range(7) for letters in itertools.product("ab/", repeat=n)]
"""Patterns here hold no `b`: it is what stands where only a `*` can match."""
PATTERNS = ["".join(letters) for n in range(5) for letters in itertools.product("a/*", repeat=n)]

some = st.lists(st.text("a/*", max_size=3), max_size=3)
sides = st.builds(Patterns.of, some, some)
blocks = st.builds(Permission, sides, sides, st.sampled_from(["", "", "@Request[x] ..."]))
roles = st.builds(
    Role,
    st.uuids().map(str),
    st.just("made up"),
    st.booleans(),
    st.lists(blocks, max_size=3).map(tuple),
)


def told(pattern: str, action: str) -> bool:
    """As regular expressions tell it."""
    return re.fullmatch(pattern.replace("*", ".*"), action) is not None


def test_a_pattern_holds_another_exactly_where_it_holds_all_of_its_actions() -> None:
    covered = {p: frozenset(a for a in LONG if told(p, a)) for p in PATTERNS}
    for one, other in itertools.product(PATTERNS, repeat=2):
        assert matches(one, other) == (covered[other] <= covered[one]), (one, other)
        assert meets(one, other) == (not covered[one].isdisjoint(covered[other])), (one, other)


@given(roles)
def test_a_role_allows_what_one_of_its_blocks_does(role: Role) -> None:
    for action in SHORT:
        found = (
            any(told(p, action) for p in one.actions.listed)
            and not any(told(p, action) for p in one.actions.left_out)
            for one in role.permissions
        )
        by_block = list(zip(found, role.permissions, strict=True))
        assert role.allows(action.upper()) == any(yes for yes, _ in by_block)
        sure = any(yes and not one.condition for yes, one in by_block)
        assert role.covers([action.upper()]) == sure


@given(roles, roles)
def test_within_is_never_said_in_error(one: Role, other: Role) -> None:
    """What the first allows in any case, the second allows in every case."""
    if one.within(other):
        for data in (False, True):
            mine = [action for action in SHORT if one.allows(action, data=data)]
            assert other.covers(mine, data=data)


@given(some, some, some, some)
def test_within_is_seen_where_more_is_listed_and_less_left_out(
    listed: list[str], left_out: list[str], more: list[str], unconcerned: list[str]
) -> None:
    small = role([*listed], [*left_out, *unconcerned])
    assert small.within(role([*listed, *more], left_out))


@given(st.lists(roles, max_size=6), st.lists(st.sampled_from(SHORT[:13]), max_size=2))
def test_the_index_finds_what_each_role_says_of_itself(many: list[Role], used: list[str]) -> None:
    index = Roles(many)
    assert list(index.covering(used)) == [one for one in index.ordered if one.covers(used)]


def role(actions: Iterable[str], left_out: Iterable[str] = (), name: str = "r") -> Role:
    return of_blocks(Permission(Patterns.of(actions, left_out)), name=name)


def of_blocks(*those: Permission, name: str = "r") -> Role:
    return Role(name, name, custom=True, permissions=those)


OWNER = role(["*"], name="owner")
CONTRIBUTOR = role(
    ["*"],
    [
        "Microsoft.Authorization/*/Delete",
        "Microsoft.Authorization/*/Write",
        "Microsoft.Authorization/elevateAccess/Action",
    ],
    "contributor",
)
ACCESS = role(["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"], name="access")
READER = role(["*/read"], name="reader")
STORES = role(
    ["Microsoft.Authorization/*/read", "Microsoft.Storage/storageAccounts/*"], name="stores"
)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (CONTRIBUTOR, OWNER, True),
        (STORES, CONTRIBUTOR, True),
        (READER, ACCESS, True),
        (OWNER, CONTRIBUTOR, False),
        (ACCESS, CONTRIBUTOR, False),
        (CONTRIBUTOR, ACCESS, False),
        (STORES, READER, False),
    ],
)
def test_azures_own_roles_lie_in_each_other(one: Role, other: Role, expected: bool) -> None:  # noqa: FBT001
    assert one.within(other) is expected


def test_what_one_block_leaves_out_another_gives() -> None:
    left = Permission(Patterns.of(["*"], ["x/*"]))
    both = of_blocks(left, Permission(Patterns.of(["X/*"])))
    assert OWNER.within(both)
    assert not OWNER.within(of_blocks(left))


def test_data_actions_are_a_matter_of_their_own() -> None:
    reads = of_blocks(Permission(Patterns.of([]), Patterns.of(["*/blobs/read"])))
    assert reads.allows("a/blobs/READ", data=True)
    assert not reads.allows("a/blobs/read")
    assert not OWNER.allows("a/blobs/read", data=True)
    assert not reads.within(OWNER)


def test_a_block_with_a_condition_proves_nothing() -> None:
    limited = of_blocks(Permission(Patterns.of(["*"]), condition="x"))
    assert not READER.within(limited)
    assert limited.within(OWNER)
    assert limited.allows("a/read")
    assert not limited.covers(["a/read"])


def test_the_smallest_role_is_the_one_that_allows_least() -> None:
    """Handing out rights weighs more than breadth; reads weigh less than anything else."""
    keeper = role(["Microsoft.Storage/storageAccounts/write", "*/read"], name="keeper")
    giver = role(
        ["Microsoft.Storage/storageAccounts/write", "Microsoft.Authorization/roleAssignments/Write"]
    )
    known = Roles([OWNER, giver, CONTRIBUTOR, STORES, READER, ACCESS, keeper])
    used = ["microsoft.storage/storageaccounts/WRITE"]
    assert [r.name for r in known.covering(used)] == [
        "keeper", "stores", "contributor", "r", "owner",
    ]  # fmt: skip
    assert known.smallest(used, inside=role(["Microsoft.Storage/*"])) is None
    assert known.smallest(used, inside=CONTRIBUTOR) == keeper
    assert known.smallest(["a/b/write"]) == CONTRIBUTOR


IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action"


@pytest.mark.parametrize(
    ("actions", "left_out", "names"),
    [
        (["*"], [], set(PRIVILEGES)),
        (["*/write"], ["Microsoft.Authorization/*"],
         {"*/write", "deployments/write with */write", "virtualMachines/runCommand"}),
        (["microsoft.authorization/role*/WRITE"], [],
         {"roleAssignments/write", "roleDefinitions/write"}),
        (["Microsoft.Authorization/elevateAccess/*"], [], {"elevateAccess/action"}),
        ([IDENTITY], [], set()),
        ([IDENTITY, "Microsoft.Web/sites/*"], [],
         {"userAssignedIdentities/assign/action with compute or web write"}),
        ([IDENTITY, "Microsoft.Authorization/policyAssignments/*"], [],
         {"policyAssignments/write with an identity"}),
        (["Microsoft.Compute/virtualMachines/runCommand/*"], [], {"virtualMachines/runCommand"}),
        (["Microsoft.ContainerService/*/listClusterAdminCredential/action"], [],
         {"managedClusters/listClusterAdminCredential/action"}),
        (["Microsoft.Storage/*"], [], {"*/listKeys/action"}),
        (["Microsoft.Storage/*"], ["*/listKeys/action"], set()),
        (["Contoso.Made/ups/LISTKEYS/action"], [], {"*/listKeys/action"}),
        (["Contoso.Made/ups/*/listKeys/action"], ["Contoso.*"], set()),
        (["Microsoft.Storage/*/read"], [], set()),
        (["Microsoft.Resources/deployments/*", "*/read"], [], set()),
    ],
)  # fmt: skip
def test_privileges_are_named(actions: list[str], left_out: list[str], names: set[str]) -> None:
    assert set(role(actions, left_out).privileges) == names


def test_a_condition_in_the_role_takes_away_handing_out_roles_and_nothing_else() -> None:
    def with_condition(*actions: str) -> Role:
        return of_blocks(Permission(Patterns.of(actions), condition="x"))

    assert with_condition("Microsoft.Authorization/roleAssignments/write").privileges == ()
    assert not with_condition("Microsoft.Authorization/roleAssignments/*").hands_out_rights
    assert with_condition("Microsoft.Authorization/roleDefinitions/write").hands_out_rights
    assert with_condition("*/write").privileges[0] == "*/write"


def definition(permissions: Json) -> Resource:
    rid = ResourceId("/providers/Microsoft.Authorization/roleDefinitions/ABC")
    shown = {"roleName": "Made", "type": "CustomRole", "permissions": permissions}
    return Resource(id=rid, body={"properties": shown})


def test_a_definition_is_read_as_arm_and_as_resource_graph_write_it() -> None:
    """Their keys differ in case; null is nothing listed."""
    block = {"Actions": ["A/*"], "notActions": ["a/B"], "DataActions": None, "condition": None}
    found = Role.of(definition([block]))
    assert (found.id, found.name, found.custom) == ("abc", "Made", True)
    assert found.permissions == (Permission(Patterns(("a/*",), ("a/b",))),)


@pytest.mark.parametrize("permissions", [None, [], [{"actions": "*"}], [{"actions": [1]}], ["*"]])
def test_a_definition_that_cannot_be_read_is_undecided(permissions: Json) -> None:
    with pytest.raises(Undecided):
        Role.of(definition(permissions))
