"""Reads what is there, writes what lacks, takes away what is ours; each write once, by its name."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from shared import names
from shared.azure.graph import Index
from shared.cloud import Writer
from shared.errors import Refused, Transient, Why
from shared.model import Change, Edit, Json, Resource, ResourceId, Verb, parse_pointer
from shared.onboarding.parts import (
    EVENTS_VERSION,
    GRANTS_VERSION,
    GROUPS_VERSION,
    Deployment,
    Part,
    Place,
    parts,
)
from shared.onboarding.places import get, listed, place, with_mend

_TOPICS: Final = "microsoft.eventgrid/systemtopics"
_GRANTS: Final = "microsoft.authorization/roleassignments"
_GROUPS: Final = "microsoft.resources/subscriptions/resourcegroups"
_POLICIES: Final = "microsoft.authorization/policyassignments"
_ATTEMPTS: Final = 12
_LONGEST: Final = 15.0
_TURNS: Final = 240
"""So many looks at an operation, of at least a second each, before it is left to itself."""


class Fate(enum.StrEnum):
    """What is, or was, to do about a part."""

    THERE = "there"
    MAKE = "make"
    CHANGE = "change"
    DELETE = "delete"
    LEFT = "left"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part of a subscription, and what is to do about it; `why` where that is nothing."""

    subscription: str
    part: Part
    fate: Fate
    why: str = ""

    @property
    def writes(self) -> bool:
        return self.fate in (Fate.MAKE, Fate.CHANGE, Fate.DELETE)

    def to_json(self) -> dict[str, Any]:
        return {
            "subscription": self.subscription,
            "part": self.part.what,
            "id": "" if self.part.waits else self.part.target.text,
            "fate": self.fate.value,
            "why": self.why,
        }


Told = Callable[[Step], None]
"""Hears of each step when it is done."""


