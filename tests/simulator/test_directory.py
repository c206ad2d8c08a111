"""Microsoft Graph: who is behind an object id, as far as the asker may read it."""

from typing import Any

import pytest
import requests

from simulator.adapter import TenantAdapter
from simulator.audiences import GRAPH
from simulator.clock import VirtualClock
from simulator.faults import Fault
from simulator.server import serve
from simulator.tenant import Tenant
from tests.simulator.client import ALICE, ROBOT

ROOT = "https://graph.microsoft.com/v1.0"
ANA, BEN, GUS = (f"aaaaaaaa-1111-4000-8000-00000000000{n}" for n in (1, 2, 3))
OWNERS, INNER = (f"bbbbbbbb-1111-4000-8000-00000000000{n}" for n in (1, 2))
PIPELINE, BACKUP = (f"cccccccc-1111-4000-8000-00000000000{n}" for n in (1, 2))
GONE = "dddddddd-1111-4000-8000-000000000001"
EVENTUAL = {"ConsistencyLevel": "eventual"}


@pytest.fixture
def tenant(clock: VirtualClock) -> Tenant:
    """Owners: Ana and a pipeline, and by an inner group the disabled Ben and a guest."""
    made = Tenant(clock)
    people = made.principals
    people.add_user(ANA, "Ana", upn="ana@contoso.example")
    people.add_user(BEN, "Ben", upn="ben@contoso.example", enabled=False)
    people.add_user(GUS, "Gus", upn="gus_other.example#EXT#@contoso.example", guest=True)
    people.add_group(OWNERS, "Owners")
    people.add_group(INNER, "Inner")
    people.add_application(PIPELINE, "pipeline", ROBOT.app_id or "", owner="other-tenant")
    people.add_managed_identity(BACKUP, "backup", ANA)
    for group, member in [(OWNERS, ANA), (OWNERS, PIPELINE), (OWNERS, INNER), (INNER, BEN)]:
        people.join(group, member)
    people.join(INNER.upper(), GUS)
    people.join(INNER, OWNERS)
    made.directory.allow(ROBOT, "Directory.Read.All")
    return made


def _session(tenant: Tenant) -> requests.Session:
    """A session whose requests all go to the tenant."""
    made = requests.Session()
    made.trust_env = False
    made.mount("https://", TenantAdapter(tenant))
    return made


class Graph:
    """Asks as somebody; paths begin below the version."""

    def __init__(self, tenant: Tenant) -> None:
        self._session = _session(tenant)
        self._session.headers["Authorization"] = f"Bearer {tenant.token(ROBOT, audience=GRAPH)}"

    def get(self, path: str, **headers: str) -> requests.Response:
        url = path if path.startswith("https:") else ROOT + path
        return self._session.get(url, headers=headers)

    def post(self, path: str, body: Any) -> requests.Response:
        return self._session.post(ROOT + path, json=body)

    def by_ids(self, *ids: str, query: str = "", **more: Any) -> requests.Response:
        return self.post(f"/directoryObjects/getByIds{query}", {"ids": ids, **more})


@pytest.fixture
def graph(tenant: Tenant) -> Graph:
    return Graph(tenant)


def _ids(response: requests.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["value"]]


def _error(response: requests.Response) -> tuple[int, str]:
    return response.status_code, str(response.json()["error"]["code"])


@pytest.mark.parametrize("name", [ANA, ANA.upper(), "Ana@Contoso.example"])
def test_a_user_by_id_or_name(graph: Graph, name: str) -> None:
    assert graph.get(f"/users/{name}?$select=id,displayName").json() == {
        "@odata.context": f"{ROOT}/$metadata#users(id,displayName)/$entity",
        "id": ANA,
        "displayName": "Ana",
    }


def test_whether_an_account_is_enabled_comes_only_when_asked_for(graph: Graph) -> None:
    assert {"accountEnabled", "userType"}.isdisjoint(graph.get(f"/users/{BEN}").json())
    query = "?$select=accountEnabled,userType"
    shown = {
        one: graph.get(f"/users/{one}{query}").json()["accountEnabled"] for one in (ANA, BEN, GUS)
    }
    assert shown == {ANA: True, BEN: False, GUS: True}
    assert graph.get(f"/users/{GUS}{query}").json()["userType"] == "Guest"
    assert graph.get(f"/users/{ANA}{query}").json()["userType"] == "Member"


