"""The console over a gate on the simulated tenant, and people with roles who visit it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response

from console.app import build
from console.entrance import Entrance, Person, Role
from console.safety import Guarded
from shared.settings import App
from tests.console.visitor import Visitor
from tests.engine.world import World, enforce, policy, storage
from wiring import Gate

HOME = "https://gate.example"
BLOB = "storage-public-blob-access"
_TOKEN = re.compile(r'name="form" value="([^"]+)"')


@dataclass
class Door(Entrance):
    """Lets in whoever it is told, with the roles that it is told."""

    person_inside: Person

    def arrive(self, request: Request) -> Response | None:
        del request
        return None

    def person(self, request: Request) -> Person:
        del request
        return self.person_inside


@dataclass
class Review:
    """One person at the console; `gate` judges and `hand` writes, over one state."""

    world: World = field(default_factory=World)
    app: App = App.GATE

    def __post_init__(self) -> None:
        self.gate: Gate = self.world.gate(app=self.app)
        self.hand: Gate = self.world.gate(app=App.HAND)
        self.pages = build(self.gate)

    def visit(self, *roles: Role, name: str = "carol", by_header: bool = False) -> Visitor:
        """Somebody with these roles, all of them where none is said."""
        held = frozenset(roles or Role)
        person = Person(name=name, id=name, roles=held, by_header=by_header)
        return Visitor(Guarded(self.pages, Door(person), frozenset({HOME})), HOME)

    def cured(self, rule: str = "") -> tuple[str, str]:
        """An account that was put right, and the action."""
        (account,) = self.world.load(storage(allowBlobPublicAccess=True))
        self.world.policy = policy(rule or enforce(BLOB))
        self.world.look(self.hand, account)
        return account, self.world.records(self.gate)[-1].get("ActionId", "")

    def waiting(self, approvers: int = 1, name: str = "contoso") -> tuple[str, str]:
        """An account whose plan waits, and the plan."""
        (account,) = self.world.load(storage(name, allowBlobPublicAccess=True))
        more = f", approvers: {approvers}" if approvers > 1 else ""
        self.world.policy = policy(f"rules: [{{control: {BLOB}, mode: approve{more}}}]\n")
        self.world.look(self.gate, account)
        asked = [a for a in self.gate.state.approvals.all() if a.resource.text == account]
        return account, asked[-1].id

    def public(self, account: str) -> bool:
        return bool(self.world.properties(account)["allowBlobPublicAccess"])


def token(page: httpx.Response) -> str:
    """What a form on the page proves itself with."""
    found = _TOKEN.search(page.text)
    assert found, "no form on this page"
    return unescape(found[1])


def sent(visitor: Visitor, page: str, to: str, **fields: Any) -> httpx.Response:
    """What a form of `page` is answered, sent to `to` with these fields."""
    fields["form"] = token(visitor.get(page))
    return visitor.post(to, data=fields, headers={"Origin": HOME, "Sec-Fetch-Site": "same-origin"})
