"""Findings as they stand, and the record of each transition.

A finding's key is (control, resource) for ever; each time it opens anew is an episode. Looks
that change nothing write nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from shared.decision import Decision
from shared.errors import Exists, Moved
from shared.hints import Actor
from shared.model import Control, Evidence, Finding, ResourceId, State
from shared.outbox import Outbox, Record
from shared.store import Row, Store

if TYPE_CHECKING:
    from shared.policy_parts import Contested


def evidence_json(evidence: Iterable[Evidence]) -> list[dict[str, Any]]:
    """Evidence as it is recorded; `resource` only where it is another document's."""
    return [
        {
            "path": e.path,
            "observed": e.observed,
            "expected": e.expected,
            **({"resource": e.resource.text} if e.resource else {}),
        }
        for e in evidence
    ]


def decision_json(decision: Decision) -> dict[str, Any]:
    return {
        "do": decision.do.value,
        "mode": decision.mode.value,
        "source": decision.source,
        "reason": decision.reason,
        "until": decision.until.isoformat() if decision.until else None,
    }


UNSEEN: Final = {
    "excluded": "policy excludes it",
    "unwatched": "no scope of the policy covers it",
}
"""How findings close of what is looked at no more, and what is said of it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One finding as stored; `row` is the version it was read from."""

    value: Mapping[str, Any]
    row: Row | None = None

    @property
    def control(self) -> str:
        return str(self.value["Control"])

    @property
    def resource(self) -> ResourceId:
        return ResourceId(self.value["ResourceId"])

    @property
    def key(self) -> tuple[str, ResourceId]:
        return self.control, self.resource

    @property
    def open(self) -> bool:
        return bool(self.value["Open"])

    @property
    def episode(self) -> int:
        return int(self.value["Episode"])

    @property
    def opened_at(self) -> datetime:
        return datetime.fromisoformat(self.value["OpenedAt"])

    @property
    def actors(self) -> tuple[Actor, ...]:
        """Who opened the episode, as far as events told."""
        return tuple(Actor(**a) for a in self.value["Actors"])

    @property
    def owner(self) -> str:
        """Who owns the resource by its tags, as they were last read; empty where none said so."""
        return str(self.value.get("Owner", ""))

    @property
    def undone_until(self) -> datetime | None:
        """While a person's undo exempts it."""
        found = self.value.get("UndoneUntil")
        return datetime.fromisoformat(found) if found else None

    def cures_since(self, start: datetime) -> list[datetime]:
        """When it was cured, oldest first, from `start` on."""
        cured = (datetime.fromisoformat(c) for c in self.value["Cures"])
        return [at for at in cured if at >= start]

    def contested_until(self, rule: Contested, now: datetime) -> datetime | None:
        """When a finding that keeps coming back may be cured again; None where it may now."""
        if self.value["Severity"] == "critical" and rule.critical_goes_on:
            return None
        cures = self.cures_since(now - rule.window)
        return cures[-rule.times] + rule.window if len(cures) >= rule.times else None


