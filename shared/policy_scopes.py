"""Which resources a scope covers, and which of several scopes are the narrowest.

An id says where it lies but for management groups: which subscriptions are below one is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.errors import Refused, Why
from shared.model import ResourceId

MANAGEMENT_GROUPS: Final = "/providers/Microsoft.Management/managementGroups"
_PREFIX = f"{MANAGEMENT_GROUPS}/".casefold()
_ROOT, _GROUP, _INSIDE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Below:
    """What lies below a management group, at any depth: ids and names in lower case."""

    subscriptions: frozenset[str]
    groups: frozenset[str]


def unasked(name: str) -> Below:
    """Where nobody is to be asked: no management group can be resolved.

    Raises:
        Refused: always.
    """
    raise Refused(f"{unlisted(name)}: no tenant is at hand", Why.FAILED)


def unlisted(name: str) -> str:
    """The beginning of every reason that begins with a group that cannot be listed."""
    return f"the subscriptions below management group {name} cannot be listed"


def group_of(resource: ResourceId) -> str:
    """The management group, in lower case, that an id names or lies in by its text; else empty."""
    if not resource.key.startswith(_PREFIX):
        return ""
    return resource.key[len(_PREFIX) :].split("/", 1)[0]


@lru_cache(maxsize=1024)
def named_by(scope: str) -> str:
    """The management group that a scope is; empty where it is another scope."""
    name = group_of(ResourceId(scope))
    return name if name and ResourceId(scope).key == _PREFIX + name else ""


class Places:
    """Compares scopes with resources. `below` tells what lies below a management group."""

    def __init__(self, below: Callable[[str], Below]) -> None:
        self.below = below

    def covers(self, scope: str, resource: ResourceId) -> bool:
        """Whether a scope is a resource, or holds it.

        Raises:
            Refused: a management group that may hold it cannot be listed. Transient: come again.
        """
        if resource.within(ResourceId(scope)):
            return True
        name, around = named_by(scope), group_of(resource)
        if not name or not (resource.subscription or around):
            return False
        below = self.below(name)
        return resource.subscription in below.subscriptions or around in below.groups

    def narrowest(self, scopes: Sequence[str], resource: ResourceId) -> list[int]:
        """Where those stand that cover a resource and are as narrow as any that does.

        Raises:
            Refused: a management group cannot be listed that may be among them. Transient.
        """
        covering: list[int] = []
        unseen: Refused | None = None
        for i, scope in enumerate(scopes):
            try:
                if self.covers(scope, resource):
                    covering.append(i)
            except Refused as refused:
                unseen = unseen or refused
        groups = {name for i in covering if (name := named_by(scopes[i]))}
        depths = {i: self._depth(scopes[i], groups) for i in covering}
        deepest = max(depths.values(), default=(_ROOT, 0))
        if unseen is not None and deepest[0] < _INSIDE:
            raise unseen
        return [i for i, depth in depths.items() if depth == deepest]

    def _depth(self, scope: str, groups: set[str]) -> tuple[int, int]:
        """How deep a scope lies; `groups` are the groups around one resource, so a chain."""
        if name := named_by(scope):
            return _GROUP, sum(name in self.below(one).groups for one in groups - {name})
        segments = sum(1 for one in scope.split("/") if one)
        return (_INSIDE, segments) if segments else (_ROOT, 0)