def test_groups_and_service_principals(tenant: Tenant, graph: Graph) -> None:
    assert graph.get(f"/groups/{OWNERS}").json()["displayName"] == "Owners"
    mine = graph.get(f"/servicePrincipals/{BACKUP}").json()
    assert (mine["servicePrincipalType"], mine["appOwnerOrganizationId"]) == (
        "ManagedIdentity",
        None,
    )
    theirs = graph.get(f"/servicePrincipals/{PIPELINE}").json()
    assert theirs["appOwnerOrganizationId"] == "other-tenant"
    tenant.principals.add_application(GONE, "own", ANA)
    own = graph.get(f"/servicePrincipals/{GONE}").json()["appOwnerOrganizationId"]
    assert own == tenant.tenant_id


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/users/{GONE}", (404, "Request_ResourceNotFound")),
        ("/users/nobody@contoso.example", (404, "Request_ResourceNotFound")),
        (f"/users/{OWNERS}", (404, "Request_ResourceNotFound")),
        (f"/groups/{ANA}", (404, "Request_ResourceNotFound")),
        (f"/groups/{ANA}/members", (404, "Request_ResourceNotFound")),
        ("/groups/owners", (400, "Request_BadRequest")),
        (f"/groups/{OWNERS}/members?$top=1000", (400, "Request_UnsupportedQuery")),
        (f"/groups/{OWNERS}/members?$skiptoken=%25", (400, "Directory_ExpiredPageToken")),
        (f"/users/{ANA}?$select=shoeSize", (501, "SimulatorDoesNotKnow")),
        (f"/groups/{OWNERS}/members?$select=shoeSize", (501, "SimulatorDoesNotKnow")),
        (f"/groups/{OWNERS}/members?$filter=x", (501, "SimulatorDoesNotKnow")),
        (f"/users/{ANA}?$expand=manager", (501, "SimulatorDoesNotKnow")),
        (f"/groups/{OWNERS}/owners", (501, "SimulatorDoesNotKnow")),
        (f"https://graph.microsoft.com/beta/users/{ANA}", (501, "SimulatorDoesNotKnow")),
    ],
)
def test_refusals_have_graphs_envelope(graph: Graph, path: str, expected: tuple[int, str]) -> None:
    answer = graph.get(path, **{"client-request-id": "mine"})
    assert _error(answer) == expected
    inner = answer.json()["error"]["innerError"]
    assert inner["request-id"] == answer.headers["x-ms-request-id"]
    assert (inner["client-request-id"], inner["date"]) == ("mine", "2026-03-02T06:00:00")


def test_who_is_deleted_is_found_nowhere(tenant: Tenant, graph: Graph) -> None:
    tenant.principals.remove(INNER)
    assert graph.get(f"/groups/{INNER}").status_code == 404
    assert _ids(graph.by_ids(INNER, ANA)) == [ANA]
    assert _ids(graph.get(f"/groups/{OWNERS}/transitiveMembers")) == [ANA, PIPELINE]
    tenant.principals.leave(OWNERS, ANA)
    assert _ids(graph.get(f"/groups/{OWNERS}/transitiveMembers")) == [PIPELINE]


def test_direct_members_leave_out_service_principals(graph: Graph) -> None:
    """The known issue of v1.0; a cast shows them."""
    assert _ids(graph.get(f"/groups/{OWNERS}/members")) == [ANA, INNER]
    path = f"/groups/{OWNERS}/members/microsoft.graph.servicePrincipal?$count=true"
    assert _ids(graph.get(path, **EVENTUAL)) == [PIPELINE]


def test_nested_members_are_a_flat_list_without_the_group_itself(graph: Graph) -> None:
    items = graph.get(f"/groups/{OWNERS}/transitiveMembers?$select=id").json()["value"]
    assert items == [
        {"@odata.type": "#microsoft.graph.user", "id": ANA},
        {"@odata.type": "#microsoft.graph.user", "id": BEN},
        {"@odata.type": "#microsoft.graph.user", "id": GUS},
        {"@odata.type": "#microsoft.graph.group", "id": INNER},
        {"@odata.type": "#microsoft.graph.servicePrincipal", "id": PIPELINE},
    ]