class Findings:
    """The findings of the estate, by resource and control."""

    def __init__(self, store: Store, outbox: Outbox, now: Callable[[], datetime]) -> None:
        self._store = store
        self._outbox = outbox
        self._now = now

    def of(self, resource: ResourceId) -> list[Standing]:
        return [Standing(row.value, row) for row in self._store.scan("findings", resource.key)]

    def all(self) -> Iterator[Standing]:
        """Every finding, closed ones too."""
        return (Standing(row.value, row) for row in self._store.scan("findings"))

    def see(
        self,
        finding: Finding,
        actors: tuple[Actor, ...],
        known: Standing | None = None,
        owner: str | None = None,
    ) -> Standing:
        """It is violated now: opens an episode where none is open.

        `known` is the finding as it was read before, None where there was none; `owner` is None
        where it cannot be told, and the last one known stays.
        """
        detector = finding.detector

        def seen(old: Mapping[str, Any] | None) -> tuple[dict[str, Any], str]:
            now = {"Evidence": evidence_json(finding.evidence), "Owner": _owner(old, owner)}
            if old and old["Open"] and old["State"] == State.NON_COMPLIANT:
                return {**old, **now}, ""
            opened = self._opened(old, actors)
            return {**opened, **now, "State": State.NON_COMPLIANT.value}, "opened"

        key = (detector.id, finding.resource.id)
        return self._change(key, _facts(detector, key), seen, known.row if known else None)

    def unknown(
        self,
        control: Control,
        resource: ResourceId,
        reason: str,
        actors: tuple[Actor, ...],
        known: Standing | None = None,
        owner: str | None = None,
    ) -> Standing:
        """It cannot be judged now: said aloud once, and never taken for a cure."""

        def blinded(old: Mapping[str, Any] | None) -> tuple[dict[str, Any], str]:
            blind = {"State": State.UNKNOWN.value, "Reason": reason, "Owner": _owner(old, owner)}
            if old and old["Open"]:
                same = old.get("Reason") == reason and old["State"] == State.UNKNOWN
                return {**old, **blind}, "" if same else "unknown"
            return {**self._opened(old, actors), **blind}, "unknown"

        key = (control.id, resource)
        return self._change(
            key, _facts(control.detector, key), blinded, known.row if known else None
        )

    def decided(self, standing: Standing, decision: Decision) -> Standing:
        """What follows for it; recorded where that is another thing than before."""

        def follows(old: Mapping[str, Any] | None) -> tuple[dict[str, Any], str]:
            told = decision_json(decision)
            changed = {**(old or standing.value), "Decision": told}
            return changed, "" if old and old.get("Decision") == told else f"decided-{decision.do}"

        return self._change(standing.key, {}, follows, standing.row)

    def close(self, standing: Standing, how: str) -> None:
        """It holds again: `cured` by us, `gone` by somebody else, or the resource `vanished`.

        Of what policy has `excluded` nothing is known any more.
        """
        state = State.UNKNOWN if how in UNSEEN else State.COMPLIANT

        def closed(old: Mapping[str, Any] | None) -> tuple[dict[str, Any], str]:
            value = dict(old or standing.value)
            if not value["Open"]:
                return value, ""
            cures = value["Cures"]
            if how == "cured":
                cures = [*cures, self._now().isoformat()][-20:]
                # A person who cures again takes back that it is to be left alone.
                value["UndoneUntil"] = None
            at = self._now().isoformat()
            ended = {"Open": False, "State": state.value, "ClosedAt": at, "Closed": how}
            reason = UNSEEN.get(how, "")
            return {**value, **ended, "Cures": cures, "Reason": reason}, f"closed-{how}"

        self._change(standing.key, {}, closed, standing.row)

    def undone(self, standing: Standing, until: datetime, person: str) -> None:
        """A person took a cure back: left alone until then."""

        def exempted(old: Mapping[str, Any] | None) -> tuple[dict[str, Any], str]:
            value = {**(old or standing.value), "UndoneUntil": until.isoformat()}
            return {**value, "UndoneBy": person}, "exempted-by-undo"

        self._change(standing.key, {}, exempted, standing.row)

    def _opened(self, old: Mapping[str, Any] | None, actors: tuple[Actor, ...]) -> dict[str, Any]:
        past = old or {"Episode": 0, "Cures": [], "UndoneUntil": None, "UndoneBy": ""}
        return {
            "Open": True,
            "Episode": past["Episode"] + 1,
            "OpenedAt": self._now().isoformat(),
            "Cures": past["Cures"],
            "UndoneUntil": past["UndoneUntil"],
            "UndoneBy": past["UndoneBy"],
            "Actors": [a.to_json() for a in actors],
            "Decision": None,
            "Reason": "",
            "Evidence": [],
        }

    def _change(
        self,
        key: tuple[str, ResourceId],
        facts: Mapping[str, Any],
        change: Callable[[Mapping[str, Any] | None], tuple[dict[str, Any], str]],
        row: Row | None,
    ) -> Standing:
        """Apply `change` to the stored finding; it gives the new value and the transition.

        `row` is what is thought to be stored: where it is not, it is read. The record is left
        before the row moves: a crash between says it twice under one id.
        """
        control, resource = key
        while True:
            changed, transition = change(row.value if row else None)
            value = {"Control": control, "ResourceId": resource.text, **facts, **changed}
            if row is not None and value == row.value:
                return Standing(value, row)
            if row is None and (found := self._store.get("findings", resource.key, control)):
                row = found
                continue
            if transition:
                self._record(value, transition)
            with suppress(Exists, Moved):
                return Standing(value, self._write(row, key, value))
            row = self._store.get("findings", resource.key, control)

    def _write(self, row: Row | None, key: tuple[str, ResourceId], value: dict[str, Any]) -> Row:
        control, partition = key[0], key[1].key
        if row is None:
            etag = self._store.insert("findings", partition, control, value)
        else:
            etag = self._store.replace("findings", partition, control, value, row.etag)
        return Row(partition, control, value, etag)

    def _record(self, value: Mapping[str, Any], transition: str) -> Record:
        identity = [value["Control"], ResourceId(value["ResourceId"]).key, value["Episode"]]
        told = value.get("Decision") if transition.startswith("decided") else None
        return self._outbox.add(
            "findings",
            [*identity, transition, told, value["Reason"], value["UndoneUntil"]],
            {"Transition": transition, **finding_fields(value)},
        )


def finding_fields(value: Mapping[str, Any]) -> dict[str, Any]:
    """A stored finding as it is shown and recorded."""
    resource = ResourceId(value["ResourceId"])
    group = resource.resource_group
    return {
        **{k: v for k, v in value.items() if k != "Cures"},
        "Owner": value.get("Owner", ""),
        "SubscriptionId": resource.subscription,
        "ResourceGroup": group.name if group else "",
    }


def _owner(old: Mapping[str, Any] | None, owner: str | None) -> str:
    return str((old or {}).get("Owner", "")) if owner is None else owner


def _facts(detector: Any, key: tuple[str, ResourceId]) -> dict[str, Any]:
    return {
        "ControlTitle": detector.title,
        "Severity": detector.severity.value,
        "ResourceType": key[1].type,
    }
