"""The command line's part for subscriptions: taking them under watch, and out of it."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

import tables
from session import AT_GROUP, GATE, HAND, HERE, FormatOption, azd, environment, is_told, swept
from shared.errors import PortcullisError, Unusable
from shared.model import ResourceId, Severity
from shared.onboarding import Deployment, Fate, Onboarding, Step, Taken, Told, taken
from shared.settings import App, Settings
from terminal import Format, complain, out, say, show_json

if TYPE_CHECKING:
    from shared.findings import Standing

app = typer.Typer()

NEEDED: Final = (
    "AZURE_ENV_NAME",
    "AZURE_LOCATION",
    GATE,
    "PORTCULLIS_STATE_ID",
    "PORTCULLIS_WORKSPACE_ID",
)
"""What a deployment has to tell: outputs of `infra/main.bicep`, which azd keeps."""
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_SHOWN: Final = 10

Subscriptions = Annotated[
    list[str] | None, typer.Argument(metavar="SUBSCRIPTION...", help="Ids of subscriptions.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


@app.command()
def onboard(
    subscriptions: Subscriptions,
    *,
    yes: YesOption = False,
    sweep: Annotated[bool, typer.Option(help="Look at them once, and report.")] = True,
    form: FormatOption = Format.TABLE,
) -> None:
    """Take subscriptions under watch: shows what that makes, asks, and makes what lacks.

    Run by an Owner of them, in the folder of azd up. Called again it goes on where it ended, and
    changes nothing where nothing lacks. With --format json and without --yes the plan is all.
    """
    told, names = azd(environment()), _ids(subscriptions)
    with _onboarding(told) as (one, _):
        carried = _carried_out(one.planned, one.onboard, names, form, yes=yes)
    if sweep and carried.done and form is Format.TABLE:
        _report(told, carried.done)
    raise typer.Exit(1 if carried.failed else 0)


@app.command()
def offboard(
    subscriptions: Subscriptions = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Every subscription that has anything of ours.")
    ] = False,
    yes: YesOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Take subscriptions out of watch: shows what is ours there, asks, and takes that away."""
    if bool(subscriptions) == everything:
        raise Unusable("name subscriptions, or say --all")
    with _onboarding(azd(environment())) as (one, everywhere):
        known = everywhere() if everything else None
        names = known.subscriptions if known else _ids(subscriptions)
        carried = _carried_out(one.leaving, one.offboard, names, form, yes=yes)
    for left in known.elsewhere if known else ():
        complain(f"left, as it is of no subscription: az role assignment delete --ids {left}")
    for policy in known.policies if known else ():
        deleted = f"az policy assignment delete --name {policy.name} --scope {policy.scope}"
        complain(f"left, and it makes all that anew: {deleted}")
    raise typer.Exit(1 if carried.failed else 0)


def _ids(subscriptions: Sequence[str] | None) -> list[str]:
    """The ids, each once, as Azure writes them.

    Raises:
        Unusable: naming the first that is none.
    """
    names = [one.strip().casefold().removeprefix("/subscriptions/") for one in subscriptions or ()]
    for name in names:
        if not _GUID.fullmatch(name):
            raise Unusable(f"{name!r} is no id of a subscription: az account list shows them")
    return list(dict.fromkeys(names))


