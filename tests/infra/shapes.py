"""What Azure takes in a resource, told from the models of its own packages for Python.

Two kinds of packages: older ones keep `_attribute_map` (dots in a key stand for nesting) and name
enumerations in docstrings alone, newer ones keep typed fields.
"""

from __future__ import annotations

import datetime as dt
import enum
import importlib
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

_PLAIN: Final = {"str": "string", "int": "int", "bool": "bool", "float": "number"}
_PYTHON: Final = {str: "string", int: "int", bool: "bool", float: "number"}
_TIMES: Final = (dt.datetime, dt.timedelta, dt.date, dt.time)


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a value: `string`, `int`, `bool`, `number`, `array`, `map`, `model` or `any`.

    `inner` is the kind of the elements, `model` the class of the package, `words` what a string
    may be where that is known.
    """

    name: str = "any"
    inner: Kind | None = None
    model: type | None = None
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Property:
    kind: Kind
    readonly: bool = False


@dataclass(slots=True)
class Shape:
    """The properties of an object by their names on the wire; `tells` chooses a narrower one."""

    properties: dict[str, Property] = field(default_factory=dict)
    tells: str = ""
    narrower: Mapping[str, type] = field(default_factory=dict)


def shape_of(model: type, told: str = "") -> Shape:
    """The shape of a model, or of the one below it that `told` chooses."""
    found = _shape(model)
    chosen = {key.casefold(): one for key, one in found.narrower.items()}.get(told.casefold())
    return shape_of(chosen) if chosen is not None and chosen is not model else found


@cache
def _shape(model: type) -> Shape:
    return _old(model) if hasattr(model, "_attribute_map") else _new(model)


def _old(model: Any) -> Shape:
    made = Shape()
    module = importlib.import_module(model.__module__.rpartition(".")[0])
    narrower = getattr(model, "_subtype_map", {})
    for attribute, words in narrower.items():
        made.tells = model._attribute_map[attribute]["key"]  # noqa: SLF001
        made.narrower = {word: getattr(module, name) for word, name in words.items()}
    docs = "".join(one.__doc__ or "" for one in model.__mro__)
    for attribute, about in model._attribute_map.items():  # noqa: SLF001
        readonly = bool(model._validation.get(attribute, {}).get("readonly"))  # noqa: SLF001
        kind = _named(about["type"], module)
        said = re.search(rf":vartype {attribute}: str or\s+~azure\.mgmt\.([\w.]+)", docs)
        if kind.name == "string" and said:
            listed = getattr(module, said[1].rpartition(".")[2], None)
            kind = replace(kind, words=_words(listed) if listed else frozenset())
        _nest(made, re.split(r"(?<!\\)\.", about["key"]), Property(kind, readonly))
    return made


def _nest(shape: Shape, keys: list[str], found: Property) -> None:
    """Put a property where its key says, making the objects on the way."""
    key, *rest = (one.replace("\\.", ".") for one in keys)
    if not rest:
        shape.properties[key] = found
        return
    inner = shape.properties.get(key)
    if inner is None:
        holder = type("Holder", (), {"shape": Shape()})
        inner = shape.properties[key] = Property(Kind("model", model=holder))
    assert inner.kind.model is not None
    _nest(inner.kind.model.shape, rest, found)  # type: ignore[attr-defined]


def _named(name: str, module: types.ModuleType) -> Kind:
    if name.startswith("["):
        return Kind("array", _named(name[1:-1], module))
    if name.startswith("{"):
        return Kind("map", _named(name[1:-1], module))
    if name in ("iso-8601", "rfc-1123", "duration", "date"):
        return Kind("string")
    if name in _PLAIN:
        return Kind(_PLAIN[name])
    model = getattr(module, name, None)
    return Kind("model", model=model) if model is not None else Kind()


def _new(model: Any) -> Shape:
    if hasattr(model, "shape"):
        return typing.cast("Shape", model.shape)
    made = Shape()
    model.__new__(model)
    hints = dict(_hints(model))
    for attribute, about in model._attr_to_rest_field.items():  # noqa: SLF001
        readonly = about._visibility == ["read"]  # noqa: SLF001
        name = about._rest_name_input  # noqa: SLF001
        made.properties[name] = Property(_typed(hints.get(attribute, Any)), readonly)
        if about._is_discriminator and getattr(model, "__mapping__", None):  # noqa: SLF001
            made.tells, made.narrower = name, model.__mapping__
    return made


def _hints(model: type) -> Iterator[tuple[str, Any]]:
    for one in reversed(model.__mro__):
        if "__annotations__" in vars(one) and ".models." in one.__module__:
            package = importlib.import_module(one.__module__.rpartition(".")[0])
            names = {**vars(typing), **vars(package), "_models": package, "datetime": dt}
            yield from typing.get_type_hints(one, localns=names).items()


def _typed(hint: Any) -> Kind:
    arguments = [one for one in typing.get_args(hint) if one is not type(None)]
    match typing.get_origin(hint):
        case typing.Union | types.UnionType:
            kinds = [_typed(one) for one in arguments]
            return next((one for one in kinds if one.words), kinds[0])
        case typing.Literal:
            words = [one.value if isinstance(one, enum.Enum) else one for one in arguments]
            return Kind("string", words=frozenset(map(str, words)))
        case origin if origin in (list, typing.List):  # noqa: UP006  as they write it
            return Kind("array", _typed(arguments[0]))
        case origin if origin in (dict, typing.Dict):  # noqa: UP006  as they write it
            return Kind("map", _typed(arguments[1]))
    return _of_class(hint) if isinstance(hint, type) else Kind()


def _of_class(hint: type) -> Kind:
    if issubclass(hint, enum.Enum):
        return Kind("string", words=_words(hint))
    if hint in _PYTHON:
        return Kind(_PYTHON[hint])
    if issubclass(hint, _TIMES):
        return Kind("string")
    return Kind("model", model=hint) if hasattr(hint, "_calculated") else Kind()


def _words(listed: Any) -> frozenset[str]:
    return frozenset(str(one.value) for one in listed)