def test_a_cast_keeps_one_kind_and_wants_the_eventual_index(graph: Graph) -> None:
    path = f"/groups/{OWNERS}/transitiveMembers/microsoft.graph.user"
    assert _error(graph.get(path)) == (400, "Request_UnsupportedQuery")
    assert _error(graph.get(f"{path}?$count=true")) == (400, "Request_UnsupportedQuery")
    body = graph.get(f"{path}?$count=true&$select=id,accountEnabled", **EVENTUAL).json()
    assert body["@odata.count"] == 3
    assert body["value"][1] == {"id": BEN, "accountEnabled": False}


@pytest.mark.parametrize(("top", "pages"), [("", 3), ("&$top=999", 1), ("&$top=50", 5)])
def test_members_come_in_pages(tenant: Tenant, graph: Graph, top: str, pages: int) -> None:
    crowd = [f"eeeeeeee-0000-4000-8000-{n:012d}" for n in range(250)]
    tenant.principals.add_group(GONE, "Crowd")
    for one in crowd:
        tenant.principals.add_user(one, "x", upn=f"{one}@contoso.example")
        tenant.principals.join(GONE, one)
    url, seen, asked = f"{ROOT}/groups/{GONE}/members?$select=id{top}", list[str](), 0
    while url:
        body = graph.get(url).json()
        seen += [item["id"] for item in body["value"]]
        assert set(body["value"][0]) == {"@odata.type", "id"}
        url, asked = body.get("@odata.nextLink", ""), asked + 1
    assert (seen, asked) == (crowd, pages)


def test_a_thousand_ids_are_resolved_at_once(graph: Graph) -> None:
    """Who is not there is left out without a word."""
    answer = graph.by_ids(GONE, ANA.upper(), PIPELINE, ANA, query="?$select=id,accountEnabled")
    assert answer.json()["value"] == [
        {"@odata.type": "#microsoft.graph.user", "id": ANA, "accountEnabled": True},
        {"@odata.type": "#microsoft.graph.servicePrincipal", "id": PIPELINE,
         "accountEnabled": True},
    ]  # fmt: skip
    assert "accountEnabled" not in graph.by_ids(ANA).json()["value"][0]
    assert _ids(graph.by_ids(ANA, OWNERS, types=["Group"])) == [OWNERS]
    assert _ids(graph.by_ids(ANA, OWNERS, types=["directoryObject"])) == [ANA, OWNERS]
    many = [f"eeeeeeee-0000-4000-8000-{n:012d}" for n in range(1001)]
    assert _ids(graph.by_ids(*many[:1000])) == []
    assert _error(graph.by_ids(*many)) == (400, "Request_BadRequest")


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("?$top=5", {"ids": [ANA]}),
        ("", {"ids": ["ana"]}),
        ("", {"ids": ANA}),
        ("", [ANA]),
        ("", {}),
    ],
)
def test_bad_lookups_are_refused(graph: Graph, query: str, body: Any) -> None:
    answer = graph.post(f"/directoryObjects/getByIds{query}", body)
    assert _error(answer) == (400, "Request_BadRequest")


@pytest.mark.parametrize(
    ("permission", "readable"),
    [
        (None, []),
        ("User.Read.All", ["users"]),
        ("GroupMember.Read.All", ["groups", "members"]),
        ("Group.Read.All", ["groups", "members"]),
        ("Application.Read.All", ["servicePrincipals"]),
        ("Directory.Read.All", ["users", "groups", "members", "servicePrincipals"]),
    ],
)
def test_each_permission_opens_its_own(
    tenant: Tenant, permission: str | None, readable: list[str]
) -> None:
    tenant.directory = type(tenant.directory)(tenant.principals)
    if permission:
        tenant.directory.allow(ROBOT, permission)
    graph = Graph(tenant)
    paths = {
        "users": f"/users/{ANA}",
        "groups": f"/groups/{OWNERS}",
        "members": f"/groups/{OWNERS}/members",
        "servicePrincipals": f"/servicePrincipals/{PIPELINE}",
    }
    statuses = {name: graph.get(path).status_code for name, path in paths.items()}
    assert statuses == {name: 200 if name in readable else 403 for name in paths}
    assert graph.by_ids(ANA).status_code == (200 if permission else 403)


