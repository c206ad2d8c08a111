"""The command line: the same engine from a terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import access
import onboarding
import reading
import tables
import words
from session import FormatOption, closing, gate, me, resource, swept
from shared.approvals import Asked
from shared.errors import PolicyError, PortcullisError, Unusable
from shared.hints import Hint
from shared.stopped import Stopped
from terminal import (
    CheckFormat,
    Format,
    complain,
    fail,
    out,
    say,
    show_json,
    show_look,
    show_ordered,
    show_undone,
    show_waiting,
)

if TYPE_CHECKING:
    from shared.policy import Policy

app = typer.Typer(
    help="An always-on gate for an Azure estate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
policy_app = typer.Typer(
    help="Check a policy, and see what an edit would do.", no_args_is_help=True
)
app.add_typer(policy_app, name="policy")
app.add_typer(access.app, name="access")
app.add_typer(reading.app)
app.add_typer(onboarding.app)
_INTERRUPTED = 130
PersonOption = Annotated[str, typer.Option("--as", help="Who orders it, for the journal.")]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="An ARM resource id.")]


# --- looking


@app.command("controls")
def list_controls(form: FormatOption = Format.TABLE) -> None:
    """Every control with its type, severity, kind, benchmarks and permissions."""
    from rules import catalogue

    shown = catalogue()
    if form is Format.JSON:
        show_json(shown)
        return
    out.print(tables.controls_table(shown))


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders of ARM documents.")],
    form: Annotated[CheckFormat, typer.Option("--format")] = CheckFormat.TABLE,
) -> None:
    """Judge ARM JSON documents from files; exit 1 with findings, 2 where something is unknown."""
    from rules import controls
    from shared import checking

    known = controls()
    report = checking.check(paths, known)
    if form is CheckFormat.JSON:
        show_json(report.to_json())
    elif form is CheckFormat.SARIF:
        show_json(checking.sarif(report, known))
    else:
        out.print(tables.check_table(report.findings))
        unknown = sum(f["state"] == "unknown" for f in report.findings)
        say(
            f"{report.documents} documents, {report.judged} judged, "
            f"{len(report.findings) - unknown} findings, {unknown} unknown, "
            f"{len(report.not_covered)} of types no control judges, "
            f"{len(report.unjudged)} not readable as a resource"
        )
        for one in report.unjudged:
            complain(f"{one['file']}: {one['reason']}")
    raise typer.Exit(report.exit_code)


@app.command()
def hint(
    id: IdArgument,
    wait: Annotated[
        bool, typer.Option("--wait", help="Look now, and show what came of it.")
    ] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Ask for a look at a resource."""
    with closing(gate()) as built:
        asked = resource(id)
        judged = built.engine.observer.judged(asked)
        if judged is None:
            raise Unusable(f"no control judges {asked.type}")
        told = Hint(id=judged, source="person", first_seen=built.state.now())
        if not wait:
            built.state.inbox.note(told, timedelta(0))
            say(f"noted: {told.id}")
            return
        show_look(built.engine.reconcile(told), form)


@app.command()
def sweep(form: FormatOption = Format.TABLE) -> None:
    """Judge every watched resource, then look at what may be violated."""
    with closing(gate()) as built:
        summary = swept(built)
    if form is Format.JSON:
        show_json(vars(summary))
        return
    for line in tables.sweep_lines(summary):
        say(line)


# --- acting


