"""Who gets which right on what, read from the templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.infra.bicep import Declared, Either, File, Unknown, named, text_of
from tests.infra.conftest import generated

ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
_ROLES = {id_: name for name, id_ in generated("builtin-roles.json").items()}


@dataclass(frozen=True, slots=True)
class Grant:
    """One role assignment; `who` and `on` are outputs of modules, as `gateIdentity.principalId`.

    Empty is what the templates do not tell: whose it is, that the role is one of our own, on
    which one of its type. Without a type it is on all that its module is deployed to.
    """

    who: str
    role: str
    type: str
    on: str


def opened(main: File, symbol: str) -> Iterator[File]:
    """The file of a module as `main` calls it, once for each call."""
    declared = main.modules[symbol]
    for body in main.bodies(declared):
        given = {name: _told(value) for name, value in body["params"].items()}
        yield File(main.path.parent / declared.what, main.models, given)


def grants(main: File) -> Iterator[Grant]:
    """Every role assignment of a deployment, its conditions taken for met."""
    for symbol in main.modules:
        for file in opened(main, symbol):
            for one in file.resources.values():
                if one.what.startswith(f"{ASSIGNMENTS}@"):
                    yield from _grants(file, one)


def _grants(file: File, assignment: Declared) -> Iterator[Grant]:
    for at, body in enumerate(file.bodies(assignment)):
        given = body["properties"]
        role, who = given["roleDefinitionId"], given["principalId"]
        yield Grant(
            who=who if isinstance(who, str) else "",
            # One of our own is told by the module that makes it.
            role=_ROLES[role.rpartition("/")[2]] if "/" in str(role) else "",
            **_scope(file, assignment, at),
        )


def _scope(file: File, assignment: Declared, at: int) -> Mapping[str, str]:
    """What the assignment's turn `at` is on."""
    pairs = named(assignment.body, "object_property")
    written = {text_of(one.named_children[0]): one.named_children[-1] for one in pairs}
    if "scope" not in written:
        return {"type": "", "on": ""}
    on = file.resources[text_of(written["scope"]).partition("[")[0]]
    bodies = file.bodies(on)
    name = bodies[at if len(bodies) > 1 else 0]["name"]
    return {"type": on.what.partition("@")[0], "on": name if isinstance(name, str) else ""}


def _told(value: Any) -> Any:
    """A value with the names of outputs in place of what only a deployment knows."""
    match value:
        case Unknown():
            return value.said or value
        case Either(values):
            left = [_told(one) for one in values if one != ""]
            return left[0] if len(left) == 1 else value
        case list():
            return [_told(one) for one in value]
        case dict():
            return {key: _told(one) for key, one in value.items()}
    return value
