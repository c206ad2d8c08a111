"""Pages out of templates: the words and marks that they share."""

from __future__ import annotations

import hashlib
import json
from difflib import ndiff
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from jinja2 import Environment, FileSystemLoader
from starlette.responses import HTMLResponse

from console.asking import person_of
from console.desk import Desk
from console.entrance import Role
from shared.log import brief
from shared.model import ResourceId
from shared.search import age

HERE = Path(__file__).parent
STATIC = HERE / "static"
RESULTS = {
    "remediated": ("✓", "good", "put right"),
    "undone": ("↶", "info", "taken back"),
    "not-cured": ("✗", "bad", "written, still violated"),
    "failed": ("✗", "bad", "Azure refused"),
    "asked": ("?", "warn", "waits for approval"),
    "approved": ("✓", "info", "approved"),
    "rejected": ("✕", "info", "rejected"),
    "stale": ("✕", "info", "plan out of date"),
    "superseded": ("✕", "info", "overtaken by a change"),
    "settling": ("…", "warn", "takes effect"),
    "running": ("…", "warn", "under way"),
    "intent": ("…", "info", "about to write"),
    "held": ("■", "warn", "held back"),
    "notice": ("!", "warn", "owner told"),
    "contested": ("!", "bad", "keeps being undone"),
    "limit-reached": ("■", "warn", "limit reached"),
    "suspended": ("■", "bad", "stopped"),
    "resumed": ("▶", "info", "resumed"),
    "undo-ordered": ("↶", "warn", "undo ordered"),
    "undo-refused": ("✗", "bad", "undo refused"),
}
"""By entry: a mark that needs no colour, a tone, and words."""


def render(request: Request, template: str, status: int = 200, **told: Any) -> HTMLResponse:
    """A page, with what every page shows."""
    desk: Desk = request.app.state.desk()
    person, forms = person_of(request), request.app.state.forms
    page = _environment().get_template(template)
    return HTMLResponse(
        page.render(
            **told,
            now=desk.now,
            path=request.url.path,
            person=person,
            may_approve=Role.APPROVER in person.roles,
            may_operate=Role.OPERATOR in person.roles,
            token=lambda: forms.token(person),
            stopped=desk.stop(),
            age=lambda at: age(at, desk.now) if at else "",
            version=version(),
        ),
        status,
    )


@cache
def version() -> str:
    """Changes with what is in the static files."""
    files = sorted(path for path in STATIC.iterdir() if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["results"] = sorted(RESULTS)
    made.filters |= {
        "brief": brief,
        "when": lambda at: str(at)[:19].replace("T", " "),
        "name": lambda resource: ResourceId(resource).name or resource,
        "inside": inside,
        "result": lambda entry: RESULTS.get(entry, ("■", "warn", entry.replace("-", " "))),
        "pretty": lambda value: json.dumps(value, indent=2, ensure_ascii=False),
        "diff": diff,
        "query": urlencode,
    }
    return made


def inside(resource: str) -> str:
    """What a resource stands in: its group, or else its scope."""
    found = ResourceId(resource)
    group = found.resource_group
    if group is not None:
        return group.name
    return "everything" if resource == "/" else (found.scope.name or resource)


def diff(was: Any, now: Any) -> list[tuple[str, str]]:
    """Two values line by line: each with `-`, `+` or a blank before it."""
    old, new = (_lines(value) for value in (was, now))
    if len(old) == len(new) == 1:
        return [("-", old[0]), ("+", new[0])]
    return [(one[0], one[2:]) for one in ndiff(old, new) if one[0] != "?"]


def _lines(value: Any) -> list[str]:
    if value == {"absent": True}:
        return ["(absent)"]
    if isinstance(value, str):
        return value.splitlines() or ['""']
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True).splitlines()
