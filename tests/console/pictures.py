"""`python -m tests.console.pictures`: takes the pictures of the console that the docs show.

Of a stack of `make up` on which somebody opened two storage accounts and a SQL server; the days
before are invented, so that the charts have something to show.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, FloatRect, expect, sync_playwright

from shared.outbox import Outbox
from shared.store.embedded import EmbeddedStore
from simulator import contoso
from simulator.clock import VirtualClock
from simulator.processes import ROOT
from tests.console.stack import ARGUMENTS, CHROMIUM, Stack, running, until, visiting

PICTURES = ROOT / "docs" / "pictures"
DAYS = 30
OPEN = "allowBlobPublicAccess"


def main() -> None:
    """Take them all; the last ones are replaced."""
    PICTURES.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp())
    # Who is at the console on a laptop is who is signed in there: nobody of this machine.
    os.environ["LOGNAME"] = "dana"
    with running(folder) as stack, sync_playwright() as playwright:
        invent(folder / ".portcullis" / "state.db")
        busy(stack)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        take(browser, stack)
        browser.close()


def invent(state: Path) -> None:
    """Thirty days of findings that opened and closed, as the records would have told them."""
    chance, now = random.Random(7), datetime.now(UTC)  # noqa: S311  a picture, no secret
    clock = VirtualClock(now - timedelta(days=DAYS))
    store = EmbeddedStore(clock.now, state)
    outbox = Outbox(store, clock.now)
    controls = ("storage-public-blob-access", "sql-firewall-any-internet", "nsg-ssh-from-internet")
    for day in range(DAYS - 1):
        for i in range(chance.randint(2, 9)):
            control = chance.choices(controls, (5, 3, 2))[0]
            resource = f"{contoso.WEB}/providers/Microsoft.Storage/storageAccounts/past{day}x{i}"
            told: dict[str, Any] = {"Control": control, "ResourceId": resource, "Severity": "high"}
            opened = clock.now().isoformat()
            outbox.add("findings", [day, i], {"Transition": "opened", **told})
            clock.advance(timedelta(seconds=chance.lognormvariate(4, 1.2)))
            told |= {"OpenedAt": opened, "Transition": "closed-cured", "Evidence": [{}]}
            outbox.add("findings", [day, i, "closed"], told)
        score = 70 + day / 2.2 + chance.uniform(-2, 2)
        told = {"Summary": "sweep", "Kind": "full", "Score": round(score, 2), "Failed": ""}
        outbox.add("sweeps", [day], {**told, "RunId": f"day {day}"})
        next_day = now - timedelta(days=DAYS - 1 - day)
        clock.advance(max(next_day - clock.now(), timedelta(0)))
    store.close()


def busy(stack: Stack) -> None:
    """What somebody did, and what came of it."""
    for account in (contoso.ASSETS, contoso.WEBSITE):
        stack.change(account, **{OPEN: True, "supportsHttpsTrafficOnly": False})
    stack.change(contoso.SERVER, publicNetworkAccess="Enabled")
    stack.change(contoso.VAULT, publicNetworkAccess="Enabled")
    until(lambda: stack.property(contoso.WEBSITE, OPEN) is False, "the cure")
    until(lambda: stack.property(contoso.ASSETS, OPEN) is False, "the cure")
    subprocess.run(
        [sys.executable, "-m", "portcullis", "sweep"],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def take(browser: Browser, stack: Stack) -> None:
    with visiting(browser, viewport={"width": 1180, "height": 640}) as context:
        page = stack.enter(context)
        expect(page.locator("tbody tr").nth(3)).to_be_visible(timeout=60_000)
        page.screenshot(path=PICTURES / "log.png")
        page.locator("a.whole", has_text="put right").first.click()
        page.get_by_text("Undo…").click()
        top: FloatRect = {"x": 0, "y": 0, "width": 1180, "height": 860}
        page.screenshot(path=PICTURES / "action.png", full_page=True, clip=top)
        page.goto(f"{stack.url}/approvals")
        page.screenshot(path=PICTURES / "approvals.png")
    with visiting(browser, viewport={"width": 1180, "height": 900}, color_scheme="dark") as context:
        page = stack.enter(context)
        page.goto(f"{stack.url}/estate")
        last = datetime.now(UTC).date() - timedelta(days=2)
        scored = page.locator("tr", has_text=str(last)).filter(has_text="%")
        until(lambda: page.reload() and scored.count(), "the last of the days before", 400)
        page.screenshot(path=PICTURES / "estate-dark.png", full_page=True)
    with visiting(browser, viewport={"width": 390, "height": 800}, color_scheme="dark") as context:
        stack.enter(context).screenshot(path=PICTURES / "log-phone-dark.png")


if __name__ == "__main__":
    main()
