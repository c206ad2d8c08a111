"""Teaches the tenant its types: all rows, registered once."""

from functools import cache

from simulator import (
    rows_authorization,
    rows_compute,
    rows_data,
    rows_deployments,
    rows_eventgrid,
    rows_identity,
    rows_network,
    rows_paths,
    rows_platform,
    rows_servers,
    rows_services,
    rows_storage,
    rows_stores,
    types,
)


@cache
def teach() -> None:
    """Register every row; further calls do nothing."""
    types.register(*rows_authorization.ROWS)
    types.register(*rows_network.ROWS)
    types.register(*rows_paths.ROWS)
    types.register(*rows_servers.ROWS)
    types.register(*rows_compute.ROWS)
    types.register(*rows_storage.ROWS)
    types.register(*rows_data.ROWS)
    types.register(*rows_stores.ROWS)
    types.register(*rows_platform.ROWS)
    types.register(*rows_services.ROWS)
    types.register(*rows_eventgrid.ROWS)
    types.register(*rows_identity.ROWS)
    types.register(*rows_deployments.ROWS)
