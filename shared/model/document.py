"""JSON documents: where things stand in them, and when two are the same.

A path is a tuple of object keys; inside an array it is an index, or the `name` of an element
where the element has one (Azure moves array elements about, it seldom renames them). Paths
shown to people and machines are JSON Pointers.
"""

import copy
import enum
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

Json = Any
Path = tuple[str | int, ...]


class _Absent(enum.Enum):
    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent.ABSENT
"""A property that is not in a document at all (`None` is JSON null)."""
OBJECT: Final = (dict, Mapping)
"""What a JSON object is here. Nearly all are plain, and an ABC alone is asked slowly."""


@lru_cache(maxsize=4096)
def parse_pointer(pointer: str) -> Path:
    """RFC 6901: `/a~1b/0` is ("a/b", 0)."""
    if not pointer:
        return ()
    steps = pointer.removeprefix("/").split("/")
    plain = (s.replace("~1", "/").replace("~0", "~") for s in steps)
    return tuple(int(s) if s.isdecimal() else s for s in plain)


def pointer_to(path: Path) -> str:
    return "".join("/" + str(s).replace("~", "~0").replace("/", "~1") for s in path)


def index_of(node: list[Json], step: str | int) -> int | None:
    """Where `step` (an index, or an element's name) stands in `node`; None where it does not."""
    if isinstance(step, int):
        return step if step < len(node) else None
    for i, element in enumerate(node):
        name = element.get("name") if isinstance(element, Mapping) else None
        if isinstance(name, str) and name.casefold() == step.casefold():
            return i
    return None


def value_at(body: Json, path: Path) -> Json:
    """The value at `path`, or ABSENT where any step is."""
    for step in path:
        if isinstance(body, OBJECT):
            body = body.get(str(step), ABSENT)
        elif isinstance(body, list):
            at = index_of(body, step)
            body = ABSENT if at is None else body[at]
        else:
            return ABSENT
        if body is ABSENT:
            return ABSENT
    return body


def values_at(body: Json, path: Path) -> Iterator[Json]:
    """Every value at `path`, where the step `*` stands for each element of an array."""
    if not path:
        yield body
    elif path[0] == "*":
        for element in body if isinstance(body, list) else ():
            yield from values_at(element, path[1:])
    else:
        found = value_at(body, path[:1])
        if found is not ABSENT:
            yield from values_at(found, path[1:])


def insert(body: dict[str, Json], path: Path, value: Json) -> None:
    """Put `value` at `path` of plain nested objects, making what is missing."""
    for step in path[:-1]:
        below = body.get(str(step))
        if not isinstance(below, dict):
            below = body[str(step)] = {}
        body = below
    body[str(path[-1])] = copy.deepcopy(value)


def same(a: Json, b: Json) -> bool:
    """JSON equality: unlike Python's, `true` is not `1`."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return bool(a == b)


def overlap(a: Path, b: Path) -> bool:
    """Whether one path is the other or lies inside it."""
    short = min(len(a), len(b))
    return a[:short] == b[:short]


def shown(value: Json) -> Json:
    """`value` for a record: ABSENT becomes `{"absent": true}`."""
    return {"absent": True} if value is ABSENT else value


def unshown(value: Json) -> Json:
    return ABSENT if value == {"absent": True} else value


def stable(document: Json) -> Json:
    """`document` without what Azure changes by itself, so that ids made of it hold still."""
    if isinstance(document, Mapping):
        moving = {"etag", "provisioningState", "updatedOn", "updatedBy"}
        return {k: stable(v) for k, v in document.items() if k not in moving}
    return [stable(v) for v in document] if isinstance(document, list) else document


def instant(text: Json) -> datetime | None:
    """An instant as ARM writes it, in UTC where it names no zone; None where it is none."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def digest(value: Json) -> str:
    """Sixteen hex digits that name a JSON value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
