"""Records as tables a person reads in a terminal."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared import difference
from shared.model import ABSENT, Json, ResourceId, shown

if TYPE_CHECKING:
    from shared.sweep_run import Summary

_COLOURS = {
    "remediated": "green",
    "undone": "cyan",
    "failed": "red",
    "not-cured": "red",
    "asked": "yellow",
    "approved": "cyan",
    "rejected": "yellow",
    "suspended": "red",
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "dim",
    "ok": "green",
    "wrong": "bold red",
    "unknown": "yellow",
}


def coloured(word: str) -> str:
    colour = _COLOURS.get(word)
    return f"[{colour}]{escape(word)}[/]" if colour else escape(word)


def where(resource_id: str) -> str:
    """A resource as people call it: its name, and what it stands in."""
    found = ResourceId(resource_id)
    group = found.resource_group
    inside = group.name if group else found.scope.name
    return f"{escape(found.name)}\n[dim]{escape(inside)}[/]"


def value(shown: Any) -> str:
    """A JSON value short enough for a cell."""
    text = shown if isinstance(shown, str) else json.dumps(shown)
    return escape(text if len(text) <= 60 else text[:57] + "...")


def console() -> Console:
    """Standard output: as wide as the terminal, and wide enough where it goes elsewhere."""
    return Console(width=None if sys.stdout.isatty() else 130, highlight=False)


def log_table(records: Iterable[Mapping[str, Any]]) -> Table:
    """The remediation log: what, where, why, before, after, who, how long."""
    caption = "undo one: portcullis undo ACTION"
    table = Table(title="Remediation log", caption=caption, header_style="bold")
    for column in ("when", "what, action", "where", "before -> after", "why", "who, how long"):
        table.add_column(column, overflow="fold", no_wrap=column == "when")
    for record in records:
        controls = escape(", ".join(record.get("Controls") or []))
        undoable = record["Entry"] == "remediated" and record.get("UndoCommand")
        what = [coloured(record["Entry"]), f"[dim]{controls}[/]"]
        what += [escape(record["ActionId"])] if undoable else []
        what += [escape(f"plan {record['PlanId']}")] if record["Entry"] == "asked" else []
        table.add_row(
            "\n".join(_when(record["OccurredAt"]).split()),
            "\n".join(what),
            where(record["ResourceId"]),
            differences(record),
            _why(record),
            "\n".join(said for said in (_who(record), _took(record)) if said),
            end_section=True,
        )
    return table


def _when(at: str) -> str:
    return at[:19].replace("T", " ")


def _why(record: Mapping[str, Any]) -> str:
    decision = record.get("Decision") or {}
    said = [record.get("Message", ""), decision.get("reason", ""), decision.get("source", "")]
    return escape(shorten("\n".join(dict.fromkeys(s for s in said if s))))


_LONG_ID = re.compile(r"/subscriptions/[^\s',;:]+")


def shorten(text: str) -> str:
    """`text` with the names of resources in place of their ids."""
    return _LONG_ID.sub(_short, text)


def _short(found: re.Match[str]) -> str:
    return ResourceId(found[0]).name


def differences(record: Mapping[str, Any]) -> str:
    """A line a value: `networkAcls.defaultAction: Allow -> Deny`; of a plan, its caveats too."""
    found = difference.differences(record)
    lines = [f"{escape(o.name)}: {_side(o, o.was)} -> {_side(o, o.now)}" for o in found]
    if not record.get("After"):
        lines += [f"note: {escape(c)}" for c in (record.get("Plan") or {}).get("caveats", [])]
    return "\n".join(lines)


def _side(one: difference.Difference, side: Json) -> str:
    """A value; of a resource as a whole, which its name stands for, whether it is there."""
    if side is ABSENT:
        return "absent"
    return "there" if not one.path and isinstance(side, dict) else value(shown(side))


def _who(record: Mapping[str, Any]) -> str:
    caused = [
        a.get("name") or a.get("object_id") or "unknown" for a in record.get("CausedBy") or []
    ]
    person = record.get("Person")
    told = [f"caused by {', '.join(dict.fromkeys(caused))}"] if caused else []
    return escape("\n".join([*told, *([f"by {person}"] if person else [])]))


def caused_by(actor: Mapping[str, Any]) -> str:
    """A person by name; an application, which events do not name, by the start of its id."""
    name, app = actor.get("name"), actor.get("app_id") or actor.get("object_id")
    return str(name or (f"app {app[:8]}" if app else "unknown"))


def _took(record: Mapping[str, Any]) -> str:
    """From the change that caused it to its end, and how long the write itself took."""
    durations = record.get("DurationMs") or {}
    write = durations.get("apply", durations.get("whole"))
    said = [f"write {write} ms"] if write is not None and record["Entry"] == "remediated" else []
    caused = [a["at"] for a in record.get("CausedBy") or [] if a.get("at")]
    if caused and record["Entry"] == "remediated":
        try:
            began = min(datetime.fromisoformat(at) for at in caused)
        except ValueError:
            return "\n".join(said)
        said.insert(0, f"open {_span(datetime.fromisoformat(record['OccurredAt']) - began)}")
    return "\n".join(said)


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def findings_table(findings: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(header_style="bold", row_styles=["", "on grey7"])
    for column in ("severity", "control", "where", "stands", "since", "what follows"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        decision = finding.get("Decision") or {}
        follows = [decision.get("do", ""), decision.get("reason", ""), finding.get("Reason", "")]
        table.add_row(
            coloured(finding["Severity"]),
            escape(finding["Control"]),
            where(finding["ResourceId"]),
            escape(_stands(finding)),
            finding["OpenedAt"][:16].replace("T", " "),
            escape(shorten("\n".join(f for f in follows if f))),
        )
    return table


def _stands(finding: Mapping[str, Any]) -> str:
    if not finding["Open"]:
        return f"closed: {finding.get('Closed', '')}"
    return str(finding.get("Stands") or finding["State"])


def plans_table(plans: Iterable[Mapping[str, Any]]) -> Table:
    """Plans and what people said of them."""
    caption = "portcullis show PLAN, approve PLAN, reject PLAN"
    table = Table(caption=caption, header_style="bold", row_styles=["", "on grey7"])
    columns = ("what, plan", "where", "before -> after", "who feels it", "what people said")
    for column in columns:
        table.add_column(column, overflow="fold")
    for plan in plans:
        table.add_row(
            f"{escape(', '.join(plan['controls']))}\n{coloured(plan['severity'])}\n{plan['id']}",
            where(plan["resource_id"]),
            differences({"Plan": plan}),
            escape(f"{plan['disruption']} Undo: {plan['reversible']}."),
            escape("\n".join(_word(plan))),
        )
    return table


def _word(plan: Mapping[str, Any]) -> Iterator[str]:
    """What people said of a plan."""
    yield f"{plan['status']} since {_when(plan.get('decided_at') or plan['asked_at'])}"
    if plan["approvers"] > 1:
        yield f"{len(plan['approved_by'])} of {plan['approvers']} people approved"
    if said := ", ".join(plan["approved_by"]) or plan["by"]:
        yield f"by {said}"
    if plan["reason"]:
        yield str(plan["reason"])
    if plan["instead"]:
        yield f"instead: plan {plan['instead']}"


def told(facts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A story, a fact a line and its further lines below it; facts without words are left out."""
    for name, words in facts:
        for count, line in enumerate(words.splitlines()):
            yield f"[bold]{'' if count else name:<16}[/]{line}"


