"""What a control is made of: a detector, the evidence it yields, a remediation."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.model.directory import DIRECTORY
from shared.model.document import ABSENT, Json
from shared.model.plan import Change, Edit, Plan, Reversible, Verb
from shared.model.resource import NeedsLookup, Resource, ResourceId, ResourceType, Undecided
from shared.model.usage import STATE

MISREAD: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a pure rule may raise over a document of a shape nobody foresaw."""


class Severity(enum.StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class State(enum.StrEnum):
    """Azure Policy's compliance states."""

    COMPLIANT = "compliant"
    NON_COMPLIANT = "non-compliant"
    UNKNOWN = "unknown"


class Kind(enum.StrEnum):
    """How far a remediation goes by itself: computed, given a parameter, or words only."""

    AUTO = "auto"
    GUIDED = "guided"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Something a rule must see beyond the document, read only when the rule asks for it.

    `ids` gives, from the resource (and the lookups it already carries), the ids to read; with
    `many` they are collections (`{server}/firewallRules`), read whole, page by page.
    `max_age` bounds how old an answer a sweep may reuse; an event always reads afresh.
    """

    name: str
    type: ResourceType
    ids: Callable[[Resource], Iterable[str]]
    many: bool = False
    max_age: timedelta = timedelta(hours=24)
    steady: bool = False
    """Azure's own, the same for everybody: even an event may reuse an answer up to `max_age`."""

    def wanted(self, resource: Resource) -> list[str]:
        """What `ids` gives.

        Raises:
            Undecided: the document, or one that was looked up before, is of another shape.
        """
        try:
            return list(self.ids(resource))
        except MISREAD as error:
            raise Undecided(f"what {self.name!r} has to read cannot be told: {error!r}") from error


@dataclass(frozen=True, slots=True)
class Wake:
    """A change of a `type` is a reason to look at the ids that stand at `pointer` in it.

    A `*` in the pointer stands for every element of an array.
    """

    type: ResourceType
    pointer: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a rule fired: what stands where, and what would pass.

    `path` is a JSON Pointer into the judged resource's document, or into that of `resource`
    where one is named (a child, a reference).
    """

    path: str
    observed: Json
    expected: Json
    resource: ResourceId | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a detector says of one resource. `reason` is given when it is unknown."""

    state: State
    evidence: tuple[Evidence, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A control's metadata and its pure check: yields evidence where the control is violated."""

    id: str
    title: str
    resource_type: ResourceType
    severity: Severity
    family: str
    check: Callable[[Resource], Iterator[Evidence]]
    lookups: tuple[Lookup, ...] = ()
    wakes: tuple[Wake, ...] = ()
    actions: tuple[str, ...] = ()
    """POST operations (`Microsoft.Compute/disks/beginGetAccess/action`) that may violate it."""
    singletons: tuple[ResourceId, ...] = ()
    """What it judges that is alone of its kind, and in no index: every sweep looks at it."""
    composed_of: tuple[ResourceType, ...] = ()
    """The types it judges, where they are several; `resource_type` then names the kind alone."""

    def judge(self, resource: Resource) -> Verdict:
        """The verdict on `resource`; a document the rule cannot read is unknown.

        Raises:
            NeedsLookup: fetch the lookup it names and judge again.
        """
        try:
            evidence = tuple(self.check(resource))
        except NeedsLookup:
            raise
        except Undecided as undecided:
            return Verdict(State.UNKNOWN, reason=str(undecided))
        except MISREAD as error:
            return Verdict(State.UNKNOWN, reason=f"{self.id} cannot read this document: {error!r}")
        return Verdict(State.NON_COMPLIANT if evidence else State.COMPLIANT, evidence)

    @property
    def types(self) -> tuple[ResourceType, ...]:
        """What it judges."""
        return self.composed_of or (self.resource_type,)

    def lookup(self, name: str, resource: ResourceId) -> Lookup:
        """The lookup of this name; of several, the one for such a resource's children."""
        return _named(self.lookups, name, resource)

    @property
    def permissions(self) -> tuple[str, ...]:
        """The ARM actions that judging needs."""
        return _reads(*self.types, *(one.type for one in self.lookups))


def _named(lookups: Iterable[Lookup], name: str, resource: ResourceId) -> Lookup:
    found = [one for one in lookups if one.name == name]
    mine = (one for one in found if one.type.key.startswith(f"{resource.type.casefold()}/"))
    return found[0] if len(found) == 1 else next(mine)


def _reads(*types: ResourceType) -> tuple[str, ...]:
    elsewhere = (f"{DIRECTORY}/", f"{STATE}/")
    in_arm = (t.name for t in types if not t.name.startswith(elsewhere))
    return tuple(dict.fromkeys(f"{_ACTED_ON_AS.get(name, name)}/read" for name in in_arm))


_ACTED_ON_AS: Final = {
    "Microsoft.Resources/resourceGroups": "Microsoft.Resources/subscriptions/resourceGroups"
}
"""Types whose actions are named otherwise (Microsoft Learn, "Azure permissions for Management")."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One resource violating one control now; `key` is its name for ever."""

    detector: Detector
    resource: Resource
    evidence: tuple[Evidence, ...]

    @property
    def control(self) -> str:
        return self.detector.id

    @property
    def key(self) -> tuple[str, ResourceId]:
        return self.detector.id, self.resource.id

    @property
    def type(self) -> ResourceType:
        """The judged resource's, with the api-version that writes of it use."""
        return next(t for t in self.detector.types if t.matches(self.resource.id))

    def patch(self, *edits: Edit) -> Change:
        """A PATCH of the judged resource that sends the edited paths alone."""
        return self._change(Verb.PATCH, edits)

    def put(self, *edits: Edit) -> Change:
        """A PUT of the judged resource as it was read, with the edits made, under its etag."""
        return self._change(Verb.PUT, edits)

    def _change(self, verb: Verb, edits: tuple[Edit, ...]) -> Change:
        return Change(
            verb=verb,
            target=self.resource.id,
            api_version=self.type.api_version,
            edits=tuple(e for e in edits if e.changes),
            document=self.resource.body if verb is Verb.PUT else None,
            etag=self.resource.etag,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """Something a cure must be told. `schema` is JSON Schema.

    `default` holds where nobody says it. Without one the cure is guided: policy must say it, or
    the person who approves; `for_person` is what a person who says nothing more means (ABSENT:
    they must say it too).
    """

    name: str
    description: str
    schema: Mapping[str, Json]
    default: Json = ABSENT
    for_person: Json = ABSENT


Parameters = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remediation:
    """How to end a control's findings: a pure planner, and what running it costs.

    `plan` gets the finding and a value for every declared parameter. It raises Undecided, with
    the reason, where no safe plan can be made. `lookups` are what it must see that the detector
    need not: made only when a plan is wanted.
    """

    control: str
    title: str
    kind: Kind
    plan: Callable[[Finding, Parameters], Plan]
    disruption: str
    reversible: Reversible
    permissions: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    matures: timedelta = timedelta(0)
    """How long a finding must have stood before it is cured, whoever orders it."""
    privileged: bool = False
    """It takes away rights of a principal: never by itself, and only in sight of the directory."""

    def propose(
        self,
        finding: Finding,
        changes: Iterable[Change],
        *caveats: str,
        asks: str = "",
        given: Parameters | None = None,
    ) -> Plan:
        """A plan of this remediation, with its metadata filled in."""
        return Plan(
            resource=finding.resource.id,
            controls=(self.control,),
            changes=tuple(changes),
            disruption=self.disruption,
            reversible=self.reversible,
            permissions=self.permissions,
            caveats=tuple(c for c in caveats if c),
            asks=asks,
            given=given or {},
        )


@dataclass(frozen=True, slots=True)
class Control:
    """One thing that should hold: its detector and, where one exists, its cure."""

    detector: Detector
    remediation: Remediation | None
    service: str

    @property
    def id(self) -> str:
        return self.detector.id

    @property
    def kind(self) -> Kind:
        return self.remediation.kind if self.remediation else Kind.NONE

    def lookup(self, name: str, resource: ResourceId) -> Lookup:
        """What its detector or its cure calls by this name."""
        cure = self.remediation
        lookups = (*self.detector.lookups, *(cure.lookups if cure else ()))
        return _named(lookups, name, resource)

    @property
    def reads(self) -> tuple[str, ...]:
        """The ARM actions that judging and planning need."""
        types = (one.type for one in self.remediation.lookups) if self.remediation else ()
        return tuple(dict.fromkeys((*self.detector.permissions, *_reads(*types))))
