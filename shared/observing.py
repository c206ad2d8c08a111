"""Fresh eyes: reads a resource and what its controls must see beside it, and judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from shared.cloud import Reader
from shared.errors import Refused
from shared.model import (
    Control,
    Detector,
    Lookup,
    NeedsLookup,
    Resource,
    ResourceId,
    ResourceType,
    State,
    Undecided,
    Verdict,
    of_directory,
    of_state,
    parse_pointer,
    values_at,
)

SUBSCRIPTION = ResourceType("Microsoft.Resources/subscriptions", api_version="2022-12-01")
RESOURCE_GROUP = ResourceType("Microsoft.Resources/resourceGroups", api_version="2022-09-01")
_CONTAINERS = {"microsoft.resources/subscriptions", "microsoft.resources/resourcegroups"}
_ATTACHED = "microsoft.authorization/"
_REMEMBERED = timedelta(minutes=10)
Memo = dict[tuple[str, str], tuple[Resource, ...] | Undecided]


class Observer:
    """Observes through `reader` what `controls` judge."""

    def __init__(
        self,
        reader: Reader,
        controls: Mapping[str, Control],
        now: Callable[[], datetime],
        directory: Reader | None = None,
        uses: Reader | None = None,
    ) -> None:
        self._reader = reader
        self._uses = uses
        self._directory = directory
        self._now = now
        self._by_type: dict[str, list[Control]] = {}
        self._wakes: dict[str, list[tuple[ResourceType, str]]] = {}
        for control in controls.values():
            for kind in control.detector.types:
                self._by_type.setdefault(kind.key, []).append(control)
            for wake in control.detector.wakes:
                self._wakes.setdefault(wake.type.key, []).append((wake.type, wake.pointer))
        self.actions = frozenset(
            action.casefold() for one in controls.values() for action in one.detector.actions
        )
        """Operations, in lower case, that no document shows and that are reasons for a look."""
        self._groups: dict[str, tuple[datetime, bool]] = {}
        self._steady: dict[str, tuple[datetime, tuple[Resource, ...]]] = {}

    def controls_of(self, resource_id: ResourceId) -> list[Control]:
        """The controls that judge resources of this type."""
        return self._by_type.get(resource_id.type.casefold(), [])

    def wakes(self, resource_id: ResourceId) -> bool:
        """Whether a change of this resource is a reason to look at others."""
        return resource_id.type.casefold() in self._wakes

    def judged(self, resource_id: ResourceId) -> ResourceId | None:
        """What a change of `resource_id` is about: itself, or the nearest parent judged.

        A subscription or resource group is not changed by what lies in it, but for what
        Microsoft.Authorization attaches to it. None where no control looks at any of them.
        """
        at: ResourceId | None = resource_id
        while at is not None and at.text != "/":
            if self.controls_of(at) or self.wakes(at):
                return at
            parent = at.parent
            contained = parent is not None and parent.type.casefold() in _CONTAINERS
            at = None if contained and not at.type.casefold().startswith(_ATTACHED) else parent
        return None

    def observe(self, resource_id: ResourceId) -> Resource | None:
        """The resource as it is now; None where it is not. Raises what the reader raises."""
        if not self.controls_of(resource_id):
            version = self._wakes[resource_id.type.casefold()][0][0].api_version
            return self._reader.get(resource_id, version)
        types = self.controls_of(resource_id)[0].detector.types
        version = next(t.api_version for t in types if t.matches(resource_id))
        return self._reader.get(resource_id, version)

    def in_sight(self, gone: ResourceId) -> bool:
        """Whether what is around a resource can be read, so that its absence can be believed.

        Raises:
            Transient: come again.
        """
        if not gone.subscription:
            return True
        around = [
            (gone.resource_group, RESOURCE_GROUP),
            (ResourceId(f"/subscriptions/{gone.subscription}"), SUBSCRIPTION),
        ]
        for scope, kind in around:
            if scope is None or scope == gone:
                continue
            try:
                if self._reader.get(scope, kind.api_version) is not None:
                    return True
            except Refused:
                return False
        return False

    def woken(self, resource: Resource) -> Iterator[ResourceId]:
        """The judged resources that a change of `resource` is a reason to look at."""
        for _, pointer in self._wakes.get(resource.type.casefold(), []):
            steps = parse_pointer(pointer)
            for value in values_at(resource.body, steps):
                if isinstance(value, str) and value:
                    judged = self.judged(ResourceId(value))
                    if judged is not None and judged != resource.id:
                        yield judged

    def left_behind(self, gone: ResourceId) -> ResourceId | None:
        """What the end of a resource that others are looked at for is a reason to look at.

        Its document is gone with it; where it stood is in its id.
        """
        where = self.judged(gone.scope) if self.wakes(gone) else None
        return where if where is not None and self.controls_of(where) else None

    def judge(self, detector: Detector, resource: Resource, memo: Memo) -> tuple[Verdict, Resource]:
        """The verdict, and the resource with the lookups it took.

        `memo` keeps answers for one look. Raises Transient: come again.
        """
        while True:
            try:
                return detector.judge(resource), resource
            except NeedsLookup as need:
                if need.name in resource.lookups:
                    # Another lookup rests on it, and was wanted first.
                    return Verdict(State.UNKNOWN, reason=f"{detector.id}: {need}"), resource
                lookup = detector.lookup(need.name, resource.id)
                resource = resource.with_lookup(need.name, self._fetch(lookup, resource, memo))

    def look_up(self, lookup: Lookup, resource: Resource) -> tuple[Resource, ...] | Undecided:
        """What a plan needs beyond what was judged, read now. Raises Transient: come again."""
        return self._fetch(lookup, resource, {})

    def _fetch(
        self, lookup: Lookup, resource: Resource, memo: Memo
    ) -> tuple[Resource, ...] | Undecided:
        found: list[Resource] = []
        try:
            listed = lookup.wanted(resource)
        except Undecided as reason:
            return reason
        for wanted in listed:
            key = (ResourceId(wanted).key, lookup.type.api_version)
            if key not in memo:
                memo[key] = self._steadily(lookup, wanted) or self._read(lookup, wanted)
            answer = memo[key]
            if isinstance(answer, Undecided):
                return answer
            found.extend(answer)
        return tuple(found)

    def _steadily(self, lookup: Lookup, wanted: str) -> tuple[Resource, ...] | None:
        """A steady lookup's answer, read once in its greatest age; None for any other."""
        if not lookup.steady:
            return None
        known = self._steady.get(wanted)
        if known is None or self._now() - known[0] > lookup.max_age:
            answer = self._read(lookup, wanted)
            if isinstance(answer, Undecided):
                return None
            known = self._steady[wanted] = (self._now(), answer)
        return known[1]

    def _read(self, lookup: Lookup, wanted: str) -> tuple[Resource, ...] | Undecided:
        version = lookup.type.api_version
        reader = self._reader_of(ResourceId(wanted))
        if isinstance(reader, Undecided):
            return reader
        try:
            if lookup.many:
                return tuple(reader.list(wanted, version))
            one = reader.get(ResourceId(wanted), version)
        except Refused as refused:
            return Undecided(f"the lookup {lookup.name!r} failed: {refused}")
        return (one,) if one is not None else ()

    def _reader_of(self, wanted: ResourceId) -> Reader | Undecided:
        """Who answers for an id: ARM, the directory, or our own state."""
        if of_directory(wanted):
            return self._directory or Undecided("the directory (Microsoft Graph) is not read")
        if of_state(wanted):
            return self._uses or Undecided("no uses of role assignments are kept here")
        return self._reader

    def managed(self, resource_id: ResourceId) -> bool:
        """Whether another service manages the resource's group (`managedBy`); remembered a while.

        Raises:
            Transient, Refused: it cannot be seen, so nothing may be written.
        """
        group = resource_id.resource_group
        if group is None:
            return False
        known = self._groups.get(group.key)
        if known is None or self._now() - known[0] > _REMEMBERED:
            body = self._reader.get(group, RESOURCE_GROUP.api_version)
            known = (self._now(), body is not None and bool(body.get("/managedBy")))
            self._groups[group.key] = known
        return known[1]