@app.command()
def plan(
    id: IdArgument,
    given: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE (YAML).")] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """What would be done about a resource, and what it would cost; changes nothing."""
    with closing(gate()) as built:
        show_look(built.people.preview(resource(id), parameters(given)), form)


@app.command()
def apply(
    id: IdArgument,
    given: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE (YAML).")] = None,
    control: Annotated[
        list[str] | None,
        typer.Option(help="Only this control's finding.", autocompletion=words.control_ids),
    ] = None,
    person: PersonOption = "",
    form: FormatOption = Format.TABLE,
) -> None:
    """Cure a resource now, on your word; journalled as an approval of yours."""
    with closing(gate()) as built:
        unknown = [c for c in control or () if c not in built.engine.controls]
        if unknown:
            raise Unusable(f"no such control: {', '.join(unknown)}")
        look = built.people.apply(
            resource(id), person or me(), parameters(given), frozenset(control or ())
        )
        show_ordered(look, form, carried_out=built.engine.may_write)


@app.command()
def approve(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN")],
    person: PersonOption = "",
    form: FormatOption = Format.TABLE,
) -> None:
    """Say yes to a plan that waits, and carry it out."""
    with closing(gate()) as built:
        answer = built.people.approve(plan_id, person or me())
        if isinstance(answer, Asked):
            show_waiting(answer, form)
        else:
            show_ordered(answer, form, carried_out=built.engine.may_write)


@app.command()
def reject(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN")],
    reason: Annotated[str, typer.Option(help="Why; it is journalled.")] = "",
    person: PersonOption = "",
    form: FormatOption = Format.TABLE,
) -> None:
    """Say no to a plan that waits."""
    with closing(gate()) as built:
        asked = built.people.reject(plan_id, person or me(), reason)
        if form is Format.JSON:
            show_json(dict(asked.value))
        else:
            say(f"rejected: plan {asked.id} for {asked.resource}")


@app.command()
def undo(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="An action's id from the log.")],
    person: PersonOption = "",
    form: FormatOption = Format.TABLE,
) -> None:
    """Take an action back: restores what it replaced, unless somebody changed that since."""
    with closing(gate()) as built:
        result = built.people.undo(action, person or me())
        if isinstance(result, Stopped):
            raise Unusable(f"not undone: {result.message}")
        show_undone(result, form)


@app.command()
def suspend(
    reason: Annotated[str, typer.Option(help="Why; it is journalled.")] = "",
    person: PersonOption = "",
) -> None:
    """Stop all writes at once."""
    with closing(gate()) as built:
        built.people.suspend(person or me(), reason)
    say("suspended: nothing is written until 'portcullis resume'")


@app.command()
def resume(person: PersonOption = "") -> None:
    """Let writes happen again, and look again at every open finding."""
    with closing(gate()) as built:
        built.people.resume(person or me())
    say("resumed")


# --- policy


def read_policy(path: Path, *, today: bool) -> Policy:
    from rules import controls
    from shared import policy_file

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{path}: {error}") from error
    day = datetime.now(UTC).date() if today else None
    return policy_file.load(text, controls(), today=day, name=path.name)


@policy_app.command("check")
def policy_check(file: Path, form: FormatOption = Format.TABLE) -> None:
    """All errors of a policy file at once, each with its path; exit 1 with any."""
    faults: Iterable[Any] = ()
    try:
        read_policy(file, today=True)
    except PolicyError as error:
        faults = error.faults
    if form is Format.JSON:
        show_json([{"path": f.path, "message": f.message} for f in faults])
    for fault in faults:
        if form is Format.TABLE:
            complain(f"{file}: {fault}")
    if faults:
        raise typer.Exit(1)
    if form is Format.TABLE:
        say(f"{file}: good")


@policy_app.command("impact")
def policy_impact(file: Path, form: FormatOption = Format.TABLE) -> None:
    """What this policy would write, stop or exhaust against today's findings."""
    from shared.impact import impact

    new = read_policy(file, today=True)
    with closing(gate()) as built:
        new.place(built.hierarchy.below)
        found = impact(
            built.policy(), new, built.state.findings, built.engine.controls, datetime.now(UTC)
        )
    if form is Format.JSON:
        show_json(found.to_json())
        return
    for change in found.changes:
        line = f"{change['before']} -> {change['after']}  {change['control']}"
        say(f"{line}  {change['resource_id']}  ({change['source']})")
        if change["after"] == "remediate":
            say(f"    {change['disruption']} Undo: {change['reversible']}.")
    for said in found.limits:
        say(said, style="yellow")
    say(f"{len(found.changes)} decisions change; {found.would_write} writes would follow")


@policy_app.command("schema")
def policy_schema() -> None:
    """The JSON Schema of a policy file, for editors."""
    from shared.policy_schema import schema

    show_json(schema())


@app.command()
def doctor(form: FormatOption = Format.TABLE) -> None:
    """Is this deployment set up right, and what mends it; exit 1 where something is wrong.

    Exit 2 where something could not be told. Nothing is changed but a row in the state that is
    written and removed again, and one row that is sent to the log.
    """
    from doctor import doctor as examine

    examine(form)


@app.command()
def simulator(
    load: Annotated[Path | None, typer.Option(help="A folder of ARM documents.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: the system picks.")] = 0,
) -> None:
    """A simulated Azure tenant on loopback, alone, until Ctrl-C."""
    try:
        from simulator.alone import run  # not shipped to Azure
    except ImportError as error:
        raise Unusable(f"the simulated tenant needs the development set-up: {error}") from error
    try:
        run(load, port)
    except OSError as error:
        raise Unusable(f"the simulated tenant cannot start: {error}") from error


# --- printing


def parameters(given: list[str] | None) -> dict[str, Any]:
    from shared import policy_file

    found = {}
    for one in given or ():
        name, equals, text = one.partition("=")
        if not equals or not name:
            raise Unusable(f"--set {one}: NAME=VALUE")
        try:
            found[name] = policy_file.plain(text)
        except PolicyError as error:
            raise Unusable(f"--set {name}: {error.faults[0].message}") from error
    return found


def main(arguments: list[str] | None = None) -> None:
    """Run a command; anything wrong is one line on standard error and a non-zero exit."""
    # The libraries' own warnings would stand beside the one line that says it all.
    logging.getLogger("azure").addHandler(logging.NullHandler())
    command = typer.main.get_command(app)
    try:
        code = command.main(args=arguments, prog_name="portcullis", standalone_mode=False)
    except PortcullisError as error:
        fail(str(error), 1)
    except (KeyboardInterrupt, typer.Abort):
        fail("interrupted", _INTERRUPTED)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:  # noqa: BLE001  the last line of defence: no traceback
        if hasattr(error, "format_message"):
            fail(error.format_message(), 2)
        fail(f"unexpected: {type(error).__name__}: {error}", 70)
    if code == _INTERRUPTED:
        fail("interrupted", _INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
