"""A sweep: every watched resource judged from the index; what may be violated becomes a hint.

A sweep never writes to Azure and never opens a finding: the look that its hint causes does, from
a fresh read. A page at a time, nothing kept but the findings that are open.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.azure.graph import Ask, pages, query_for
from shared.hints import Hint
from shared.model import Control, NeedsLookup, Resource, ResourceId, State
from shared.state import State as Memory

if TYPE_CHECKING:
    from shared.policy import Policy

_NO_DELAY = timedelta(0)
_TABLES = {
    "microsoft.authorization": "AuthorizationResources",
    "microsoft.managedservices": "ManagedServicesResources",
}
"""By provider, Resource Graph's tables beside `Resources`."""
_DEFINITIONS = "microsoft.authorization/roledefinitions"
"""Resource Graph shows them only to who asks for the whole tenant, without a place."""


@dataclass(kw_only=True)
class Summary:
    """What a sweep saw. `lookups` could not be judged from the index alone."""

    run: str
    seen: int = 0
    violating: int = 0
    unknown: int = 0
    lookups: int = 0
    hinted: int = 0
    calls: int = 0
    seconds: float = 0


class Sweep:
    """Sweeps what policy watches."""

    def __init__(
        self,
        controls: Mapping[str, Control],
        memory: Memory,
        ask: Ask,
        policy: Callable[[], Policy],
    ) -> None:
        self._memory = memory
        self._ask = ask
        self._policy = policy
        self._by_type: dict[str, list[Control]] = {}
        for control in controls.values():
            for kind in control.detector.types:
                self._by_type.setdefault(kind.key, []).append(control)

    def run(self, progress: Callable[[Summary], None] = lambda _: None) -> Summary:
        """One full sweep.

        Raises:
            Transient, Refused: the index cannot be read; hints noted so far stay noted.
        """
        started, now = time.perf_counter(), self._memory.now()
        summary = Summary(run=f"sweep-{now:%Y%m%dT%H%M%S}")
        open_ones = {s.resource for s in self._memory.findings.all() if s.open}
        for resource in self._resources(summary):
            summary.seen += 1
            if self._worth_a_look(resource, summary) or resource.id in open_ones:
                self._hint(resource.id, summary)
            open_ones.discard(resource.id)
            if summary.seen % 100 == 0:
                progress(summary)
        for resource_id in open_ones | self._singletons():
            self._hint(resource_id, summary)
        summary.seconds = round(time.perf_counter() - started, 3)
        self._memory.outbox.add(
            "sweeps", [summary.run], {"Summary": "sweep", "RunId": summary.run, **_fields(summary)}
        )
        value = {"run": summary.run, "ended_at": self._memory.now().isoformat()}
        self._memory.store.put("control", "control", "last-sweep", value)
        progress(summary)
        return summary

    def _singletons(self) -> set[ResourceId]:
        controls = (control for kind in self._by_type.values() for control in kind)
        known = {one for control in controls for one in control.detector.singletons}
        return {one for one in known if self._policy().watches(one)}

    def _resources(self, summary: Summary) -> Iterator[Resource]:
        policy = self._policy()
        subscriptions = sorted(policy.subscriptions)
        tables: dict[tuple[str, bool], list[str]] = {}
        for kind in self._by_type:
            tables.setdefault((_table_of(kind), kind == _DEFINITIONS), []).append(kind)
        for (table, placeless), types in sorted(tables.items()):
            query = query_for(table, sorted(types))
            for page in pages(self._ask, query, [] if placeless else subscriptions):
                summary.calls += 1
                for resource in map(self._placed, page):
                    if policy.watches(resource.id):
                        yield resource

    def _placed(self, resource: Resource) -> Resource:
        """A role definition under a watched scope where it can be assigned; all else as it is."""
        told = resource.get("/properties/assignableScopes")
        if resource.type.casefold() != _DEFINITIONS or not isinstance(told, list):
            return resource
        for scope in sorted(map(str, told)):
            kind, name = "Microsoft.Authorization/roleDefinitions", resource.id.name
            at = ResourceId(f"{scope.rstrip('/')}/providers/{kind}/{name}")
            if self._policy().watches(at):
                return replace(resource, id=at)
        return resource

    def _worth_a_look(self, resource: Resource, summary: Summary) -> bool:
        worth = False
        for control in self._by_type.get(resource.type.casefold(), []):
            try:
                state = control.detector.judge(resource).state
            except NeedsLookup:
                summary.lookups += 1
                worth = True
                continue
            summary.violating += state is State.NON_COMPLIANT
            summary.unknown += state is State.UNKNOWN
            worth = worth or state is not State.COMPLIANT
        return worth

    def _hint(self, resource_id: ResourceId, summary: Summary) -> None:
        summary.hinted += 1
        now = self._memory.now()
        hint = Hint(id=resource_id, source="sweep", first_seen=now, run=summary.run)
        self._memory.inbox.note(hint, _NO_DELAY)


def _table_of(type_key: str) -> str:
    """Resource Graph's table that holds a type."""
    if type_key == "microsoft.resources/subscriptions":
        return "ResourceContainers"
    return _TABLES.get(type_key.split("/", maxsplit=1)[0], "Resources")


def _fields(summary: Summary) -> dict[str, object]:
    return {name.capitalize(): value for name, value in asdict(summary).items() if name != "run"}
