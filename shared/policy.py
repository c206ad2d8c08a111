"""What people allow, read from `policy.yaml`: modes, exemptions, limits, freezes, guards.

Nothing said means audit. The narrowest scope that covers a resource wins, ties go to the more
cautious mode. A policy with any error is not used at all, and then nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from shared.decision import Decision, Do, Mode
from shared.errors import PolicyFault
from shared.model import ABSENT, Control, Json, Kind, Parameter, ResourceId, Reversible
from shared.policy_forms import Day, Duration, Flag, Instant, Scope, Version, Window, Words, fits


class _Strict(BaseModel):
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


class Rule(_Strict):
    """A mode for controls in a scope."""

    control: Controls
    scope: Scope = "/"
    mode: Mode
    after: Duration = timedelta(0)
    """Grace: announced when found, acted on only when the finding is this old."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """What guided cures must be told."""
    irreversible: Flag = False
    """True allows a cure that cannot be taken back."""

    _check_control = field_validator("control")(_known)

    @model_validator(mode="after")
    def _fits(self, info: ValidationInfo) -> Rule:
        controls: Mapping[str, Control] | None = (info.context or {}).get("controls")
        named = [controls[c] for c in self.control if c in controls] if controls else []
        faults = [fault for control in named for fault in self._faults(control)]
        faults.extend(self._unknown(controls or {}))
        if "*" in self.control and self.mode is Mode.ENFORCE:
            faults.append("enforce names its controls: '*' may audit or ask")
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


class Exemption(_Strict):
    """A finding that people accept for a while."""

    control: Controls
    scope: Scope
    category: Literal["waiver", "mitigated"]
    reason: Words
    approved_by: Words
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


class Limit(_Strict):
    """At most `writes` in a sliding `window`, counted apart for each estate, run, ..."""

    writes: Annotated[int, Field(ge=0, strict=True)]
    per: Literal["estate", "subscription", "control", "run"]
    window: Window = timedelta(hours=1)


class Freeze(_Strict):
    """A time in which nothing is written in a scope."""

    scope: Scope = "/"
    starts: Instant
    ends: Instant
    reason: Words

    @model_validator(mode="after")
    def _ordered(self) -> Freeze:
        if self.ends <= self.starts:
            raise ValueError("ends is not after starts")
        return self


class Pipeline(_Strict):
    """A deployment that hands out roles and takes them back itself."""

    principal: Words
    """The object id that it grants under."""
    fresh: Window = timedelta(hours=1)
    """How long what it granted is left alone."""


class Guard(_Strict):
    """What is never written to, whatever a rule says."""

    break_glass: list[Words] = Field(default_factory=list)
    """Object ids of the accounts kept for emergencies, or of groups that hold them."""
    pipelines: list[Pipeline] = Field(default_factory=list)
    """Whose fresh grants are left alone for a while."""
    protected: list[Scope] = Field(default_factory=list)
    """Scopes left alone: our own sink, state and topics above all."""


class Contested(_Strict):
    """When a cure that keeps being undone backs off."""

    times: Annotated[int, Field(ge=1, strict=True)] = 3
    window: Window = timedelta(hours=24)
    critical_goes_on: Flag = False


class Policy(_Strict):
    """The whole file. Use `load`; `$id` of its JSON Schema is `policy.schema.json`."""

    version: Version
    scopes: list[Scope] = Field(default_factory=lambda: ["/"])
    """What is watched; `/` is all that the identity may read."""
    rules: list[Rule] = Field(default_factory=list)
    exemptions: list[Exemption] = Field(default_factory=list)
    limits: list[Limit] = Field(default_factory=list)
    critical_share: Annotated[float, Field(ge=0, le=1, strict=True)] = 0.25
    """The share of each limit that only critical findings may use."""
    freezes: list[Freeze] = Field(default_factory=list)
    guard: Guard = Guard()
    contested: Contested = Contested()
    undo_exemption: Duration = timedelta(days=7)
    """How long an undone finding is left alone."""

    broken: ClassVar[tuple[PolicyFault, ...]] = ()
    _lines: dict[str, int] = {}
    _file: str = "policy.yaml"

    def point_into(self, file: str, lines: Mapping[str, int]) -> None:
        """Where the policy was read from, and on which line each path of it stands."""
        self._file = file
        self._lines.update(lines)

    def source(self, path: str) -> str:
        """`policy.yaml:12 $.rules[0]`, the line where it is known."""
        line = self._lines.get(path)
        return f"{self._file}:{line} {path}" if line else f"{self._file} {path}"

    def rule_for(self, control: str, resource_id: ResourceId) -> tuple[int, Rule] | None:
        """The deciding rule and where it stands; None where nothing is said."""
        covering = [
            (i, rule)
            for i, rule in enumerate(self.rules)
            if (control in rule.control or "*" in rule.control)
            and resource_id.within(ResourceId(rule.scope))
        ]
        return min(
            covering, key=lambda x: (-_depth(x[1].scope), x[1].mode.rank, x[0]), default=None
        )

    def decide(
        self, control: Control, resource_id: ResourceId, opened_at: datetime, now: datetime
    ) -> Decision:
        """What may be done about a finding of `control` that opened at `opened_at`."""
        if self.broken:
            faults = "; ".join(map(str, self.broken))
            return Decision(
                do=Do.REPORT,
                mode=Mode.AUDIT,
                source="policy.yaml",
                reason=f"policy broken: {faults}",
            )
        for i, exemption in enumerate(self.exemptions):
            if _exempts(exemption, control.id, resource_id, now):
                return Decision(
                    do=Do.EXEMPT,
                    mode=Mode.AUDIT,
                    source=self.source(f"$.exemptions[{i}]"),
                    reason=f"{exemption.category}: {exemption.reason} ({exemption.approved_by})",
                    until=_end_of(exemption.expires_on, now),
                )
        found = self.rule_for(control.id, resource_id)
        if found is None:
            return Decision(do=Do.REPORT, mode=Mode.AUDIT, source="default: audit")
        i, rule = found
        return self._by_rule(rule, self.source(f"$.rules[{i}]"), control, opened_at, now)

    def _by_rule(
        self, rule: Rule, source: str, control: Control, opened_at: datetime, now: datetime
    ) -> Decision:
        given = {**defaults(control), **rule.parameters}
        match rule.mode:
            case Mode.AUDIT:
                return Decision(do=Do.REPORT, mode=rule.mode, source=source, parameters=given)
            case Mode.APPROVE:
                return Decision(do=Do.ASK, mode=rule.mode, source=source, parameters=given)
            case Mode.ENFORCE:
                due = opened_at + rule.after
                if now < due:
                    return Decision(
                        do=Do.WAIT,
                        mode=rule.mode,
                        source=source,
                        reason=f"announced, acts after {due:%Y-%m-%d %H:%M} UTC",
                        until=due,
                        parameters=given,
                    )
                return Decision(do=Do.REMEDIATE, mode=rule.mode, source=source, parameters=given)

    def frozen(self, resource_id: ResourceId, now: datetime) -> tuple[str, Freeze] | None:
        """The freeze that holds over a resource now, and where it stands."""
        for i, freeze in enumerate(self.freezes):
            if freeze.starts <= now < freeze.ends and resource_id.within(ResourceId(freeze.scope)):
                return self.source(f"$.freezes[{i}]"), freeze
        return None

    def protects(self, resource_id: ResourceId) -> str | None:
        """The guarded scope that a resource lies in, or None."""
        for i, scope in enumerate(self.guard.protected):
            if resource_id.within(ResourceId(scope)):
                return self.source(f"$.guard.protected[{i}]")
        return None

    def watches(self, resource_id: ResourceId) -> bool:
        return any(resource_id.within(ResourceId(scope)) for scope in self.scopes)

    @property
    def writes_something(self) -> bool:
        return any(rule.mode is not Mode.AUDIT for rule in self.rules)


def broken(faults: tuple[PolicyFault, ...]) -> Policy:
    """A policy under which everything is reported, nothing written, and every reason says why."""

    class Broken(Policy):
        broken: ClassVar[tuple[PolicyFault, ...]] = faults

    return Broken(version=1)


def defaults(control: Control) -> dict[str, Json]:
    known = _parameters_of(control).values()
    return {p.name: p.default for p in known if p.default is not ABSENT}


def _parameters_of(control: Control) -> dict[str, Parameter]:
    return {p.name: p for p in control.remediation.parameters} if control.remediation else {}


def _depth(scope: str) -> int:
    return len([s for s in scope.split("/") if s])


def _exempts(exemption: Exemption, control: str, resource_id: ResourceId, now: datetime) -> bool:
    return (
        (control in exemption.control or "*" in exemption.control)
        and now.date() <= exemption.expires_on
        and resource_id.within(ResourceId(exemption.scope))
    )


def _end_of(day: date, now: datetime) -> datetime:
    day = min(day, date.max - timedelta(days=1))
    return datetime(day.year, day.month, day.day, tzinfo=now.tzinfo) + timedelta(days=1)