@dataclass(slots=True)
class _Carried:
    """The subscriptions where all is done, and those where something failed."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def _carried_out(
    plan: Callable[[str], list[Step]],
    do: Callable[[str, Told], None],
    names: Sequence[str],
    form: Format,
    *,
    yes: bool,
) -> _Carried:
    """Show what would be done, ask, do it; one subscription that fails holds up no other."""
    carried, plans = _Carried(), dict[str, list[Step]]()
    for name in names:
        with _one(name, carried):
            plans[name] = plan(name)
    steps = [step for found in plans.values() for step in found]
    writes = sum(step.writes for step in steps)
    if form is Format.TABLE and steps:
        out.print(tables.steps_table(one.to_json() for one in steps))
    if not yes:
        if form is Format.JSON:
            show_json([one.to_json() for one in steps])
            return carried
        _asked(writes)
    heard: list[Step] = []
    for name in plans:
        with _one(name, carried):
            do(name, lambda step: _hear(step, form, heard))
            carried.done.append(name)
    if form is Format.JSON:
        show_json([one.to_json() for one in heard])
    else:
        say(f"changes made: {sum(one.writes for one in heard)}")
    return carried


def _asked(writes: int) -> None:
    """Whether a person says yes.

    Raises:
        Unusable: nobody is there who could.
    """
    if not writes:
        return
    if not sys.stdin.isatty():
        raise Unusable(f"{writes} changes, and nobody to ask: look at them, then say --yes")
    typer.confirm(f"{writes} changes. Make them?", abort=True)


_PAST: Final = {Fate.MAKE: "made", Fate.CHANGE: "changed", Fate.DELETE: "deleted"}


def _hear(step: Step, form: Format, heard: list[Step]) -> None:
    heard.append(step)
    if form is Format.TABLE and step.writes:
        say(f"{step.subscription}: {_PAST[step.fate]} {step.part.what}")


@contextmanager
def _one(subscription: str, carried: _Carried) -> Iterator[None]:
    """What goes wrong with one subscription is said at once, and at the end by the exit code."""
    try:
        yield
    except PortcullisError as error:
        complain(f"portcullis: {subscription}: " + " ".join(str(error).split()))
        carried.failed.append(subscription)


def _report(told: Mapping[str, str], subscriptions: Sequence[str]) -> None:
    """A first sweep under the caller's own rights, which writes nothing and keeps nothing.

    The gate's own begins within minutes once its roles hold.
    """
    from rules import controls
    from shared.azure.credentials import credential
    from shared.coverage import unseen_by
    from shared.policy_in_force import PolicyFile
    from shared.store.embedded import EmbeddedStore
    from wiring import build

    settings = Settings.of({**told, "PORTCULLIS_APP": App.GATE}, HERE)
    settings = replace(settings, storage=None, state=None, logs=None, topic=None, records=None)
    policy = PolicyFile(settings.policy, controls())()
    scopes = [ResourceId(f"/subscriptions/{one}") for one in subscriptions]
    for scope in [one for one in scopes if not policy.watches(one)]:
        complain(f"{settings.policy.name} does not watch {scope}: add it to its scopes")
        scopes.remove(scope)
    if not scopes:
        return
    narrow = policy.model_copy(update={"scopes": [scope.text for scope in scopes]})
    store = EmbeddedStore(lambda: datetime.now(UTC))
    with closing(build(settings, credential(told), store=store, policy=lambda: narrow)) as built:
        swept(built)
        found = list(built.state.findings.all())
        unseen = unseen_by(built.state)
        for line in built.sweep.trouble():
            complain(line)
    # Where it could not look, nothing found says nothing.
    for one in (scope for scope in scopes if scope.key not in unseen):
        _findings(one, [f for f in found if f.open and f.resource.within(one)])


def _findings(scope: ResourceId, found: Sequence[Standing]) -> None:
    counts = Counter(one.value["Severity"] for one in found)
    told = ", ".join(f"{counts[s]} {s}" for s in reversed(Severity) if counts[s])
    say(f"{scope}: {told or 'no findings'}")
    worst = sorted(found, key=lambda one: -Severity(one.value["Severity"]).rank)[:_SHOWN]
    if worst:
        out.print(tables.findings_table(one.value for one in worst))
    if len(found) > _SHOWN:
        say(f"and {len(found) - _SHOWN} more, in the console once the gate has swept it")


# --- the deployment


def deployment(told: Mapping[str, str]) -> Deployment:
    """The deployment that these values tell of, with what follows from code and policy.

    Raises:
        Unusable: naming every value that is missing. PolicyError: the policy is broken.
    """
    missing = [name for name in NEEDED if not told.get(name)]
    if missing:
        raise Unusable(
            f"not set: {', '.join(missing)}; run this in the folder of azd up, or set them from"
            " azd env get-values"
        )
    # Not in the package: a subscription is taken from a checkout.
    from infra.app import app as deployed
    from infra.events import events
    from infra.roles import in_force, roles
    from rules import controls

    known = controls()
    file = HERE / told.get("PORTCULLIS_POLICY", "policy.yaml")
    try:
        policy = in_force(known, file)
    except OSError as error:
        raise Unusable(f"{file}: {error.strerror}; run this in the checkout") from error
    names = deployed(known, policy)
    return Deployment(
        name=told["AZURE_ENV_NAME"],
        location=told["AZURE_LOCATION"],
        gate=told[GATE],
        hand=told.get(HAND, "") if names["hand"] else "",
        state=_id(told, "PORTCULLIS_STATE_ID"),
        workspace=_id(told, "PORTCULLIS_WORKSPACE_ID"),
        queue=names["hints"],
        container=names["deadLetters"],
        roles=roles(known, policy),
        events=events(known, policy),
        contact=told.get("PORTCULLIS_SECURITY_CONTACT", ""),
        readers=told.get("PORTCULLIS_READERS", ""),
        # Where it is in each subscription; empty where none is wanted.
        canary=bool(told.get("PORTCULLIS_CANARY")),
        grants=not is_told(told, AT_GROUP),
    )


def _id(told: Mapping[str, str], name: str) -> ResourceId:
    found = ResourceId(told[name])
    if not found.subscription or not found.resource_group:
        raise Unusable(f"{name} is {told[name]!r}: the id of a resource")
    return found


@contextmanager
def _onboarding(
    told: Mapping[str, str],
) -> Iterator[tuple[Onboarding, Callable[[], Taken]]]:
    """What takes subscriptions, and what tells which are taken."""
    from shared import clouds
    from shared.azure.arm import Arm
    from shared.azure.credentials import credential
    from shared.azure.graph import Index

    of = deployment(told)
    endpoint = told.get("PORTCULLIS_ARM_ENDPOINT") or clouds.of(told).arm
    now = partial(datetime.now, UTC)
    arm = Arm(credential(told), {}, now, endpoint=endpoint)
    index = Index(arm.ask, now, time.sleep)
    with closing(arm):
        yield Onboarding(arm, of, time.sleep), lambda: taken(index, of)
