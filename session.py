"""What a command runs on: the environment, and the engine that it names."""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path
from typing import Annotated

import typer

import wiring
from shared.errors import Unusable
from shared.model import ResourceId
from shared.settings import Settings, names_storage
from terminal import Format, complain

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


def gate() -> wiring.Gate:
    """The engine over the configured tenant and state."""
    from shared.azure.credentials import credential  # noqa: PLC0415  slow to import

    told = environment()
    built = wiring.build(Settings.of(told, HERE), credential(told))
    for fault in built.policy().broken:
        complain(f"policy broken, nothing is written: {fault}", style="red")
    return built


def resource(text: str) -> ResourceId:
    if not text.startswith("/") or not ResourceId(text).type:
        raise Unusable(f"{text} is no ARM id: it begins with /subscriptions/ or /providers/")
    return ResourceId(text)
