"""The whole way in Azure: the platform's sign-in as we deploy it, the Functions host, the console.

Over real HTTP, with Entra's keys fetched over TLS from its own host name.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests
from starlette.applications import Starlette

from console.entrances import guarded
from shared.clouds import PUBLIC
from shared.settings import Settings
from shared.store.embedded import EmbeddedStore
from simulator.app_service import COOKIE, Authentication
from simulator.app_tokens import Application
from simulator.host import Host
from simulator.server import serve
from simulator.site import Site
from tests.console.conftest import CLIENT, DAEMON, PETRA
from tests.console.serving import served
from tests.engine.world import World, enforce, policy, storage
from tests.test_event_delivery import BLOB, KEPT, SCHEMAS, TOPIC, cured, pass_time, subscribe
from wiring import Gate

DOCUMENT = Path(__file__).parents[2] / "infra" / "authentication.json"
KEY = "system-key"
HOOK = "/runtime/webhooks/eventgrid"
Load = Callable[[str], ModuleType]


def deployed(tenant_id: str) -> dict[str, Any]:
    """The settings of authentication, as the deployment fills them in."""
    text = DOCUMENT.read_text("utf-8")
    for name, value in (
        ("{authority}", PUBLIC.authority),
        ("{tenant}", tenant_id),
        ("{client}", CLIENT),
    ):
        text = text.replace(name, value)
    assert "{" not in text.replace("{\n", "").replace('{"', ""), "a placeholder is left"
    settings: dict[str, Any] = json.loads(text)
    return settings


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.policy = policy(f"sweeps: {{full: 48h, incremental: 47h}}\n{enforce(BLOB)}")
    world.load({**storage(), "id": KEPT})
    world.gate().sweep.run()
    world.drain(world.gate())
    yield world
    assert isinstance(world.store, EmbeddedStore)
    world.store.close()


@pytest.fixture
def gate(world: World) -> Gate:
    return world.gate()


@pytest.fixture
def host(world: World, gate: Gate, load: Load) -> Host:
    module = load("all")
    module.use(gate)
    return Host(module.app, world.store, world.clock.now, key=KEY)


@pytest.fixture
def registration(world: World) -> Application:
    made = world.tenant.entra.expose(CLIENT)
    made.assign(PETRA, "Reader", "Approver")
    return made


@pytest.fixture
def platform(
    world: World,
    host: Host,
    pages: Starlette,
    registration: Application,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Authentication]:
    """Authentication as we deploy it, the app behind it, and Entra where the app finds it."""
    settings = deployed(world.tenant.tenant_id)
    in_front = Authentication(pages, settings, world.tenant.entra, world.clock.now)
    environment = {
        **in_front.environment,
        "WEBSITE_SITE_NAME": "gate",
        "WEBSITE_HOSTNAME": "gate.example",
        "PORTCULLIS_CONSOLE_TENANT": world.tenant.tenant_id,
        "PORTCULLIS_CONSOLE_CLIENT": CLIENT,
    }
    console = guarded(pages, Settings.of(environment, Path("/app")), environment, world.clock.now)
    in_front.app = Site(host, console)
    with serve(world.tenant) as azure:
        for name in ("HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"):
            monkeypatch.setenv(name, azure.proxied[name])
        yield in_front


@pytest.fixture
def url(platform: Authentication) -> Iterator[str]:
    with served(platform) as port:
        yield f"http://127.0.0.1:{port}"


def webhook(url: str, key: str = KEY) -> dict[str, Any]:
    endpoint = f"{url}{HOOK}?functionName=changes&code={key}"
    return {"endpointType": "WebHook", "properties": {"endpointUrl": endpoint}}


def ask(url: str, method: str = "GET", **options: Any) -> requests.Response:
    return requests.request(method, url, timeout=30, allow_redirects=False, **options)


# --- Event Grid


@pytest.mark.parametrize("schema", SCHEMAS)
def test_events_reach_the_app_past_the_sign_in(
    world: World, gate: Gate, host: Host, url: str, schema: str
) -> None:
    """With the settings that we deploy: handshake, delivery, cure."""
    (rid,) = world.load(storage())
    subscribe(world, webhook(url), eventDeliverySchema=schema)
    world.change(rid, {"allowBlobPublicAccess": True})
    pass_time(world, host)
    cured(world, gate, rid)
    assert world.tenant.grid.dropped == []


def test_without_the_exclusion_events_are_lost(
    world: World, platform: Authentication, host: Host, url: str
) -> None:
    """401 from a webhook is final for Event Grid: the app never hears of the change."""
    (rid,) = world.load(storage())
    subscribe(world, webhook(url))
    world.tenant.grid.deliver()
    required = {**platform.settings["globalValidation"], "excludedPaths": ["/health"]}
    platform.settings = {**platform.settings, "globalValidation": required}
    world.change(rid, {"allowBlobPublicAccess": True})
    pass_time(world, host, 30)
    assert world.our_writes() == []
    assert [one["deadLetterReason"] for one in world.tenant.grid.dropped] == [
        "UndeliverableDueToHttpUnauthorized"
    ]
    assert world.properties(rid)["allowBlobPublicAccess"] is True


def test_without_the_exclusion_nobody_can_subscribe(
    world: World, platform: Authentication, url: str
) -> None:
    """The handshake is answered with 401 as well."""
    platform.settings = {**platform.settings, "globalValidation": {"requireAuthentication": True}}
    subscribe(world, webhook(url))
    document = world.tenant.read(f"{TOPIC}/eventSubscriptions/gate")
    assert document is not None
    assert document["properties"]["provisioningState"] == "Failed"


def test_nobody_else_gets_through_event_grids_path(world: World, host: Host, url: str) -> None:
    """It is open to anonymous requests, so the host asks for its key: of handshakes too."""
    event = [{"data": {"validationCode": "x"}, "eventType": "x", "subject": "x"}]
    for query in ("", "&code=", "&code=guessed", f"&code={KEY}x", "&functionName=health"):
        address = f"{url}{HOOK}?functionName=changes{query}"
        for kind in ("Notification", "SubscriptionValidation"):
            answer = ask(address, "POST", json=event, headers={"aeg-event-type": kind})
            assert (answer.status_code, answer.content) == (401, b"")
        handshake = ask(address, "OPTIONS", headers={"WebHook-Request-Origin": "evil.example"})
        allowed = "webhook-allowed-origin" in handshake.headers
        assert (handshake.status_code, allowed) == (401, False)
        assert ask(address, cookies={COOKIE: "x"}).status_code == 401
    assert host.failures == []
    assert world.store.waiting("hints") == 0


def test_the_key_opens_event_grids_path_alone(url: str) -> None:
    """Behind it are functions for events; the console is not there, nor anywhere with that key."""
    assert ask(f"{url}{HOOK}?functionName=health&code={KEY}").status_code == 404
    assert ask(f"{url}{HOOK}/x?code={KEY}").status_code == 401
    assert ask(f"{url}/?code={KEY}").status_code == 401


# --- everybody else


PATHS = [
    "/",
    "/health/",
    "/health/x",
    "/healthy",
    "/plans",
    "/api/findings",
    "/static/page.css?v=1",
    "/.auth/me",
    "/admin/host/status",
    "/runtime/webhooks/eventgrid/x",
    "/runtime/webhooks/durabletask",
    "/runtime/webhooks/../../plans",
    "/health/%2e%2e/plans",
    "//health/../plans",
]


def test_nobody_sees_anything_but_health(url: str) -> None:
    """Whatever the method, and however the path is written."""
    with requests.Session() as session:
        for method in ("GET", "POST", "HEAD", "OPTIONS"):
            for path in PATHS:
                asked = requests.Request(method, url).prepare()
                asked.url = url + path
                answer = session.send(asked, timeout=30, allow_redirects=False)
                assert answer.status_code == 401, f"{method} {path}"


def test_health_answers_anybody(url: str) -> None:
    answer = ask(f"{url}/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_a_browser_is_led_to_sign_in(url: str) -> None:
    """And from there to the tenant's own page."""
    led = ask(f"{url}/plans", headers={"Accept": "text/html,*/*"})
    assert led.status_code == 302
    assert led.headers["location"] == "/.auth/login/aad?post_login_redirect_uri=%2Fplans"
    there = ask(url + led.headers["location"]).headers["location"]
    assert there.startswith("https://login.microsoftonline.com/")
    assert f"client_id={CLIENT}" in there


