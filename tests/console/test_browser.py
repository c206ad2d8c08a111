"""What a real browser makes of the entrance, its headers, and pages of other sites."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from console.loopback import Loopback
from console.safety import Guarded
from tests.console.serving import served
from tests.console.stack import ARGUMENTS, CHROMIUM

REBOUND = "rebound.example"
FORM = '<form method="post" action="{to}/write"><button>Send</button></form>'
QUIET = [*ARGUMENTS, f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"]


async def form(request: Request) -> Response:
    del request
    return HTMLResponse(
        FORM.format(to="") + '<p id="who">in</p><script>document.body.id=1</script>'
    )


async def write(request: Request) -> Response:
    return PlainTextResponse(f"written by {request.state.person.name}")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "token"


@pytest.fixture
def console(file: Path) -> Iterator[str]:
    """A console's address on loopback."""
    pages = Starlette(routes=[Route("/", form), Route("/write", write, methods=["POST"])])
    with served(Guarded(pages, Loopback(file, lambda: datetime.now(UTC)))) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def another(console: str) -> Iterator[int]:
    """The port of another site on this machine, which sends forms to the console."""

    async def evil(request: Request) -> Response:
        del request
        return HTMLResponse(FORM.format(to=console) + f'<iframe src="{console}/"></iframe>')

    with served(Starlette(routes=[Route("/", evil)])) as port:
        yield port


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, console: str, file: Path) -> Iterator[Page]:
    """A browser that has come in by the one-time address."""
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{console}/?token={file.read_text('utf-8')}")
        yield page


def status(page: Page, address: str) -> int:
    answer = page.goto(address)
    assert answer is not None
    return answer.status


def sent(page: Page) -> int:
    """What comes of pressing the button."""
    with page.expect_response(lambda one: one.request.method == "POST") as answer:
        page.click("button")
    return int(answer.value.status)


def test_the_address_bar_holds_no_token(page: Page, console: str, file: Path) -> None:
    """Nor does history, and no script can read the session."""
    assert page.url == f"{console}/"
    assert page.text_content("#who") == "in"
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("history.length") <= 2
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    assert file.read_text("utf-8") not in page.content()


def test_its_own_form_is_taken(page: Page) -> None:
    """A page without referrer sends its forms without origin; they are known all the same."""
    assert sent(page) == 200


def test_scripts_in_a_page_do_not_run(page: Page) -> None:
    assert page.get_attribute("body", "id") is None


def test_another_site_on_this_machine_can_send_and_frame_nothing(page: Page, another: int) -> None:
    """It shares the cookies, as ports do not part them, and gets nowhere with that."""
    page.goto(f"http://127.0.0.1:{another}/")
    assert page.frames[1].url.startswith("chrome-error:")
    assert sent(page) == 403
    page.goto(f"http://localhost:{another}/")
    assert sent(page) in {401, 403}


def test_a_name_that_leads_here_opens_nothing(page: Page, console: str, file: Path) -> None:
    """Not even with the token."""
    port = console.rpartition(":")[2]
    assert status(page, f"http://{REBOUND}:{port}/?token={file.read_text('utf-8')}") == 403
    assert status(page, f"http://localhost:{port}/") == 401
    assert status(page, f"{console}/") == 200
