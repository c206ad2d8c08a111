"""Bicep, read and computed as far as it stands in the files; what only Azure knows is unknown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

from tests.infra.shapes import Kind, shape_of

_PARSER = Parser(Language(tree_sitter_bicep.language()))
Scope = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only a deployment knows; of its type, what is known.

    `said` is which output of a module it is.
    """

    kind: str = "any"
    said: str = ""


@dataclass(frozen=True, slots=True)
class Either:
    """One of several values."""

    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """What Azure answers of a resource, or a part of that."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a module answers."""

    symbol: str
    file: Path


RETURNS = {
    "guid": "string",
    "uniqueString": "string",
    "toLower": "string",
    "substring": "string",
    "tenantResourceId": "string",
    "extensionResourceId": "string",
    "join": "string",
    "empty": "bool",
    "contains": "bool",
    "split": "array",
    "last": "any",
    "subscription": "any",
    "managementGroup": "any",
    "resourceGroup": "any",
    "environment": "any",
}
"""The functions that are used and not computed here, by what they return."""


def text_of(node: Node) -> str:
    assert node.text is not None
    return node.text.decode()


def named(node: Node, kind: str) -> list[Node]:
    return [one for one in node.named_children if one.type == kind]


def inside(node: Node, kind: str) -> Iterator[Node]:
    """Every node of a kind, the node itself among them."""
    if node.type == kind:
        yield node
    for one in node.named_children:
        yield from inside(one, kind)


@dataclass(frozen=True, slots=True)
class Declared:
    """A resource or a module: what it is (`type@version`, or a file), and what is written in it."""

    symbol: str
    what: str
    body: Node
    existing: bool
    loop: Node | None
    line: int