def action_story(story: Mapping[str, Any]) -> Iterator[str]:
    """All that is known of an action, and how it can be taken back."""
    action = story["action"]
    decision, controls = action["Decision"], escape(", ".join(action["Controls"]))
    moments = sorted((one["at"], one["what"]) for one in story["timeline"])
    return told(
        [
            ("action", f"{escape(action['ActionId'])}  {coloured(action['State'])}"),
            ("control", f"{controls}  {coloured(action['Severity'])}"),
            ("where", escape(action["ResourceId"])),
            ("before -> after", differences(action)),
            ("why", escape(", ".join(s for s in (decision["reason"], decision["source"]) if s))),
            ("evidence", _evidence(action["Evidence"])),
            ("who", _who(action)),
            ("came of it", escape(action.get("Message", ""))),
            ("what happened", "\n".join(escape(f"{_when(at)}  {what}") for at, what in moments)),
            ("finding", "\n".join(map(_finding, story["findings"]))),
            ("undo", "\n".join(map(escape, _undo(story["undo"])))),
        ]
    )


def _finding(finding: Mapping[str, Any]) -> str:
    left = finding["UndoneUntil"] or ""
    alone = f", left alone until {_when(left)}" if left else ""
    return escape(f"{finding['Control']}: {finding['Stands']}{alone}")


def _undo(undo: Mapping[str, Any]) -> Iterator[str]:
    if undo["can"] or "own credential" in undo["why"]:
        yield str(undo["command"])
    if undo["why"]:
        yield str(undo["why"])
    yield from undo["partial"]
    if order := undo["order"]:
        yield f"{order['State']} for {order['Person']} {order['Message']}".strip()


def plan_story(plan: Mapping[str, Any]) -> Iterator[str]:
    """All that is known of a plan, for a person who decides."""
    return told(
        [
            ("plan", f"{escape(plan['id'])}  {coloured(plan['status'])}"),
            ("control", f"{escape(', '.join(plan['controls']))}  {coloured(plan['severity'])}"),
            ("where", escape(plan["resource_id"])),
            ("owner", escape(plan["owner"])),
            ("before -> after", differences({"Plan": plan})),
            ("evidence", _evidence(plan["evidence"])),
            ("caused by", escape(", ".join(plan["caused_by"]))),
            ("who feels it", escape(plan["disruption"])),
            ("undo", escape(plan["reversible"])),
            ("writes with", escape("\n".join(plan["permissions"]))),
            ("people", escape("\n".join(_word(plan)))),
        ]
    )


