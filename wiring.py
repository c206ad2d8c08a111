"""Puts rules, policy, state and Azure together; only the entry points import it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from rules import api_versions, controls
from shared.azure.arm import Arm
from shared.azure.dead_letters import DeadLetters
from shared.azure.graph import Index
from shared.budgets import NOBODY
from shared.cloud import Cloud
from shared.engine import Engine
from shared.errors import Refused, Transient
from shared.hierarchy import Hierarchy
from shared.hints import ACT
from shared.intake import Intake
from shared.model import Control
from shared.outbox import Console, JsonLines, Sink
from shared.people import People
from shared.policy_in_force import PolicyFile, placed
from shared.settings import App, Settings, Storage
from shared.state import State
from shared.store.embedded import EmbeddedStore
from shared.undos import Undos
from shared.worker import Worker

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential, TokenCredential
    from azure.core.pipeline.transport import HttpTransport
    from starlette.types import ASGIApp

    from shared.azure.callers import CallerLogs
    from shared.azure.digests import Digests
    from shared.azure.directory import Directory
    from shared.canaries import Canaries
    from shared.policy import Policy
    from shared.policy_history import PolicyHistory
    from shared.review import Review
    from shared.store import Store
    from shared.sweep import Sweep
    from shared.trends import Trends
    from shared.vital_signs import VitalSigns


_OLD = timedelta(hours=1)


def is_console(sink: Sink) -> bool:
    return isinstance(sink, Console)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Everything one process runs on."""

    settings: Settings
    state: State
    engine: Engine
    people: People
    undos: Undos
    worker: Worker
    canaries: Canaries | None
    history: Callable[[], PolicyHistory]
    sweeping: Callable[[], Sweep]
    policy: Callable[[], Policy]
    hierarchy: Hierarchy
    sinks: list[Sink]
    digests: Digests | None
    arm: Arm
    index: Index
    letters: Callable[[], DeadLetters] | None

    @property
    def sweep(self) -> Sweep:
        """What sweeps the estate."""
        return self.sweeping()

    def due(self) -> None:
        """What the minute's timer does: wakes what waits, takes dead letters, tells people.

        Canaries are sent, and rows of older versions are brought up bit by bit. Nothing of this
        holds up the rest.

        Raises:
            PortcullisError: the first fault; what was left waits for the next minute.
        """
        first: Exception | None = None
        for part in (self.worker.due, self._letters, self._fly, self._note, self.tell, self._count):
            try:
                part()
            except Exception as fault:  # noqa: BLE001  a defect of one part, too
                first = first or fault
        if first is not None:
            raise first

    def _letters(self) -> None:
        if self.letters is not None:
            with closing(self.letters()) as letters:
                self.worker.undelivered(letters)

    def _fly(self) -> None:
        if self.canaries is not None:
            self.canaries.fly()

    def _note(self) -> None:
        self.history().note()

    def _count(self) -> None:
        # Days are counted once: from a log that is whole.
        if self.state.schema.migrate():
            self.trends.fold()

    def tell(self) -> None:
        """Send people the digests that are due.

        Raises:
            PortcullisError: what was not told waits.
        """
        if self.digests is not None:
            self.digests.send()

    @property
    def trends(self) -> Trends:
        """What happened day by day."""
        from shared.trends import Trends  # noqa: PLC0415  no event does

        return Trends(self.state.store, self.state.log, self.state.now)

    def vital_signs(self) -> VitalSigns:
        """The gate's own health in numbers.

        Raises:
            StoreUnavailable: state cannot be read.
        """
        from shared.vital_signs import vital_signs  # noqa: PLC0415  people ask for it

        return vital_signs(self.state, self.policy())

    def review(self) -> Review:
        """Who holds what; see `shared.review`."""
        from shared.review import Review  # noqa: PLC0415  people ask for it, no event does

        return Review(self.index, self.engine.cloud, self.people, self.state.uses)

    def health(self) -> list[str]:
        """What is wrong with the gate itself, a line each; empty while all is well.

        Raises:
            StoreUnavailable: state cannot be read.
        """
        reasons = [f"policy broken, nothing is written: {f}" for f in self.policy().broken]
        reasons.extend(self._unlisted())
        if (stop := self.state.suspension.stopped()) is not None:
            reasons.append(f"all writes are suspended since {stop.at}")
        oldest = self.state.outbox.oldest()
        if oldest and self.state.now() - datetime.fromisoformat(oldest) > _OLD:
            reasons.append(f"records wait for the log since {oldest[:19]}")
        if self.settings.app is App.GATE and (orders := self.state.store.waiting(ACT)):
            reasons.append(f"orders that wait for the hand: {orders}")
        if self.canaries is not None:
            reasons.extend(self.canaries.trouble())
        return [*reasons, *self.sweep.trouble()]

    def _unlisted(self) -> Iterator[str]:
        """Management groups that policy names in vain; nothing while Azure cannot be asked."""
        with suppress(Transient):
            for name in self.policy().management_groups:
                try:
                    self.hierarchy.below(name)
                except Refused as refused:
                    yield str(refused)

    def close(self) -> None:
        self.arm.close()
        for one in (*self.sinks, self.state.store, self.engine.cloud.callers):
            close = getattr(one, "close", None)
            if close is not None:
                close()


