"""The guide for the night is true: each of its steps is taken, in order, and does what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.app import build
from console.entrance import Person, Role
from console.safety import Guarded
from shared.model import ResourceId
from shared.settings import App
from simulator import contoso, roles
from simulator.call import Identity
from simulator.clock import VirtualClock
from tests.console.visitor import Visitor
from tests.console.walk import Walk
from tests.console.world import HOME, Door
from tests.engine.world import US, storage
from tests.stage import Stage, Typed

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs/on-call.md"
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ID = re.compile(r"\b[0-9a-f]{16}\b")
BORDERS = re.compile("[\u2500-\u257f]")
BLOB, HTTPS, GUEST = "allowBlobPublicAccess", "supportsHttpsTrafficOnly", "iam-guest-owner"
OWNERS = ("ada", "bob", "gus")
MINUTE = timedelta(minutes=1)


def blocks() -> list[tuple[str, str]]:
    """(language, body) of everything that is fenced, in order."""
    return FENCED.findall(GUIDE.read_text(encoding="utf-8"))


@dataclass
class Night:
    """Contoso at 3 a.m.: the things that the guide speaks of have happened."""

    stage: Stage

    def __post_init__(self) -> None:
        self.gate, self.hand = self.stage.gate(App.GATE), self.stage.gate(App.HAND)
        for place, name in (
            (contoso.WEB, "contosoweb"), (contoso.WEB, "contosoassets"),
            (contoso.WEB, "contosoimages"), (contoso.WEB, "contosovideo"),
            (contoso.LEGACY, "contosobackups"), (contoso.LEGACY, "contosotapes"),
            (contoso.DATA, "contosoledger"), (contoso.DATA, "contosotills"),
            (contoso.DATA, "contosoreports"),
        ):  # fmt: skip
            account = storage(name)
            self.stage.tenant.load({**account, "id": contoso.account(place, name)})
        self._a_guest_lost_ownership()
        self._a_pipeline_fights()
        self._somebody_has_our_identity()
        self._it_is_three()

    def writes(self, who: Identity, place: str, name: str, **properties: Any) -> None:
        account = contoso.account(place, name)
        self.stage.tenant.write(account, {"properties": properties}, by=who, method="PATCH")

    def passes(self, time: timedelta) -> None:
        self.stage.passes(self.gate, self.hand, time)

    def _a_guest_lost_ownership(self) -> None:
        """On somebody's word, two others staying owners."""
        people = self.stage.tenant.principals
        definition = roles.OWNER
        for number, name in enumerate(OWNERS, 1):
            who = f"22222222-0000-0000-0000-00000000000{number}"
            people.add_user(who, name, upn=f"{name}@contoso.example", guest=name == "gus")
            made = {"principalType": "User", "createdOn": "2025-01-01T00:00:00Z"}
            grant = roles.assignment(who, definition, contoso.SUBSCRIPTION, **made)
            held = self.stage.tenant.load(grant)
        app = self.stage.gate(App.ALL)
        app.people.apply(ResourceId(held), "dana", {}, frozenset({GUEST}))
        self.stage.passes(app, app, 30 * MINUTE)
        app.close()

    def _a_pipeline_fights(self) -> None:
        for _ in range(4):
            self.writes(contoso.PIPELINE, contoso.DATA, "contosoreports", **{BLOB: True})
            self.passes(2 * MINUTE)

    def _somebody_has_our_identity(self) -> None:
        self.writes(US, contoso.DATA, "contosotills", minimumTlsVersion="TLS1_2")
        self.passes(15 * MINUTE)

    def _it_is_three(self) -> None:
        """What woke somebody, what waits for them, and what moved on meanwhile."""
        alice = contoso.ALICE
        for place, name in (
            (contoso.WEB, "contosoassets"), (contoso.LEGACY, "contosobackups"),
            (contoso.LEGACY, "contosotapes"), (contoso.DATA, "contosoledger"),
        ):  # fmt: skip
            self.writes(alice, place, name, **{HTTPS: False})
        self.writes(alice, contoso.WEB, "contosoimages", **{BLOB: True})
        self.writes(alice, contoso.WEB, "contosovideo", **{BLOB: True})
        self.passes(5 * MINUTE)
        self.writes(alice, contoso.LEGACY, "contosotapes", **{HTTPS: True})
        self.writes(alice, contoso.WEB, "contosoweb", **{BLOB: True})
        self.passes(2 * MINUTE)
        self.writes(alice, contoso.WEB, "contosovideo", **{BLOB: True})

    def orders(self) -> None:
        """Both apps take what people ordered; no event comes meanwhile."""
        self.stage.drains(self.gate, self.hand)


