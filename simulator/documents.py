"""JSON documents as values: copying, merging, reading and writing by path.

Stored documents are never changed in place; whoever changes one works on a `clone`.
"""

from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]


def clone(value: Any) -> Any:
    """Copy a JSON value deeply; several times faster than `copy.deepcopy`."""
    if isinstance(value, dict):
        # Asked here, because most members are plain, and calls cost more than questions.
        return {
            name: clone(item) if isinstance(item, (dict, list)) else item
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [clone(item) for item in value]
    return value


def dig(document: Any, path: str, default: Any = None) -> Any:
    """Read a dotted path; `default` where a step is absent or no object."""
    for step in path.split("."):
        if not isinstance(document, Mapping) or step not in document:
            return default
        document = document[step]
    return document


def put(document: Document, path: str, value: Any) -> None:
    """Write a dotted path, making the objects on the way; replaces a null on the way too."""
    *steps, last = path.split(".")
    for step in steps:
        if not isinstance(document.get(step), dict):
            document[step] = {}
        document = document[step]
    document[last] = value


def drop(document: Document, path: str) -> None:
    """Remove a dotted path; nothing happens where it is absent."""
    *steps, last = path.split(".")
    for step in steps:
        inner = document.get(step)
        if not isinstance(inner, dict):
            return
        document = inner
    document.pop(last, None)


def merge(current: Any, patch: Any, *, whole: frozenset[str] = frozenset(), path: str = "") -> Any:
    """Lay `patch` over `current` as a provider's PATCH does, and return the new value.

    Objects merge, everything else replaces; an object whose dotted path is in `whole` replaces
    too. A null is ignored: providers deserialise it to "not given".
    """
    if not isinstance(patch, dict) or not isinstance(current, dict) or path in whole:
        return clone(patch)
    merged = dict(current)
    for name, value in patch.items():
        if value is None:
            continue
        inner = f"{path}.{name}" if path else name
        merged[name] = merge(current.get(name), value, whole=whole, path=inner)
    return merged


def without_nulls(value: Any) -> Any:
    """Copy a JSON value without the null members of its objects."""
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def fill(document: Document, defaults: Mapping[str, Any]) -> None:
    """Give `document` what `defaults` has and it lacks, object by object, in place."""
    for name, value in defaults.items():
        present = document.get(name)
        if name not in document:
            document[name] = clone(value)
        elif isinstance(present, dict) and isinstance(value, dict):
            fill(present, value)
