"""The tenant's word checked against recorded flows: status, way of polling, error code.

The recordings are read where they lie and never copied; without them these tests are skipped.
"""

import os
from pathlib import Path

import pytest

from simulator.types import row_of
from tests.simulator.replay import has_body, read_flow, recorded_look, replay

DEFAULT = Path(__file__).parents[2] / "../shared/recorded"

REPRODUCED = (
    "authorization.locks-delete-200-c7n",
    "authorization.roleassignments-put-201-net-2",
    "authorization.roleassignments-delete-200-net",
    "compute.disks-put-202-async-net-2",
    "compute.disks-patch-404-cpa",
    "compute.disks-delete-202-async-net",
    "compute.disks.endgetaccess-post-202-async-net",
    "compute.virtualmachines-patch-200-async-net",
    "compute.virtualmachines-put-412-ifmatch-cpa",
    "containerregistry.registries-patch-200-net",
    "documentdb.databaseaccounts-put-200-async-net",
    "documentdb.databaseaccounts-patch-200-async-net",
    "documentdb.databaseaccounts-delete-202-async-net",
    "eventgrid.eventsubscriptions-delete-202-location-c7n",
    "keyvault.vaults-put-200-net-2",
    "keyvault.vaults-delete-200-net",
    "network.networkinterfaces-put-detach-public-ip-net",
    "network.networkinterfaces-put-detach-public-ip-net-2",
    "network.networkinterfaces-delete-202-async-net",
    "network.networksecuritygroups-put-201-async-net",
    "network.networksecuritygroups-put-200-async-net",
    "network.networksecuritygroups-put-412-ifmatch-cpa",
    "network.networksecuritygroups.securityrules-delete-202-async-ruby",
    "network.publicipaddresses-put-412-ifmatch-cpa",
    "network.virtualnetworks.subnets-put-201-async-cpa",
    "resources.resourcegroups-delete-404-net",
    "sql.servers-put-202-async-net",
    "sql.servers-delete-202-async-net",
    "sql.servers.firewallrules-put-200-net",
    "sql.servers.firewallrules-delete-200-java",
    "sql.servers.firewallrules-delete-204-java",
    "sql.servers.virtualnetworkrules-put-202-async-net",
    "storage.storageaccounts-put-202-location-net-2",
    "storage.storageaccounts-patch-200-net",
    "storage.storageaccounts-delete-200-net",
    "storage.storageaccounts-delete-404-net",
    "storage.storageaccounts.blobservices-put-200-cpa",
    "storage.storageaccounts.blobservices-put-404-cpa",
    "web.sites-put-200-net",
    "web.sites-patch-200-net-2",
)

DIFFERENT = {
    # SQL at api-version 2014-04-01 was synchronous; the tenant knows the later way alone.
    "sql.servers-delete-200-java",
    "sql.servers-put-200-net",
    "sql.servers-put-201-net",
    "sql.servers.databases-put-200-net",
    # The network provider sometimes answers at once, or 200 to a long deletion.
    "compute.virtualmachines-put-200-cpa",
    "network.networkinterfaces-delete-200-async-cpa",
    "network.networkinterfaces-put-200-cpa",
    "network.networkinterfaces-put-201-cpa",
    # Redis gives children and deletions a location only sometimes.
    "cache.redis-delete-200-java",
    "cache.redis.firewallrules-put-201-location-net",
    # The flows last read these addresses while they were still attached.
    "network.publicipaddresses-delete-202-async-java",
    "network.publicipaddresses-delete-202-async-net",
    # Rules that the tenant was not taught.
    "cache.redis-patch-400-net",
    "compute.virtualmachines-patch-409-net",
    "compute.virtualmachines-patch-409-net-2",
    "resources.resourcegroups-delete-400-ruby",
    "sql.servers.databases-delete-400-net",
    # What was there before cannot be told from the recording.
    "authorization.roleassignments-put-409-net",
    "compute.virtualmachines.simulateeviction-post-204-java",
}


@pytest.fixture
def traffic() -> Path:
    folder = Path(os.environ.get("PORTCULLIS_RECORDED", str(DEFAULT))) / "traffic"
    if not folder.is_dir():
        pytest.skip(f"no recorded traffic at {folder}; set PORTCULLIS_RECORDED")
    return folder


@pytest.mark.parametrize("name", REPRODUCED)
def test_a_recorded_write_looks_the_same(traffic: Path, name: str) -> None:
    flow = read_flow(traffic / f"{name}.json")
    look, _ = replay(flow)
    assert look == recorded_look(flow)


def test_where_the_tenant_differs_is_known(traffic: Path) -> None:
    """Of all replayable writes of taught types, exactly the listed ones look different."""
    different = set()
    replayed = 0
    for file in sorted(traffic.glob("*-*.json")):
        flow = read_flow(file)
        if flow["operation"] not in {"PUT", "PATCH", "DELETE", "POST"} or not has_body(flow):
            continue
        look, address = replay(flow)
        if row_of(address.type) is None or look.error == "SimulatorDoesNotKnow":
            continue
        replayed += 1
        if look != recorded_look(flow):
            different.add(file.stem)
    assert different == DIFFERENT
    assert replayed == 194
