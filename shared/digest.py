"""What people are told: records gathered by owner, and when a digest of them is due.

Nothing here reads or sends. What is kept of an owner is one JSON object of a bounded size,
however much there is to tell: groups of what is alike, each with its count and a few examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from shared.model import Severity, digest

if TYPE_CHECKING:
    from shared.policy_parts import Notices

UNOWNED: Final = "unowned"
"""Who is told of what nobody owns, and of the gate itself."""
SETTLE: Final = timedelta(minutes=1)
"""How long the first word after a silence waits for others."""
REMEMBERED: Final = timedelta(hours=6)
"""How long it is known at least what was told, so that a late repeat is not told again."""
OTHER: Final = "other"
"""The type of the group that counts what found no room in a group of its own."""
GROUPS, PLACES, NAMES, EVENTS = 20, 5, 5, 1_000
"""What is kept at most: groups of an owner, places and names of a group, ids of an owner."""

Kept = dict[str, Any]
Groups = dict[str, dict[str, Any]]
_EXAMPLE = ("why", "undo", "action", "plan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One record as people are told of it; `event` is its EventId, `at` when it occurred."""

    event: str
    at: str
    owner: str
    type: str
    what: str
    where: str
    control: str = ""
    severity: str = ""
    why: str = ""
    who: tuple[str, ...] = ()
    undo: str = ""
    action: str = ""
    plan: str = ""
    urgent: bool = False

    @property
    def key(self) -> str:
        """Alike is what has one type and one control; of the gate's own health one cause."""
        return f"{self.type} {self.control or self.what}"

    def group(self) -> dict[str, Any]:
        """The group of this one alone."""
        return {
            "what": self.what,
            "type": self.type,
            "control": self.control,
            "severity": self.severity,
            "count": 1,
            "where": [self.where],
            "why": self.why,
            "who": list(self.who[:NAMES]),
            "undo": self.undo,
            "action": self.action,
            "plan": self.plan,
            "since": self.at,
            "until": self.at,
        }


def key_of(owner: str) -> str:
    """Under which an owner is kept: in whatever case people write it."""
    return owner.casefold() or UNOWNED


def filed(kept: Mapping[str, Any] | None, items: Iterable[Item], now: datetime) -> Kept:
    """What is kept of an owner with `items`, all theirs, in it; each event counts once."""
    value = dict(kept) if kept is not None else {}
    lanes: dict[bool, Groups] = {u: value.get(_LANES[u], {}) for u in (False, True)}
    ids = list(value.get("Ids", []))
    known, owner = set(ids), value.get("Owner", "")
    for item in items:
        if item.event in known:
            continue
        known.add(item.event)
        ids.append(item.event)
        owner = owner or item.owner
        lanes[item.urgent] = _together(lanes[item.urgent], {item.key: item.group()})
    if kept is not None and len(ids) == len(value["Ids"]):
        return value
    waits = value.get("Since") or (now.isoformat() if lanes[False] else None)
    return {
        "Owner": owner,
        "Calm": lanes[False],
        "Urgent": lanes[True],
        "Since": waits,
        "Told": value.get("Told"),
        "UrgentTold": value.get("UrgentTold", {}),
        "Sending": value.get("Sending", []),
        "Ids": ids[-EVENTS:],
        "Touched": now.isoformat(),
    }


_LANES = {False: "Calm", True: "Urgent"}


def sealed(kept: Kept, rules: Notices, now: datetime) -> Kept:
    """With what is due now made into digests below `Sending`, which no later word changes.

    Of each kind there is one under way at a time.
    """
    value, under_way = dict(kept), {one["urgent"] for one in kept["Sending"]}
    if True not in under_way and (ready := _urgent_due(kept, rules, now)):
        value["Urgent"] = {key: one for key, one in kept["Urgent"].items() if key not in ready}
        told = kept["UrgentTold"].items()
        value["UrgentTold"] = {key: at for key, at in told if now < _at(at) + rules.every}
        value["Sending"] = [*value["Sending"], _digest(kept, ready, now, urgent=True)]
    if False not in under_way and _calm_due(kept, rules, now):
        value |= {"Calm": {}, "Since": None}
        value["Sending"] = [*value["Sending"], _digest(kept, kept["Calm"], now, urgent=False)]
    return value


def _urgent_due(kept: Kept, rules: Notices, now: datetime) -> Groups:
    """At once, and then once in `every` for each group."""
    told = kept["UrgentTold"]
    return {
        key: group
        for key, group in kept["Urgent"].items()
        if key not in told or now >= _at(told[key]) + rules.every
    }


def _calm_due(kept: Kept, rules: Notices, now: datetime) -> bool:
    """When the first word has waited for others, the last digest is long ago, and nobody sleeps."""
    if not kept["Calm"] or now < _at(kept["Since"]) + SETTLE:
        return False
    free = kept["Told"] is None or now >= _at(kept["Told"]) + rules.every
    return free and not rules.silent(now)


