"""What stands around the console: headers, other sites, sizes, and refusals that tell nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

from console.entrance import Entrance, Person, Role, Shut
from console.safety import LARGEST, Guarded
from tests.console.visitor import Visitor

PERSON = Person(name="Petra", id="p", roles=frozenset({Role.READER}))
OURS = "https://gate.example"
FIRM = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Porter(Entrance):
    """Lets Petra in, or nobody."""

    def __init__(self) -> None:
        self.shut: Shut | None = None

    def arrive(self, request: Request) -> Response | None:
        return RedirectResponse("/") if request.url.path == "/arrive" else None

    def person(self, request: Request) -> Person:
        if self.shut:
            raise self.shut
        return PERSON


@pytest.fixture
def porter() -> Porter:
    return Porter()


@pytest.fixture
def visitor(pages: Starlette, porter: Porter) -> Visitor:
    return Visitor(Guarded(pages, porter, frozenset({OURS})), OURS)


def test_pages_know_who_asks(visitor: Visitor) -> None:
    told = {"name": "Petra", "id": "p", "roles": ["Reader"], "sent": ""}
    assert visitor.get("/").json() == told


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/plans", 200),
        ("GET", "/arrive", 307),
        ("HEAD", "/plans", 200),
        ("POST", "/plans", 200),
        ("PATCH", "/plans", 405),
        ("OPTIONS", "/plans", 405),
        ("TRACE", "/plans", 405),
    ],
)
def test_every_answer_is_guarded(
    visitor: Visitor, porter: Porter, method: str, path: str, status: int
) -> None:
    """Pages, redirects, methods that nobody knows, and refusals."""
    for shut in (None, Shut(503, "No.")):
        porter.shut = shut
        answer = visitor.request(method, path)
        assert answer.status_code == (503 if shut and path != "/arrive" else status)
        said = {name: answer.headers.get_list(name) for name in FIRM}
        assert said == {name: [value] for name, value in FIRM.items()}
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert not any(name.startswith("access-control-") for name in answer.headers)


@pytest.mark.parametrize(
    ("path", "caching"),
    [
        ("/static/page.css?v=1a2b", "private, max-age=31536000, immutable"),
        ("/static/page.css", "no-store"),
        ("/plans?v=1a2b", "no-store"),
    ],
)
def test_only_files_with_a_version_are_kept(visitor: Visitor, path: str, caching: str) -> None:
    """And a page cannot weaken what is said of it."""
    answer = visitor.get(path)
    assert answer.headers.get_list("cache-control") == [caching]
    assert answer.headers.get_list("x-frame-options") == ["DENY"]


def test_a_refusal_is_not_kept(visitor: Visitor, porter: Porter) -> None:
    porter.shut = Shut(401, "Sign in first.")
    assert visitor.get("/static/page.css?v=1a2b").headers["cache-control"] == "no-store"


def test_http_is_not_told_to_become_https(pages: Starlette, porter: Porter) -> None:
    """On a laptop there is no TLS; the browser would not come back."""
    local = Visitor(Guarded(pages, porter), "http://127.0.0.1:8123")
    assert "strict-transport-security" not in local.get("/").headers


def test_a_refusal_tells_people_one_sentence(visitor: Visitor, porter: Porter) -> None:
    """In HTML, escaped, with the way to sign in where there is one."""
    porter.shut = Shut(401, "<b>Sign in</b> first.", '/.auth/login/aad?x="y"')
    answer = visitor.get("/plans/secret-name")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "<p>&lt;b&gt;Sign in&lt;/b&gt; first.</p>" in answer.text
    assert '<a href="/.auth/login/aad?x=&quot;y&quot;">Sign in</a>' in answer.text
    assert "secret-name" not in answer.text


@pytest.mark.parametrize("path", ["/api", "/api/plans"])
def test_a_refusal_tells_programs_a_problem(visitor: Visitor, porter: Porter, path: str) -> None:
    porter.shut = Shut(403, "Signed in, but no role here: ask for Reader.")
    answer = visitor.get(path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "Signed in, but no role here: ask for Reader.",
    }
    assert "text/html" in visitor.get("/apiary").headers["content-type"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": OURS}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": OURS}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": OURS}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://gate.example.evil.example"}, 403),
        ({"Origin": "http://gate.example"}, 403),
        ({"Origin": "https://gate.example:8443"}, 403),
        ({"Origin": "https://evil.example", "Host": "evil.example"}, 403),
    ],
)
def test_other_sites_cannot_send_anything(
    visitor: Visitor, headers: dict[str, str], status: int
) -> None:
    """By what browsers say of where a request comes from, for every method that may write."""
    for method in ("POST", "PUT", "DELETE"):
        assert visitor.request(method, "/plans", headers=headers).status_code == status
    assert visitor.get("/plans", headers=headers).status_code == 200, "looking is no writing"


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://127.0.0.1:8123", 200), ("http://127.0.0.1:8124", 403), ("http://localhost", 403)],
)
def test_without_a_name_of_our_own_the_host_is_ours(
    pages: Starlette, porter: Porter, origin: str, status: int
) -> None:
    local = Visitor(Guarded(pages, porter), "http://127.0.0.1:8123")
    assert local.post("/", headers={"Origin": origin}).status_code == status


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(0, size, 1024):
        yield b"x" * min(1024, size)


@pytest.mark.parametrize(("size", "status"), [(LARGEST, 200), (LARGEST + 1, 413)])
def test_what_is_sent_is_bounded(visitor: Visitor, size: int, status: int) -> None:
    """Whether its length is told or not."""
    assert visitor.post("/", content=b"x" * size).status_code == status
    assert visitor.post("/", content=chunks(LARGEST)).json()["sent"] == "x" * LARGEST
    assert visitor.post("/", content=chunks(LARGEST + 1024)).status_code == 413


@pytest.mark.parametrize("length", ["-1", "x", "1e9", "99999999999999999999"])
def test_a_length_that_is_none_is_refused(visitor: Visitor, length: str) -> None:
    sent = {"Content-Length": length}
    assert visitor.post("/", content=b"x", headers=sent).status_code == 413


def test_head_is_get_without_a_body(visitor: Visitor) -> None:
    """Also where a page knows GET alone."""
    got, head = visitor.get("/static/page.css"), visitor.head("/static/page.css")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


def scope(**more: Any) -> Scope:
    """As the adapter of Azure Functions makes it: no client, and no state."""
    made = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    return {**made, "scheme": "https", "server": ("gate.example", 443), "state": None, **more}


async def sent(guarded: Guarded, scope: Scope, *messages: Message) -> list[Message]:
    """What comes back for these messages."""
    left, back = list(messages), list[Message]()

    async def receive() -> Message:
        return left.pop(0)

    async def send(message: Message) -> None:
        back.append(message)

    await guarded(scope, receive, send)
    return back


def test_a_scope_without_state_will_do(porter: Porter) -> None:
    seen = []

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope["state"], await receive()))

    whole: Message = {"type": "http.request", "body": b"x"}
    anyio.run(sent, Guarded(page, porter), scope(), whole)
    assert seen == [({"person": PERSON}, {**whole, "more_body": False})]


def test_head_is_get_for_pages(porter: Porter) -> None:
    """Who answers GET alone answers HEAD; what it sends back is told, and not sent."""
    asked = []

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["method"])
        length = [(b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": b"page"})

    nothing: Message = {"type": "http.request"}
    start, body = anyio.run(sent, Guarded(page, porter), scope(method="HEAD"), nothing)
    assert (asked, body["body"]) == (["GET"], b"")
    assert (b"content-length", b"4") in start["headers"]


@pytest.mark.parametrize("host", [b"[", b"x/api", b"\xff", b"", b"a@b:c"])
def test_a_host_that_is_none_breaks_nothing(pages: Starlette, porter: Porter, host: bytes) -> None:
    """Who may come is told by the entrance; a refusal is told all the same."""
    whole: Message = {"type": "http.request"}
    for shut, status in ((None, 200), (Shut(403, "No."), 403)):
        porter.shut = shut
        for guarded in (Guarded(pages, porter), Guarded(pages, porter, frozenset({OURS}))):
            back = anyio.run(sent, guarded, scope(headers=[(b"host", host)]), whole)
            assert back[0]["status"] == status
            assert (b"x-frame-options", b"DENY") in back[0]["headers"]


def test_nobody_gets_a_socket(pages: Starlette, porter: Porter) -> None:
    back = anyio.run(sent, Guarded(pages, porter), scope(type="websocket"))
    assert back == [{"type": "websocket.close", "code": 1008}]


def test_who_leaves_in_the_middle_of_a_form_sent_none(pages: Starlette, porter: Porter) -> None:
    half: Message = {"type": "http.request", "body": b"approve=", "more_body": True}
    gone: Message = {"type": "http.disconnect"}
    assert anyio.run(sent, Guarded(pages, porter), scope(), half, gone) == []
