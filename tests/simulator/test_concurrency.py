"""Several threads on one tenant."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from simulator.tenant import Tenant
from tests.simulator.client import ACCOUNT, ALICE, NSG, SUB, VAULT, Client

WRITERS = 8


def test_one_of_many_writers_with_the_same_etag_wins(tenant: Tenant) -> None:
    """Everybody read the same etag; one write is accepted, the others learn that they are late."""
    tenant.write(NSG, {"location": "westeurope"}, by=ALICE)
    etag = Client(tenant).get(NSG).json()["etag"]
    together = Barrier(WRITERS)

    def write(number: int) -> int:
        arm = Client(tenant)
        together.wait()
        body = {"location": "westeurope", "tags": {"writer": str(number)}}
        return arm.put(NSG, body, If_Match=etag).status_code

    with ThreadPoolExecutor(WRITERS) as pool:
        statuses = sorted(pool.map(write, range(WRITERS)))
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {412, 429}


def test_readers_writers_and_lists_do_not_disturb_each_other(tenant: Tenant) -> None:
    """Nothing fails, every write is logged once, and every event is taken once."""
    tenant.load({"id": ACCOUNT, "location": "westeurope"})

    def work(number: int) -> list[int]:
        arm = Client(tenant)
        body = {"location": "westeurope", "properties": {}}
        return [
            arm.put(f"{VAULT}{number}", body).status_code,
            arm.get(f"{SUB}/providers/Microsoft.KeyVault/vaults").status_code,
            arm.patch(ACCOUNT, {"tags": {"n": str(number)}}).status_code,
            arm.delete(f"{VAULT}{number}").status_code,
        ]

    with ThreadPoolExecutor(WRITERS) as pool:
        results = list(pool.map(work, range(40)))
    assert results == [[200] * 4] * 40
    assert len(tenant.writes) == 120
    events = tenant.events.take()
    assert len({event["id"] for event in events}) == len(events) == 120
