"""What people allow, read from `policy.yaml`: modes, exemptions, limits, freezes, guards.

Nothing said means audit. The narrowest scope that covers a resource wins, ties go to the more
cautious mode. A policy with any error is not used at all, and then nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, ClassVar

from pydantic import Field, PrivateAttr

from shared.decision import Decision, Do, Mode, Owned
from shared.errors import PolicyFault, Refused
from shared.model import Control, ResourceId
from shared.policy_forms import Duration, Scope, Version
from shared.policy_parts import (
    Contested,
    Exemption,
    Freeze,
    Guard,
    InfrastructureCode,
    Limit,
    Notices,
    Ring,
    Rule,
    Strict,
    Sweeps,
    defaults,
)
from shared.policy_scopes import Below, Places, named_by, unasked

_EXCLUDED = "excluded: never watched"


class Policy(Strict):
    """The whole file. Use `load`; `$id` of its JSON Schema is `policy.schema.json`."""

    version: Version
    """The format's; always 1."""
    scopes: list[Scope] = Field(default_factory=lambda: ["/"])
    """What is watched; `/` is all that the identity may read."""
    exclude: list[Scope] = Field(default_factory=list)
    """What is never watched, whatever `scopes` says."""
    sweeps: Sweeps = Sweeps()
    """How often the estate is looked at as a whole, beside what events tell."""
    rings: list[Ring] = Field(default_factory=list)
    """In which order rules with a `rollout` reach the estate."""
    rules: list[Rule] = Field(default_factory=list)
    """How far controls may go, and where; what no rule names is audited."""
    exemptions: list[Exemption] = Field(default_factory=list)
    """Findings that people accept for a while."""
    limits: list[Limit] = Field(default_factory=list)
    """How much may be written; all apply, the most restrictive wins."""
    critical_share: Annotated[float, Field(ge=0, le=1, strict=True)] = 0.25
    """The share of each limit that only critical findings may use."""
    freezes: list[Freeze] = Field(default_factory=list)
    """Times in which nothing is written in a scope."""
    guard: Guard = Guard()
    """What is never written to, whatever a rule says."""
    infrastructure_code: InfrastructureCode = InfrastructureCode()
    """What code owns: its owners are told before a cure that policy enforces."""
    contested: Contested = Contested()
    """When a cure that keeps being undone backs off."""
    notices: Notices = Notices()
    """Who is told of what, and when."""
    undo_exemption: Duration = timedelta(days=7)
    """How long a finding is left alone after a person took its cure back."""

    broken: ClassVar[tuple[PolicyFault, ...]] = ()
    _lines: dict[str, int] = PrivateAttr(default_factory=dict)
    _file: str = "policy.yaml"
    _places: Places = Places(unasked)

    def place(self, below: Callable[[str], Below]) -> None:
        """Who tells what lies below a management group; until then none can be listed.

        `below` raises Refused where it cannot tell, and Transient, which rises from everything
        that asks what a scope covers.
        """
        self._places = Places(below)

    def point_into(self, file: str, lines: Mapping[str, int]) -> None:
        """Where the policy was read from, and on which line each path of it stands."""
        self._file = file
        self._lines.update(lines)

    def source(self, path: str) -> str:
        """`policy.yaml:12 $.rules[0]`, the line where it is known."""
        line = self._lines.get(path)
        return f"{self._file}:{line} {path}" if line else f"{self._file} {path}"

    def rule_for(self, control: str, resource_id: ResourceId) -> tuple[int, Rule] | None:
        """The deciding rule and where it stands; None where nothing is said.

        Raises:
            Refused: a management group cannot be listed whose rule might decide.
        """
        named = [
            (i, rule)
            for i, rule in enumerate(self.rules)
            if control in rule.control or "*" in rule.control
        ]
        found = self._places.narrowest([rule.scope for _, rule in named], resource_id)
        return min((named[i] for i in found), key=lambda x: (x[1].mode.rank, x[0]), default=None)

    def decide(
        self,
        control: Control,
        resource_id: ResourceId,
        opened_at: datetime,
        now: datetime,
        owned: Owned | None = None,
    ) -> Decision:
        """What may be done about a finding of `control` that opened at `opened_at`.

        `owned` is what was found out of the infrastructure code that owns the resource.
        """
        if self.broken:
            faults = "; ".join(map(str, self.broken))
            return _reported("policy.yaml", f"policy broken: {faults}")
        try:
            return self._decided(control, resource_id, opened_at, now, owned)
        except Refused as refused:
            return _reported(self._file, str(refused))

    def _decided(
        self,
        control: Control,
        resource_id: ResourceId,
        opened_at: datetime,
        now: datetime,
        owned: Owned | None,
    ) -> Decision:
        if (source := self._unwatched(resource_id)) is not None:
            return _reported(source, _EXCLUDED)
        if (exempt := self._exempt(control, resource_id, now)) is not None:
            return exempt
        found = self.rule_for(control.id, resource_id)
        if found is None:
            return Decision(do=Do.REPORT, mode=Mode.AUDIT, source="default: audit")
        i, rule = found
        decision = self._by_rule(rule, self.source(f"$.rules[{i}]"), control, opened_at, now)
        if rule.rollout is not None:
            decision = self._rolled_out(decision, rule.rollout, resource_id, now)
        return decision if owned is None else self._noticed(decision, owned, now)

    def _unwatched(self, resource_id: ResourceId) -> str | None:
        """What excludes a resource.

        Raises:
            Refused: whether it is watched cannot be told.
        """
        found = self._first(self.exclude, resource_id)
        if found is None and self.scopes:
            self._first(self.scopes, resource_id)
        return None if found is None else self.source(f"$.exclude[{found}]")

    def _first(self, scopes: Sequence[str], resource_id: ResourceId) -> int | None:
        """The first scope that covers a resource.

        Raises:
            Refused: none of those does that can be told, and one may that cannot.
        """
        unseen: Refused | None = None
        for i, scope in enumerate(scopes):
            try:
                if self._places.covers(scope, resource_id):
                    return i
            except Refused as refused:
                unseen = unseen or refused
        if unseen is not None:
            raise unseen
        return None

    def _exempt(self, control: Control, resource_id: ResourceId, now: datetime) -> Decision | None:
        named = [
            (i, exemption)
            for i, exemption in enumerate(self.exemptions)
            if _exempts(exemption, control.id, now)
        ]
        first = self._first([exemption.scope for _, exemption in named], resource_id)
        if first is None:
            return None
        i, exemption = named[first]
        return Decision(
            do=Do.EXEMPT,
            mode=Mode.AUDIT,
            source=self.source(f"$.exemptions[{i}]"),
            reason=f"{exemption.category}: {exemption.reason} ({exemption.approved_by})",
            until=_end_of(exemption.expires_on, now),
        )

    def ring_of(self, resource_id: ResourceId) -> Ring | None:
        """The ring of a resource: by the narrowest scope, of several the later ring.

        Raises:
            Refused: a management group cannot be listed whose ring it might be.
        """
        scopes = [(ring, scope) for ring in self.rings for scope in ring.scopes]
        found = self._places.narrowest([scope for _, scope in scopes], resource_id)
        return scopes[max(found)][0] if found else None

    def _rolled_out(
        self, decision: Decision, day: date, resource_id: ResourceId, now: datetime
    ) -> Decision:
        """What is enforced waits for its ring, and for its grace all the same."""
        ring = self.ring_of(resource_id)
        if ring is None:
            reason = "it is in no ring: a rule with a rollout is enforced in rings alone"
            return replace(_reported(decision.source, reason), parameters=decision.parameters)
        begins = _begin_of(day, ring.after)
        if begins <= max(now, decision.until or now):
            return decision
        reason = f"ring '{ring.name}' begins {begins:%Y-%m-%d %H:%M} UTC"
        return replace(decision, do=Do.WAIT, reason=reason, until=begins)

    def _noticed(self, decision: Decision, owned: Owned, now: datetime) -> Decision:
        """What is enforced waits for the notice to its owner, and for its grace all the same."""
        if decision.do not in (Do.WAIT, Do.REMEDIATE):
            return decision
        due = max(owned.since + self.infrastructure_code.notice, decision.until or now)
        if now >= due:
            return decision
        return replace(
            decision,
            do=Do.WAIT,
            source=self.source("$.infrastructure_code"),
            reason=f"{owned.words}: notice until {due:%Y-%m-%d %H:%M} UTC, change the code",
            until=due,
        )

    def _by_rule(
        self, rule: Rule, source: str, control: Control, opened_at: datetime, now: datetime
    ) -> Decision:
        given = {**defaults(control), **rule.parameters}
        match rule.mode:
            case Mode.AUDIT:
                return Decision(do=Do.REPORT, mode=rule.mode, source=source, parameters=given)
            case Mode.APPROVE:
                return Decision(
                    do=Do.ASK,
                    mode=rule.mode,
                    source=source,
                    parameters=given,
                    approvers=rule.approvers,
                )
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
        """The freeze that holds over a resource now, and where it stands.

        That of a management group that cannot be listed holds, and its source says so.
        """
        for i, freeze in enumerate(self.freezes):
            if freeze.starts <= now < freeze.ends:
                source = self.source(f"$.freezes[{i}]")
                if (covered := self._stops(freeze.scope, resource_id, source)) is not None:
                    return covered, freeze
        return None

    def protects(self, resource_id: ResourceId) -> str | None:
        """The guarded scope that a resource lies in, or may lie in, or None."""
        for i, scope in enumerate(self.guard.protected):
            source = self.source(f"$.guard.protected[{i}]")
            if (covered := self._stops(scope, resource_id, source)) is not None:
                return covered
        return None

    def _stops(self, scope: str, resource_id: ResourceId, source: str) -> str | None:
        """The source where a scope covers a resource, or where that cannot be told."""
        try:
            return source if self._places.covers(scope, resource_id) else None
        except Refused as refused:
            return f"{source}: {refused}"

    def watches(self, resource_id: ResourceId) -> bool:
        """Whether a resource is looked at; in doubt it is, for to look is harmless."""
        if self.excludes(resource_id):
            return False
        return any(self._stops(scope, resource_id, "it") for scope in self.scopes)

    def excludes(self, resource_id: ResourceId) -> bool:
        """Whether a resource is never looked at; in doubt it is."""
        try:
            return self._first(self.exclude, resource_id) is not None
        except Refused:
            return False

    @property
    def management_groups(self) -> list[str]:
        """Every management group that some scope names, in lower case."""
        scopes = {*self.scopes, *self.exclude, *self.guard.protected}
        scopes.update(rule.scope for rule in self.rules)
        scopes.update(exemption.scope for exemption in self.exemptions)
        scopes.update(freeze.scope for freeze in self.freezes)
        scopes.update(scope for ring in self.rings for scope in ring.scopes)
        return sorted({name for scope in scopes if (name := named_by(scope))})

    @property
    def everywhere(self) -> bool:
        """Whether all that the identity may read is watched."""
        return "/" in self.scopes

    @property
    def groups(self) -> frozenset[str]:
        """The management groups that are watched, by name in lower case."""
        return frozenset(name for scope in self.scopes if (name := named_by(scope)))

    @property
    def subscriptions(self) -> frozenset[str]:
        """The subscriptions whose own name is in `scopes`, or that of something in them."""
        return frozenset(ResourceId(scope).subscription for scope in self.scopes) - {""}

    def below(self, group: str) -> frozenset[str]:
        """The subscriptions below a management group.

        Raises:
            Refused: it cannot be listed. Transient: come again.
        """
        return self._places.below(group).subscriptions

    @property
    def writes_something(self) -> bool:
        return any(rule.mode is not Mode.AUDIT for rule in self.rules)


def broken(faults: tuple[PolicyFault, ...]) -> Policy:
    """A policy under which everything is reported, nothing written, and every reason says why."""

    class Broken(Policy):
        broken: ClassVar[tuple[PolicyFault, ...]] = faults

    return Broken(version=1)


def _reported(source: str, reason: str) -> Decision:
    """Whatever a rule may say: it is reported, and nothing else."""
    return Decision(do=Do.REPORT, mode=Mode.AUDIT, source=source, reason=reason)


def _exempts(exemption: Exemption, control: str, now: datetime) -> bool:
    named = control in exemption.control or "*" in exemption.control
    return named and now.date() <= exemption.expires_on


def _begin_of(day: date, after: timedelta) -> datetime:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start + min(after, datetime.max.replace(tzinfo=UTC) - start)


def _end_of(day: date, now: datetime) -> datetime:
    day = min(day, date.max - timedelta(days=1))
    return datetime(day.year, day.month, day.day, tzinfo=now.tzinfo) + timedelta(days=1)