def test_who_is_signed_in_is_known(platform: Authentication, url: str) -> None:
    """By the token that the platform hands on, whatever else the request says."""
    cookies = platform.sign_in(PETRA)
    known = ask(url, cookies=cookies).json()
    assert known == {
        "name": "petra@contoso.example",
        "id": PETRA.object_id,
        "roles": ["Approver", "Reader"],
        "sent": "",
    }
    spoofed = {"X-MS-CLIENT-PRINCIPAL-NAME": "root", "x-ms-token-aad-id-token": "x"}
    assert ask(url, cookies=cookies, headers=spoofed).json() == known


def test_headers_from_outside_open_nothing(
    platform: Authentication, url: str, registration: Application, world: World
) -> None:
    """Not with a good token either: only the platform may say them."""
    token = registration.id_token(PETRA, world.clock.now())
    spoofed = {
        "X-MS-TOKEN-AAD-ID-TOKEN": token,
        "X-MS-CLIENT-PRINCIPAL-ID": PETRA.object_id,
        "X-MS-CLIENT-PRINCIPAL-NAME": "petra@contoso.example",
    }
    assert ask(url, headers=spoofed).status_code == 401
    cover = {**platform.settings, "globalValidation": {"requireAuthentication": False}}
    platform.settings = cover
    assert ask(url, headers=spoofed).status_code == 401, "they were taken away"