def test_members_that_may_not_be_read_come_with_nulls(tenant: Tenant) -> None:
    """Null is not disabled: it is not known."""
    tenant.directory = type(tenant.directory)(tenant.principals)
    tenant.directory.allow(ROBOT, "GroupMember.Read.All")
    path = f"/groups/{OWNERS}/members?$select=id,displayName,accountEnabled"
    assert Graph(tenant).get(path).json()["value"] == [
        {"@odata.type": "#microsoft.graph.user", "id": ANA, "displayName": None,
         "accountEnabled": None},
        {"@odata.type": "#microsoft.graph.group", "id": INNER, "displayName": "Inner"},
    ]  # fmt: skip


def test_an_unknown_permission_is_nobodys(tenant: Tenant) -> None:
    with pytest.raises(ValueError, match=r"User\.Read:"):
        tenant.directory.allow(ALICE, "User.Read")


def test_a_member_that_nobody_declared_is_not_guessed_at(tenant: Tenant, graph: Graph) -> None:
    tenant.principals.join(OWNERS, GONE)
    answer = graph.get(f"/groups/{OWNERS}/members")
    assert _error(answer) == (501, "SimulatorDoesNotKnow")
    assert GONE in answer.json()["error"]["message"]


def test_bad_tokens_have_graphs_one_code(tenant: Tenant) -> None:
    anonymous = _session(tenant).get(f"{ROOT}/users/{ANA}")
    assert _error(anonymous) == (401, "InvalidAuthenticationToken")
    assert "innerError" in anonymous.json()["error"]


def test_a_batch_answers_each_request_by_itself(graph: Graph) -> None:
    steps = [
        {"id": "1", "method": "GET", "url": f"/users/{ANA}?$select=id"},
        {"id": "2", "method": "GET", "url": f"users/{GONE}"},
        {"id": "3", "method": "POST", "url": "/directoryObjects/getByIds", "body": {"ids": [BEN]}},
        {"id": "4", "method": "POST", "url": "/$batch", "body": {"requests": []}},
    ]
    answers = graph.post("/$batch", {"requests": steps}).json()["responses"]
    assert [(one["id"], one["status"]) for one in answers] == [
        ("1", 200), ("2", 404), ("3", 200), ("4", 400),
    ]  # fmt: skip
    assert answers[0]["body"]["id"] == ANA
    assert answers[1]["body"]["error"]["code"] == "Request_ResourceNotFound"
    assert answers[2]["body"]["value"][0]["id"] == BEN


def test_a_batch_has_at_most_twenty_requests(graph: Graph) -> None:
    steps = [{"id": str(n), "method": "GET", "url": f"/users/{ANA}"} for n in range(21)]
    assert graph.post("/$batch", {"requests": steps[:20]}).status_code == 200
    for bad in (steps, [steps[0]] * 2, "x", [1]):
        assert graph.post("/$batch", {"requests": bad}).status_code == 400
    chained = [{**steps[0], "dependsOn": ["0"]}]
    assert graph.post("/$batch", {"requests": chained}).status_code == 501


def test_graph_is_throttled_on_order_and_asking_is_no_write(tenant: Tenant, graph: Graph) -> None:
    tenant.faults.add(Fault("throttle", path="/v1.0/*", headers={"Retry-After": "7"}))
    answer = graph.by_ids(ANA)
    assert (*_error(answer), answer.headers["Retry-After"]) == (429, "TooManyRequests", "7")
    assert "innerError" in answer.json()["error"]
    assert graph.by_ids(ANA).status_code == 200
    assert (tenant.writes, tenant.events.take()) == ([], [])


def test_links_lead_back_through_the_door_they_came_by(tenant: Tenant) -> None:
    with serve(tenant) as served:
        url: str | None = f"{served.url}/v1.0/groups/{OWNERS}/transitiveMembers?$top=2"
        seen: list[str] = []
        with requests.Session() as client:
            client.trust_env = False
            client.verify = str(served.ca_bundle)
            client.headers["Authorization"] = f"Bearer {tenant.token(ROBOT, audience=GRAPH)}"
            while url:
                assert url.startswith(served.url)
                body = client.get(url).json()
                seen += [item["id"] for item in body["value"]]
                url = body.get("@odata.nextLink")
    assert seen == [ANA, BEN, GUS, INNER, PIPELINE]
