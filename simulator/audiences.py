"""What a token is for: each service takes only tokens that name it as their audience."""

from simulator.wire import ARM, Target

ARM_AUDIENCES = (
    "https://management.core.windows.net/",
    "https://management.core.windows.net",
    "https://management.azure.com/",
    "https://management.azure.com",
)
"""All that ARM takes, as its refusal lists them."""
EVENT_GRID = "https://eventgrid.azure.net"
GRAPH = "https://graph.microsoft.com"
LOG_ANALYTICS = "https://api.loganalytics.io"
LOG_QUERIES = "https://api.loganalytics.azure.com"
"""Where Log Analytics is queried, with tokens for the name above."""
MONITOR = "https://monitor.azure.com"
_KNOWN = {
    *(one.rstrip("/") for one in ARM_AUDIENCES),
    EVENT_GRID,
    GRAPH,
    LOG_ANALYTICS,
    MONITOR,
    "https://graph.windows.net",
    "https://storage.azure.com",
    "https://vault.azure.net",
}


def is_known(resource: str) -> bool:
    """Whether the tenant has a service principal of this resource, so that tokens can be had."""
    return resource.rstrip("/") in _KNOWN


def audience_of(target: Target) -> str:
    """The service that answers a request."""
    path = target.path.lower()
    if target.base == GRAPH or path.startswith("/v1.0/"):
        return GRAPH
    if target.base == LOG_QUERIES:
        return LOG_ANALYTICS
    if path.startswith("/datacollectionrules/"):
        return MONITOR
    return EVENT_GRID if path == "/api/events" else ARM


def takes(service: str, audience: str) -> bool:
    """Whether a service takes a token for `audience`; a slash at the end counts for nothing."""
    if service == ARM:
        return audience in ARM_AUDIENCES
    return audience.rstrip("/") == service