def console(gate: Gate, environment: Mapping[str, str]) -> ASGIApp:
    """The console behind the entrance that this process may have.

    Raises:
        OSError: the token for a laptop's way in cannot be written down.
    """
    # Slow to import, and only whoever opens a page waits for it.
    from console.app import build as pages  # noqa: PLC0415
    from console.entrances import guarded  # noqa: PLC0415

    return guarded(pages(gate), gate.settings, environment, gate.state.now)


def kept(settings: Settings, credential: TokenCredential, now: Callable[[], datetime]) -> Store:
    """The store that the settings name."""
    if settings.storage is None:
        return EmbeddedStore(now, settings.state)
    # Slow to import, and not needed where state is embedded.
    from shared.store.azure import AzureStore  # noqa: PLC0415

    named = settings.storage
    return AzureStore(
        _key(named) or credential, tables=named.tables, queues=named.queues, blobs=named.blobs
    )


def _key(named: Storage) -> AzureNamedKeyCredential | None:
    """An emulator's; an account in Azure is reached by identity alone."""
    from azure.core.credentials import AzureNamedKeyCredential  # noqa: PLC0415

    return AzureNamedKeyCredential(named.account, named.key) if named.key else None


def _letters(settings: Settings, credential: TokenCredential) -> Callable[[], DeadLetters] | None:
    """The dead letters beside the state; None where it is not kept in Azure."""
    named = settings.storage
    if named is None:
        return None

    def letters() -> DeadLetters:
        return DeadLetters(named.blobs, _key(named) or credential)

    return letters


