"""Reading `policy.yaml`: strict, every error at once, each with its `$.path`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import yaml
from pydantic import ValidationError

from shared.decision import Mode
from shared.errors import PolicyError, PolicyFault
from shared.model import Control
from shared.policy import Policy


def load(
    text: str,
    controls: Mapping[str, Control],
    *,
    today: date | None = None,
    name: str = "policy.yaml",
) -> Policy:
    """The policy that `text` (YAML) holds; `name` is the file that records point into.

    `today` is given when people edit: an exemption that has expired is an error then; later it
    just no longer exempts.

    Raises:
        PolicyError: with every error of the file at once.
    """
    raw = plain(text)
    if not isinstance(raw, dict):
        raise PolicyError((PolicyFault("$", "the file holds no mapping"),))
    faults = [*_unlimited(raw), *_unringed(raw)]
    try:
        policy = Policy.model_validate(raw, context={"controls": controls, "today": today})
    except ValidationError as error:
        raise PolicyError((*_faults(error), *faults)) from error
    if faults:
        raise PolicyError(tuple(faults))
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    policy.point_into(name, _line_numbers(node))
    return policy


def plain(text: str) -> Any:
    """What a YAML text holds: dates as text, no key twice.

    Raises:
        PolicyError: it is no such text.
    """
    try:
        return yaml.load(text, Loader=_PlainLoader)  # noqa: S506  a safe loader, made stricter
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PolicyError((PolicyFault("$", " ".join(str(error).split())),)) from error


def _unlimited(raw: Mapping[str, Any]) -> Iterator[PolicyFault]:
    rules = raw.get("rules")
    modes = [r.get("mode") for r in rules if isinstance(r, dict)] if isinstance(rules, list) else []
    if {Mode.APPROVE, Mode.ENFORCE} & {m for m in modes if isinstance(m, str)}:
        if not raw.get("limits"):
            message = "a policy that lets something be written must limit writes"
            yield PolicyFault("$.limits", message)


def _unringed(raw: Mapping[str, Any]) -> Iterator[PolicyFault]:
    rings, rules = raw.get("rings"), raw.get("rules")
    named = set[str]()
    for i, ring in enumerate(rings if isinstance(rings, list) else []):
        name = ring.get("name") if isinstance(ring, dict) else None
        if isinstance(name, str) and name in named:
            yield PolicyFault(f"$.rings[{i}].name", f"another ring is named {name}")
        named |= {name} if isinstance(name, str) else set()
    for i, rule in enumerate(rules if isinstance(rules, list) else []):
        if isinstance(rule, dict) and rule.get("rollout") is not None and not rings:
            message = "it is enforced ring by ring: name the rings"
            yield PolicyFault(f"$.rules[{i}].rollout", message)


def _faults(error: ValidationError) -> Iterator[PolicyFault]:
    for found in error.errors():
        path = "$" + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in found["loc"])
        message = found["msg"].removeprefix("Value error, ")
        if found["type"] == "extra_forbidden":
            message = "no such key"
        elif found["type"] == "missing":
            message = "is missing"
        yield PolicyFault(path, message)


def _line_numbers(node: Any, path: str = "$") -> dict[str, int]:
    """The line of every path of a composed YAML document, from 1."""
    lines = {path: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines |= _line_numbers(value, f"{path}.{key.value}")
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            lines |= _line_numbers(value, f"{path}[{i}]")
    return lines


class _PlainLoader(yaml.CSafeLoader):
    """A safe loader that leaves dates as text, and refuses a key said twice.

    A date that is none would raise here without saying where; of two equal keys the second
    would win in silence.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012  as the base class has it
        first: [(tag, form) for tag, form in known if not tag.endswith(":timestamp")]
        for first, known in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key, _ in node.value:
            line = f"line {key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.YAMLError(f"{line}: a key is a word")
            if key.value in seen:
                raise yaml.YAMLError(f"{line}: {key.value} is said twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)
