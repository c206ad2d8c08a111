"""Plans are data: the writes, what they replace, and their inverse."""

from __future__ import annotations

import copy
import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from shared.model.document import (
    ABSENT,
    Json,
    Path,
    digest,
    index_of,
    insert,
    overlap,
    parse_pointer,
    pointer_to,
    same,
    shown,
    stable,
    unshown,
    value_at,
)
from shared.model.resource import ResourceId, Undecided


class Verb(enum.StrEnum):
    PATCH = "patch"
    PUT = "put"
    CREATE = "create"
    DELETE = "delete"
    POST = "post"


@dataclass(frozen=True, slots=True)
class Edit:
    """One value replaced inside a document.

    `restore` is what undo writes where `before` is ABSENT and the type cannot be told to forget
    a value: the platform's documented default, the same in effect though not in bytes.
    """

    path: Path
    before: Json
    after: Json
    restore: Json = ABSENT

    @classmethod
    def of(cls, body: Json, pointer: str, after: Json, *, restore: Json = ABSENT) -> Edit:
        """The edit that makes `pointer` hold `after` in `body`."""
        path = parse_pointer(pointer)
        return cls(path, copy.deepcopy(value_at(body, path)), after, restore)

    def inverse(self) -> Edit:
        before = self.restore if self.before is ABSENT else self.before
        return Edit(self.path, self.after, before)

    @property
    def changes(self) -> bool:
        return not same(self.before, self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write.

    `patch` and `put` carry edits: a patch sends them alone, a put sends `document` (the target
    as it was read) with the edits made. `create` sends `document`; `delete` keeps in it what
    was there; `post` calls `action` with `document` as its body (None: no body).
    """

    verb: Verb
    target: ResourceId
    api_version: str
    edits: tuple[Edit, ...] = ()
    document: Json = None
    etag: str | None = None
    action: str = ""
    settle: float = 0
    """Seconds that the writes before this one are given to take effect; then all is read again."""

    def body(self) -> Json:
        """What is sent; None sends nothing."""
        match self.verb:
            case Verb.PATCH:
                sent: dict[str, Json] = {}
                for edit in self.edits:
                    insert(sent, edit.path, None if edit.after is ABSENT else edit.after)
                return sent
            case Verb.PUT:
                return edited(self.document, self.edits)
            case Verb.CREATE | Verb.POST:
                return self.document
            case Verb.DELETE:
                return None

    def inverse(self) -> Change | None:
        """The write that takes this one back, or None where nothing can."""
        match self.verb:
            case Verb.PATCH | Verb.PUT:
                edits = tuple(e.inverse() for e in reversed(self.edits))
                return replace(self, edits=edits, document=None, etag=None, settle=0)
            case Verb.CREATE:
                return replace(self, verb=Verb.DELETE, etag=None, settle=0)
            case Verb.DELETE:
                return replace(self, verb=Verb.CREATE, etag=None, settle=0)
            case Verb.POST:
                return None

    @property
    def mergeable(self) -> bool:
        return self.verb in (Verb.PATCH, Verb.PUT)


class Reversible(enum.StrEnum):
    YES = "yes"
    PARTIAL = "partial"
    NO = "no"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The ordered writes that end the findings of `controls` on one resource.

    `caveats` are what will not come back exactly, said before the write. Where `asks` says why,
    policy alone is not enough: a person must have seen it. `given` are the parameters that make
    this very plan again, whatever else has been seen since.
    """

    resource: ResourceId
    controls: tuple[str, ...]
    changes: tuple[Change, ...]
    disruption: str = ""
    reversible: Reversible = Reversible.YES
    permissions: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    asks: str = ""
    given: Mapping[str, Json] = field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """The same for the same writes on the same resource, whoever computes it, whenever."""
        parts: list[Json] = [self.resource.key, sorted(self.controls)]
        for c in self.changes:
            edits = [[list(e.path), shown(e.before), shown(e.after)] for e in c.edits]
            kept = None if c.verb is Verb.PUT else stable(c.document)
            parts.append([c.verb, c.target.key, c.action, edits, kept])
        return digest(parts)

    def merged(self, other: Plan) -> Plan | None:
        """Both plans as one write, or None where they cannot be."""
        if len(self.changes) != 1 or len(other.changes) != 1:
            return None
        mine, theirs = self.changes[0], other.changes[0]
        if not (mine.mergeable and mine.verb is theirs.verb and mine.target == theirs.target):
            return None
        more = tuple(edit for edit in theirs.edits if edit not in mine.edits)
        if any(overlap(a.path, b.path) for a in mine.edits for b in more):
            return None
        worst = min(self.reversible, other.reversible, key=list(Reversible)[::-1].index)
        return replace(
            self,
            controls=(*self.controls, *other.controls),
            changes=(replace(mine, edits=(*mine.edits, *more)),),
            disruption=" ".join(dict.fromkeys(d for d in (self.disruption, other.disruption) if d)),
            reversible=worst,
            permissions=tuple(dict.fromkeys((*self.permissions, *other.permissions))),
            caveats=tuple(dict.fromkeys((*self.caveats, *other.caveats))),
            asks=" ".join(dict.fromkeys(a for a in (self.asks, other.asks) if a)),
            given={**self.given, **other.given},
        )

    def inverse(self) -> tuple[Change, ...]:
        """The writes that take this plan back, newest first; what cannot be is left out."""
        inverses = (change.inverse() for change in reversed(self.changes))
        return tuple(change for change in inverses if change is not None)


def edited(document: Json, edits: Iterable[Edit]) -> Json:
    """A copy of `document` with the edits made; an `after` of ABSENT removes the key.

    Raises:
        Undecided: an edit names an array element that is not there.
    """
    body = copy.deepcopy(document)
    for edit in edits:
        node = body
        for step in edit.path[:-1]:
            below = value_at(node, (step,))
            if below is ABSENT or below is None:
                if not isinstance(node, dict):
                    raise Undecided(f"{pointer_to(edit.path)} is not in the document any more")
                below = node[str(step)] = {}
            node = below
        _set(node, edit)
    return body


def _set(node: Json, edit: Edit) -> None:
    leaf = edit.path[-1]
    if isinstance(node, list):
        at = index_of(node, leaf)
        if at is None:
            raise Undecided(f"{pointer_to(edit.path)} is not in the document any more")
        if edit.after is ABSENT:
            del node[at]
        else:
            node[at] = copy.deepcopy(edit.after)
    elif edit.after is ABSENT:
        node.pop(str(leaf), None)
    else:
        node[str(leaf)] = copy.deepcopy(edit.after)


def change_to_json(change: Change) -> dict[str, Json]:
    """A change as it is stored: of a put the edits alone, never the whole document."""
    return {
        "verb": change.verb.value,
        "target": change.target.text,
        "api_version": change.api_version,
        "edits": [
            {
                "path": list(e.path),
                "before": shown(e.before),
                "after": shown(e.after),
                "restore": shown(e.restore),
            }
            for e in change.edits
        ],
        "document": None if change.verb is Verb.PUT else change.document,
        "action": change.action,
        **({"settle": change.settle} if change.settle else {}),
    }


def change_from_json(stored: Mapping[str, Json]) -> Change:
    """What `change_to_json` kept; a put has no document then, it must be read again."""
    return Change(
        verb=Verb(stored["verb"]),
        target=ResourceId(stored["target"]),
        api_version=stored["api_version"],
        edits=tuple(
            Edit(tuple(e["path"]), unshown(e["before"]), unshown(e["after"]), unshown(e["restore"]))
            for e in stored["edits"]
        ),
        document=stored["document"],
        action=stored["action"],
        settle=stored.get("settle", 0),
    )
