"""The person on call, in a real browser, over the stack of `make up`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect, sync_playwright

from simulator import contoso
from tests.console.stack import ARGUMENTS, CHROMIUM, Stack, running, until, visiting

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")
PAGES = ["/log", "/approvals", "/findings", "/estate", "/gate", "/stop"]
BLOB = "allowBlobPublicAccess"
MOVED = "publicNetworkAccess: Enabled → Disabled"
TOO_WIDE = """
document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("main *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth && !one.closest(".scroll"))
  .map((one) => one.outerHTML.slice(0, 200))
"""
# An event waits a few seconds for its likes before the gate looks.
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("night")) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    with visiting(browser) as context:
        yield stack.enter(context)


def cured(stack: Stack, resource: str) -> None:
    """Somebody opens it, and the gate has it closed."""
    stack.change(resource, **{BLOB: True})
    until(lambda: stack.property(resource, BLOB) is False, f"{resource} was not put right")


def row(page: Page, resource: str, words: str) -> Any:
    """The newest line of the log about a resource that says these words."""
    name = resource.rsplit("/", 1)[-1]
    return page.locator("tbody tr", has_text=name).filter(has_text=words).first


def serious(page: Page) -> list[str]:
    """What axe-core finds that keeps somebody from using the page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {json.dumps([node['target'] for node in one['nodes']])[:300]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def test_three_in_the_morning(page: Page, stack: Stack) -> None:
    """Open the log, find it, understand it, undo it, see it restored: four clicks."""
    cured(stack, contoso.WEBSITE)
    clicks = 0

    def click(target: Any) -> None:
        nonlocal clicks
        clicks += 1
        target.click()

    click(row(page, contoso.WEBSITE, "put right").locator("a"))
    told = page.locator("main")
    expect(told).to_contain_text("you@contoso.example")
    expect(told).to_contain_text("$.rules[0]")
    expect(page.locator("del").first).to_contain_text("true")
    expect(page.locator("ins").first).to_contain_text("false")
    click(page.get_by_text("Undo…"))
    click(page.get_by_role("button", name="Undo now"))
    # Without a reload: the page is live.
    expect(page.locator(".undo")).to_contain_text("taken back by")
    assert stack.property(contoso.WEBSITE, BLOB) is True
    assert clicks + 1 < 10


def test_with_the_keyboard_alone(page: Page, stack: Stack) -> None:
    """Every step of the same way has a key, and focus is always seen."""
    cured(stack, contoso.ASSETS)
    page.reload()
    link = row(page, contoso.ASSETS, "put right").locator("a")
    tab_to(page, link)
    page.keyboard.press("Enter")
    page.wait_for_url("**/log/*")
    tab_to(page, page.locator("summary", has_text="Undo…"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Undo now"))
    page.keyboard.press("Enter")
    expect(page.locator(".undo")).to_contain_text("taken back by")
    assert stack.property(contoso.ASSETS, BLOB) is True


def tab_to(page: Page, target: Any) -> None:
    """Press Tab until it has the focus, which must be visible all the way."""
    for _ in range(60):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", page.evaluate("document.activeElement.outerHTML")
        if target.evaluate("node => node === document.activeElement"):
            return
    pytest.fail("the keyboard does not get there")


def test_without_script(browser: Browser, stack: Stack) -> None:
    """Where no script runs, a reload shows what is new, and every button works."""
    cured(stack, contoso.SHARES[0])
    with visiting(browser, java_script_enabled=False) as context:
        page = stack.enter(context)
        row(page, contoso.SHARES[0], "put right").locator("a").click()
        page.get_by_text("Undo…").click()
        story, undo = page.url, page.locator(".undo")
        page.get_by_role("button", name="Undo now").click()
        expect(undo).to_contain_text(re.compile("undo ordered|taken back by"))
        until(lambda: page.goto(story) and "taken back by" in undo.inner_text(), "the undo")
        assert stack.property(contoso.SHARES[0], BLOB) is True


def test_a_new_line_comes_by_itself(page: Page, stack: Stack) -> None:
    """Who watches the log sees what happens, without touching anything."""
    lines = page.locator("tbody tr", has_text="contososhare2")
    before = lines.count()
    cured(stack, contoso.SHARES[1])
    expect(lines).to_have_count(before + 1)
    expect(page.locator("#fresh")).to_have_text("Live.")


def test_what_somebody_types_is_left_alone(page: Page, stack: Stack) -> None:
    """A page that is live takes no words out of a field, and closes nothing."""
    page.goto(f"{stack.url}/log")
    field = page.get_by_label("Who", exact=True)
    field.fill("some")
    lines = page.locator("tbody tr", has_text="contososhare2")
    before = lines.count()
    cured(stack, contoso.SHARES[1])
    expect(lines).to_have_count(before + 1)
    expect(field).to_have_value("some")
    expect(field).to_be_focused()


def test_approve_and_reject(page: Page, stack: Stack) -> None:
    """Both from the list: what was approved is written, what was rejected is left."""
    stack.change(contoso.SERVER, publicNetworkAccess="Enabled")
    stack.change(contoso.VAULT, publicNetworkAccess="Enabled")
    page.goto(f"{stack.url}/approvals")
    server, vault = (
        # A plan from before, which a sweep may have asked for, is out of date by now.
        page.locator("tbody tr", has_text=one.rsplit("/", 1)[-1]).filter(has_text=MOVED)
        for one in (contoso.SERVER, contoso.VAULT)
    )
    expect(server).to_be_visible()
    expect(vault).to_be_visible()
    server.get_by_role("checkbox").check()
    page.get_by_role("button", name="Approve chosen").click()
    expect(page.locator(".results")).to_contain_text("approved")
    until(lambda: stack.property(contoso.SERVER, "publicNetworkAccess") == "Disabled", "the write")
    vault.get_by_role("checkbox").check()
    page.get_by_label("Reason").fill("migration this week")
    page.get_by_role("button", name="Reject chosen").click()
    expect(page.locator(".results")).to_contain_text("rejected")
    assert stack.property(contoso.VAULT, "publicNetworkAccess") == "Enabled"
    page.goto(f"{stack.url}/log?result=rejected")
    expect(page.locator("tbody")).to_contain_text("migration this week")


def test_stop_and_resume(page: Page, stack: Stack) -> None:
    """While it holds nothing is written; every page says so; lifted, the work goes on."""
    page.get_by_role("link", name="Stop all writes").click()
    page.get_by_label("Why").fill("incident 17")
    page.get_by_role("button", name="Stop all writes now").click()
    expect(page.locator(".banner")).to_contain_text("incident 17")
    share = contoso.SHARES[2]
    stack.change(share, **{BLOB: True})
    page.goto(f"{stack.url}/log?resource={share}")
    expect(row(page, share, "stopped")).to_be_visible()
    assert stack.property(share, BLOB) is True
    page.get_by_role("link", name="Resume…").click()
    page.get_by_role("button", name="Resume writes").click()
    expect(page.locator(".banner")).to_have_count(0)
    until(lambda: stack.property(share, BLOB) is False, "the work that was stopped")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nobody_is_kept_out(browser: Browser, stack: Stack, scheme: Any, width: int) -> None:
    """Every page, light and dark, on a desk and on a phone: nothing serious for axe-core."""
    with visiting(
        browser, color_scheme=scheme, viewport={"width": width, "height": 800}
    ) as context:
        page = stack.enter(context)
        expect(page.locator("tbody tr").first).to_be_visible()
        stories = [page.locator("a.whole").first.get_attribute("href") or ""]
        page.goto(f"{stack.url}/findings")
        stories.append(page.locator("a.whole").first.get_attribute("href") or "")
        for path in (*PAGES, *stories):
            page.goto(f"{stack.url}{path}")
            assert serious(page) == [], path
            assert page.evaluate(TOO_WIDE) == [], path
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") is (scheme == "light")


def test_a_lost_gate_is_said(browser: Browser, stack: Stack) -> None:
    """A page that is not live any more does not look as if it were."""
    with visiting(browser) as context:
        page = stack.enter(context)
        expect(page.locator("#fresh")).to_have_text("Live.")
        context.set_offline(True)
        expect(page.locator("#fresh")).to_contain_text("Not live")
        context.set_offline(False)
        expect(page.locator("#fresh")).to_have_text("Live.")
