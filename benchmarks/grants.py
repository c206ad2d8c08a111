"""Wide grants, what they were seen used for, and as many built-in roles as Azure has.

The roles are made up: of every type of thirty-one providers one owns all, one writes, one reads,
one does a list of single things, and two see data alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from shared.model import ResourceId
from shared.usage import Use
from simulator.roles import ASSIGNMENTS, CONTRIBUTOR, DEFINITIONS, OWNER

GRANTS: Final = 1_000
_SUBSCRIPTIONS, _PROVIDERS, _TYPES, _DAYS = 50, 31, 5, 90
_GROUPS, _MANY_GROUPS, _MANY_EVERY = 4, 12, 25
"""In how many resource groups a grant is used; one in so many is used nearly everywhere."""
_VERBS = ("write", "delete", "start/action", "restart/action", "rotate/action", "move/action")
_COMMON = [
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
]


def roles() -> list[dict[str, Any]]:
    """Definitions of built-in roles, six of every type."""
    return [
        _definition(6 * (_TYPES * provider + kind) + shape, permission)
        for provider in range(_PROVIDERS)
        for kind in range(_TYPES)
        for shape, permission in enumerate(_shapes(_type(provider, kind)))
    ]


def _type(provider: int, kind: int) -> str:
    return f"Bench.Service{provider:02d}/kind{kind}"


def _shapes(kind: str) -> Iterator[dict[str, list[str]]]:
    provider = kind.split("/", 1)[0]
    single = [f"{kind}/part{part}/{verb}" for part in range(5) for verb in _VERBS]
    yield {"actions": [*_COMMON, f"{kind}/*"], "notActions": [f"{kind}/locks/delete"]}
    yield {"actions": [*_COMMON, f"{kind}/read", *(f"{kind}/{verb}" for verb in _VERBS)]}
    yield {"actions": ["Microsoft.Resources/subscriptions/read", f"{kind}/*/read"]}
    yield {"actions": [f"{provider}/register/action", f"{kind}/read", *single]}
    yield {"actions": [f"{kind}/read"], "dataActions": [f"{kind}/items/*"]}
    yield {"dataActions": [f"{kind}/items/read", f"{kind}/items/tags/read"]}


def _definition(number: int, permission: dict[str, list[str]]) -> dict[str, Any]:
    name = str(uuid.UUID(int=(0xBE << 96) + number))
    empty: dict[str, list[str]] = {
        "actions": [], "notActions": [], "dataActions": [], "notDataActions": [],
    }  # fmt: skip
    return {
        "id": f"/providers/{DEFINITIONS}/{name}",
        "name": name,
        "type": DEFINITIONS,
        "properties": {
            "roleName": f"Bench role {number}",
            "type": "BuiltInRole",
            "assignableScopes": ["/"],
            "permissions": [{**empty, **permission}],
        },
    }


def grant(number: int) -> dict[str, Any]:
    """A user's Contributor, of every fifth Owner, on a whole subscription."""
    scope = _subscription(number)
    name = str(uuid.UUID(int=(0xA5 << 96) + number))
    role = OWNER if number % 5 == 0 else CONTRIBUTOR
    return {
        "id": f"{scope}/providers/{ASSIGNMENTS}/{name}",
        "name": name,
        "type": ASSIGNMENTS,
        "properties": {
            "roleDefinitionId": f"{scope}/providers/{DEFINITIONS}/{role}",
            "principalId": str(uuid.UUID(int=(0xCC << 96) + number)),
            "principalType": "User",
            "scope": scope,
            "condition": None,
            "createdOn": "2025-01-01T08:00:00.0000000Z",
        },
    }


def uses(number: int, until: datetime) -> Iterator[Use]:
    """What a grant was used for over 90 days: in each group six things, to one type or to two."""
    held = ResourceId(str(grant(number)["id"]))
    groups = _MANY_GROUPS if number % _MANY_EVERY == 0 else _GROUPS
    for group in range(groups):
        scope = ResourceId(f"{_subscription(number)}/resourceGroups/team-{number % 7}-{group}")
        for nth, verb in enumerate(_VERBS):
            # Few groups hold two types: no single role but a wide one covers these.
            other = nth % 2 if (number + group) % 8 == 0 else 0
            kind = _type((number + group + other) % _PROVIDERS, number % _TYPES)
            at = until - timedelta(days=(number + 13 * nth) % (_DAYS - 1), minutes=1)
            yield Use(assignment=held, scope=scope, action=f"{kind}/{verb}", at=at)


def begun(until: datetime) -> Iterator[tuple[str, datetime]]:
    """Since when uses of each subscription are known."""
    for number in range(_SUBSCRIPTIONS):
        yield _subscription(number).rsplit("/", 1)[-1], until - timedelta(days=_DAYS)


def _subscription(number: int) -> str:
    return f"/subscriptions/55555555-5555-4555-8555-{number % _SUBSCRIPTIONS:012d}"