def build(  # noqa: PLR0913  what may stand in for the real parts
    settings: Settings,
    credential: TokenCredential,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    transport: HttpTransport[Any, Any] | None = None,
    store: Store | None = None,
    policy: Callable[[], Policy] | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Gate:
    """Wire one process.

    `transport` and `store` stand in for the real ones where the tenant or the state is in process;
    `pause` waits so many seconds by the clock `now`.

    Raises:
        StoreUnavailable: state cannot be opened; an account in Azure is first asked when used.
    """
    known = controls()
    principal = min(settings.identities, default=NOBODY)
    state = State.over(store or kept(settings, credential, now), now, principal)
    arm = Arm(
        credential,
        api_versions(known),
        now,
        endpoint=settings.arm_endpoint,
        transport=transport,
        budgets=state.budgets,
    )
    hierarchy = Hierarchy(arm, now)
    in_force = placed(policy or PolicyFile(settings.policy, known), hierarchy)
    cloud = Cloud(
        arm=arm,
        directory=_directory(settings, credential, now, transport),
        identities=settings.identities,
        own=settings.own,
        callers=_callers(settings, arm, credential, transport),
    )
    index = Index(arm.ask, now, pause)
    engine = Engine(known, cloud, state, in_force, may_write=settings.app is not App.GATE)
    ours = settings.identities
    canaries = _canaries(settings, arm, state)
    intake = Intake(engine.observer, state, in_force, ours, settings.own, canaries)
    sweeping = cache(lambda: sweep_of(known, engine, arm, index))
    people = People(engine)
    undos = Undos(engine, people)
    digests = _digests(settings, credential, state, in_force, transport)
    sinks = _sinks(settings, credential, now, transport)
    return Gate(
        settings=settings,
        state=state,
        engine=engine,
        people=people,
        undos=undos,
        worker=Worker(engine, undos, intake, sweeping),
        canaries=canaries,
        history=cache(lambda: _history(state, in_force)),
        sweeping=sweeping,
        policy=in_force,
        hierarchy=hierarchy,
        sinks=[*([digests] if digests is not None else []), *sinks],
        digests=digests,
        arm=arm,
        index=index,
        letters=_letters(settings, credential),
    )


def sweep_of(known: Mapping[str, Control], engine: Engine, arm: Arm, index: Index) -> Sweep:
    """A sweep that judges by `known`; the looks that it asks for are the engine's."""
    # No event needs it, and it is slow to import.
    from shared.coverage import Coverage  # noqa: PLC0415
    from shared.inventory import Inventory  # noqa: PLC0415
    from shared.sweep import Sweep  # noqa: PLC0415

    inventory = Inventory(known, engine.policy)
    coverage = Coverage(arm, index, inventory, engine.state, engine.policy)
    judged = engine.observer.judged
    return Sweep(engine.state, index, inventory, coverage, engine.policy, judged)


def _history(state: State, policy: Callable[[], Policy]) -> PolicyHistory:
    # No event needs it.
    from shared.policy_history import PolicyHistory  # noqa: PLC0415

    return PolicyHistory(state, policy)


def _canaries(settings: Settings, arm: Arm, state: State) -> Canaries | None:
    """What tells whether events come; None where it is not wanted, or another app's to do."""
    if not settings.canary or settings.app is App.HAND:
        return None
    # A cold start without it need not read it.
    from shared.canaries import Canaries  # noqa: PLC0415

    return Canaries(arm, state, settings.canary)


def _directory(
    settings: Settings,
    credential: TokenCredential,
    now: Callable[[], datetime],
    transport: HttpTransport[Any, Any] | None,
) -> Directory | None:
    """Microsoft Graph, where it is named and our own identity is known."""
    if settings.directory is None:
        return None
    # A cold start without it need not read it.
    from shared.azure.directory import Directory  # noqa: PLC0415

    ours = min(settings.identities)
    return Directory(
        credential,
        now,
        ours,
        endpoint=settings.directory,
        cloud=settings.cloud,
        transport=transport,
    )


def _callers(
    settings: Settings,
    arm: Arm,
    credential: TokenCredential,
    transport: HttpTransport[Any, Any] | None,
) -> CallerLogs | None:
    """Log Analytics, where it is named."""
    if settings.callers is None:
        return None
    # As above.
    from shared.azure.callers import CallerLogs  # noqa: PLC0415

    return CallerLogs(arm, credential, endpoint=settings.callers, transport=transport)


def _sinks(
    settings: Settings,
    credential: TokenCredential,
    now: Callable[[], datetime],
    transport: HttpTransport[Any, Any] | None,
) -> list[Sink]:
    """Where records go; each destination loads what it needs when the first record comes."""
    sinks: list[Sink] = []
    if settings.records is not None:
        sinks.append(JsonLines(settings.records))
    if settings.logs is not None or settings.topic is not None:
        sinks.extend(_services(settings, credential, now, transport))
    return [*sinks, Console()]


def _services(
    settings: Settings,
    credential: TokenCredential,
    now: Callable[[], datetime],
    transport: HttpTransport[Any, Any] | None,
) -> Iterator[Sink]:
    # A cold start without them need not read them.
    from shared.azure.delivery import Door  # noqa: PLC0415
    from shared.azure.logs import Logs  # noqa: PLC0415
    from shared.azure.notices import Notices  # noqa: PLC0415

    def door(endpoint: str) -> Door:
        return Door(endpoint=endpoint, credential=credential, now=now, transport=transport)

    if settings.logs is not None:
        yield Logs(door(settings.logs.endpoint), settings.logs.rule, settings.cloud.monitor)
    if settings.topic is not None:
        yield Notices(door(settings.topic))


def _digests(
    settings: Settings,
    credential: TokenCredential,
    state: State,
    policy: Callable[[], Policy],
    transport: HttpTransport[Any, Any] | None,
) -> Digests | None:
    """What people are told; None where no topic takes it."""
    if settings.topic is None:
        return None
    # As above.
    from shared.azure.delivery import Door  # noqa: PLC0415
    from shared.azure.digests import Digests  # noqa: PLC0415

    door = Door(endpoint=settings.topic, credential=credential, now=state.now, transport=transport)
    return Digests(state.store, door, policy, settings.console_url)
