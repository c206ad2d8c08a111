"""What a sweep asks of the estate's index, and where an answer of it belongs.

One chain of queries, page after page: Resource Graph counts them by principal, so that asking
side by side gains nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from shared.azure.graph import EVERYWHERE, MOST_SUBSCRIPTIONS, Within, rows_of
from shared.hints import Actor
from shared.model import Control, Resource, ResourceId

if TYPE_CHECKING:
    from shared.policy import Policy

_TABLES: Final = {
    "microsoft.authorization": "AuthorizationResources",
    "microsoft.managedservices": "ManagedServicesResources",
}
"""By provider, Resource Graph's tables beside `Resources`."""
_SUBSCRIPTIONS: Final = "microsoft.resources/subscriptions"
_ASSIGNMENTS: Final = "microsoft.authorization/roleassignments"
_DEFINITIONS: Final = "microsoft.authorization/roledefinitions"
"""Resource Graph shows them only to who asks for the whole tenant, without a place."""
_GRANTED: Final = (_ASSIGNMENTS, _DEFINITIONS)
_BATCH: Final = 1000
"""As many subscriptions as one query names."""
_CHANGED_AT: Final = "todatetime(properties.changeAttributes.timestamp)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is watched and can be seen: subscriptions and management groups, by name."""

    subscriptions: Sequence[str] = ()
    groups: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    """One query of a sweep. `changes`: its rows tell of changes; else they are resources."""

    query: str
    within: Within
    changes: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"query": self.query, "within": dict(self.within), "changes": self.changes}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Stop:
        return cls(value["query"], value["within"], value["changes"])


class Inventory:
    """Which queries show everything that `controls` judge, where `policy` watches."""

    def __init__(
        self,
        controls: Mapping[str, Control],
        policy: Callable[[], Policy],
    ) -> None:
        self._policy = policy
        self.by_type: dict[str, list[Control]] = {}
        waking = set[str]()
        for control in controls.values():
            for kind in control.detector.types:
                self.by_type.setdefault(kind.key, []).append(control)
            waking |= {wake.type.key for wake in control.detector.wakes}
        self._changing = sorted({*self.by_type, *waking})

    @property
    def reads(self) -> list[str]:
        """The ARM actions that judging takes."""
        controls = (control for kind in self.by_type.values() for control in kind)
        return sorted({one for control in controls for one in control.detector.permissions})

    @property
    def singletons(self) -> set[ResourceId]:
        """What is judged, alone of its kind, and in no index."""
        controls = (control for kind in self.by_type.values() for control in kind)
        known = {one for control in controls for one in control.detector.singletons}
        return {one for one in known if self._policy().watches(one)}

    def everything(self, sight: Sight) -> Iterator[Stop]:
        """A full sweep's queries."""
        tables: dict[tuple[str, bool], list[str]] = {}
        for kind in self.by_type:
            tables.setdefault((_table_of(kind), kind == _DEFINITIONS), []).append(kind)
        # The longest first, so that how far a sweep has come is told from its beginning.
        for table, placeless in sorted(tables, key=lambda one: (one[0] != "Resources", one)):
            query = rows_of(table, sorted(tables[table, placeless]))
            for within in [EVERYWHERE] if placeless else self._places(sight):
                yield Stop(query, within)

    def changed(self, since: datetime, sight: Sight) -> Iterator[Stop]:
        """An incremental sweep's queries: what changed since then, and the grants made since."""
        instant = f"datetime({since:%Y-%m-%dT%H:%M:%SZ})"
        targets = ", ".join(f"'{kind}'" for kind in self._changing)
        changes = (
            f"resourcechanges | where {_CHANGED_AT} > {instant}"
            f" | where properties.targetResourceType in~ ({targets})"
            " | project id, properties | order by id asc"
        )
        for within in self._places(sight):
            yield Stop(changes, within, changes=True)
        for kind in _GRANTED:
            if kind not in self.by_type:
                continue
            updated = f"todatetime(properties.updatedOn) > {instant}"
            for within in [EVERYWHERE] if kind == _DEFINITIONS else self._places(sight):
                yield Stop(rows_of("AuthorizationResources", [kind], updated), within)

    def counts(self, subscriptions: Sequence[str]) -> Iterator[Stop]:
        """How many rows each of these subscriptions has, by table; a row a subscription."""
        for start in range(0, len(subscriptions), _BATCH):
            within = {"subscriptions": subscriptions[start : start + _BATCH]}
            for table, kinds in (("Resources", ""), ("AuthorizationResources", _ASSIGNMENTS)):
                narrowed = f" | where type =~ '{kinds}'" if kinds else ""
                total = "summarize rows = count() by subscriptionId"
                yield Stop(f"{table}{narrowed} | {total}", within)

    def placed(self, resource: Resource) -> Resource:
        """A role definition under a watched scope where it can be assigned; all else as it is."""
        told = resource.get("/properties/assignableScopes")
        if not isinstance(told, list) or resource.type.casefold() != _DEFINITIONS:
            return resource
        for scope in sorted(map(str, told)):
            kind, name = "Microsoft.Authorization/roleDefinitions", resource.id.name
            at = ResourceId(f"{scope.rstrip('/')}/providers/{kind}/{name}")
            if self._policy().watches(at):
                return replace(resource, id=at)
        return resource

    @staticmethod
    def counted(resource: Resource) -> bool:
        """Whether it is one of the estate's: hundreds of roles are Azure's own, in every tenant.

        https://learn.microsoft.com/azure/role-based-access-control/role-definitions-list
        """
        if resource.type.casefold() != _DEFINITIONS:
            return True
        return str(resource.get("/properties/type")).casefold() != "builtinrole"

    def _places(self, sight: Sight) -> list[Within]:
        """Where to ask: the whole tenant where all of it is watched, else each place by name.

        Graph looks into so many subscriptions at once, and no more: beyond that they are named.
        """
        policy = self._policy()
        whole, named = list[Within](), list(sight.subscriptions)
        if policy.everywhere:
            whole, named = [EVERYWHERE], []
        elif sight.groups:
            whole = [{"managementGroups": sorted(sight.groups)}]
            named = [one for one in named if one in policy.subscriptions]
        if len(sight.subscriptions) > MOST_SUBSCRIPTIONS:
            named = list(sight.subscriptions)
        return [*whole, *_batches(named)]


def change_of(row: Mapping[str, Any]) -> tuple[ResourceId, Actor] | None:
    """What a row of `resourcechanges` is about, and who did it; None where it does not tell."""
    properties = row.get("properties")
    if not isinstance(properties, Mapping) or not isinstance(
        target := properties.get("targetResourceId"), str
    ):
        return None
    told = properties.get("changeAttributes")
    about: Mapping[str, Any] = told if isinstance(told, Mapping) else {}

    def word(name: str) -> str:
        found = about.get(name)
        return found if isinstance(found, str) else ""

    by, kind = word("changedBy"), word("changedByType").casefold()
    named = "@" in by or kind == "user"
    return ResourceId(target), Actor(
        name=by if named else "",
        app_id="" if named else by,
        operation=word("operation"),
        correlation_id=word("correlationId"),
        at=word("timestamp"),
    )


def _batches(names: Iterable[str]) -> list[Within]:
    listed = sorted(names)
    return [
        {"subscriptions": listed[start : start + _BATCH]} for start in range(0, len(listed), _BATCH)
    ]


def _table_of(type_key: str) -> str:
    """Resource Graph's table that holds a type."""
    if type_key == _SUBSCRIPTIONS:
        return "ResourceContainers"
    return _TABLES.get(type_key.split("/", maxsplit=1)[0], "Resources")