@dataclass
class File:
    """One file; `models` are the classes of Azure's packages by type of resource.

    `given` are the parameters that are known, by name.
    """

    path: Path
    models: Mapping[str, type]
    given: Mapping[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    @cached_property
    def tree(self) -> Node:
        return _PARSER.parse(self.path.read_bytes()).root_node

    @cached_property
    def syntax(self) -> list[str]:
        """Where it is no Bicep."""
        wrong = [one for one in _all(self.tree) if one.is_error or one.is_missing]
        return [f"{self.path.name}:{one.start_point[0] + 1}" for one in wrong]

    @cached_property
    def parameters(self) -> dict[str, tuple[str, bool]]:
        """Type, and whether a caller may leave it out, by name."""
        return {
            text_of(named(one, "identifier")[0]): (
                text_of(named(one, "type")[0]),
                any(text_of(child) == "=" for child in one.children),
            )
            for one in named(self.tree, "parameter_declaration")
        }

    @cached_property
    def outputs(self) -> dict[str, str]:
        return {
            text_of(named(one, "identifier")[0]): text_of(named(one, "type")[0])
            for one in named(self.tree, "output_declaration")
        }

    @cached_property
    def variables(self) -> dict[str, Node]:
        return {
            text_of(one.named_children[0]): one.named_children[-1]
            for one in named(self.tree, "variable_declaration")
        }

    @cached_property
    def resources(self) -> dict[str, Declared]:
        return {one.symbol: one for one in self._declared("resource_declaration")}

    @cached_property
    def modules(self) -> dict[str, Declared]:
        return {one.symbol: one for one in self._declared("module_declaration")}

    def _declared(self, kind: str) -> Iterator[Declared]:
        for one in named(self.tree, kind):
            body = one.named_children[-1]
            loop = body if body.type == "for_statement" else None
            while body.type in ("for_statement", "if_statement"):
                body = body.named_children[-1]
            yield Declared(
                symbol=text_of(named(one, "identifier")[0]),
                what=text_of(named(one, "string")[0]).strip("'"),
                body=body,
                existing=any(child.type == "existing" for child in one.children),
                loop=loop,
                line=one.start_point[0] + 1,
            )

    def fault(self, node: Node, what: str) -> None:
        self.faults.append(f"{self.path.name}:{node.start_point[0] + 1}: {what}")

    def bodies(self, declared: Declared) -> list[Any]:
        """What is written in a resource, once for each turn of its loop where that is known."""
        if declared.loop is None:
            return [self.value(declared.body, {})]
        return [self.value(declared.body, scope) for scope in self._turns(declared.loop, {})]

    # --- values

    def value(self, node: Node, scope: Scope) -> Any:
        """What an expression comes to."""
        compute: Callable[[Node, Scope], Any] | None = getattr(self, f"_{node.type}", None)
        if compute is None:
            self.fault(node, f"{node.type} is not known here")
            return Unknown()
        return compute(node, scope)

    def _string(self, node: Node, scope: Scope) -> Any:
        parts: list[str] = []
        for one in node.named_children:
            if one.type == "interpolation":
                found = self.value(one.named_children[0], scope)
                # Blanks between two values are the second one's to the grammar.
                parts.append(text_of(one).partition("$")[0])
                parts.append(found if isinstance(found, str) else "\0")
            else:
                parts.append(text_of(one))
        text = "".join(parts)
        return Unknown("string") if "\0" in text else text

    def _number(self, node: Node, _: Scope) -> int:
        return int(text_of(node))

    def _boolean(self, node: Node, _: Scope) -> bool:
        return text_of(node) == "true"

    def _null(self, _: Node, __: Scope) -> None:
        return None

    def _object(self, node: Node, scope: Scope) -> dict[str, Any]:
        pairs = named(node, "object_property")
        made: dict[str, Any] = {}
        for one in pairs:
            name, given = one.named_children[0], one.named_children[-1]
            key = self._string(name, scope) if name.type == "string" else text_of(name)
            # A key that is computed stands for any.
            made[key if isinstance(key, str) else "*"] = self.value(given, scope)
        return made

    def _array(self, node: Node, scope: Scope) -> list[Any]:
        return [self.value(one, scope) for one in node.named_children if one.type != "comment"]

    def _for_statement(self, node: Node, scope: Scope) -> list[Any]:
        body = node.named_children[-1]
        return [self.value(body, one) for one in self._turns(node, scope)]

    def _if_statement(self, node: Node, scope: Scope) -> Any:
        self.value(node.named_children[0], scope)
        return self.value(node.named_children[-1], scope)

    def _turns(self, loop: Node, scope: Scope) -> list[Scope]:
        head, *_ = loop.named_children
        over = self.value(loop.named_children[-2], scope)
        names = [text_of(one) for one in head.named_children] or [text_of(head)]
        known = over if isinstance(over, list) and over else [Unknown()]
        turns: list[Scope] = []
        for at, one in enumerate(known):
            values = dict(zip(names, (one, at), strict=False))
            turns.append({**scope, **values})
        return turns

    def _parenthesized_expression(self, node: Node, scope: Scope) -> Any:
        return self.value(node.named_children[0], scope)

    def _unary_expression(self, node: Node, scope: Scope) -> Unknown:
        self.value(node.named_children[-1], scope)
        return Unknown("bool")

    def _binary_expression(self, node: Node, scope: Scope) -> Any:
        left, right = (self.value(one, scope) for one in node.named_children)
        if any(text_of(one) == "??" for one in node.children):
            return Either((left, right))
        return Unknown("bool")

    def _ternary_expression(self, node: Node, scope: Scope) -> Either:
        asked, yes, no = node.named_children
        self.value(asked, scope)
        return Either((self.value(yes, scope), self.value(no, scope)))

    def _identifier(self, node: Node, scope: Scope) -> Any:
        name = text_of(node)
        self.used.add(name)
        if name in scope or name in self.given:
            return {**self.given, **scope}[name]
        if name in self.parameters:
            return Unknown(self.parameters[name][0])
        if name in self.variables:
            return self.value(self.variables[name], {})
        if name in self.modules:
            return Outputs(name, self.path.parent / self.modules[name].what)
        if name in self.resources:
            model = self.models.get(self.resources[name].what.split("@")[0])
            return Reference(Kind("model", model=model)) if model else Unknown("object")
        self.fault(node, f"{name} is nowhere declared")
        return Unknown()

    def _member_expression(self, node: Node, scope: Scope) -> Any:
        of, name = self.value(node.named_children[0], scope), text_of(node.named_children[-1])
        return self._part(node, of, name)

    def _subscript_expression(self, node: Node, scope: Scope) -> Any:
        of, at = (self.value(one, scope) for one in node.named_children)
        if isinstance(of, dict) and isinstance(at, str):
            return self._part(node, of, at)
        return of if isinstance(of, Outputs | Reference) else Unknown()

    def _part(self, node: Node, of: Any, name: str) -> Any:
        if isinstance(of, Either):
            return Either(tuple(self._part(node, one, name) for one in of.values))
        found = self._found(of, name)
        if found is not None:
            return found
        if ".?" not in [text_of(one) for one in node.children]:
            self.fault(node, f"there is no {name} in {text_of(node)}")
        return Unknown()

    def _found(self, of: Any, name: str) -> Any:
        """A part of a value; None where there is none."""
        match of:
            case dict():
                return of.get(name)
            case Outputs() if name == "outputs":
                return of
            case Outputs(symbol, file):
                kind = File(file, self.models).outputs.get(name)
                return Unknown(kind, f"{symbol}.{name}") if kind else None
            case Reference(kind):
                return self._answered(kind, name)
            case Unknown():
                return Unknown()
        return None

    def _answered(self, kind: Kind, name: str) -> Any:
        if name in ("id", "name", "type"):
            return Unknown("string")
        if kind.model is None:
            return Unknown(kind.inner.name) if kind.inner else Unknown()
        found = shape_of(kind.model).properties.get(name)
        if found is None:
            return None
        inner = found.kind
        return Reference(inner) if inner.name == "model" else Unknown(inner.name)

    def _call_expression(self, node: Node, scope: Scope) -> Any:
        name = text_of(node.named_children[0])
        given = [self.value(one, scope) for one in named(node, "arguments")[0].named_children]
        computed: Callable[..., Any] | None = getattr(self, f"_call_{name}", None)
        if computed is not None:
            return computed(node, *given)
        if name not in RETURNS:
            self.fault(node, f"{name}() is not known here")
        return Unknown(RETURNS.get(name, "any"))

    def _call_loadTextContent(self, node: Node, name: str) -> Any:  # noqa: N802  Bicep's name
        file = self.path.parent / name
        if not file.exists():
            self.fault(node, f"there is no {name}")
            return Unknown("string")
        return file.read_text(encoding="utf-8")

    def _call_loadJsonContent(self, node: Node, name: str) -> Any:  # noqa: N802  Bicep's name
        text = self._call_loadTextContent(node, name)
        return json.loads(text) if isinstance(text, str) else Unknown()

    def _call_json(self, _: Node, text: Any) -> Any:
        return json.loads(text) if isinstance(text, str) else Unknown()

    def _call_replace(self, _: Node, text: Any, old: str, new: Any) -> Any:
        return text.replace(old, new if isinstance(new, str) else "told-later")

    def _call_items(self, _: Node, of: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"key": key, "value": value} for key, value in of.items()]

    def _call_concat(self, _: Node, *of: Any) -> Any:
        """All that may be in it: of a list that is one of several, the items of each."""
        if any(isinstance(one, Unknown) for one in of):
            return Unknown("array")
        return [item for one in of for known in _lists(one) for item in known]

    def _call_subscriptionResourceId(self, _: Node, kind: str, name: Any) -> Any:  # noqa: N802
        return f"{kind}/{name}" if isinstance(name, str) else Unknown("string")

    def _call_union(self, node: Node, *of: Any) -> Any:
        if any(isinstance(one, list | Either) for one in of):
            every = self._call_concat(node, *of)
            return [one for at, one in enumerate(every) if one not in every[:at]]
        merged: dict[str, Any] = {}
        for one in of:
            merged |= one if isinstance(one, dict) else {}
        return merged


def _lists(value: Any) -> list[list[Any]]:
    found = value.values if isinstance(value, Either) else (value,)
    return [one for one in found if isinstance(one, list)]


def _all(node: Node) -> Iterator[Node]:
    yield node
    for one in node.children:
        yield from _all(one)
