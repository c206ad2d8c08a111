"""References inside network documents: answered as bare ids, and seen from where they lead."""

from collections.abc import Iterator
from typing import Any

from simulator import types
from simulator.documents import Document, dig
from simulator.writes import Write


def shorten(write: Write) -> None:
    """What lies outside of the document is answered as its id, whatever else a client sent."""
    inside = f"{write.address.key}/"
    row = types.row_of(write.address.type)
    holders = [write.after]
    for embedded in row.embedded if row else ():
        holders += dig(write.after, f"properties.{embedded.path}") or []
    for holder in holders:
        properties = holder.get("properties") or {}
        for name, value in properties.items():
            properties[name] = _short(value, inside)


def _short(value: Any, inside: str) -> Any:
    if isinstance(value, list):
        return [_short(one, inside) for one in value]
    target = value.get("id") if isinstance(value, dict) else None
    if not isinstance(target, str) or target.lower().startswith(inside):
        return value
    return {"id": target}


def show_uses(write: Write) -> None:
    """An object inside the document lists which others inside it refer to it."""
    row = types.row_of(write.address.type)
    objects: dict[str, tuple[types.Embedded, str, Document]] = {}
    for embedded in row.embedded if row else ():
        for item in dig(write.after, f"properties.{embedded.path}") or []:
            own = f"{write.after['id']}/{embedded.path}/{item.get('name')}"
            objects[own.lower()] = (embedded, own, item)
            for name in embedded.used_by:
                item.setdefault("properties", {}).pop(name, None)
    for embedded, own, item in objects.values():
        for target in _targets(item.get("properties") or {}):
            used = objects.get(target.lower())
            if used is not None and embedded.path in used[0].used_by:
                used[2]["properties"].setdefault(embedded.path, []).append({"id": own})


def _targets(properties: Document) -> Iterator[str]:
    for value in properties.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and isinstance(one.get("id"), str):
                yield one["id"]
