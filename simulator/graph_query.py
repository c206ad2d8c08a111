"""The few query forms that the simulated Resource Graph understands, taken apart.

    Resources | where type in~ ('a', 'b') | order by id asc [| project id, name, ...]

and the same for AuthorizationResources and ResourceContainers. Anything else is refused with the
word that is not known: a query that was never run must not seem to work.
"""

import re
from dataclasses import dataclass

from simulator.wire import Refusal

TABLES = ("resources", "authorizationresources", "resourcecontainers")
COLUMNS = (
    "id",
    "name",
    "type",
    "tenantId",
    "kind",
    "location",
    "resourceGroup",
    "subscriptionId",
    "managedBy",
    "sku",
    "plan",
    "properties",
    "tags",
    "identity",
    "zones",
    "extendedLocation",
)
_WHERE = re.compile(r"where\s+type\s+in~\s*\((.*)\)", re.IGNORECASE | re.DOTALL)
_ORDER = re.compile(r"order\s+by\s+id\s+asc", re.IGNORECASE)
_PROJECT = re.compile(r"project\s+(.*)", re.IGNORECASE | re.DOTALL)
_STRING = re.compile(r"""\s*(?:'([^']*)'|"([^"]*)")\s*""")


@dataclass(frozen=True)
class Query:
    """A query taken apart; types are lower case, `columns` is empty for all of them."""

    table: str
    types: tuple[str, ...]
    columns: tuple[str, ...]


def parse_query(text: str) -> Query:
    """Take a query apart. Raises the `InvalidQuery` refusal naming what is not known."""
    table, *stages = [stage.strip() for stage in text.split("|")]
    if table.lower() not in TABLES:
        raise _invalid(table or "(nothing)")
    if len(stages) < 2 or len(stages) > 3:
        raise _invalid(stages[-1] if stages else text)
    where = _WHERE.fullmatch(stages[0])
    if where is None:
        raise _invalid(stages[0])
    if _ORDER.fullmatch(stages[1]) is None:
        raise _invalid(stages[1])
    columns = _columns(stages[2]) if len(stages) > 2 else ()
    return Query(table.lower(), _strings(where.group(1)), columns)


def _strings(text: str) -> tuple[str, ...]:
    found = []
    for part in text.split(","):
        match = _STRING.fullmatch(part)
        if match is None:
            raise _invalid(part.strip() or "(nothing)")
        found.append((match.group(1) or match.group(2) or "").lower())
    return tuple(found)


def _columns(stage: str) -> tuple[str, ...]:
    match = _PROJECT.fullmatch(stage)
    if match is None:
        raise _invalid(stage)
    columns = tuple(column.strip() for column in match.group(1).split(","))
    for column in columns:
        if column not in COLUMNS:
            raise _invalid(column)
    return columns


def _invalid(what: str) -> Refusal:
    message = f"Query is invalid. The simulated Resource Graph does not know: {what}"
    detail = {"code": "InvalidQuery", "message": message}
    return Refusal(400, "BadRequest", "Please provide below info when asking for support.", extra={
        "details": [detail],
    })  # fmt: skip