class Onboarding:
    """Takes subscriptions under watch and out of it, under the caller's own rights.

    `pause` waits so many seconds. Every method may raise `Transient` (come again), `Refused` with
    what to do about it, and `Unusable` for a subscription that cannot be taken.
    """

    def __init__(self, arm: Writer, of: Deployment, pause: Callable[[float], None]) -> None:
        self._arm = arm
        self._of = of
        self._pause = pause

    # --- in

    def planned(self, subscription: str) -> list[Step]:
        """What onboarding would do; writes nothing."""
        place = self._place(subscription)
        return [self._step(place, part) for part in self._in_order(place)]

    def _in_order(self, place: Place) -> Iterator[Part]:
        """What is unwanted goes first, each after what hangs on it."""
        former = [part for part in parts(self._of, place) if part.unwanted]
        yield from reversed(former)
        yield from (part for part in parts(self._of, place) if not part.unwanted)

    def onboard(self, subscription: str, told: Told) -> None:
        """Make what lacks, in order; what was made before is found, and left as it is."""
        place = self._place(subscription)
        for part in self._in_order(place):
            if part.waits:
                raise Transient(f"subscription {subscription}: {part.waits} is not there yet")
            step = self._step(place, part)
            if step.writes:
                self._send(step)
            if part.target.type.casefold() == _TOPICS:
                # Ours now, or somebody's who was faster.
                place.topic = self._read(part)
            told(step)

    def _step(self, place: Place, part: Part) -> Step:
        """What is to do about a part, by a fresh read."""
        if part.waits:
            return self._of_part(place, part, Fate.MAKE, f"after {part.waits}")
        found = self._read(part)
        if part.unwanted:
            return self._of_part(place, part, Fate.GONE if found is None else Fate.DELETE)
        wanted = part.body if part.wanted is None else part.wanted
        if found is not None and covers(found.body, wanted):
            return self._of_part(place, part, Fate.THERE)
        if part.instead is not None:
            listed = self._listed(part.instead.collection, part.instead.api_version)
            other = next((one for one in listed if part.instead.serves(one)), None)
            if other is not None:
                why = "" if other.id == part.target else f"as {other.id}"
                return self._of_part(place, part, Fate.THERE, why)
        return self._of_part(place, part, Fate.MAKE if found is None else Fate.CHANGE)

    @staticmethod
    def _of_part(place: Place, part: Part, fate: Fate, why: str = "") -> Step:
        return Step(subscription=place.subscription, part=part, fate=fate, why=why)

    # --- out

    def leaving(self, subscription: str) -> list[Step]:
        """What offboarding would take away, in order, and what it would leave; writes nothing."""
        return list(self._leaves(subscription))

    def offboard(self, subscription: str, told: Told) -> None:
        """Take away what is ours; what somebody else put beside it stays, and is named."""
        for step in self._leaves(subscription):
            if step.writes:
                self._send(step)
            told(step)

    def _leaves(self, subscription: str) -> Iterator[Step]:
        place, goes = self._place(subscription), set[ResourceId]()
        # Whatever is wanted now may have been made before; a hand's rights are found by its role.
        all_of_it = replace(self._of, hand="", canary=True, grants=True)
        for part in reversed(list(parts(all_of_it, place))):
            found = None if part.waits else self._read(part)
            if found is None:
                continue
            why = part.stays or self._needed(part, found, goes)
            if not why:
                goes.add(part.target)
            yield self._of_part(place, part, Fate.LEFT if why else Fate.DELETE, why)

    def _needed(self, part: Part, found: Resource, goes: Collection[ResourceId]) -> str:
        """Why something is not ours alone to take away; empty where it is."""
        if part.exactly and not covers(found.body, part.body):
            return "it is not what was made here"
        match part.target.type.casefold():
            case "microsoft.resources/resourcegroups":
                return self._lived_in(part, found, goes)
            case kind if kind == _TOPICS:
                return self._listened_to(part)
        return ""

    def _lived_in(self, group: Part, found: Resource, goes: Collection[ResourceId]) -> str:
        if (found.get("/tags") or {}).get("azd-env-name") != self._of.name:
            return "it is not tagged as ours"
        held = self._listed(f"{group.target}/resources", GROUPS_VERSION)
        others = [one.id.name for one in held if one.id not in goes]
        return f"there is more in it: {', '.join(others)}" if others else ""

    def _listened_to(self, topic: Part) -> str:
        listed = self._listed(f"{topic.target}/eventSubscriptions", EVENTS_VERSION)
        ours = names.listener(self._of.name).casefold()
        others = [one.id.name for one in listed if not one.id.name.casefold().startswith(ours)]
        return f"others listen to it: {', '.join(others)}" if others else ""

    # --- reading

    def _place(self, subscription: str) -> Place:
        found = place(self._arm, subscription)
        found.former = self._former(ResourceId(found.id))
        return found

    def _former(self, at: ResourceId) -> list[ResourceId] | None:
        """The assignments of the role of the hand in a subscription; None where it has none."""
        role = ResourceId(names.role(at.text, self._of.name, "hand"))
        if get(self._arm, role, GRANTS_VERSION) is None:
            return None
        every = f"{at}/providers/Microsoft.Authorization/roleAssignments?$filter=atScope()"
        return [
            one.id
            for one in listed(self._arm, every, GRANTS_VERSION)
            if ResourceId(str(one.get("/properties/roleDefinitionId") or "/")).name.casefold()
            == role.name
        ]

    def _read(self, part: Part) -> Resource | None:
        return get(self._arm, part.target, part.api_version)

    def _listed(self, collection: str, api_version: str) -> list[Resource]:
        return listed(self._arm, collection, api_version)

    # --- writing

    def _send(self, step: Step) -> None:
        """One write, to its end; a passing fault is tried again, as it cannot be done twice."""
        change, fault = _change(step), Transient("")
        for _ in range(_ATTEMPTS):
            try:
                return self._once(change)
            except Transient as again:
                fault = again
                self._pause(min(max(again.retry_after, 1.0), _LONGEST))
            except Refused as refused:
                if refused.code.casefold() == "roleassignmentexists":
                    return None
                raise with_mend(refused, step.part.target) from refused
        raise fault

    def _once(self, change: Change) -> None:
        answer = self._arm.write(change, str(uuid.uuid4()))
        operation, wait = answer.operation, answer.wait
        for _ in range(_TURNS):
            if operation is None:
                return
            self._pause(min(wait, _LONGEST))
            progress = self._arm.poll(operation)
            if progress.error:
                raise Refused(f"{change.target}: {progress.error}", Why.FAILED)
            if progress.done:
                return
            wait = progress.wait
        raise Transient(f"{change.target}: still under way after long")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Where anything of a deployment is, as far as the caller sees: subscriptions by their GUIDs.

    `elsewhere` are the gate's role assignments above subscriptions, `policies` the assignments of
    the policy that onboards, by their ids.
    """

    subscriptions: Sequence[str]
    elsewhere: Sequence[str]
    policies: Sequence[ResourceId]


def taken(index: Index, of: Deployment) -> Taken:
    """What the deployment has taken.

    Raises:
        Transient, Refused: Resource Graph cannot be asked.
    """
    named = f"name =~ '{of.topic}' or name =~ '{of.group}'"
    held = f"tostring(properties.principalId) =~ '{of.gate}'"
    queries = (
        f"resources | where type =~ '{_TOPICS}' | where {named} | project id",
        f"resourcecontainers | where type =~ '{_GROUPS}' | where {named} | project id",
        f"authorizationresources | where type =~ '{_GRANTS}' | where {held} | project id",
    )
    found = {one for query in queries for one in _found(index, query)}
    assigned = f"type =~ '{_POLICIES}' | where name =~ '{names.policy(of.name)}'"
    policies = _found(index, f"policyresources | where {assigned} | project id")
    return Taken(
        subscriptions=sorted({one.subscription for one in found} - {""}),
        elsewhere=sorted(one.text for one in found if not one.subscription),
        policies=sorted(policies, key=str),
    )


def _found(index: Index, query: str) -> Iterator[ResourceId]:
    for page in index.pages(query):
        yield from (ResourceId(str(row.get("id"))) for row in page.rows)


def _change(step: Step) -> Change:
    part = step.part
    if step.fate is Fate.DELETE:
        return Change(verb=Verb.DELETE, target=part.target, api_version=part.api_version)
    if step.fate is Fate.CHANGE and part.patched:
        edits = tuple(Edit(parse_pointer(f"/{name}"), None, one) for name, one in part.body.items())
        return Change(
            verb=Verb.PATCH, target=part.target, api_version=part.api_version, edits=edits
        )
    return Change(
        verb=Verb.CREATE, target=part.target, api_version=part.api_version, document=dict(part.body)
    )


def covers(live: Json, wanted: Json) -> bool:
    """Whether a live document says all that is wanted; case does not count, nor order.

    A list says no more than is wanted: actions are rights, and each filter leaves something out.
    """
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(
            covers(_under(live, name), one) for name, one in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        held = live if isinstance(live, list | tuple) else ()
        found = all(any(covers(one, each) for one in held) for each in wanted)
        return found and len(held) == len(wanted)
    if isinstance(wanted, str):
        return str(live or "").casefold() == wanted.casefold()
    return bool(live == wanted)


def _under(live: Mapping[str, Json], name: str) -> Json:
    if name in live:
        return live[name]
    return next((one for key, one in live.items() if key.casefold() == name.casefold()), None)
