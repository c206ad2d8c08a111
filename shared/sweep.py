"""A sweep: every watched resource judged from the index; what may be violated becomes a hint.

A sweep never writes to Azure and never opens a finding: the look that its hint causes does, from
a fresh read. It is one chain of pages. After each page its place is kept, so that whoever takes it
up after a crash goes on there; of two who go on at once one finds the place moved, and stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from shared.azure.graph import PAGE, Ahead, Index, Page
from shared.coverage import Coverage, Survey
from shared.decision import Do
from shared.errors import Exists, Moved, Refused, Transient, Why
from shared.findings import Standing
from shared.hints import KEPT_ACTORS, SWEEP, SWEEPS, Actor, Hint, sweep_text
from shared.inventory import Inventory, Sight, Stop, change_of
from shared.looked import Remembered
from shared.model import Control, NeedsLookup, Resource, ResourceId, State
from shared.score import Score, severities_json, weigh
from shared.state import State as Memory
from shared.store import Row
from shared.sweep_run import LAST, Kind, Run, Summary

if TYPE_CHECKING:
    from shared.policy import Policy

LINK: Final = timedelta(minutes=4)
"""How long one message goes on with a sweep: well below the time limit of a function."""
_LOST: Final = timedelta(minutes=15)
"""A sweep that stands still for so long has lost its message."""
_STILL: Final = timedelta(seconds=30)
"""One that somebody watches is taken up after so long."""
_HOPELESS: Final = timedelta(hours=6)
_AGAIN: Final = timedelta(hours=1)
"""How long after a sweep that failed the next begins."""
_OVERLAP: Final = timedelta(minutes=10)
"""The index may take so long to tell of a change."""
_STANDINGS: Final = 500
_SIDE_BY_SIDE: Final = 8
_NAMED: Final = 50
"""As many scopes as a record names; all of them are counted."""
_NO_DELAY: Final = timedelta(0)
_NOT_WATCHED: Final = "not watched"
_Wanted = tuple[ResourceId, tuple[Actor, ...]]


class Sweep:
    """Sweeps what policy watches. `judged` gives what a change of a resource is about."""

    def __init__(
        self,
        memory: Memory,
        index: Index,
        inventory: Inventory,
        coverage: Coverage,
        policy: Callable[[], Policy],
        judged: Callable[[ResourceId], ResourceId | None],
    ) -> None:
        self._memory = memory
        self._store = memory.store
        self._index = index
        self._inventory = inventory
        self._coverage = coverage
        self._policy = policy
        self._judged = judged

    # --- when

    def tick(self) -> None:
        """Begin the sweep that is due by policy, or wake one that has lost its message."""
        now, running = self._memory.now(), self._running()
        if running is not None:
            if now - running.moved_at > _HOPELESS:
                self._fail(running, "it did not move for hours")
            elif now - running.moved_at > _LOST:
                self._send(running.name, timedelta(0))
            return
        full, last = self._began(Kind.FULL), self._began(Kind.INCREMENTAL)
        failed = self._store.get("control", "control", "failed-sweep")
        if failed and now - datetime.fromisoformat(failed.value["at"]) < _AGAIN:
            return
        sweeps = self._policy().sweeps
        if full is None or now - full >= sweeps.full:
            self._start(Kind.FULL)
        elif now - max(full, last or full) >= sweeps.incremental:
            # What changed is told of nobody who came: all of theirs is new.
            self._start(Kind.FULL if self._newcomers() else Kind.INCREMENTAL)

    def _newcomers(self) -> bool:
        with suppress(Transient, Refused):
            return bool(self._coverage.newcomers())
        return False

    def _start(self, kind: Kind) -> None:
        if (run := self._begin(kind)) is not None:
            self._send(run, timedelta(0))

    def _began(self, kind: Kind) -> datetime | None:
        """When the last sweep of a kind began that came to its end."""
        row = self._store.get("control", "control", LAST[kind])
        return datetime.fromisoformat(row.value["started_at"]) if row else None

    def _begin(self, kind: Kind) -> str | None:
        """A new sweep; None while another goes on."""
        now = self._memory.now()
        run = f"sweep-{now:%Y%m%dT%H%M%S.%f}"
        summary = Summary(run=run, kind=kind.value)
        fresh = Run(summary=summary, started_at=now, moved_at=now)
        try:
            self._store.insert("sweeps", run, "place", fresh.to_json())
        except Exists:
            return None
        try:
            self._store.insert("control", "control", "sweep", {"run": run})
        except Exists:
            self._forget(run)
            return None
        return run

    def _forget(self, run: str) -> None:
        for key in ("place", "plan"):
            self._store.delete("sweeps", run, key)

    def _running(self) -> Run | None:
        row = self._store.get("control", "control", "sweep")
        place = self._store.get("sweeps", row.value["run"], "place") if row else None
        if row is not None and place is None:
            with suppress(Moved):
                self._store.delete("control", "control", "sweep", row.etag)
        return Run.of(place) if place else None

    def _send(self, run: str, delay: timedelta) -> None:
        self._store.send(SWEEPS, sweep_text(run), delay)

    # --- the chain

    def link(self, run: str) -> None:
        """What a message does: go on for a while, and leave the rest to the next.

        Never raises over what Azure says: a passing fault puts the rest off, any other ends the
        sweep as failed, and says so.
        """
        try:
            summary = self._go_on(run, LINK, lambda _: None)
        except (Moved, Refused):
            return
        except Transient as fault:
            self._put_off(run, fault)
            return
        if summary is None:
            self._send(run, timedelta(0))

    def _put_off(self, run: str, fault: Transient) -> None:
        running = self._running()
        if running is None or running.name != run:
            return
        if self._memory.now() - running.moved_at > _HOPELESS:
            self._fail(running, str(fault))
            return
        self._send(run, timedelta(seconds=max(1.0, fault.retry_after)))

    def run(
        self, kind: Kind = Kind.FULL, progress: Callable[[Summary], None] = lambda _: None
    ) -> Summary:
        """One whole sweep; one that goes on already is brought to its end first.

        Raises:
            Transient: the index cannot be read now; whoever sweeps next goes on from there.
            Refused: it may not be read; what was hinted stays so.
        """
        while True:
            mine = self._begin(kind)
            running = self._running()
            if running is None:
                continue
            summary = self._to_the_end(running, progress)
            if running.name == mine or running.kind is kind:
                return summary

    def _to_the_end(self, running: Run, progress: Callable[[Summary], None]) -> Summary:
        """Go on with it; where another process does, watch it as long as it moves."""
        while True:
            try:
                summary = self._go_on(running.name, None, progress)
            except Moved:
                self._watch(running.name, progress)
            else:
                if summary is not None:
                    return summary

    def _watch(self, run: str, progress: Callable[[Summary], None]) -> None:
        while (now := self._running()) is not None and now.name == run:
            if self._memory.now() - now.moved_at > _STILL:
                return
            progress(now.summary)
            self._index.pause(1)

    def _go_on(
        self, run: str, budget: timedelta | None, progress: Callable[[Summary], None]
    ) -> Summary | None:
        """Page after page until the end, which gives the summary, or until `budget` is used.

        Raises:
            Moved: another goes on with it. Transient: come again. Refused: it ended as failed.
        """
        place = self._store.get("sweeps", run, "place")
        if place is None:
            return self._ended(run)
        sweep, began = Run.of(place), self._memory.now()
        try:
            with Ahead(self._index) as ahead:
                stops = self._stops(sweep, ahead)
                standings, ages = self._standings(sweep), Remembered(self._memory.looked)
                while sweep.stop <= len(stops):
                    if budget is not None and self._memory.now() - began > budget:
                        return None
                    if sweep.stop == 0:
                        self._open_ones(sweep, standings)
                    else:
                        self._page(sweep, stops, ahead, ages)
                    self._keep(sweep)
                    progress(sweep.summary)
        except Refused as refused:
            self._fail(sweep, str(refused))
            raise
        return self._end(sweep)

    def _keep(self, sweep: Run) -> None:
        if sweep.row is None:
            raise Moved(f"{sweep.name} was never kept")
        sweep.moved_at = self._memory.now()
        value = sweep.to_json()
        etag = self._store.replace("sweeps", sweep.name, "place", value, sweep.row.etag)
        sweep.row = Row(sweep.name, "place", value, etag)

    # --- its stops

    def _stops(self, sweep: Run, ahead: Ahead) -> list[Stop]:
        """The queries of this sweep, found out at its beginning with what can be seen at all."""
        plan = self._store.get("sweeps", sweep.name, "plan")
        if plan is None:
            if sweep.kind is Kind.FULL and self._policy().everywhere:
                # Whatever can be seen, it begins with this.
                ahead.begin(next(self._inventory.everything(Sight())), "")
            survey = self._coverage.survey(sweep.started_at)
            self._surveyed(sweep, survey)
            made = [stop.to_json() for stop in self._queries(sweep, survey)]
            self._store.put("sweeps", sweep.name, "plan", {"stops": made})
            self._keep(sweep)
            return [Stop.from_json(one) for one in made]
        return [Stop.from_json(one) for one in plan.value["stops"]]

    def _queries(self, sweep: Run, survey: Survey) -> Iterator[Stop]:
        if sweep.kind is Kind.FULL:
            return self._inventory.everything(survey.sight)
        # A full sweep passes over what was looked at lately, also where it changed since.
        began = self._began(Kind.INCREMENTAL) or self._began(Kind.FULL) or sweep.started_at
        return self._inventory.changed(began - _OVERLAP, survey.sight)

    def _surveyed(self, sweep: Run, survey: Survey) -> None:
        """Count what cannot be seen, and have it looked at: a look that may not read says so."""
        summary = sweep.summary
        summary.calls += survey.calls
        summary.unseen = len(survey.unseen)
        summary.unseen_scopes = sorted(survey.unseen)[:_NAMED]
        summary.unwatched = len(survey.unwatched)
        summary.unwatched_subscriptions = list(survey.unwatched[:_NAMED])
        wanted = [ResourceId(scope) for scope in survey.unseen]
        if sweep.kind is Kind.FULL:
            alone = sorted(self._inventory.singletons, key=str)
            wanted += alone
            for one in alone:
                summary.count(one.type)
        self._hint([(one, ()) for one in wanted if self._judged(one) == one], sweep)

    def _standings(self, sweep: Run) -> Iterator[Standing]:
        """The findings that a full sweep has not passed yet, open or not."""
        everything = self._memory.findings.all() if sweep.kind is Kind.FULL else iter(())
        return islice(everything, sweep.passed, None)

    def _open_ones(self, sweep: Run, standings: Iterator[Standing]) -> None:
        """Some open findings: what they are about is looked at, or is watched no more."""
        some = list(islice(standings, _STANDINGS))
        still, policy = dict[ResourceId, None](), self._policy()
        for standing in some:
            if not standing.open:
                continue
            if policy.watches(standing.resource):
                still[standing.resource] = None
            else:
                excluded = policy.excludes(standing.resource)
                how = "excluded" if excluded else "unwatched"
                self._memory.findings.close(standing, how)
        self._hint([(one, ()) for one in still], sweep)
        sweep.passed += len(some)
        if not some:
            sweep.stop, sweep.passed = 1, 0

    def _page(self, sweep: Run, stops: Sequence[Stop], ahead: Ahead, ages: Remembered) -> None:
        at, summary = sweep.stop - 1, sweep.summary
        page = ahead.page(stops[at], sweep.token)
        if page.token:
            ahead.begin(stops[at], page.token)
        elif at + 1 < len(stops):
            ahead.begin(stops[at + 1], "")
        summary.calls += 1
        summary.total += 0 if sweep.token else page.total
        if page.cut:
            summary.skip("in subscriptions beyond those that the index looks into")
        changes = stops[at].changes
        wanted = self._changed(page, sweep) if changes else self._violated(page, sweep, ages)
        self._hint(wanted, sweep)
        sweep.passed += len(page.rows)
        if page.token and (page.token == sweep.token or sweep.passed > 2 * page.total + PAGE):
            raise Refused("the pages of Resource Graph do not end", Why.INVALID)
        sweep.token = page.token
        if not page.token:
            sweep.stop, sweep.passed = sweep.stop + 1, 0

    def _changed(self, page: Page, sweep: Run) -> list[_Wanted]:
        """What changed, but for our own changes; of several changes of one all who made them."""
        found, policy = dict[ResourceId, list[Actor]](), self._policy()
        for told in map(change_of, page.rows):
            if told is None:
                sweep.summary.skip("a change that does not tell of what")
                continue
            sweep.summary.seen += 1
            target, actor = told
            judged = self._judged(target)
            if judged is None or not policy.watches(judged):
                sweep.summary.skip(_NOT_WATCHED)
            elif self._memory.journal.is_ours(actor.correlation_id):
                sweep.summary.skip("our own change")
            else:
                found.setdefault(judged, []).append(actor)
        return [(one, tuple(dict.fromkeys(actors))[-KEPT_ACTORS:]) for one, actors in found.items()]

    def _violated(self, page: Page, sweep: Run, ages: Remembered) -> list[_Wanted]:
        """What has to be looked at, for all that the index shows."""
        wanted, policy = list[_Wanted](), self._policy()
        for resource in map(self._inventory.placed, page.resources):
            if not policy.watches(resource.id):
                sweep.summary.skip(_NOT_WATCHED)
                continue
            sweep.summary.seen += 1
            if sweep.kind is Kind.FULL and self._inventory.counted(resource):
                sweep.summary.count(resource.type)
            if self._worth_a_look(resource, sweep, ages, policy):
                wanted.append((resource.id, ()))
        return wanted

    def _worth_a_look(
        self, resource: Resource, sweep: Run, ages: Remembered, policy: Policy
    ) -> bool:
        worth, holds_for = False, timedelta.max
        for control in self._inventory.by_type.get(resource.type.casefold(), []):
            try:
                state = control.detector.judge(resource).state
            except NeedsLookup as need:
                age = control.detector.lookup(need.name, resource.id).max_age
                holds_for = min(holds_for, age, policy.sweeps.lookups)
                continue
            if state is not State.COMPLIANT:
                worth = True
                self._count(state, control, resource, sweep)
        if holds_for == timedelta.max:
            return worth
        sweep.summary.lookups += 1
        # What counts now must count until the next full sweep.
        until_next = policy.sweeps.full
        if worth or sweep.kind is Kind.INCREMENTAL or holds_for <= until_next:
            return True
        if ages.of(resource.id) <= holds_for - until_next:
            sweep.summary.skip("looked at lately")
            return False
        return True

    def _count(self, state: State, control: Control, resource: Resource, sweep: Run) -> None:
        if state is State.UNKNOWN:
            sweep.summary.unknown += 1
            return
        sweep.summary.violating += 1
        now = self._memory.now()
        decision = self._policy().decide(control, resource.id, now, now)
        sweep.summary.exempt += decision.do is Do.EXEMPT

    # --- hints

    def _hint(self, wanted: Sequence[_Wanted], sweep: Run) -> None:
        """Ask for these looks; each takes its turn inside the request budgets."""
        now, note = self._memory.now(), self._memory.inbox.note
        hints = [
            Hint(id=resource, source=SWEEP, first_seen=now, actors=actors, run=sweep.name)
            for resource, actors in wanted
        ]
        if len(hints) <= _SIDE_BY_SIDE:
            sent = [note(hint, _NO_DELAY) for hint in hints]
        else:
            with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
                sent = list(pool.map(lambda hint: note(hint, _NO_DELAY), hints))
        sweep.summary.hinted += sum(sent)

    # --- its end

    def _end(self, sweep: Run) -> Summary:
        summary, first = sweep.summary, False
        if sweep.kind is Kind.FULL:
            first = self._scored(sweep)
            self._coverage.went_through()
        ended = self._record(sweep)
        value = {"run": sweep.name, "started_at": sweep.started_at.isoformat(), "ended_at": ended}
        kept = {**value, "first": first, "summary": asdict(summary)}
        self._store.put("control", "control", LAST[sweep.kind], kept)
        self._store.delete("control", "control", "failed-sweep")
        self._clear(sweep)
        return summary

    def _scored(self, sweep: Run) -> bool:
        """Weigh what was counted; whether this is the first full sweep of all."""
        summary, score = sweep.summary, self._weighed(sweep.summary.by_type)
        last = self._store.get("control", "control", LAST[Kind.FULL])
        first = last is None or (last.value["run"] == sweep.name and bool(last.value.get("first")))
        summary.score = None if first else score.value
        summary.judged, summary.by_severity = score.judged, severities_json(score)
        return first

    def _weighed(self, by_type: Mapping[str, int]) -> Score:
        findings, now = self._memory.findings.all(), self._memory.now()
        return weigh(by_type, self._inventory.by_type, findings, now)

    def score(self) -> Score | None:
        """The score as it stands; None until a full sweep has counted.

        Reads every finding: no more than a few times a minute, where there are very many.
        """
        row = self._store.get("control", "control", LAST[Kind.FULL])
        by_type = row.value["summary"].get("by_type") if row else None
        if row is None or not by_type:
            return None
        ended = datetime.fromisoformat(row.value["ended_at"])
        return replace(self._weighed(by_type), counted_at=ended, first=bool(row.value.get("first")))

    def _fail(self, sweep: Run, reason: str) -> None:
        """It cannot go on: nothing unread is taken for seen, and a person is told."""
        sweep.summary.failed = reason
        ended = self._record(sweep)
        fields = {"Entry": "sweep-failed", "Severity": "high", "Message": f"{sweep.name}: {reason}"}
        self._memory.outbox.add("health", ["sweep-failed", sweep.name], fields)
        value = {"at": ended, "reason": reason}
        self._store.put("control", "control", "failed-sweep", value)
        self._clear(sweep)

    def _record(self, sweep: Run) -> str:
        now, summary = self._memory.now(), sweep.summary
        summary.seconds = round((now - sweep.started_at).total_seconds(), 3)
        told = {_pascal(name): value for name, value in asdict(summary).items() if name != "run"}
        fields = {"Summary": "sweep", "RunId": summary.run, **told}
        self._memory.outbox.add("sweeps", [summary.run], fields)
        return now.isoformat()

    def _clear(self, sweep: Run) -> None:
        """Let the next begin. What is left of this one goes last: it may yet be read."""
        row = self._store.get("control", "control", "sweep")
        if row is not None and row.value["run"] == sweep.name:
            with suppress(Moved):
                self._store.delete("control", "control", "sweep", row.etag)
        self._forget(sweep.name)

    def _ended(self, run: str) -> Summary:
        """The summary of a sweep that another brought to its end."""
        for key in LAST.values():
            row = self._store.get("control", "control", key)
            if row is not None and row.value["run"] == run:
                return Summary(**row.value["summary"])
        return Summary(run=run, failed="another process ended it")

    def trouble(self) -> Iterator[str]:
        """A line for everything that is wrong with sweeping."""
        failed = self._store.get("control", "control", "failed-sweep")
        if failed is not None:
            yield f"the sweep of {failed.value['at'][:19]} failed: {failed.value['reason']}"
        full = self._store.get("control", "control", LAST[Kind.FULL])
        ended = datetime.fromisoformat(full.value["ended_at"]) if full else None
        if ended and self._memory.now() - ended > 2 * self._policy().sweeps.full:
            yield f"no sweep has ended since {ended.isoformat()[:19]}"
        yield from self._coverage.unseen()


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
