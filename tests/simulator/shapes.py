"""What a JSON body looks like with its values forgotten: which keys there are, of which kind."""

from collections.abc import Iterator
from typing import Any

Shape = frozenset[str]

SERVER_COMPUTED = frozenset({"etag", "systemData", "createdBy", "updatedBy", "lastUpdatedTime"})
"""Keys of who wrote last, and when. Whatever is below them is left out as well."""


def shape(body: Any) -> Shape:
    """One line a key, `properties.sku.name: string`.

    The elements of a list are seen as one: the union of their keys. A list without elements looks
    like a list. A null is a kind of its own, and so is no body.
    """
    return frozenset(_lines(body, ""))


def _lines(value: Any, path: str) -> Iterator[str]:
    yield f"{path}: {_kind(value)}"
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in SERVER_COMPUTED:
                yield from _lines(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            yield from _lines(item, f"{path}[]")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    kinds = {dict: "object", list: "array", str: "string", int: "number", float: "number"}
    return kinds.get(type(value), "null")
