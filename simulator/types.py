"""What the tenant knows about resource types: one row each.

A type without a row can be read, put and deleted plainly; PATCH and POST on it are refused with
`SimulatorDoesNotKnow`, so that no client relies on a guess.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from simulator.documents import Document
from simulator.writes import Rule, Write

Style = Literal["none", "azure-asyncoperation", "location", "both"]


@dataclass(frozen=True)
class Long:
    """How a long-running operation looks from outside.

    `lands` says when the new content shows: `start` (network: at once, with `Updating`) or `end`
    (Cosmos, SQL, storage creation). `body` is what the first answer carries: the document, the
    SQL providers' `{operation, startTime}`, Cosmos's `{status}`, what was sent (`echo`, with
    `echoed` filled in), or nothing. `words` are the poll's words before `Succeeded`. Seconds are
    of the tenant's clock.
    """

    style: Style = "azure-asyncoperation"
    status: int = 200
    seconds: float = 5
    lands: Literal["start", "end"] = "start"
    body: Literal["document", "operation", "status", "echo", "none"] = "document"
    words: tuple[str, ...] = ("InProgress",)
    retry_after: int | None = None
    state: str = "Updating"


@dataclass(frozen=True)
class Busy:
    """How a provider refuses a write while an operation is under way on the resource."""

    status: int
    code: str
    message: str
    retry_after: int | None = None


@dataclass(frozen=True)
class Embedded:
    """Child objects that live in a list of the parent's properties.

    `addressable` ones are resources of their own as well (NSG rules, subnets): one datum, two
    ways to it. The others only get ids, etags and states (IP configurations). `defaults` are
    what the provider fills into each; `used_by` are lists in which each shows the siblings that
    refer to it.
    """

    path: str
    type: str
    addressable: bool = True
    defaults: Mapping[str, Any] = field(default_factory=dict)
    used_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Action:
    """A POST: what it does to the resource, and what it answers."""

    status: int = 200
    long: Long | None = None
    effect: Callable[[Document, Mapping[str, Any]], None] | None = None
    result: Callable[[Document, Mapping[str, Any]], Any] | None = None


@dataclass(frozen=True)
class ResourceType:
    """One row. `patch` is None where the provider answers 405.

    `whole` are dotted paths whose objects a PATCH replaces instead of merging. `read_only` are
    dotted paths that a client cannot set: kept from before, or from `computed` (templates with
    {name}, {guid}, {now}, {location}, {sku}) where absent. `defaults` are what the provider fills
    in; `initial` what it fills in on create alone, and keeps. `versions` are the first and the
    last api-version (empty: open) at which a dotted path is filled in. Before
    `asynchronous_since` writes were done when they were answered. `rules` run before the answer,
    `landed` ones when it has its effect. `gone` is the DELETE status where nothing is there,
    `missing` the code of a 404. `implicit` names children that exist as long as their parent does,
    with their properties. `secrets` are accepted and never shown. `located` types need a location
    on create.
    """

    name: str
    api_version: str = "2024-01-01"
    etag: Literal["", "weak", "number"] = ""
    patch: Literal["merge", "tags"] | None = "merge"
    whole: frozenset[str] = frozenset()
    read_only: tuple[str, ...] = ()
    computed: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    initial: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    asynchronous_since: str = ""
    create: Long | None = None
    update: Long | None = None
    patched: Long | None = None
    delete: Long | None = None
    created_status: int = 201
    delete_status: int = 200
    delete_returns_body: bool = False
    gone: int = 204
    missing: str = "ResourceNotFound"
    busy: Busy | None = None
    embedded: tuple[Embedded, ...] = ()
    implicit: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    landed: tuple[Rule, ...] = ()
    removal: Callable[[Write], None] | None = None
    actions: Mapping[str, Action] = field(default_factory=dict)
    provisioning_state: bool = True
    empty_last_page: bool = False
    secrets: tuple[str, ...] = ()
    located: bool = True

    @property
    def key(self) -> str:
        return self.name.lower()


_ROWS: dict[str, ResourceType] = {}
_EMBEDDED: dict[str, tuple[ResourceType, Embedded]] = {}


def register(*rows: ResourceType) -> None:
    """Make rows known. Raises ValueError for a type that is known already."""
    for row in rows:
        if row.key in _ROWS:
            raise ValueError(f"{row.name} is registered twice")
        _ROWS[row.key] = row
        for embedded in row.embedded:
            if embedded.addressable:
                _EMBEDDED[embedded.type.lower()] = (row, embedded)


def row_of(type_name: str) -> ResourceType | None:
    """The row of a type, compared without case; None for one the simulator was not taught."""
    return _ROWS.get(type_name.lower())


def embedding(type_name: str) -> tuple[ResourceType, Embedded] | None:
    """Parent row and place of a type whose resources live inside their parent's document."""
    return _EMBEDDED.get(type_name.lower())


def rows() -> tuple[ResourceType, ...]:
    """Every row, in order of registration."""
    return tuple(_ROWS.values())