@pytest.mark.parametrize(
    "lax",
    [
        {"requireAuthentication": False},
        {"requireAuthentication": True, "unauthenticatedClientAction": "AllowAnonymous"},
        {"requireAuthentication": True, "excludedPaths": ["/*"]},
    ],
)
def test_a_platform_that_lets_everybody_through_opens_nothing(
    platform: Authentication, url: str, lax: dict[str, Any]
) -> None:
    """The app checks tokens itself, and answers anonymous requests as the platform should."""
    platform.settings = {**platform.settings, "globalValidation": lax}
    for path in ("/", "/api/findings", "/static/page.css"):
        assert ask(url + path).status_code == 401
    assert ask(f"{url}/", cookies=platform.sign_in(PETRA)).status_code == 200


def test_without_a_token_store_nobody_is_known(platform: Authentication, url: str) -> None:
    """What is left, names without signature, is not believed."""
    login = {**platform.settings["login"], "tokenStore": {"enabled": False}}
    platform.settings = {**platform.settings, "login": login}
    assert ask(url, cookies=platform.sign_in(PETRA)).status_code == 401


def test_a_session_ends_before_its_token_does(
    platform: Authentication, url: str, world: World
) -> None:
    """So that a browser is led to sign in again, and no page says that a token has expired."""
    cookies = platform.sign_in(PETRA)
    assert ask(url, cookies=cookies).status_code == 200
    world.clock.advance(timedelta(minutes=54))
    assert ask(url, cookies=cookies).status_code == 200
    world.clock.advance(timedelta(minutes=1))
    led = ask(url, cookies=cookies, headers={"Accept": "text/html"})
    assert led.status_code == 302


def test_a_session_that_outlives_its_token_is_led_to_sign_in(
    platform: Authentication, url: str, world: World
) -> None:
    """As with the platform's own eight hours: the token in its store is not renewed."""
    platform.settings = {**platform.settings, "login": {"tokenStore": {"enabled": True}}}
    cookies = platform.sign_in(PETRA)
    world.clock.advance(timedelta(hours=2))
    answer = ask(f"{url}/plans", cookies=cookies)
    assert (answer.status_code, "The token has expired" in answer.text) == (401, True)
    assert 'href="/.auth/login/aad?post_login_redirect_uri=%2Fplans"' in answer.text


def test_programs_come_with_tokens(world: World, url: str, registration: Application) -> None:
    """For a person with that person's roles; for themselves to look."""
    by_person = registration.access_token(PETRA, world.clock.now(), client="terminal")
    found = ask(url, headers={"Authorization": f"Bearer {by_person}"}).json()
    assert (found["name"], found["roles"]) == ("petra@contoso.example", ["Approver", "Reader"])
    registration.assign(DAEMON, "Reader", "Operator")
    world.tenant.entra.register(DAEMON, "secret")
    form = {
        "grant_type": "client_credentials",
        "client_id": DAEMON.app_id,
        "client_secret": "secret",
        "scope": f"api://{CLIENT}/.default",
    }
    entra = f"https://login.microsoftonline.com/{world.tenant.tenant_id}/oauth2/v2.0/token"
    token = requests.post(entra, data=form, timeout=30).json()["access_token"]
    asked = {"Authorization": f"Bearer {token}"}
    assert ask(url, headers=asked).json()["roles"] == ["Reader"]
    arm = world.tenant.token(PETRA)
    assert ask(url, headers={"Authorization": f"Bearer {arm}"}).status_code == 401


def test_many_at_once_ask_entra_once(world: World, platform: Authentication, url: str) -> None:
    """The keys are had once, however many come first."""
    cookies, answers = platform.sign_in(PETRA), list[int]()
    before = world.tenant.entra.answered
    threads = [
        threading.Thread(target=lambda: answers.append(ask(url, cookies=cookies).status_code))
        for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert answers == [200] * 8
    assert world.tenant.entra.answered == before + 1
