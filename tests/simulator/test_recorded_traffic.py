"""The tenant's word checked against recorded flows: status, polling, error code, body shape.

Counted are the flows whose resource type is a type of the catalogue: 205 files. What was sent is
known for 171 of them, those with a request body and those whose method sends none; the other 34
are PUTs and PATCHes of which the recorder kept no body, and cannot be replayed. Eight of the 171
are refused reads and polls, the rest are writes.

The recordings are read where they lie and never copied; without them these tests are skipped.
"""

import csv
from pathlib import Path

import pytest

from simulator.address import parse
from simulator.types import row_of
from tests.simulator.replay import Flow, has_body, path_of, read_flow, recorded_look, replay

AGREEING = 127

DIFFERENT = {
    "SQL of 2014 shows the password and lists what later api-versions dropped": (
        "sql.servers-put-200-net",
        "sql.servers-put-201-net",
        "sql.servers.databases-put-200-net",
    ),
    "SQL of 2014 refuses in an envelope of its own; the tenant was not taught its refusals": (
        "sql.servers.databases-delete-400-net",
    ),
    "Cosmos adds an empty error to an accepted deletion, at times": (
        "documentdb.databaseaccounts-delete-202-async-java",
        "documentdb.databaseaccounts-delete-202-async-java-2",
    ),
    "the answer had already lost a rule that the flow's last read shows": (
        "documentdb.databaseaccounts-patch-200-async-net-2",
    ),
    "the provider was done before it answered, or said 200 to a long deletion": (
        "compute.virtualmachines-put-200-cpa",
        "network.networkinterfaces-delete-200-async-cpa",
        "network.networkinterfaces-put-200-cpa",
        "network.networkinterfaces-put-201-cpa",
    ),
    "the flow last read the address while it was still attached": (
        "network.publicipaddresses-delete-202-async-java",
        "network.publicipaddresses-delete-202-async-net",
    ),
    "who refers to the resource is shown by the answer alone, by no read": (
        "network.networkinterfaces-put-200-async-net",
        "network.networksecuritygroups-put-200-async-net",
    ),
    "keys of parts of the resource that are documented nowhere": (
        "network.azurefirewalls-put-200-async-net",
        "network.azurefirewalls-put-201-async-net",
        "network.networkinterfaces-put-201-async-net-4",
        "network.virtualnetworkgateways-put-200-async-net",
    ),
    "which part of a changed disk the 202 shows is documented nowhere": (
        "compute.disks-put-202-async-cpa",
        "compute.snapshots-put-202-async-cpa",
    ),
    "a PATCH leaves the machine's extensions out of its answer; the tenant does not": (
        "compute.virtualmachines-patch-200-async-net",
    ),
    "what a running machine, or a cache of a size, must not change: not taught": (
        "cache.redis-patch-400-net",
        "compute.virtualmachines-patch-409-net",
        "compute.virtualmachines-patch-409-net-2",
    ),
    "Redis of 2016 deleted at once": ("cache.redis-delete-200-java",),
    "Redis answers creation with its keys, and with settings by size: not taught": (
        "cache.redis-put-201-location-net",
    ),
    "old Insights answers nulls, also for the type": (
        "insights.activitylogalerts-put-200-net",
        "insights.activitylogalerts-put-201-net",
        "insights.diagnosticsettings-put-200-net",
        "insights.diagnosticsettings-put-200-net-2",
    ),
    "App Service answers some eighty keys more, most of them null: not taught": (
        "web.sites-put-200-net",
        "web.sites-put-200-net-2",
        "web.sites-put-200-net-3",
    ),
    "App Service of 2015 answers numbers for names": ("web.sites-patch-200-net-2",),
    "the cluster keeps a service principal that the PUT leaves out: documented nowhere": (
        "containerservice.managedclusters-put-200-async-net",
    ),
    "a PATCH with a location beside the tags, which the tenant refuses": (
        "containerinstance.containergroups-patch-200-net",
    ),
    "what was there before the recording does not show": (
        "cdn.profiles-patch-202-async-net",
        "cdn.profiles.endpoints-patch-200-net",
        "cdn.profiles.endpoints-patch-202-async-net",
    ),
    "polls of deletions that began before the recording": (
        "error-409-none-get-subscriptions",
        "error-409-none-get-subscriptions-2",
    ),
    "a Batch account that is missing has an error of its own: not taught": (
        "error-404-accountnotfound-get-batchaccounts",
    ),
    "tag names of a subscription: not taught": ("resources.subscriptions-delete-200-ruby",),
}
"""Why, and which flows."""

OTHERWISE_DECIDED = {
    # Redis gives children a location only sometimes.
    "cache.redis.firewallrules-put-201-location-net",
    # The group's name is what is wrong, and the tenant takes any.
    "resources.resourcegroups-delete-400-ruby",
}


@pytest.fixture(scope="module")
def flows(recorded: Path) -> dict[str, Flow]:
    """Every recorded flow by its file's name."""
    with (recorded / "traffic.csv").open(encoding="utf-8", newline="") as index:
        files = [recorded / row["file"] for row in csv.DictReader(index)]
    return {file.stem: read_flow(file) for file in files}


@pytest.fixture(scope="module")
def named(recorded: Path, flows: dict[str, Flow]) -> dict[str, Flow]:
    """The flows whose type the catalogue names."""
    catalogue = recorded.parent / "catalog" / "catalog.csv"
    if not catalogue.is_file():
        pytest.skip(f"no catalogue of controls at {catalogue}")
    with catalogue.open(encoding="utf-8", newline="") as controls:
        types = {row["resource_type"].lower() for row in csv.DictReader(controls)}
    return {name: flow for name, flow in flows.items() if flow["arm_type"].lower() in types}


def test_the_catalogue_names_205_flows_of_which_171_can_be_sent_again(
    named: dict[str, Flow],
) -> None:
    assert len(named) == 205
    assert sum(has_body(flow) for flow in named.values()) == 171


def test_answers_look_like_azures_but_for_the_listed_ones(named: dict[str, Flow]) -> None:
    """Of all that can be sent again, exactly the listed flows are answered differently."""
    sendable = {name: flow for name, flow in named.items() if has_body(flow)}
    alike = {name for name, flow in sendable.items() if replay(flow) == recorded_look(flow)}
    listed = [name for names in DIFFERENT.values() for name in names]
    assert sorted(set(sendable) - alike) == sorted(listed)
    assert len(alike) == AGREEING


def test_beside_the_catalogue_writes_of_taught_types_end_alike(
    flows: dict[str, Flow], named: dict[str, Flow]
) -> None:
    """Status, polling and error code, without shapes."""
    different = set()
    replayed = 0
    for name in flows.keys() - named.keys():
        flow = flows[name]
        if flow["operation"] in {"GET", "HEAD"} or not has_body(flow):
            continue
        look = replay(flow)
        if row_of(parse(path_of(flow)).type) is None or look.error == "SimulatorDoesNotKnow":
            continue
        replayed += 1
        if look.outcome != recorded_look(flow).outcome:
            different.add(name)
    assert different == OTHERWISE_DECIDED
    assert replayed == 40