def _evidence(by_control: Mapping[str, Iterable[Mapping[str, Any]]]) -> str:
    seen = (one for found in by_control.values() for one in found)
    return "\n".join(f"{escape(one['path'])} is {value(one['observed'])}" for one in seen)


def check_table(findings: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(header_style="bold", row_styles=["", "on grey7"])
    for column in ("severity", "control", "where", "state", "why"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        why = [f"{e['path']} is {value(e['observed'])}" for e in finding["evidence"]]
        table.add_row(
            coloured(finding["severity"]),
            escape(finding["control"]),
            where(finding["resource_id"]),
            finding["state"],
            "\n".join(why) or escape(finding.get("reason", "")),
        )
    return table


def look_table(seen: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(header_style="bold")
    for column in ("control", "state", "decision", "plan", "result"):
        table.add_column(column, overflow="fold")
    for one in seen:
        decision, plan = one["decision"] or {}, one["plan"] or {}
        shown = [f"plan {plan['id']}", differences({"Plan": plan})] if plan else []
        if plan:
            shown += [f"disruption: {plan['disruption']}", f"reversible: {plan['reversible']}"]
        table.add_row(
            one["control"],
            coloured(one["state"]),
            escape("\n".join(s for s in (decision.get("do"), decision.get("reason")) if s)),
            "\n".join(s for s in shown if s),
            escape("\n".join(s for s in (one["result"], one["message"], one["reason"]) if s)),
        )
    return table


def controls_table(controls: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(header_style="bold", row_styles=["", "on grey7"])
    for column in ("control", "type", "severity", "kind", "undo", "benchmarks", "writes with"):
        table.add_column(column, overflow="fold")
    for one in controls:
        requirements = [f"{name} {', '.join(ids)}" for name, ids in one["benchmarks"].items()]
        table.add_row(
            f"{one['id']}\n[dim]{escape(one['title'])}[/]",
            one["resource_type"],
            coloured(one["severity"]),
            one["kind"],
            one["undo"],
            "\n".join(requirements),
            "\n".join(one["permissions"]["write"]),
        )
    return table


def access_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    """Who holds what, a grant a row."""
    table = Table(show_lines=True, header_style="bold")
    for name in ("Who", "Holds", "Where", "How", "Last used", "Proposal"):
        table.add_column(name, overflow="fold")
    for row in rows:
        account = f"\n[dim]{escape(row['account'])}[/]" if row["account"] else ""
        limits = ["on a condition"] * bool(row["condition"])
        limits += [f"until {row['until'][:10]}"] * bool(row["until"])
        table.add_row(
            f"{escape(row['principal'])}{account}",
            escape(row["role"]),
            escape(shorten(row["scope"])),
            escape(", ".join([row["how"], *limits])),
            _used(row),
            escape(row["proposal"] or ", ".join(row["findings"])),
        )
    return table


def _used(row: Mapping[str, Any]) -> str:
    if row["last_used"]:
        return escape(row["last_used"][:10])
    since = row["used_since"][:10]
    return f"[dim]not since {escape(since)}[/]" if since else "[dim]not known[/]"


def sweep_lines(summary: Summary) -> Iterator[str]:
    """What a sweep saw, and, a line each, what it could not see."""
    yield (
        f"{summary.seen:,} resources seen: {summary.violating:,} violations"
        f" ({summary.exempt:,} exempt), {summary.unknown:,} unknown, by the index alone"
    )
    yield (
        f"{summary.hinted:,} looks asked for; {summary.calls:,} calls in {summary.seconds:g} s"
        f" ({summary.run})"
    )
    for reason, count in sorted(summary.skipped.items()):
        yield f"left out: {count:,}, {reason}"
    for scope in summary.unseen_scopes:
        yield f"CANNOT BE SEEN: {scope}; its resources are unknown (portcullis findings)"
    if summary.unseen > len(summary.unseen_scopes):
        yield f"CANNOT BE SEEN: {summary.unseen:,} scopes in all"
    if summary.unwatched:
        named = ", ".join(summary.unwatched_subscriptions[:5])
        yield f"no scope of the policy covers, nor excludes, {summary.unwatched:,}: {named}"


def doctor_table(rows: Iterable[Mapping[str, str]]) -> Table:
    """What was checked, and what came of it."""
    table = Table(header_style="bold")
    for name in ("check", "subject", "state", "what"):
        table.add_column(name, overflow="fold", no_wrap=name in ("check", "state"))
    for row in rows:
        table.add_row(
            escape(row["check"]),
            escape(row["subject"]),
            coloured(row["state"]),
            escape(row["message"]),
        )
    return table


def steps_table(rows: Iterable[Mapping[str, str]]) -> Table:
    """What is to be done in subscriptions, part by part."""
    table = Table(header_style="bold")
    for name in ("subscription", "what", "part"):
        table.add_column(name, overflow="fold", no_wrap=name == "what")
    before = ""
    for row in rows:
        first = row["subscription"] != before
        before = row["subscription"]
        why = f" ({row['why']})" if row["why"] else ""
        at = before if first else ""
        table.add_row(at, escape(row["fate"]), escape(row["part"] + why), end_section=False)
    return table
