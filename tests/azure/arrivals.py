"""What tests of records and notices share: a tenant that takes both, and an outbox before it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from shared.azure.delivery import Door
from shared.azure.logs import STREAMS, Logs
from shared.azure.notices import Notices
from shared.errors import PortcullisError
from shared.outbox import Outbox, Sink
from simulator.adapter import TenantCredential, transport
from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.azure.wire import US

RULE = "dcr-00000000000000000000000000000001"
SOON = timedelta(minutes=2)
UPLOADS = "/dataCollectionRules/*"
TOPIC = "/api/events"
ACTIONS = STREAMS["actions"].name
DECLARED = {stream.name: stream.columns for stream in STREAMS.values()}


def door(tenant: Tenant, endpoint: str) -> Door:
    return Door(
        endpoint=endpoint,
        credential=TenantCredential(tenant, US),
        now=tenant.clock.now,
        transport=transport(tenant),
    )


def logs_of(tenant: Tenant) -> Logs:
    tenant.logs.declare(RULE, DECLARED)
    return Logs(door(tenant, "https://dcr-1.westeurope-1.ingest.monitor.azure.com"), RULE)


def notices_of(tenant: Tenant) -> Notices:
    return Notices(door(tenant, "https://notices.westeurope-1.eventgrid.azure.net/api/events"))


def fault_of_ship(outbox: Outbox, *sinks: Sink) -> PortcullisError | None:
    """Ship once; what it raised."""
    try:
        outbox.ship(sinks)
    except PortcullisError as fault:
        return fault
    return None


def ship_until_empty(outbox: Outbox, clock: VirtualClock, *sinks: Sink) -> None:
    """Ship as the timer does, with two minutes between, until nothing waits."""
    for _ in range(20):
        fault_of_ship(outbox, *sinks)
        if outbox.oldest() is None:
            return
        clock.advance(SOON)
    raise AssertionError("records still wait after forty minutes without trouble")


def calls(tenant: Tenant, path: str) -> list[int]:
    """The statuses of the calls below a path, in order."""
    return [r.status for r in tenant.requests if r.path.casefold().startswith(path.casefold())]


def ids(rows: Iterable[dict[str, str]]) -> list[str]:
    return [row["EventId"] for row in rows]
