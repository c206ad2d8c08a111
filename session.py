"""What a command runs on: the environment, and the engine that it names."""

from __future__ import annotations

import getpass
import json
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shared.errors import OverBudget, Unusable
from shared.hints import HINTS
from shared.model import ResourceId
from shared.settings import Settings, names_storage
from terminal import Format, complain, progress

if TYPE_CHECKING:
    from shared.sweep_run import Summary
    from wiring import Gate

HERE = Path()
UP = HERE / ".portcullis" / "up.json"
FormatOption = Annotated[Format, typer.Option("--format", help="How to print.")]


def me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def environment() -> dict[str, str]:
    """Our variables; those of a `make up` that runs from this folder where none are set."""
    own = dict(os.environ)
    if "PORTCULLIS_ARM_ENDPOINT" not in own and UP.exists():
        own |= _running()
    if not names_storage(own):
        own.setdefault("PORTCULLIS_STATE", ".portcullis/state.db")
    own.setdefault("PORTCULLIS_RECORDS", ".portcullis/records.jsonl")
    return own


def _running() -> dict[str, str]:
    """What a `make up` that runs here told; nothing where it runs no more."""
    try:
        told = json.loads(UP.read_text(encoding="utf-8"))
        pid, variables = int(told["pid"]), {str(k): str(v) for k, v in told["environment"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise Unusable(f"{UP} cannot be read, remove it: {error!r}") from error
    if not _alive(pid):
        return {}
    os.environ.update(variables)
    return variables


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def gate() -> Gate:
    """The engine over the configured tenant and state."""
    from shared.azure.credentials import credential
    from wiring import build

    told = environment()
    built = build(Settings.of(told, HERE), credential(told))
    for fault in built.policy().broken:
        complain(f"policy broken, nothing is written: {fault}", style="red")
    return built


def resource(text: str) -> ResourceId:
    if not text.startswith("/") or not ResourceId(text).type:
        raise Unusable(f"{text} is no ARM id: it begins with /subscriptions/ or /providers/")
    return ResourceId(text)


def swept(built: Gate) -> Summary:
    """One whole sweep and the looks that it asks for, with its progress on standard error."""
    with progress() as bar:
        task = bar.add_task("reading the index", total=None)

        def judged(so_far: Summary) -> None:
            done, total = so_far.seen, max(so_far.total, so_far.seen) or None
            bar.update(task, completed=done, total=total, description="judging")

        summary = built.sweep.run(progress=judged)
        bar.update(task, completed=summary.seen, total=summary.seen)
        looks = bar.add_task("looking", total=summary.hinted)
        for _ in _looked(built):
            bar.advance(looks)
    return summary


def _looked(built: Gate) -> Iterator[None]:
    """Look at what is hinted, and wait for what Azure's request limits put off; one item each."""
    store, last = built.state.store, 0.0
    while (messages := store.receive(HINTS, 16, timedelta(minutes=10))) or time.monotonic() < last:
        for message in messages:
            answer = built.worker.hints(message.text)
            store.done(message)
            if isinstance(answer, OverBudget):
                last = max(last, time.monotonic() + answer.retry_after + 1)
            else:
                yield
        if not messages:
            time.sleep(0.2)


class closing:  # noqa: N801  reads as contextlib.closing
    """Ship what was recorded, and close the state, however the command ends.

    Records in a storage account that the app shares are the app's to ship: it knows where to.
    """

    def __init__(self, built: Gate) -> None:
        self._built = built

    def __enter__(self) -> Gate:
        if self._built.settings.storage is None:
            # No app's timer may ever do it for a file of this machine.
            self._built.state.schema.migrate()
        return self._built

    def __exit__(self, *_: object) -> None:
        from wiring import is_console

        sinks = [s for s in self._built.sinks if not is_console(s)]
        try:
            if self._built.settings.storage is None:
                self._built.worker.ship(sinks)
                self._built.tell()
        finally:
            self._built.close()
