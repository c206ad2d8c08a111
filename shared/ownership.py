"""Whether infrastructure code owns a resource, and the notice that its owners get first.

Nothing is read where policy names nothing to look for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.cloud import Reader
from shared.decision import Decision, Owned
from shared.errors import Refused
from shared.findings import Standing
from shared.model import Json, Resource, ResourceId, ResourceType, instant
from shared.state import State

if TYPE_CHECKING:
    from shared.policy import Policy

STACKS: Final = ResourceType("Microsoft.Resources/deploymentStacks", api_version="2024-03-01")
DEPLOYMENTS: Final = ResourceType("Microsoft.Resources/deployments", api_version="2021-04-01")
_REMEMBERED = timedelta(minutes=10)
_CONTAINERS = ("microsoft.resources/subscriptions", "microsoft.resources/resourcegroups")


@dataclass(frozen=True, slots=True)
class _Claim:
    """Something that owns resources: in words, and which; None where that cannot be seen."""

    words: str
    ids: tuple[ResourceId, ...] | None

    def covers(self, resource: ResourceId) -> bool:
        return self.ids is None or any(_belongs(resource, one) for one in self.ids)


class Ownership:
    """Finds owners by what policy says of them, and tells them once an episode."""

    def __init__(self, reader: Reader, state: State, policy: Callable[[], Policy]) -> None:
        self._reader = reader
        self._state = state
        self._policy = policy
        self._known: dict[tuple[ResourceId, str], tuple[datetime, tuple[_Claim, ...]]] = {}

    def owner(self, resource: Resource) -> str:
        """Who owns it, as the beginning of a sentence; empty where nobody does.

        What cannot be read is owned, and the words say so.

        Raises:
            Transient: come again.
        """
        policy = self._policy().infrastructure_code
        if by_tag := _tagged(resource.body.get("tags"), policy.tags):
            return by_tag
        claims = list(self._stacks(resource.id)) if policy.stacks else []
        if policy.deployments:
            claims += self._deployments(resource.id, policy.deployments)
        return next((one.words for one in claims if one.covers(resource.id)), "")

    def owned(self, standing: Standing, resource: Resource) -> Owned | None:
        """The owner, and since when they are told of this episode: from now on if not yet."""
        words = self.owner(resource)
        if not words:
            return None
        row = self._state.store.get("notices", standing.resource.key, standing.control)
        told = row is not None and row.value["episode"] == standing.episode
        at = datetime.fromisoformat(row.value["at"]) if row and told else self._state.now()
        return Owned(words, at)

    def tell(self, standing: Standing, decision: Decision, owned: Owned) -> None:
        """Give the notice, once an episode; `decision` says how long it stands."""
        place, episode = (standing.resource.key, standing.control), standing.episode
        row = self._state.store.get("notices", *place)
        if row is not None and row.value["episode"] == episode:
            return
        # The record first: a crash between says it twice under one id.
        self._state.journal.note(
            "notice",
            [standing.control, standing.resource.key, episode],
            standing.resource,
            Controls=[standing.control],
            Severity=standing.value["Severity"],
            Owner=standing.owner,
            CausedBy=list(standing.value["Actors"]),
            Evidence={standing.control: list(standing.value["Evidence"])},
            Message=decision.reason,
        )
        value = {"episode": episode, "at": owned.since.isoformat()}
        self._state.store.put("notices", *place, value)

    # --- what Azure tells

    def _stacks(self, resource: ResourceId) -> Iterator[_Claim]:
        """Of the resource's group and of its subscription, where stacks also live."""
        for container in _containers(resource):
            yield from self._listed(container, STACKS, _stack)

    def _deployments(self, resource: ResourceId, window: timedelta) -> Iterator[_Claim]:
        """Of the resource's group; of the subscription for what is in no group."""
        oldest = self._state.now() - window

        def claim(found: Resource) -> _Claim | None:
            at = instant(found.get("/properties/timestamp"))
            return self._deployment(found) if at is None or at >= oldest else None

        for container in list(_containers(resource))[:1]:
            yield from self._listed(container, DEPLOYMENTS, claim)

    def _deployment(self, found: Resource) -> _Claim:
        """What it put out: told when it has ended well, and by a list perhaps not at all."""
        name, pointer = found.id.name, "/properties/outputResources"
        ended = found.get("/properties/provisioningState") == "Succeeded"
        if ended and found.get(pointer) is None:
            found = self._reader.get(found.id, DEPLOYMENTS.api_version) or found
        ids = _ids(found.get(pointer))
        if ended or ids:
            return _Claim(f"the deployment {name} put it out", ids)
        return _Claim(f"the deployment {name} does not say what it put out, perhaps this", None)

    def _listed(
        self, container: ResourceId, kind: ResourceType, claim: Callable[[Resource], _Claim | None]
    ) -> tuple[_Claim, ...]:
        """What a container holds of a type; remembered a while."""
        key, now = (container, kind.key), self._state.now()
        known = self._known.get(key)
        if known is None or now - known[0] > _REMEMBERED:
            known = (now, self._claims(f"{container}/providers/{kind.name}", kind, claim))
            self._known[key] = known
        return known[1]

    def _claims(
        self, collection: str, kind: ResourceType, claim: Callable[[Resource], _Claim | None]
    ) -> tuple[_Claim, ...]:
        try:
            found = self._reader.list(collection, kind.api_version)
            return tuple(made for one in found if (made := claim(one)) is not None)
        except Refused as refused:
            words = f"it cannot be seen whether infrastructure code owns it ({refused})"
            return (_Claim(words, None),)


def _stack(found: Resource) -> _Claim:
    """A stack says nothing of resources before its first deployment."""
    words = f"the deployment stack {found.id.name} manages it"
    return _Claim(words, _ids(found.get("/properties/resources")))


def _containers(resource: ResourceId) -> Iterator[ResourceId]:
    if resource.resource_group is not None:
        yield resource.resource_group
    if resource.subscription:
        yield ResourceId(f"/subscriptions/{resource.subscription}")


def _ids(listed: Json) -> tuple[ResourceId, ...]:
    items = listed if isinstance(listed, list) else []
    named = (one.get("id") for one in items if isinstance(one, Mapping))
    return tuple(ResourceId(one) for one in named if isinstance(one, str) and one)


def _belongs(resource: ResourceId, owned: ResourceId) -> bool:
    """Whether one is the other or a child of it; a container owns nothing that lies in it."""
    if resource == owned:
        return True
    outer, inner = sorted((resource, owned), key=lambda one: len(one.key))
    if outer.type.casefold() in _CONTAINERS or not inner.within(outer):
        return False
    return "/providers/" not in inner.key[len(outer.key) :]


def _tagged(tags: Json, wanted: list[str]) -> str:
    """Who left one of the wanted tags on a resource; empty where nobody did."""
    held = tags if isinstance(tags, Mapping) else {}
    for want in wanted:
        key, told, value = want.partition(": ")
        for name, content in held.items():
            if not (_fits(name, key) and (not told or _fits(str(content), value.strip()))):
                continue
            return f"{content if told else 'infrastructure code'} owns it (tag {name})"
    return ""


def _fits(text: str, pattern: str) -> bool:
    """Equal without case; before a `*` at the pattern's end, the beginning alone."""
    text, start = text.casefold(), pattern.casefold()
    return text.startswith(start[:-1]) if start.endswith("*") else text == start
