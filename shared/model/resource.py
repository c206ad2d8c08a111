"""ARM's ids and documents, as a rule sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from shared.model.document import ABSENT, OBJECT, Json, parse_pointer, value_at


class Undecided(Exception):
    """A rule cannot say; the message is the reason a person reads."""


class NeedsLookup(Undecided):
    """A rule cannot say before the named lookup was had."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the lookup {name!r} was not made")
        self.name = name


class _Parts(NamedTuple):
    """What an id's text says."""

    segments: tuple[str, ...]
    provider_at: int | None
    type: str


@lru_cache(maxsize=4096)
def _taken_apart(text: str) -> _Parts:
    segments = tuple(text.strip("/").split("/")) if text != "/" else ()
    for i in range(len(segments) - 2, -1, -1):
        if segments[i].casefold() == "providers":
            return _Parts(segments, i, "/".join([segments[i + 1], *segments[i + 2 :: 2]]))
    lowered = [s.casefold() for s in segments]
    if lowered[:1] != ["subscriptions"]:
        return _Parts(segments, None, "")
    inside = lowered[2:3] == ["resourcegroups"]
    container = "resourceGroups" if inside else "subscriptions"
    return _Parts(segments, None, f"Microsoft.Resources/{container}")


@dataclass(frozen=True, slots=True)
class ResourceId:
    """An ARM resource id: compared without case, printed as received, always led by a slash.

    A tenant's root is `/`. Extension resources (`{scope}/providers/Ns/type/name`) belong to
    their `scope`.
    """

    text: str = field(compare=False)
    key: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        text = "/" + self.text.strip().strip("/")
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "key", text.casefold())

    def __str__(self) -> str:
        return self.text

    @property
    def type(self) -> str:
        """The ARM type, `Namespace/type/childType`; empty for `/`."""
        return _taken_apart(self.text).type

    @property
    def _segments(self) -> tuple[str, ...]:
        return _taken_apart(self.text).segments

    def _provider_index(self) -> int | None:
        """Where the last `providers` segment stands that opens a provider's part."""
        return _taken_apart(self.text).provider_at

    @property
    def name(self) -> str:
        """The last segment: bodies may say otherwise, ids do not."""
        return self._segments[-1] if self._segments else "/"

    @property
    def subscription(self) -> str:
        """The subscription's id in lower case, or empty where the scope has none."""
        segments = self.key.strip("/").split("/")
        return segments[1] if segments[0] == "subscriptions" and len(segments) > 1 else ""

    @property
    def resource_group(self) -> ResourceId | None:
        segments = self._segments
        if len(segments) >= 4 and segments[2].casefold() == "resourcegroups":
            return ResourceId("/".join(segments[:4]))
        return None

    @property
    def scope(self) -> ResourceId:
        """What an extension or top-level resource stands in; the parent of anything else."""
        return self.parent or ResourceId("/")

    @property
    def parent(self) -> ResourceId | None:
        """One level up: of a child its parent, of a top-level resource its group, of `/` None."""
        segments, at = self._segments, self._provider_index()
        if not segments:
            return None
        if at is None:
            return ResourceId("/".join(segments[:-2]))
        inside = len(segments) - at - 2
        if inside > 2:
            return ResourceId("/".join(segments[:-2]))
        return ResourceId("/".join(segments[:at]))

    @property
    def write_target(self) -> ResourceId:
        """What one claim covers: the top-level resource; of an extension resource its scope."""
        segments, at = self._segments, self._provider_index()
        if at is None:
            return self
        if at not in (0, 2, 4) or segments[at + 1].casefold() == "microsoft.authorization":
            return ResourceId("/".join(segments[:at])).write_target
        return ResourceId("/".join(segments[: at + 4]))

    def within(self, scope: ResourceId) -> bool:
        """Whether this is `scope` itself or lies under it; a scope ends at a segment."""
        return scope.key == "/" or (self.key + "/").startswith(scope.key + "/")

    def child(self, path: str) -> ResourceId:
        return ResourceId(f"{self.text}/{path}")


@dataclass(frozen=True, slots=True)
class ResourceType:
    """An ARM type and the api-version that every read and write of it uses."""

    name: str
    api_version: str

    def matches(self, resource_id: ResourceId) -> bool:
        return resource_id.type.casefold() == self.name.casefold()

    @property
    def key(self) -> str:
        return self.name.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One observed document, with when it was read and what was looked up beside it."""

    id: ResourceId
    body: Mapping[str, Json]
    read_at: datetime | None = None
    lookups: Mapping[str, tuple[Resource, ...] | Undecided] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """From the id: bodies leave `type` out, or hold null."""
        return self.id.type

    @property
    def etag(self) -> str | None:
        etag = self.body.get("etag")
        return etag if isinstance(etag, str) and etag else None

    @property
    def settled(self) -> bool:
        """Whether no operation is under way on it; a type without a state is settled."""
        state = self.get("/properties/provisioningState")
        return not isinstance(state, str) or state.casefold() in {"succeeded", "failed", "canceled"}

    def get(self, pointer: str) -> Json:
        """The value at a JSON Pointer; None where it is null or any step is absent."""
        steps = parse_pointer(pointer)
        node: Json = self.body
        for step in steps:
            # The common way down, without a call: objects as JSON is read, keys that are text.
            if type(node) is not dict or type(step) is not str:
                found = value_at(self.body, steps)
                return None if found is ABSENT else found
            node = node.get(step)
            if node is None:
                return None
        return node

    def text(self, pointer: str) -> str:
        """An enumeration's value in lower case; empty where absent.

        Raises:
            Undecided: it holds something else than a string.
        """
        found = self.get(pointer)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise Undecided(f"{pointer} holds {found!r}, where a string belongs")
        return found.casefold()

    def flag(self, pointer: str) -> bool | None:
        """A boolean, also where Azure writes it as a string; None where absent.

        Raises:
            Undecided: it holds something else.
        """
        found = self.get(pointer)
        if found is None or isinstance(found, bool):
            return found
        words = {"true": True, "false": False, "1": True, "0": False}
        if str(found).casefold() in words:
            return words[str(found).casefold()]
        raise Undecided(f"{pointer} holds {found!r}, where a boolean belongs")

    def items(self, pointer: str) -> tuple[Mapping[str, Json], ...]:
        """A list of objects; empty where absent.

        Raises:
            Undecided: it is not a list of objects.
        """
        found = self.get(pointer)
        if found is None:
            return ()
        if not isinstance(found, list) or not all(isinstance(i, OBJECT) for i in found):
            raise Undecided(f"{pointer} is not a list of objects")
        return tuple(found)

    def related(self, name: str) -> tuple[Resource, ...]:
        """What the declared lookup `name` found; what it names but Azure lacks is left out.

        Raises:
            NeedsLookup: it was not made yet.
            Undecided: it failed.
        """
        found = self.lookups.get(name)
        if found is None:
            raise NeedsLookup(name)
        if isinstance(found, Undecided):
            raise found
        return found

    def with_lookup(self, name: str, found: tuple[Resource, ...] | Undecided) -> Resource:
        return replace(self, lookups={**self.lookups, name: found})
