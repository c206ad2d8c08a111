"""The parts of a policy: each a strict model that says what a line of `policy.yaml` means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from shared.decision import Mode, words
from shared.model import ABSENT, Control, Json, Kind, Parameter, Resource, Reversible
from shared.policy_forms import (
    Day,
    Duration,
    Flag,
    Hour,
    Instant,
    Scope,
    Tag,
    Window,
    Words,
    Zone,
    fits,
)


class Strict(BaseModel):
    # Built with the policy that holds them, at its first use: a cold start builds it once.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def _known(ids: list[str], info: ValidationInfo) -> list[str]:
    controls = (info.context or {}).get("controls")
    if controls is not None:
        unknown = [one for one in ids if one not in controls and one != "*"]
        if unknown:
            raise ValueError(f"no such control: {', '.join(unknown)}")
    return ids


Controls = Annotated[
    list[Words],
    Field(min_length=1),
    BeforeValidator(
        lambda v: [v] if isinstance(v, str) else v,
        json_schema_input_type=Words | Annotated[list[Words], Field(min_length=1)],
    ),
]


class Rule(Strict):
    """A mode for controls in a scope."""

    control: Controls
    """An id, a list of ids, or `*`."""
    scope: Scope = "/"
    """Where."""
    mode: Mode
    """`audit` reports, `approve` asks a person, `enforce` acts."""
    after: Duration = timedelta(0)
    """Grace: announced when found, acted on when the finding is this old."""
    rollout: Day | None = None
    """With `enforce`: the day, in UTC, on which it begins, ring by ring; else all at once."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """What a guided cure must be told; each control's page lists them."""
    irreversible: Flag = False
    """`true` allows a cure that cannot be taken back."""
    approvers: Annotated[int, Field(ge=1, le=5, strict=True)] = 1
    """With `approve`: how many different people must say yes; `2` is four eyes, `apply` counts
    as one.
    """

    _check_control = field_validator("control")(_known)

    @model_validator(mode="after")
    def _fits(self, info: ValidationInfo) -> Rule:
        controls: Mapping[str, Control] | None = (info.context or {}).get("controls")
        named = [controls[c] for c in self.control if c in controls] if controls else []
        faults = [fault for control in named for fault in self._faults(control)]
        faults.extend(self._unknown(controls or {}))
        if "*" in self.control and self.mode is Mode.ENFORCE:
            faults.append("enforce names its controls: '*' may audit or ask")
        if self.approvers > 1 and self.mode is not Mode.APPROVE:
            faults.append(f"approvers is for a rule that asks: this one may {self.mode}")
        if self.rollout is not None and self.mode is not Mode.ENFORCE:
            faults.append(f"rollout is for a rule that enforces: this one may {self.mode}")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _unknown(self, controls: Mapping[str, Control]) -> Iterator[str]:
        """Parameters that none of the rule's controls has."""
        named = [c for c in controls.values() if c.id in self.control or "*" in self.control]
        declared = {name for control in named for name in _parameters_of(control)}
        unknown = [name for name in self.parameters if name not in declared]
        if unknown and named:
            yield f"{', '.join(self.control)} has no parameter {', '.join(unknown)}"

    def _faults(self, control: Control) -> Iterator[str]:
        declared = _parameters_of(control)
        for name in self.parameters.keys() & declared.keys():
            if not fits(self.parameters[name], declared[name].schema):
                yield f"{control.id}: parameters.{name} does not fit: {declared[name].description}"
        if self.mode is Mode.ENFORCE:
            yield from self._unenforceable(control)

    def _unenforceable(self, control: Control) -> Iterator[str]:
        cure = control.remediation
        if cure is None or control.kind is Kind.NONE:
            yield f"{control.id} has no remediation: it can only audit"
            return
        if cure.privileged:
            yield f"{control.id} takes rights away: it may ask, a person decides"
        if cure.reversible is Reversible.NO and not self.irreversible:
            yield f"{control.id} cannot be undone: enforcing it needs irreversible: true"
        for parameter in cure.parameters:
            if parameter.default is ABSENT and parameter.name not in self.parameters:
                yield f"{control.id} needs parameters.{parameter.name} to be enforced"


class Exemption(Strict):
    """A finding that people accept for a while."""

    control: Controls
    """An id, a list of ids, or `*`."""
    scope: Scope
    """Where."""
    category: Literal["waiver", "mitigated"]
    """`waiver`: it is accepted; `mitigated`: something else guards it."""
    reason: Words
    """Why, and the ticket that says so."""
    approved_by: Words
    """Who accepted it."""
    expires_on: Day
    """The last day it holds, in UTC."""

    _check_control = field_validator("control")(_known)

    @field_validator("expires_on")
    @classmethod
    def _ahead(cls, value: date, info: ValidationInfo) -> date:
        today = (info.context or {}).get("today")
        if today is not None and value < today:
            raise ValueError(f"it expired on {value}: renew it or take it out")
        return value


class Limit(Strict):
    """At most `writes` in a sliding `window`, counted apart for each estate, run, ..."""

    writes: Annotated[int, Field(ge=0, strict=True)]
    """How many writes at most; 0 writes nothing."""
    per: Literal["estate", "subscription", "control", "run"]
    """What they are counted apart for; a run is a sweep."""
    window: Window = timedelta(hours=1)
    """The sliding time that they are counted in."""


class Freeze(Strict):
    """A time in which nothing is written in a scope."""

    scope: Scope = "/"
    """Where."""
    starts: Instant
    """When it begins, with its time zone."""
    ends: Instant
    """When it ends, with its time zone."""
    reason: Words
    """Why; what is held back is told with it."""

    @model_validator(mode="after")
    def _ordered(self) -> Freeze:
        if self.ends <= self.starts:
            raise ValueError("ends is not after starts")
        return self