@dataclass
class Reader:
    """Somebody who goes through the guide from its top; `ran` is the command that ran last."""

    night: Night
    ran: Typed | None = None
    known: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        person = Person(name="you", id="you", roles=frozenset(Role), by_header=False)
        pages = Guarded(build(self.night.gate), Door(person), frozenset({HOME}))
        self.walk = Walk(Visitor(pages, HOME), HOME, self.night.orders)

    def sh(self, body: str) -> None:
        """Commands; one that ends non-zero is one whose refusal the page shows."""
        for line in self._true(body).splitlines():
            program, *given = shlex.split(line)
            assert program == "portcullis", f"nothing runs {line}"
            self._ended_well()
            self.ran = self.night.stage.run(*given)
        self.night.orders()

    def text(self, body: str) -> None:
        """What a command said: its lines in order, `...` for anything."""
        assert self.ran is not None, f"no command before {body}"
        whole = f"{self.ran.out}{self.ran.err}"
        said = map(_plain, whole.splitlines())
        for line in body.splitlines():
            told = any(self._matches(line, one) for one in said)
            assert told, f"{line!r} is not said, in this order:\n{whole}"
        if "portcullis: " in body:
            assert self.ran.code != 0
            self.ran = None

    def console(self, body: str) -> None:
        for step in self._true(body).splitlines():
            self.walk.take(step)

    def yaml(self, body: str) -> None:
        """Lines of the policy."""
        with (self.night.stage.folder / "policy.yaml").open("a", encoding="utf-8") as policy:
            policy.write(body)

    def _ended_well(self) -> None:
        assert self.ran is None or self.ran.code == 0, self.ran.err

    def _matches(self, line: str, said: str) -> bool:
        """Ids that were not seen before are learnt: the page's stands for what is said."""
        parts = (part.strip() for part in _plain(self._true(line)).split("..."))
        wanted = ".*".join(map(re.escape, parts))
        new = ID.findall(wanted)
        found = re.search(ID.sub("([0-9a-f]{16})", wanted) if self._new(new) else wanted, said)
        if found is not None and self._new(new):
            self.known |= dict(zip(new, found.groups(), strict=True))
        return found is not None

    def _new(self, ids: list[str]) -> bool:
        return bool(set(ids) - set(self.known.values()))

    def _true(self, text: str) -> str:
        """The page's words with the ids that were learnt, whole or their first half."""
        for shown, real in self.known.items():
            text = text.replace(shown, real).replace(shown[:8], real[:8])
        return text


def _plain(line: str) -> str:
    return " ".join(BORDERS.sub(" ", line).split())


@pytest.fixture
def night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Night]:
    """Under the policy that the page begins with."""
    monkeypatch.setenv("LOGNAME", "you")
    language, policy = blocks()[0]
    assert language == "yaml"
    (tmp_path / "policy.yaml").write_text(policy, encoding="utf-8")
    clock = VirtualClock(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
    made = Night(Stage(tmp_path, monkeypatch, capsys, clock))
    yield made
    made.gate.close()
    made.hand.close()


def test_every_step_of_the_guide_can_be_taken(night: Night) -> None:
    """In the order of the page; a block that is neither step nor outcome fails."""
    reader = Reader(night)
    for language, body in blocks()[1:]:
        assert language in ("sh", "text", "console", "yaml"), f"no test runs {body}"
        getattr(reader, language)(body)
    reader.sh("portcullis log")


def test_refusals_that_the_guide_explains_are_those_there_are() -> None:
    """The first column of its table of refusals stands in the code."""
    text = GUIDE.read_text(encoding="utf-8")
    table = text.split("| undo says | why | what to do |\n|---|---|---|\n", 1)[1].split("\n\n", 1)[
        0
    ]
    source = "".join((ROOT / "shared" / f"{name}.py").read_text() for name in ("undoing", "undos"))
    said = [part for row in table.splitlines() for part in re.findall(r"`([^`]+)`", row)[:1]]
    assert len(said) > 5
    assert [one for one in said if one not in source] == []
