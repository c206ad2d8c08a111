"""Records as tables a person reads in a terminal."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.model import ResourceId
from shared.sweep import Summary

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
    if shown == {"absent": True}:
        return "absent"
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
        table.add_row(
            record["OccurredAt"][11:19],
            "\n".join(what),
            where(record["ResourceId"]),
            differences(record),
            _why(record),
            "\n".join(said for said in (_who(record), _took(record)) if said),
            end_section=True,
        )
    return table


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
    before = record.get("Before") or {}
    after = record.get("After") or {}
    if not before:
        return _planned(record)
    lines: list[str] = []
    for path, was in before.items():
        target, _, pointer = path.partition("#")
        name = pointer.rsplit("/", 1)[-1] or ResourceId(target).name
        lines.extend(difference(name, was, after.get(path, _UNTOLD)))
    return "\n".join(lines)


_UNTOLD = object()


def difference(name: str, was: Any, now: Any) -> list[str]:
    """What differs, as deep as it goes: `networkAcls.defaultAction: Allow -> Deny`."""
    if now is _UNTOLD:
        return [f"{escape(name)}: {value(was)}"]
    gone = {"absent": True}
    if isinstance(was, dict) and isinstance(now, dict) and gone not in (was, now):
        lines: list[str] = []
        for key in dict.fromkeys((*was, *now)):
            if was.get(key, gone) != now.get(key, gone):
                lines += difference(f"{name}.{key}", was.get(key, gone), now.get(key, gone))
        return lines
    return [f"{escape(name)}: {value(was)} -> {value(now)}"]


def _planned(record: Mapping[str, Any]) -> str:
    lines: list[str] = []
    plan = record.get("Plan") or {}
    for change in plan.get("changes", []):
        for edit in change["edits"]:
            lines.extend(difference(str(edit["path"][-1]), edit["before"], edit["after"]))
        if not change["edits"]:
            lines.append(f"{change['verb']} {ResourceId(change['target']).name} {change['action']}")
    lines += [f"note: {escape(c)}" for c in plan.get("caveats", [])]
    return "\n".join(lines)


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
    for column in ("severity", "control", "where", "state", "since", "what follows"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        decision = finding.get("Decision") or {}
        follows = [decision.get("do", ""), decision.get("reason", ""), finding.get("Reason", "")]
        table.add_row(
            coloured(finding["Severity"]),
            escape(finding["Control"]),
            where(finding["ResourceId"]),
            escape(finding["State"] if finding["Open"] else f"closed: {finding.get('Closed', '')}"),
            finding["OpenedAt"][:16].replace("T", " "),
            escape(shorten("\n".join(f for f in follows if f))),
        )
    return table


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
        shown = [f"plan {plan['id']}", _planned({"Plan": plan})] if plan else []
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
