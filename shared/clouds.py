"""The clouds of Azure, and what differs between them.

Sources: Microsoft Learn, "Compare Azure Government and global Azure" and "Azure in China developer
guide" (addresses of ARM, Entra, storage and Log Analytics), "Microsoft Graph national cloud
deployments"; `azure.identity.AzureAuthorityHosts`; `az cloud show` for the names; the READMEs of
azure-monitor-ingestion and azure-monitor-query for what tokens are for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.errors import Unusable

CLOUD: Final = "PORTCULLIS_CLOUD"
"""The setting that names one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureEnvironment:
    """One cloud. All but authority and issuer, hosts, and the suffix are addresses without a slash.

    Tokens of version 2.0 name the host `issuer`. `arm` and `graph` take tokens that are for their
    own address; Log Analytics answers queries at `log_queries` with tokens for
    `log_queries_audience`; Logs Ingestion, whose addresses are those of data collection endpoints,
    takes tokens for `monitor`. `storage_suffix` follows the name of a storage account and of its
    service.
    """

    name: str
    arm: str
    authority: str
    issuer: str
    storage_suffix: str
    monitor: str
    log_queries: str
    log_queries_audience: str
    graph: str
    portal: str


PUBLIC: Final = AzureEnvironment(
    name="AzureCloud",
    arm="https://management.azure.com",
    authority="login.microsoftonline.com",
    issuer="login.microsoftonline.com",
    storage_suffix="core.windows.net",
    monitor="https://monitor.azure.com",
    log_queries="https://api.loganalytics.azure.com",
    log_queries_audience="https://api.loganalytics.io",
    graph="https://graph.microsoft.com",
    portal="https://portal.azure.com",
)
US_GOVERNMENT: Final = AzureEnvironment(
    name="AzureUSGovernment",
    arm="https://management.usgovcloudapi.net",
    authority="login.microsoftonline.us",
    issuer="login.microsoftonline.us",
    storage_suffix="core.usgovcloudapi.net",
    monitor="https://monitor.azure.us",
    log_queries="https://api.loganalytics.us",
    log_queries_audience="https://api.loganalytics.us",
    graph="https://graph.microsoft.us",
    portal="https://portal.azure.us",
)
CHINA: Final = AzureEnvironment(
    name="AzureChinaCloud",
    arm="https://management.chinacloudapi.cn",
    authority="login.chinacloudapi.cn",
    issuer="login.partner.microsoftonline.cn",
    storage_suffix="core.chinacloudapi.cn",
    monitor="https://monitor.azure.cn",
    log_queries="https://api.loganalytics.azure.cn",
    log_queries_audience="https://api.loganalytics.azure.cn",
    graph="https://microsoftgraph.chinacloudapi.cn",
    portal="https://portal.azure.cn",
)
CLOUDS: Final = (PUBLIC, US_GOVERNMENT, CHINA)


def of(environment: Mapping[str, str]) -> AzureEnvironment:
    """The cloud that `PORTCULLIS_CLOUD` names, in any casing; the public one where it is not set.

    Raises:
        Unusable: there is none of that name.
    """
    named = environment.get(CLOUD) or PUBLIC.name
    for cloud in CLOUDS:
        if cloud.name.casefold() == named.casefold():
            return cloud
    names = " or ".join(cloud.name for cloud in CLOUDS)
    raise Unusable(f"{CLOUD} is {named!r}: {names}")


def query_audience(endpoint: str) -> str:
    """What a token for Log Analytics at `endpoint` is for: its address, where none is known."""
    known = {cloud.log_queries: cloud.log_queries_audience for cloud in CLOUDS}
    return known.get(endpoint.casefold(), endpoint)


def owner(address: str) -> AzureEnvironment | None:
    """The one cloud whose directory or logs answer at `address`; None for any other address."""
    for cloud in CLOUDS:
        if address.casefold() in (cloud.graph, cloud.log_queries):
            return cloud
    return None