class Pipeline(Strict):
    """A deployment that hands out roles and takes them back itself."""

    principal: Words
    """The object id that it grants under."""
    fresh: Window = timedelta(hours=1)
    """How long what it granted is left alone."""


class Guard(Strict):
    """What is never written to, whatever a rule says."""

    break_glass: list[Words] = Field(default_factory=list)
    """Object ids of the accounts kept for emergencies, or of groups that hold them: no role is
    taken from them, nor from a group that one of them is in.
    """
    pipelines: list[Pipeline] = Field(default_factory=list)
    """Deployments that grant roles themselves: their fresh grants are left alone for a while."""
    protected: list[Scope] = Field(default_factory=list)
    """Scopes that are never written to."""


class Ring(Strict):
    """Scopes that rules with a `rollout` reach together."""

    name: Words
    """What reasons call it."""
    scopes: Annotated[list[Scope], Field(min_length=1)]
    """What is in it."""
    after: Duration
    """How long after a rule's `rollout` it is enforced here."""


class InfrastructureCode(Strict):
    """Resources that code owns: its owners are told before a cure that policy enforces."""

    tags: list[Tag] = Field(default_factory=list)
    """Owned by a tag of its own: a key, or `key: value` in quotes, in any case; a `*` at the end
    begins more.
    """
    stacks: Flag = False
    """Whether what a deployment stack of its group or subscription manages is owned, parts too."""
    deployments: Duration = timedelta(0)
    """How long what a deployment of its group put out is owned; `0s`: it is not looked at."""
    notice: Window = timedelta(hours=24)
    """How long the notice stands before the cure."""


class Contested(Strict):
    """When a cure that keeps being undone backs off."""

    times: Annotated[int, Field(ge=1, strict=True)] = 3
    """After how many cures in `window` it backs off."""
    window: Window = timedelta(hours=24)
    """The time that cures are counted in, and at whose end it is tried again."""
    critical_goes_on: Flag = False
    """Whether critical findings are cured all the same."""


_DAY = timedelta(days=1)
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Weekday, ...] = get_args(Weekday)


class Quiet(Strict):
    """Hours, by the clock of a place, in which only what is urgent is told."""

    begins: Hour = Field(alias="from")
    """The time of day it begins at, in quotes."""
    ends: Hour = Field(alias="to")
    """The time of day it ends at; where that is not after `from`, on the next day."""
    zone: Zone = Field(default_factory=lambda: ZoneInfo("UTC"))
    """The IANA name of the place whose clock counts."""
    days: list[Weekday] = Field(default_factory=lambda: list(WEEK), min_length=1)
    """The days it begins on."""

    @model_validator(mode="after")
    def _ends(self) -> Quiet:
        if self.begins == self.ends and set(self.days) == set(WEEK):
            raise ValueError("it never ends: nothing would be told")
        return self

    def holds(self, now: datetime) -> bool:
        """Whether it is quiet at `now`: also in both hours that a clock shows twice."""
        today = now.astimezone(self.zone).date()
        return any(
            min(self._read(day, self.begins)) <= now < max(self._read(self._last(day), self.ends))
            for day in (today - _DAY, today)
            if WEEK[day.weekday()] in self.days
        )

    def _last(self, day: date) -> date:
        return day + _DAY if self.ends <= self.begins else day

    def _read(self, day: date, hour: time) -> list[datetime]:
        """The instants a time of day may mean: two where the clock is put on or back."""
        local = datetime.combine(day, hour, self.zone)
        return [local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]


class Notices(Strict):
    """Who is told of what happens to a resource, how often and when."""

    owner_tag: Words = "owner"
    """The tag, in any case, whose value names the owner of a resource."""
    every: Window = timedelta(minutes=15)
    """An owner gets one digest in this time; of urgent ones, one about the same thing."""
    quiet: list[Quiet] = Field(default_factory=list)
    """When only what is urgent is told."""

    def silent(self, now: datetime) -> bool:
        """Whether all that is not urgent waits."""
        return any(one.holds(now) for one in self.quiet)

    def owner(self, resource: Resource) -> str:
        """Who owns a resource by its own tags; empty where none says so."""
        tags = resource.body.get("tags")
        held = tags if isinstance(tags, Mapping) else {}
        wanted = self.owner_tag.casefold()
        named = (value for name, value in held.items() if name.casefold() == wanted)
        return next((one.strip() for one in named if isinstance(one, str)), "")


class Sweeps(Strict):
    """How often the estate is looked at as a whole."""

    full: Duration = timedelta(hours=24)
    """How often everything that is watched is judged from the index; at least `1h`."""
    incremental: Duration = timedelta(minutes=15)
    """How often what has changed is; at least `5m`, and shorter than `full`."""
    lookups: Duration = timedelta(hours=24)
    """How old a lookup may be before a sweep asks for a new look; at least `15m`."""

    @field_validator("full", "incremental", "lookups")
    @classmethod
    def _long_enough(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        least = _LEAST[info.field_name or ""]
        if value < least:
            raise ValueError(f"it is at least {words(least)}")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Sweeps:
        if self.incremental >= self.full:
            raise ValueError("incremental is not shorter than full")
        return self


_LEAST = {
    "full": timedelta(hours=1),
    "incremental": timedelta(minutes=5),
    "lookups": timedelta(minutes=15),
}


def defaults(control: Control) -> dict[str, Json]:
    known = _parameters_of(control).values()
    return {p.name: p.default for p in known if p.default is not ABSENT}


def _parameters_of(control: Control) -> dict[str, Parameter]:
    return {p.name: p for p in control.remediation.parameters} if control.remediation else {}
