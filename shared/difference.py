"""What an action or a plan changes, value by value, as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.model import ABSENT, Json, ResourceId, pointer_to, shown, unshown


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One value: `path` is a JSON Pointer into `target`, empty for the whole of it.

    `was` and `now` are ABSENT where there is none. `done` is False while `now` is only planned.
    """

    target: ResourceId
    path: str
    was: Json
    now: Json
    done: bool = True

    @property
    def name(self) -> str:
        """The value's own name: the last two segments of its path, or the resource's."""
        return ".".join(self.path.split("/")[-2:]).removeprefix("properties.") or self.target.name


def differences(record: Mapping[str, Any]) -> Iterator[Difference]:
    """What a record of the stream `actions` tells, as deep as values differ.

    An action tells what it replaced and what stood there afterwards; one that wrote nothing yet,
    and a plan, what is meant to.
    """
    before, after = record.get("Before") or {}, record.get("After") or {}
    if not after:
        yield from planned(record.get("Plan") or {})
        return
    for named, now in after.items():
        target, _, path = named.partition("#")
        was = before.get(named, {"absent": True})
        yield from _deeper(ResourceId(target), path, unshown(was), unshown(now))


def planned(plan: Mapping[str, Any]) -> Iterator[Difference]:
    """What a plan, as it is stored and recorded, would change."""
    for change in plan.get("changes", ()):
        target = ResourceId(change["target"])
        for edit in change["edits"]:
            was, now = unshown(edit["before"]), unshown(edit["after"])
            for one in _deeper(target, pointer_to(tuple(edit["path"])), was, now):
                yield replace(one, done=False)
        whole = {
            "delete": (change["document"], ABSENT),
            "create": (ABSENT, change["document"]),
            "post": (ABSENT, change["action"]),
        }.get(change["verb"])
        if whole is not None:
            yield Difference(target=target, path="", was=whole[0], now=whole[1], done=False)


def _deeper(target: ResourceId, path: str, was: Json, now: Json) -> Iterator[Difference]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*was, *now)):
            old, new = was.get(key, ABSENT), now.get(key, ABSENT)
            if shown(old) != shown(new):
                yield from _deeper(target, f"{path}{pointer_to((key,))}", old, new)
        return
    yield Difference(target=target, path=path, was=was, now=now)
