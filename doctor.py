"""The command line's part for a look at the deployment itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NoReturn

import typer

import tables
import wiring
from session import AT_GROUP, GATE, HAND, HERE, FormatOption, deployed, is_told
from shared.azure.credentials import credential
from shared.doctor import (
    Check,
    Found,
    Is,
    Patient,
    Told,
    arrivals,
    examined,
    rights,
    standing,
    surroundings,
    worst,
    wrong,
)
from shared.errors import StoreUnavailable, Unusable
from shared.settings import App, Settings
from shared.store import Store
from shared.store.embedded import EmbeddedStore
from terminal import Format, out, say, show_json

CHECKS: Final[Mapping[str, Check]] = {
    "settings": surroundings.settings,
    "policy": surroundings.policy,
    "identity": rights.identity,
    "clock": surroundings.clock,
    "reads": rights.reading,
    "writes": rights.writing,
    "events": arrivals.events,
    "last event": arrivals.heard,
    "canaries": arrivals.canaries,
    "logs": arrivals.logs,
    "topic": arrivals.topic,
    "state": standing.state,
    "queues": standing.queues,
    "outbox": standing.outbox,
    "suspension": standing.suspension,
    "sweeps": standing.sweeps,
    "directory": surroundings.directory,
    "console": surroundings.console,
}
"""By the name that a report calls each."""
CODES: Final = {Is.OK: 0, Is.WRONG: 1, Is.UNKNOWN: 2}


Build = Callable[[Store | None], wiring.Gate]
"""A gate over the store that is given, or over that of its settings."""


def doctor(form: FormatOption = Format.TABLE) -> None:
    """Is it set up right? What is wrong with the deployment, and what to run to mend it.

    Exit 1 where something is wrong, 2 where something could not be told and nothing is wrong.
    """
    told = _configured(deployed())
    if form is Format.JSON:
        show_json([one.to_json() for one in told])
    else:
        out.print(tables.doctor_table(one.to_json() for one in told))
        for one in told:
            # A command is copied whole, so it stands on a line of its own.
            if one.found.mend:
                say(f"{f'{one.check} {one.found.subject}'.strip()}: {one.found.mend}")
        states = [one.found.state for one in told]
        say(", ".join(f"{states.count(one)} {one}" for one in Is))
    raise typer.Exit(CODES[worst(told)])


def _configured(variables: Mapping[str, str]) -> list[Told]:
    try:
        settings = Settings.of(variables, HERE)
    except Unusable as error:
        return [Told("settings", wrong("", str(error), "set what it names: docs/running.md"))]
    identity = credential(variables)
    return looked(lambda store: wiring.build(settings, identity, store=store), variables)


def looked(build: Build, variables: Mapping[str, str]) -> list[Told]:
    """What every check says of the gate that `build` makes; `variables` are those of its process.

    Where its state cannot be used, all that does not come from there is looked at all the same.
    """
    broken = None
    try:
        with closing(build(None)) as built:
            kept = list(examined(patient(built, variables), {"state": standing.state}))
            if worst(kept) is Is.OK:
                return list(examined(patient(built, variables), CHECKS))
            broken = kept[0].found
    except StoreUnavailable as error:
        broken = wrong("", str(error), "let this process read and write the file, or remove it")
    with closing(build(EmbeddedStore(lambda: datetime.now(UTC)))) as built:
        return _without_state(patient(built, variables), broken)


def _without_state(one: Patient, broken: Found) -> list[Told]:
    def signs() -> NoReturn:
        raise StoreUnavailable(f"state cannot be read: {broken.message}")

    return list(examined(replace(one, signs=signs), {**CHECKS, "state": lambda _: [broken]}))


def patient(built: wiring.Gate, variables: Mapping[str, str]) -> Patient:
    """A gate as the checks look at it."""
    return Patient(
        settings=built.settings,
        environment=variables,
        state=built.state,
        policy=built.policy(),
        controls=built.engine.controls,
        arm=built.arm,
        observer=built.engine.observer,
        hierarchy=built.hierarchy,
        directory=built.engine.cloud.directory,
        sinks=built.sinks,
        signs=built.vital_signs,
        apps=_apps(built.settings, variables),
        rights_above=is_told(variables, AT_GROUP),
    )


def _apps(settings: Settings, variables: Mapping[str, str]) -> dict[App, str]:
    """Who gate and hand are, as far as that is told: of one identity it is clear whose it is."""
    named = {App.GATE: variables.get(GATE, ""), App.HAND: variables.get(HAND, "")}
    if not any(named.values()) and len(settings.identities) == 1:
        named = {settings.app: min(settings.identities)}
    return {app: who.casefold() for app, who in named.items() if who}
