"""Whether what is written in a template fits what Azure takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.infra.bicep import Either, Reference, Unknown
from tests.infra.shapes import Kind, shape_of

_WORDS = {bool: "bool", int: "int", str: "string", list: "array", dict: "object"}
_ALIKE = {"map": "object", "model": "object", "number": "int"}
OURS = frozenset({"name", "parent", "scope", "dependsOn"})
"""What Bicep itself takes beside the document of a resource."""


def faults(value: Any, kind: Kind, at: str) -> Iterator[str]:
    """Every misfit of a value, by where it stands."""
    if isinstance(value, Either):
        for one in value.values:
            yield from faults(one, kind, at)
        return
    if value is None or kind.name == "any":
        return
    wanted, given = _ALIKE.get(kind.name, kind.name), _kind_of(value)
    if given not in ("any", wanted):
        yield f"{at}: is of type {given}, wanted is {wanted}"
    elif isinstance(value, str) and kind.words and value not in kind.words:
        yield f"{at}: {value!r} is none of {', '.join(sorted(kind.words))}"
    else:
        yield from _inside(value, kind, at)


def _inside(value: Any, kind: Kind, at: str) -> Iterator[str]:
    if isinstance(value, list | dict) and kind.inner:
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in parts:
            yield from faults(one, kind.inner, f"{at}.{key}")
    elif isinstance(value, dict) and kind.model is not None:
        yield from misfits(value, kind.model, at)


def misfits(
    body: dict[str, Any], model: type, at: str, also: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Every misfit of an object with a model; `also` are keys that are not the model's."""
    told = body.get(shape_of(model).tells, "")
    if shape_of(model).tells and isinstance(told, str) and not _known(model, told):
        yield f"{at}.{shape_of(model).tells}: {told!r} is not known"
        return
    shape = shape_of(model, told if isinstance(told, str) else "")
    for key, one in body.items():
        if key in also:
            continue
        known = shape.properties.get(key)
        if known is None:
            yield f"{at}.{key}: there is no such property"
        elif known.readonly:
            yield f"{at}.{key}: only Azure sets it"
        else:
            yield from faults(one, known.kind, f"{at}.{key}")


def _known(model: type, told: str) -> bool:
    return told.casefold() in {one.casefold() for one in shape_of(model).narrower}


def _kind_of(value: Any) -> str:
    if isinstance(value, Unknown):
        return _ALIKE.get(value.kind, value.kind)
    if isinstance(value, Reference):
        return _ALIKE.get(value.kind.name, value.kind.name)
    return _WORDS.get(type(value), "any")
