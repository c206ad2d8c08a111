"""Writes parts of a subscription as the ARM template that makes them there.

Expressions stand where subscriptions differ. What is in resource groups is in nested deployments,
one after the other.

Sources: Microsoft Learn, "Syntax and expressions in ARM templates", "Subscription deployments with
ARM templates", "Use linked and nested templates" (of inner scope: a nested template knows its own
parameters alone).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from shared.model import ResourceId
from shared.onboarding import Part

Json = dict[str, Any]

HERE: Final = "/subscriptions/{subscription}"
"""What stands for the subscription that the template is deployed to."""
HOME: Final = "{home}"
"""What stands for the id of the subscription that Portcullis runs in."""
PRINCIPAL: Final = "{principal}"
"""What stands for the object id that a system topic has once it is made."""
TOPICS: Final = "Microsoft.EventGrid/systemTopics"
GROUPS: Final = "Microsoft.Resources/resourceGroups"
_VALUES: Final = {
    HERE: "subscription().id",
    "{subscription}": "subscription().subscriptionId",
    PRINCIPAL: "parameters('principalId')",
}
_DEPLOYMENTS: Final = "Microsoft.Resources/deployments"
_VERSION: Final = "2022-09-01"
_SCHEMAS: Final = "https://schema.management.azure.com/schemas"
_OF_SUBSCRIPTION: Final = f"{_SCHEMAS}/2018-05-01/subscriptionDeploymentTemplate.json#"
_OF_GROUP: Final = f"{_SCHEMAS}/2019-04-01/deploymentTemplate.json#"
_UNIQUE: Final = "uniqueString(subscription().id, deployment().name)"


class Words:
    """Strings that hold what stands for values, and the expressions that come to them."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """By what stands for a value, its expression without brackets."""
        self._values = {**_VALUES, **values}
        longest = sorted(self._values, key=len, reverse=True)
        self._pattern = re.compile(f"({'|'.join(map(re.escape, longest))})")

    def expression(self, text: str) -> str:
        """As it stands inside of another expression."""
        pieces = [one for one in self._pattern.split(text) if one]
        written = [self._values.get(one) or _quoted(one) for one in pieces]
        return written[0] if len(written) == 1 else f"concat({', '.join(written)})"

    def text(self, text: str) -> str:
        """As it stands in a template; what holds no value is itself."""
        return f"[{self.expression(text)}]" if self._pattern.search(text) else text

    def document(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self.document(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.document(one) for one in value]
        return self.text(value) if isinstance(value, str) else value


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def template(name: str, of: Sequence[Part], told: Sequence[str], words: Words) -> Json:
    """What makes parts, in their order; `told` are its parameters.

    `name` is a part of the names of nested deployments, which differ each time: two at once do not
    meet.
    """
    resources: list[Json] = []
    before: list[str] = []
    principal = ""
    for where, found in groupby(of, key=_where):
        group = list(found)
        if where == HERE:
            resources += [_resource(part, where, words) for part in group]
            before = [f"[{_id(part, where, words)}]" for part in group]
            continue
        called = f"concat('portcullis-{name}-{len(resources)}-', {_UNIQUE})"
        this = f"extensionResourceId({words.expression(where)}, '{_DEPLOYMENTS}', {called})"
        head = {"type": _DEPLOYMENTS, "apiVersion": _VERSION, "name": f"[{called}]"}
        place = {
            "subscriptionId": words.text(ResourceId(where).subscription),
            "resourceGroup": words.text(ResourceId(where).name),
        }
        properties = _nested(group, where, words, principal)
        resources.append({**head, **place, "dependsOn": before, "properties": properties})
        before = [f"[{this}]"]
        if any(part.target.type == TOPICS for part in group):
            principal = f"[reference({this}, '{_VERSION}').outputs.principalId.value]"
    return _template(_OF_SUBSCRIPTION, told, resources)


def _where(part: Part) -> str:
    """The scope of the deployment that makes a part."""
    group = part.target.resource_group
    return HERE if group is None or part.target.type == GROUPS else group.text


def _template(schema: str, told: Sequence[str], resources: Sequence[Json]) -> Json:
    return {
        "$schema": schema,
        "contentVersion": "1.0.0.0",
        "parameters": {one: {"type": "string"} for one in told},
        "resources": list(resources),
    }


def _nested(of: Sequence[Part], where: str, words: Words, principal: str) -> Json:
    """A deployment to a group; `principal` is the expression for the topic's object id."""
    resources: list[Json] = []
    for last, part in zip([None, *of], of, strict=False):
        before = {"dependsOn": [f"[{_id(last, where, words)}]"]} if last else {}
        resources.append({**_resource(part, where, words), **before})
    told = sorted(set(re.findall(r"parameters\('(\w+)'\)", json.dumps(resources))))
    made = _template(_OF_GROUP, told, resources)
    for topic in (part for part in of if part.target.type == TOPICS):
        whole = f"reference({_id(topic, where, words)}, '{topic.api_version}', 'full')"
        value = f"[{whole}.identity.principalId]"
        made["outputs"] = {"principalId": {"type": "string", "value": value}}
    values = {one: f"[parameters('{one}')]" for one in told} | {"principalId": principal}
    return {
        "mode": "Incremental",
        "expressionEvaluationOptions": {"scope": "inner"},
        "template": made,
        "parameters": {one: {"value": values[one]} for one in told},
    }


def _resource(part: Part, where: str, words: Words) -> Json:
    base, names = _placed(part)
    made = {
        "type": part.target.type,
        "apiVersion": part.api_version,
        "name": words.text("/".join(names)),
    }
    if base != where:
        made["scope"] = words.text(base)
    if part.target.type == GROUPS:
        # The one at home is the whole deployment's, and may have tags that were put there since.
        home = f"toLower({words.expression(HOME)})"
        made["condition"] = f"[not(equals(toLower(subscription().subscriptionId), {home}))]"
    return {**made, **words.document(part.body)}


def _id(part: Part, where: str, words: Words) -> str:
    """The expression for a part's id, in the template that makes it."""
    base, names = _placed(part)
    told = ", ".join([_quoted(part.target.type), *map(words.expression, names)])
    if base != where:
        return f"extensionResourceId({words.expression(base)}, {told})"
    return f"subscriptionResourceId({told})" if where == HERE else f"resourceId({told})"


def _placed(part: Part) -> tuple[str, Sequence[str]]:
    """What a part is attached to, or in, and its names from the outermost."""
    if part.target.type == GROUPS:
        return HERE, [part.target.name]
    base, _, path = part.target.text.rpartition("/providers/")
    return base, path.split("/")[2::2]
