"""Apps in processes while the tenant or the storage account is in trouble, and when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from shared.hints import ACT
from shared.model import ResourceId
from shared.settings import JOBS
from shared.state import State
from shared.store import Store
from simulator.contoso import HAND
from tests.apps.conftest import Stack, hint
from tests.apps.test_gate_and_hand import ONE_CURE, idle, stories
from tests.azurite import SERVICES
from tests.standin import HTML, Said, StandIn, stand_in

SIGNED = {"x-ms-request-id": "1", "Content-Type": "application/json"}
REFUSAL = '{"odata.error": {"code": "CODE", "message": {"lang": "en-US", "value": "No."}}}'
FULL = Said(507, REFUSAL.replace("CODE", "InsufficientStorage"), SIGNED)
FORBIDDEN = Said(403, REFUSAL.replace("CODE", "AuthorizationFailure"), SIGNED)
NO_TABLE = Said(404, HTML, {"Content-Type": "text/html"})
PAGE = Said(200, HTML, {"Content-Type": "text/html"})


@pytest.fixture
def doors(stack: Stack, store: Store) -> Iterator[dict[str, StandIn]]:
    """Something in front of each service, for the apps; the test has its own way."""
    with ExitStack() as left:
        addresses = stack.azurite.addresses
        made = {name: left.enter_context(stand_in(at)) for name, at in addresses.items()}
        connection = stack.azurite.connection
        for name in SERVICES:
            behind = urlsplit(addresses[name.casefold()]).netloc
            front = urlsplit(made[name.casefold()].url).netloc
            connection = connection.replace(behind, front)
        stack.more[JOBS] = connection
        yield made
        for one in stack.started:
            one.kill()


def heard(stack: Stack, *words: str) -> Callable[[], bool]:
    """Whether an app has said all of it in one line."""
    return lambda: any(all(word in line for word in words) for line in stack.said)


def test_state_in_trouble(
    stack: Stack, store: Store, state: State, account: str, doors: dict[str, StandIn]
) -> None:
    """Full, forbidden, a page: each is one line that names the part; then the one cure."""
    tables, host = doors["table"], urlsplit(doors["table"].url).netloc
    stack.start("hand").ready()
    stack.until(lambda: doors["queue"].heard, "the first look into the queue")
    for said, words in ((FULL, "make room"), (FORBIDDEN, "Data Contributor"), (PAGE, "proxy")):
        tables.say(said)
        store.send(ACT, hint(account))
        wanted = ("hand: act failed: state in Azure Tables", f" at {host}: ", words)
        stack.until(heard(stack, *wanted), f"the words {words}")
        tables.say(None)
    assert store.waiting(ACT) == 3
    assert [r for r in stack.tenant.requests if r.identity == HAND.name] == []
    stack.azurite.advance(timedelta(minutes=2))
    stack.until(lambda: stories(state) == ["remediated"] and idle(store), "the cure")
    assert stack.writes() == ONE_CURE


def test_queues_that_go_and_come_back(
    stack: Stack, store: Store, state: State, account: str, doors: dict[str, StandIn]
) -> None:
    """Trouble that lasts is said when it begins and when it is over; orders are still there."""
    doors["queue"].say(PAGE)
    stack.start("hand").ready()
    store.send(ACT, hint(account))
    host = urlsplit(doors["queue"].url).netloc
    stack.until(lambda: stack.said, "the trouble")
    assert stack.said[0].startswith(f"hand: state in Azure Queues at {host}: what answers is not")
    doors["queue"].say(None)
    stack.until(lambda: stories(state) == ["remediated"] and idle(store), "the cure")
    assert stack.writes() == ONE_CURE
    stack.until(lambda: stack.said[1:], "the end of the trouble")
    assert stack.said[1:] == ["hand: queues and timers go on"]


def test_state_that_goes_as_the_hand_writes(
    stack: Stack, store: Store, state: State, account: str, doors: dict[str, StandIn]
) -> None:
    """The tables are gone once the write was sent: it is not sent again, and its story ends."""

    def gone(method: str) -> None:
        if method == "PATCH":
            doors["table"].say(NO_TABLE)

    stack.tenant.before = gone
    store.send(ACT, hint(account))
    doomed = stack.start("hand")
    stack.until(heard(stack, "hand: act failed: state in Azure Tables"), "the trouble")
    assert stack.writes() == ONE_CURE
    doomed.stop()
    doors["table"].say(None)
    stack.tenant.before = lambda _method: None
    stack.pass_half_an_hour()
    stack.start("hand", ahead=True)
    stack.until(lambda: stories(state) == ["remediated"] and idle(store), "the end of the story")
    assert stack.writes() == ONE_CURE


def test_a_tenant_that_goes_and_comes_back(
    stack: Stack, store: Store, state: State, account: str
) -> None:
    """What it cannot see is unknown after some tries, with the reason, and cured once it can."""
    stack.tenant.says = PAGE
    store.send(ACT, hint(account))
    stack.start("hand")

    def unknown() -> bool:
        stack.azurite.advance(timedelta(minutes=1))
        return bool(state.findings.of(ResourceId(account)))

    stack.until(unknown, "unknown")
    reasons = {str(one.value["Reason"]) for one in state.findings.of(ResourceId(account))}
    assert all(stack.doors["hand"].url.removeprefix("https://") in reason for reason in reasons)
    assert stack.writes() == []
    stack.tenant.says = None

    def cured() -> bool:
        stack.azurite.advance(timedelta(minutes=1))
        return stories(state) == ["remediated"] and idle(store)

    stack.until(cured, "the cure")
    assert stack.writes() == ONE_CURE
    assert stack.said == []
