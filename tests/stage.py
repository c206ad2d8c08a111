"""`portcullis` typed in this process, in a folder of its own, over a tenant in process."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

import pytest

import portcullis
import terminal
import wiring
from shared.hints import ACT, HINTS
from shared.settings import App, Settings
from simulator.adapter import TenantCredential, transport
from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.engine.world import GRAPH, US, arranged

BUILD = wiring.build


@dataclass
class Typed:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


def _told_by(clock: VirtualClock) -> type[datetime]:
    class Told(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromisoformat(clock.now().astimezone(tz).isoformat())

    return Told


@dataclass
class Stage:
    """One tenant, and the state and policy of one folder; whatever is typed runs over them."""

    folder: Path
    patch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]
    clock: VirtualClock = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        self.tenant = arranged(Tenant(self.clock))
        self.patch.chdir(self.folder)
        for name in [n for n in os.environ if n.startswith(("PORTCULLIS", "AZURE", "IDENTITY"))]:
            self.patch.delenv(name)
        self.patch.setenv("PORTCULLIS_IDENTITIES", US.object_id)
        self.patch.setenv("PORTCULLIS_DIRECTORY", GRAPH)
        self.patch.setattr(wiring, "build", self._built)
        self.patch.setattr(terminal.out, "width", 130)
        self.patch.setattr(portcullis, "datetime", _told_by(self.clock))

    def _built(self, settings: Settings, _: Any) -> wiring.Gate:
        return BUILD(
            settings,
            TenantCredential(self.tenant, US),
            now=self.clock.now,
            transport=transport(self.tenant),
            pause=self.clock.pause,
        )

    def gate(self, app: App) -> wiring.Gate:
        """An app over the same folder."""
        own = {"PORTCULLIS_STATE": ".portcullis/state.db", **os.environ}
        return self._built(replace(Settings.of(own, self.folder), app=app), None)

    def run(self, *given: str) -> Typed:
        self.captured.readouterr()
        with pytest.raises(SystemExit) as ended:
            portcullis.main(list(given))
        out, err = self.captured.readouterr()
        return Typed(int(ended.value.code or 0), out, err)

    def passes(self, gate: wiring.Gate, hand: wiring.Gate, time: timedelta) -> None:
        """Let time pass: events come, timers fire, and both apps take what waits for them."""
        end = self.clock.now() + time
        while True:
            for text in self.tenant.events.take_messages():
                gate.state.store.send(HINTS, text)
            hand.worker.due()
            self.drains(gate, hand)
            if self.clock.now() >= end:
                return
            self.clock.advance(min(timedelta(seconds=20), end - self.clock.now()))

    def drains(self, gate: wiring.Gate, hand: wiring.Gate) -> None:
        """Both apps take what waits for them now."""
        self._drain(HINTS, gate)
        self._drain(ACT, hand)

    def _drain(self, queue: str, app: wiring.Gate) -> None:
        take = app.worker.hints if queue == HINTS else app.worker.act
        while messages := app.state.store.receive(queue, 8, timedelta(minutes=10)):
            for message in messages:
                take(message.text)
                app.state.store.done(message)
