"""What a command runs on: the environment, and the engine that it names."""

from __future__ import annotations

import getpass
import json
import os
import time
from collections.abc import Iterator, Mapping
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
AZD = HERE / ".azure"
GATE, HAND = "PORTCULLIS_GATE_PRINCIPAL_ID", "PORTCULLIS_HAND_PRINCIPAL_ID"
AT_GROUP = "PORTCULLIS_RIGHTS_AT_MANAGEMENT_GROUP"
"""What a deployment tells azd of its apps: outputs of `infra/main.bicep`."""
FormatOption = Annotated[Format, typer.Option("--format", help="How to print.")]


def me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def environment() -> dict[str, str]:
    """Our variables; those of a `make up` that runs from this folder where none are set."""
    return _placed({**os.environ, **_up()})


def deployed() -> dict[str, str]:
    """The same and, below ours, what azd's environment in this folder tells of the deployment.

    That is looked at as the gate is told of it. A `make up` that runs here is another one.

    Raises:
        Unusable: what is there cannot be read.
    """
    up, own = _up(), dict(os.environ)
    return _placed({**own, **up} if up else {**_as_gate(azd(own)), **own})


def _up() -> dict[str, str]:
    return _running() if "PORTCULLIS_ARM_ENDPOINT" not in os.environ and UP.exists() else {}


def _placed(own: dict[str, str]) -> dict[str, str]:
    """With files of this folder for state and records, where nothing else is named."""
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


def azd(variables: Mapping[str, str]) -> dict[str, str]:
    """Our variables, and below them what azd keeps of its default environment in this folder.

    Source: azd's documentation, "Work with environment variables": `.azure/config.json` names the
    environment, `.azure/<name>/.env` holds a line `NAME="value"` for each value.

    Raises:
        Unusable: what is there cannot be read.
    """
    name = variables.get("AZURE_ENV_NAME", "")
    try:
        if not name and (AZD / "config.json").exists():
            config = json.loads((AZD / "config.json").read_text(encoding="utf-8"))
            name = str(config.get("defaultEnvironment", ""))
        file = AZD / name / ".env"
        text = file.read_text(encoding="utf-8") if name and file.exists() else ""
        kept = dict(_lines(text))
    except (OSError, ValueError, AttributeError) as error:
        raise Unusable(f"{AZD} cannot be read: {error}") from error
    return {**kept, **({"AZURE_ENV_NAME": name} if name else {}), **variables}


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith("#"):
            yield name.strip(), str(json.loads(value)) if value.startswith('"') else value


def _as_gate(told: Mapping[str, str]) -> dict[str, str]:
    """Settings of the gate by the outputs of its templates; nothing where these name none."""
    if not told.get(GATE):
        return {}
    state, workspace = (told.get(f"PORTCULLIS_{one}_ID", "") for one in ("STATE", "WORKSPACE"))
    account = ResourceId(state)
    found = {
        "PORTCULLIS_APP": "gate",
        "PORTCULLIS_CANARY": told.get("PORTCULLIS_CANARY", ""),
        "PORTCULLIS_DEPLOYMENT": told.get("AZURE_ENV_NAME", ""),
        "PORTCULLIS_IDENTITIES": _joined(told[GATE], told.get(HAND, "")),
        "PORTCULLIS_OWN": _joined(str(account.resource_group or ""), workspace),
        "PORTCULLIS_STORAGE": account.name if state and not told.get("PORTCULLIS_STATE") else "",
        **{name: told.get(name, "") for name in (GATE, HAND, AT_GROUP)},
    }
    return {name: value for name, value in found.items() if value}


def is_told(told: Mapping[str, str], name: str) -> bool:
    """Whether an output that is yes or no says yes."""
    return told.get(name, "").casefold() == "true"


def _joined(*listed: str) -> str:
    return ",".join(one for one in listed if one)


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
