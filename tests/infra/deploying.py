"""What a template makes where all that it is given is known: its documents, by their ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tree_sitter import Node

from shared.names import guid
from tests.infra.bicep import Declared, File, Scope, Unknown, named, text_of


@dataclass
class Deployed(File):
    """A file deployed to a subscription or, with `group`, to a resource group of it.

    Or, with `management_group`, to that.
    """

    subscription: str = ""
    group: str = ""
    management_group: str = ""

    @property
    def here(self) -> str:
        if self.management_group:
            return f"/providers/Microsoft.Management/managementGroups/{self.management_group}"
        at = f"/subscriptions/{self.subscription}"
        return f"{at}/resourceGroups/{self.group}" if self.group else at

    def documents(self, *symbols: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Of each resource, once for each turn of its loop, id and body."""
        for symbol in symbols:
            declared = self.resources[symbol]
            turns = self._turns(declared.loop, {}) if declared.loop else [{}]
            for scope in turns:
                body = self.value(declared.body, scope)
                told = {k: v for k, v in body.items() if k not in _OF_BICEP}
                yield self._id(declared, scope), told

    def _id(self, declared: Declared, scope: Scope) -> str:
        kind = declared.what.split("@")[0]
        written = {
            text_of(one.named_children[0]): one.named_children[-1]
            for one in named(declared.body, "object_property")
        }
        name = self.value(written["name"], scope)
        if kind == "Microsoft.Resources/resourceGroups":
            return f"{self.here}/resourceGroups/{name}"
        if "parent" in written:
            parent = self.value(written["parent"], scope)["id"]
            return f"{parent}/{kind.rpartition('/')[2]}/{name}"
        at = self.value(written["scope"], scope)["id"] if "scope" in written else self.here
        namespace, *types = kind.split("/")
        path = "/".join(f"{t}/{n}" for t, n in zip(types, name.split("/"), strict=True))
        return f"{at}/providers/{namespace}/{path}"

    def _identifier(self, node: Node, scope: Scope) -> Any:
        name = text_of(node)
        if name in self.given and name not in scope:
            return self.given[name]
        if name in self.resources:
            declared = self.resources[name]
            if declared.loop:
                return [{"id": self._id(declared, one)} for one in self._turns(declared.loop, {})]
            return {"id": self._id(declared, {}), "identity": {"principalId": Unknown("string")}}
        return super()._identifier(node, scope)

    def _ternary_expression(self, node: Node, scope: Scope) -> Any:
        asked, yes, no = node.named_children
        answer = self.value(asked, scope)
        if not isinstance(answer, bool):
            return super()._ternary_expression(node, scope)
        return self.value(yes if answer else no, scope)

    def _unary_expression(self, node: Node, scope: Scope) -> Any:
        found = self.value(node.named_children[-1], scope)
        return not found if isinstance(found, bool) else Unknown("bool")

    def _subscript_expression(self, node: Node, scope: Scope) -> Any:
        of, at = (self.value(one, scope) for one in node.named_children)
        return of[at] if isinstance(of, list | dict) else super()._subscript_expression(node, scope)

    def _call_empty(self, _: Node, of: Any) -> bool:
        return not of

    def _call_split(self, _: Node, text: str, by: str) -> list[str]:
        return text.split(by)

    def _call_substring(self, _: Node, text: str, begin: int, length: int) -> str:
        return text[begin : begin + length]

    def _call_guid(self, _: Node, *of: str) -> str:
        return guid(*of)

    def _call_subscription(self, _: Node) -> dict[str, str]:
        at = f"/subscriptions/{self.subscription}"
        return {"id": at, "subscriptionId": self.subscription}

    def _call_managementGroup(self, _: Node) -> dict[str, str]:  # noqa: N802  Bicep's name
        return {"id": self.here, "name": self.management_group}

    def _call_resourceGroup(self, _: Node, *__: str) -> dict[str, str]:  # noqa: N802  Bicep's name
        return {"id": self.here}

    def _call_tenantResourceId(self, _: Node, kind: str, name: str) -> str:  # noqa: N802  so too
        return f"/providers/{kind}/{name}"

    def _call_extensionResourceId(self, _: Node, at: str, kind: str, name: str) -> str:  # noqa: N802
        return f"{at}/providers/{kind}/{name}"

    def _call_subscriptionResourceId(self, _: Node, kind: str, name: str) -> str:  # noqa: N802  Bicep's name
        return f"/subscriptions/{self.subscription}/providers/{kind}/{name}"


_OF_BICEP = {"name", "parent", "scope", "dependsOn"}
