"""ARM templates, deployed as Azure does it: expressions, nested deployments, what they answer.

Only what our templates use is known; anything else fails with its name. Source: Microsoft Learn,
"ARM template functions"; "Use linked and nested templates".
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.names import guid

Json = dict[str, Any]
_DEPLOYMENTS = "Microsoft.Resources/deployments"
_GROUPS = "Microsoft.Resources/resourceGroups"
_OF_TEMPLATES = ("type", "apiVersion", "name", "scope", "condition", "dependsOn")
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|\w+|[()\[\],.])")


class Azure(Protocol):
    """What a deployment is carried out by."""

    def deploys(self, deployment: str, namespaces: set[str]) -> None:
        """A deployment begins, by its id, which has resources of these providers."""

    def put(self, resource_id: str, body: Json) -> None: ...

    def get(self, resource_id: str) -> Json: ...


@dataclass
class Deploying:
    """One deployment to a subscription or, with `group`, to a resource group of it."""

    azure: Azure
    name: str
    template: Json
    given: Mapping[str, Any]
    subscription: str
    group: str = ""
    done: set[str] = field(default_factory=set)
    answers: dict[str, Json] = field(default_factory=dict)

    @property
    def here(self) -> str:
        at = f"/subscriptions/{self.subscription}"
        return f"{at}/resourceGroups/{self.group}" if self.group else at

    def run(self) -> Json:
        """Makes everything, in an order that dependencies allow; answers with the outputs."""
        assert self.given.keys() == self.template["parameters"].keys()
        assert '"copy"' not in json.dumps(self.template), "Azure reads it before its time"
        resources = self.template["resources"]
        spaces = {one["type"].partition("/")[0] for one in resources}
        self.azure.deploys(f"{self.here}/providers/{_DEPLOYMENTS}/{self.name}", spaces)
        left = list(resources)
        while left:
            # Azure begins with all that waits for nothing: here with the last of them.
            ready = [one for one in left if self._waits_for(one) <= self.done]
            assert ready, f"{left[0]['name']} waits for what is not there"
            left.remove(ready[-1])
            self._make(ready[-1])
        outputs = self.template.get("outputs", {})
        return {name: {"value": self._value(one["value"])} for name, one in outputs.items()}

    def _waits_for(self, resource: Json) -> set[str]:
        return {self._value(one) for one in resource.get("dependsOn", ())}

    def _make(self, resource: Json) -> None:
        at = self._id(resource)
        self.done.add(at)
        if self._value(resource.get("condition", True)) is False:
            return
        if resource["type"] == _DEPLOYMENTS:
            self.answers[at] = {"outputs": self._nested(resource).run()}
            return
        body = {name: one for name, one in resource.items() if name not in _OF_TEMPLATES}
        self.azure.put(at, self._value(body))

    def _nested(self, resource: Json) -> Deploying:
        about = resource["properties"]
        assert about["expressionEvaluationOptions"] == {"scope": "inner"}
        given = {name: self._value(one["value"]) for name, one in about["parameters"].items()}
        return Deploying(
            self.azure,
            self._value(resource["name"]),
            about["template"],
            given,
            self._value(resource["subscriptionId"]),
            self._value(resource["resourceGroup"]),
        )

    def _id(self, resource: Json) -> str:
        kind, name = resource["type"], self._value(resource["name"])
        if kind == _GROUPS:
            return f"{self.here}/resourceGroups/{name}"
        at = self._value(resource.get("scope", self.here))
        if kind == _DEPLOYMENTS:
            subscription = self._value(resource["subscriptionId"])
            group = self._value(resource["resourceGroup"])
            at = f"/subscriptions/{subscription}/resourceGroups/{group}"
        return _joined(at, kind, *name.split("/"))

    # --- expressions

    def _value(self, given: Any) -> Any:
        if isinstance(given, dict):
            return {name: self._value(one) for name, one in given.items()}
        if isinstance(given, list):
            return [self._value(one) for one in given]
        if isinstance(given, str) and given.startswith("[") and given.endswith("]"):
            return given[1:] if given.startswith("[[") else self._expression(given[1:-1])
        return given

    def _expression(self, text: str) -> Any:
        tokens = _tokens(text)
        found = self._operand(tokens)
        assert tokens == [], text
        return found

    def _operand(self, tokens: list[str]) -> Any:
        token = tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        found: Any = int(token) if token.isdigit() else self._call(token, tokens)
        while tokens and tokens[0] in (".", "["):
            if tokens.pop(0) == ".":
                found = found[tokens.pop(0)]
            else:
                found = found[self._operand(tokens)]
                assert tokens.pop(0) == "]"
        return found

    def _call(self, name: str, tokens: list[str]) -> Any:
        assert tokens.pop(0) == "(", name
        arguments = []
        while tokens[0] != ")":
            arguments.append(self._operand(tokens))
            if tokens[0] == ",":
                tokens.pop(0)
        tokens.pop(0)
        function: Callable[..., Any] = getattr(self, f"_{name}_")
        return function(*arguments)

    def _parameters_(self, name: str) -> Any:
        return self.given[name]

    def _subscription_(self) -> Json:
        return {"id": f"/subscriptions/{self.subscription}", "subscriptionId": self.subscription}

    def _deployment_(self) -> Json:
        return {"name": self.name}

    def _concat_(self, *of: str) -> str:
        return "".join(of)

    def _split_(self, text: str, by: str) -> list[str]:
        return text.split(by)

    def _guid_(self, *of: str) -> str:
        return guid(*of)

    def _not_(self, of: bool) -> bool:  # noqa: FBT001  as they write it
        return not of

    def _equals_(self, one: Any, other: Any) -> bool:
        return bool(one == other)

    def _toLower_(self, text: str) -> str:  # noqa: N802  as they write it
        return text.lower()

    def _uniqueString_(self, *of: str) -> str:  # noqa: N802  as they write it
        digest = hashlib.sha256("-".join(of).encode()).digest()
        return base64.b32encode(digest).decode().lower()[:13]

    def _resourceId_(self, kind: str, *names: str) -> str:  # noqa: N802  as they write it
        return _joined(self.here, kind, *names)

    def _subscriptionResourceId_(self, kind: str, *names: str) -> str:  # noqa: N802  so too
        if kind == _GROUPS:
            return f"/subscriptions/{self.subscription}/resourceGroups/{names[0]}"
        return _joined(f"/subscriptions/{self.subscription}", kind, *names)

    def _extensionResourceId_(self, at: str, kind: str, *names: str) -> str:  # noqa: N802  so too
        return _joined(at, kind, *names)

    def _reference_(self, at: str, version: str, full: str = "") -> Json:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d(-preview)?", version)
        assert at in self.done, f"{at} is read before it is there"
        if at in self.answers:
            return self.answers[at]
        found = self.azure.get(at)
        return found if full else found["properties"]


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match is not None, text[at:]
        found.append(match[1])
        at = match.end()
    return found


def _joined(at: str, kind: str, *names: str) -> str:
    namespace, *types = kind.split("/")
    path = "/".join(f"{t}/{n}" for t, n in zip(types, names, strict=True))
    return f"{at}/providers/{namespace}/{path}"
