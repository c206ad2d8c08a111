"""The entrance on a laptop: one-time addresses, sessions, and who is too far away."""

from __future__ import annotations

import getpass
import threading
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from console.loopback import LIFE, Loopback
from console.safety import Guarded
from simulator.clock import VirtualClock
from tests.console.visitor import Visitor

HERE = "http://127.0.0.1:8123"
ROLES = ["Approver", "Operator", "Reader"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "token"


@pytest.fixture
def app(pages: Starlette, file: Path, clock: VirtualClock) -> Guarded:
    return Guarded(pages, Loopback(file, clock.now))


def browser(app: Guarded, base: str = HERE, client: str = "127.0.0.1") -> Visitor:
    return Visitor(app, base, client)


def enter(visitor: Visitor, file: Path) -> httpx.Response:
    return visitor.get("/", params={"token": file.read_text("utf-8")})


def test_the_address_makes_a_session_once(app: Guarded, file: Path) -> None:
    """It leads to an address without token, and no second use of it opens anything."""
    visitor, first = browser(app), file.read_text("utf-8")
    assert visitor.get("/").status_code == 401
    answer = enter(visitor, file)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    kept = answer.headers["set-cookie"]
    assert kept.startswith("portcullis-8123=")
    assert {"HttpOnly", "Path=/", "SameSite=strict", "Max-Age=43200"} <= set(kept.split("; "))
    assert first not in kept
    me = getpass.getuser()
    assert visitor.get("/").json() == {"name": me, "id": me, "roles": ROLES, "sent": ""}
    for again in (browser(app), visitor):
        refused = again.get("/", params={"token": first})
        assert refused.status_code == 401
        assert "This address was used already: the newest one stands in" in refused.text


def test_each_use_leaves_a_new_token_for_the_next(app: Guarded, file: Path) -> None:
    """In a file that is its owner's alone; sessions live beside one another."""
    visitors = [browser(app) for _ in range(3)]
    seen = set()
    for visitor in visitors:
        assert file.stat().st_mode & 0o777 == 0o600
        seen.add(file.read_text("utf-8"))
        assert enter(visitor, file).status_code == 303
    assert len(seen) == 3
    assert min(map(len, seen)) >= 43, "256 bits"
    assert [visitor.get("/").status_code for visitor in visitors] == [200, 200, 200]
    assert sorted(one.name for one in file.parent.iterdir()) == ["token"]


def test_two_at_once_with_one_address_make_one_session(app: Guarded, file: Path) -> None:
    token, answers = file.read_text("utf-8"), []
    start = threading.Barrier(8)

    def come() -> None:
        visitor = browser(app)
        start.wait()
        answers.append(visitor.get("/", params={"token": token}).status_code)

    threads = [threading.Thread(target=come) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(answers) == [303, *[401] * 7]


def test_a_token_that_cannot_be_written_down_is_not_spent(app: Guarded, file: Path) -> None:
    token = file.read_text("utf-8")
    blocked = file.with_name("token.draft")
    blocked.mkdir()
    assert browser(app).get("/", params={"token": token}).status_code == 503
    blocked.rmdir()
    assert browser(app).get("/", params={"token": token}).status_code == 303


def test_sessions_end(app: Guarded, file: Path, clock: VirtualClock) -> None:
    visitor = browser(app)
    enter(visitor, file)
    clock.advance(LIFE - timedelta(seconds=1))
    assert visitor.get("/").status_code == 200
    clock.advance(timedelta(seconds=1))
    assert visitor.get("/").status_code == 401


def test_only_a_visit_of_the_address_uses_it_up(app: Guarded, file: Path) -> None:
    """A look ahead, another page and another method leave the token good."""
    visitor, token = browser(app), {"token": file.read_text("utf-8")}
    assert visitor.head("/", params=token).status_code == 401
    assert visitor.post("/", params=token).status_code == 401
    assert visitor.get("/plans", params=token).status_code == 401
    assert enter(visitor, file).status_code == 303


@pytest.mark.parametrize("cookie", ["", "x", "ä", "../../token"])
def test_an_invented_session_is_none(app: Guarded, file: Path, cookie: str) -> None:
    enter(browser(app), file)
    sent = f"portcullis-8123={cookie}".encode()
    assert browser(app).get("/", headers=[(b"cookie", sent)]).status_code == 401
    token = f"portcullis-8123={file.read_text('utf-8')}"
    assert browser(app).get("/", headers={"cookie": token}).status_code == 401


@pytest.mark.parametrize("client", ["192.0.2.7", "::ffff:192.0.2.7", "testclient", ""])
def test_another_machine_is_kept_out(app: Guarded, file: Path, client: str) -> None:
    """With a good token and a good session too."""
    near = browser(app)
    enter(near, file)
    far = browser(app, client=client)
    far.cookies = near.cookies
    assert far.get("/").status_code == 403
    assert enter(far, file).status_code == 403
    assert enter(browser(app), file).status_code == 303, "the token was not used up"


@pytest.mark.parametrize("client", ["127.0.0.1", "127.0.0.9", "::1"])
def test_this_machine_has_several_addresses(app: Guarded, file: Path, client: str) -> None:
    assert enter(browser(app, client=client), file).status_code == 303


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8123", 303),
        ("localhost:8123", 303),
        ("LOCALHOST:8123", 303),
        ("[::1]:8123", 303),
        ("rebound.example:8123", 403),
        ("127.0.0.1.rebound.example:8123", 403),
        ("localhost", 403),
        ("127.0.0.1:8124", 403),
        ("127.0.0.1", 403),
        ("u@127.0.0.1:8123", 403),
        ("127.0.0.1:8123/x", 403),
        ("127.0.0.1:8123:8123", 403),
        ("", 403),
    ],
)
def test_another_name_for_this_machine_is_kept_out(
    app: Guarded, file: Path, host: str, status: int
) -> None:
    """A page whose name was made to lead here (DNS rebinding) sends its own name as host."""
    answer = browser(app).get(
        "/", params={"token": file.read_text("utf-8")}, headers={"Host": host}
    )
    assert answer.status_code == status


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_comes_through_a_proxy_is_kept_out(app: Guarded, file: Path, header: str) -> None:
    """A proxy on this machine would make everybody near."""
    visitor = browser(app)
    enter(visitor, file)
    assert visitor.get("/", headers={header: "127.0.0.1"}).status_code == 403