def _digest(kept: Kept, groups: Groups, now: datetime, *, urgent: bool) -> Kept:
    since = min((group["since"] for group in groups.values()), key=_at)
    until = max((group["until"] for group in groups.values()), key=_at)
    at = now.isoformat()
    told = [(key, group["count"]) for key, group in sorted(groups.items())]
    return {
        "id": digest(["digest", key_of(kept["Owner"]), urgent, since, until, at, told]),
        "urgent": urgent,
        "at": at,
        "since": since,
        "until": until,
        "waited": kept["Since"],
        "groups": groups,
    }


def taken(kept: Kept, one: str, now: datetime) -> Kept:
    """The topic took the digest of id `one`: from now on the owner has been told."""
    found, rest = _split(kept, one)
    if found is None:
        return kept
    at = now.isoformat()
    value = {**kept, "Sending": rest, "Touched": at}
    if found["urgent"]:
        return {**value, "UrgentTold": {**kept["UrgentTold"], **dict.fromkeys(found["groups"], at)}}
    return {**value, "Told": at}


def untaken(kept: Kept, one: str) -> Kept:
    """The topic did for certain not take it: it is gathered again, with what came since."""
    found, rest = _split(kept, one)
    if found is None:
        return kept
    lane = _LANES[found["urgent"]]
    value = {**kept, "Sending": rest, lane: _together(found["groups"], kept[lane])}
    return value if found["urgent"] else {**value, "Since": found["waited"]}


def _split(kept: Kept, one: str) -> tuple[Kept | None, list[Kept]]:
    found = next((each for each in kept["Sending"] if each["id"] == one), None)
    return found, [each for each in kept["Sending"] if each["id"] != one]


def idle(kept: Kept, rules: Notices, now: datetime) -> bool:
    """Whether it may be forgotten: nothing waits, and nothing late can come to it."""
    waits = kept["Calm"] or kept["Urgent"] or kept["Sending"]
    return not waits and now >= _at(kept["Touched"]) + max(rules.every, REMEMBERED)


# --- groups


def _together(older: Groups, newer: Groups) -> Groups:
    """What there is no room for is counted among the others."""
    made = dict(older)
    for key, group in newer.items():
        fits = key in made or key == OTHER or len(made) < GROUPS
        place, held = (key, group) if fits else (OTHER, _unnamed(group))
        made[place] = _merged(made[place], held) if place in made else held
    return made


def _unnamed(group: Mapping[str, Any]) -> dict[str, Any]:
    blank = dict.fromkeys(_EXAMPLE, "")
    return {**group, **blank, "what": "of other kinds", "type": OTHER, "control": ""}


def _merged(one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, Any]:
    """Why, undo, action and plan stay those of the first."""
    return {
        **one,
        "count": one["count"] + two["count"],
        "severity": max(one["severity"], two["severity"], key=_rank),
        "where": list(dict.fromkeys([*one["where"], *two["where"]]))[:PLACES],
        "who": list(dict.fromkeys([*one["who"], *two["who"]]))[:NAMES],
        "since": min(one["since"], two["since"], key=_at),
        "until": max(one["until"], two["until"], key=_at),
    }


def _rank(severity: str) -> int:
    return Severity(severity).rank if severity in set(Severity) else -1


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- words


def data_of(sending: Kept, owner: str, console: str) -> dict[str, Any]:
    """What a digest says; `console` is where its links lead, empty for none."""
    order = sorted(
        sending["groups"].values(), key=lambda g: (-_rank(g["severity"]), -g["count"], g["type"])
    )
    return {
        "owner": owner,
        "urgent": sending["urgent"],
        "count": sum(group["count"] for group in order),
        "headline": _headline(order),
        "groups": [_told(group, console) for group in order],
        "since": sending["since"],
        "until": sending["until"],
        "console": console,
    }


def _headline(order: Iterable[Mapping[str, Any]]) -> str:
    """The three most frequent kinds, and how many kinds there are beside."""
    counts: dict[str, int] = {}
    for group in order:
        counts[group["what"]] = counts.get(group["what"], 0) + group["count"]
    most = sorted(counts.items(), key=lambda each: -each[1])
    said = [f"{what} ({count})" for what, count in most[:3]]
    return ", ".join([*said, *([f"{len(most) - 3} more"] if len(most) > 3 else [])])


def _told(group: Mapping[str, Any], console: str) -> dict[str, Any]:
    path, command = _onward(group)
    inner = {name: value for name, value in group.items() if name not in ("since", "until")}
    link = f"{console}{path}" if console else ""
    return {**inner, "who": ", ".join(group["who"]), "command": command, "link": link}


def _onward(group: Mapping[str, Any]) -> tuple[str, str]:
    """Where a person goes from the first of a group: a page of the console, and a command."""
    kind, where = group["type"].removeprefix("Portcullis."), group["where"][0]
    if kind == "ApprovalAsked":
        return f"/approvals/{group['plan']}", f"portcullis approve {group['plan']}"
    if group["action"]:
        return f"/log/{group['action']}", group["undo"] or "portcullis log"
    if kind == "Suspended":
        return "/gate", "portcullis resume"
    if kind in ("GateUnhealthy", "Resumed") or where == "/":
        return "/gate", "portcullis log"
    return f"/findings?resource={quote(where, safe='')}", f"portcullis plan {where}"
