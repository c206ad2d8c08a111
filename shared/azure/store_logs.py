"""Which logs of a data store name its callers, where they go, and the query that counts them.

Source: Microsoft Learn, "StorageBlobLogs", "AZKVAuditLogs", "CDBDataPlaneRequests" (columns),
"Monitor Azure Cosmos DB data by using diagnostics settings" (AzureDiagnostics). Audits of a SQL
server go where the settings of its `master` say. `_ResourceId` is in every table; a column of
AzureDiagnostics comes with the first row that has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from shared.model import Resource, ResourceId

MOST = 20
"""Addresses that are shown."""
_ALL, _AUDIT = "alllogs", "audit"
"""Category groups; what `audit` holds is for each service to say."""
_WITH_PORT, _ADDRESS = r"@'^(?:\[(.+)\]|([\d.]+))(?::\d+)?$'", r"@'\1\2'"
"""An IPv6 address in brackets, or an IPv4 address, with or without a port."""


@dataclass(frozen=True, slots=True)
class Table:
    """Where addresses stand: a column, in the rows of a category where the table holds several."""

    name: str
    column: str
    category: str = ""


@dataclass(frozen=True, slots=True)
class Log:
    """One part of a store's logs, and where its diagnostic settings stand below the store.

    `groups` are the category groups that surely hold its categories.
    """

    name: str
    at: str
    categories: tuple[str, ...]
    tables: tuple[Table, ...]
    groups: tuple[str, ...] = (_ALL, _AUDIT)


_VAULT = Log(
    "audits", "", ("AuditEvent",),
    (Table("AZKVAuditLogs", "CallerIpAddress"),
     Table("AzureDiagnostics", "CallerIPAddress", "AuditEvent")),
)  # fmt: skip
LOGS: Mapping[str, tuple[Log, ...]] = {
    "microsoft.storage/storageaccounts": tuple(
        Log(
            service.lower(),
            f"/{service.lower()}Services/default",
            ("StorageRead", "StorageWrite", "StorageDelete"),
            (Table(f"Storage{service}Logs", "CallerIpAddress"),),
        )
        for service in ("Blob", "File", "Queue", "Table")
    ),
    "microsoft.sql/servers": (
        Log(
            "audits", "/databases/master", ("SQLSecurityAuditEvents",),
            (Table("AzureDiagnostics", "client_ip_s", "SQLSecurityAuditEvents"),),
        ),
    ),
    "microsoft.keyvault/vaults": (_VAULT,),
    "microsoft.keyvault/managedhsms": (_VAULT,),
    "microsoft.documentdb/databaseaccounts": (
        Log(
            "requests", "", ("DataPlaneRequests",),
            (Table("CDBDataPlaneRequests", "ClientIpAddress"),
             Table("AzureDiagnostics", "clientIpAddress_s", "DataPlaneRequests")),
            groups=(_ALL,),
        ),
    ),
}  # fmt: skip


def collected(setting: Resource, log: Log) -> set[str]:
    """The categories of a log that a diagnostic setting sends on."""
    on = [one for one in setting.items("/properties/logs") if one.get("enabled") is True]
    if any(str(one.get("categoryGroup")).casefold() in log.groups for one in on):
        return set(log.categories)
    named = {str(one.get("category")).casefold() for one in on}
    return {one for one in log.categories if one.casefold() in named}


def query(store: ResourceId, logs: Iterable[Log]) -> str:
    """Calls by address, the port of an address left off; one row more than is shown."""
    tables = chain.from_iterable(log.tables for log in logs)
    return "\n".join(
        (
            "union isfuzzy=true",
            ",\n".join(f"({_leg(store, table)})" for table in tables),
            "| where isnotempty(Caller)",
            f"| extend Caller = replace_regex(Caller, {_WITH_PORT}, {_ADDRESS})",
            "| summarize Calls = count(), Last = max(TimeGenerated) by Caller",
            f"| top {MOST + 1} by Calls",
        )
    )


def _leg(store: ResourceId, table: Table) -> str:
    mine = json.dumps(store.text, ensure_ascii=False)
    below = json.dumps(f"{store.text}/", ensure_ascii=False)
    of = f' and Category == "{table.category}"' if table.category else ""
    return (
        f"{table.name} | where (_ResourceId =~ {mine} or _ResourceId startswith {below}){of}"
        f' | project TimeGenerated, Caller = column_ifexists("{table.column}", "")'
    )
