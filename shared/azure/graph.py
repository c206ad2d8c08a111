"""Azure Resource Graph: the estate's index, page by page. Never evidence for a write.

Asked by REST, because the SDK pins an api-version without `authorizationScopeFilter`. Graph shows
what the identity may read and is silent about the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from shared.errors import Refused, Why
from shared.model import Resource, ResourceId

API_VERSION = "2022-10-01"
PATH = "/providers/Microsoft.ResourceGraph/resources"
PAGE = 1000
Ask = Callable[[str, str, Any], dict[str, Any]]


def query_for(table: str, types: Sequence[str]) -> str:
    """Every row of the given types, in an order that paging can rely on."""
    listed = ", ".join(f"'{t.casefold()}'" for t in types)
    return f"{table} | where type in~ ({listed}) | order by id asc"


def pages(ask: Ask, query: str, subscriptions: Sequence[str] = ()) -> Iterator[list[Resource]]:
    """The rows as resources, a page at a time; `ask` is `Arm.post`.

    No `subscriptions` asks the whole tenant.

    Raises:
        Transient: come again. Refused: it may not be asked, or answered in part without saying.
    """
    token, seen = "", set[str]()
    while token not in seen:
        seen.add(token)
        options: dict[str, Any] = {"$top": PAGE, "resultFormat": "objectArray"}
        if token:
            options["$skipToken"] = token
        body: dict[str, Any] = {"query": query, "options": options}
        if subscriptions:
            body["subscriptions"] = list(subscriptions)
        answer = ask(PATH, API_VERSION, body)
        rows = answer.get("data")
        if not isinstance(rows, list):
            raise Refused("Resource Graph answered without rows", Why.INVALID)
        if not all(map(_named, rows)):
            raise Refused("Resource Graph answered with a row that is no resource", Why.INVALID)
        yield [Resource(id=ResourceId(r["id"]), body=r) for r in rows]
        token = str(answer.get("$skipToken") or "")
        if not token:
            if str(answer.get("resultTruncated", "false")).casefold() == "true":
                raise Refused("Resource Graph cut its answer short", Why.INVALID)
            return
    raise Refused("the pages of Resource Graph do not end", Why.INVALID)


def _named(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("id"), str)
