"""The entrance on a laptop: whoever can read the token's file, from this machine alone.

What may not get in is another machine, and a page of another site in the browser of this one: by
a name that is made to lead here (DNS rebinding), through a proxy, or with an address that lies in
the browser's history.
"""

from __future__ import annotations

import getpass
import ipaddress
import os
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.entrance import Entrance, Person, Role, Shut

LIFE: Final = timedelta(hours=12)
"""How long a session lasts."""
_NAMES: Final = {"127.0.0.1", "localhost", "::1"}
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_NEWEST: Final = "the newest one stands in .portcullis/up.json"


class Loopback(Entrance):
    """One-time tokens that become sessions; `file` always holds the token that is good next."""

    def __init__(self, file: Path, now: Callable[[], datetime]) -> None:
        """Mint the first token.

        Raises:
            OSError: it cannot be written down.
        """
        self._file = file
        self._now = now
        self._lock = threading.Lock()
        self._sessions: dict[str, datetime] = {}
        self._token = self._minted()
        self._who = _login_name()

    def arrive(self, request: Request) -> Response | None:
        """The token's address makes a session, once, and leads to where it is not shown.

        Raises:
            Shut: the token was used already.
        """
        _check_nearness(request)
        presented = request.query_params.get("token")
        if presented is None or request.method != "GET" or request.scope["path"] != "/":
            return None
        session = self._session(presented)
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(
            _cookie(request),
            session,
            max_age=int(LIFE.total_seconds()),
            path="/",
            httponly=True,
            samesite="strict",
        )
        return answer

    def person(self, request: Request) -> Person:
        """The one who is logged in to this machine, with every role.

        Raises:
            Shut: no session, or not from here.
        """
        _check_nearness(request)
        presented = request.cookies.get(_cookie(request), "")
        if not self._knows(presented):
            raise Shut(401, f"No session here: open the console's address, {_NEWEST}.")
        return Person(name=self._who, id=self._who, roles=frozenset(Role))

    def _session(self, presented: str) -> str:
        with self._lock:
            if not _same(presented, self._token):
                raise Shut(401, f"This address was used already: {_NEWEST}.")
            try:
                self._token = self._minted()
            except OSError as error:
                raise Shut(503, "The next token cannot be written down: is the disk full?") from (
                    error
                )
            session = secrets.token_urlsafe(32)
            now = self._now()
            alive = {one: until for one, until in self._sessions.items() if now < until}
            self._sessions = {**alive, session: now + LIFE}
            return session

    def _knows(self, presented: str) -> bool:
        now = self._now()
        # Each is compared, and in the same time: nothing is learnt from how long it takes.
        same = [_same(presented, one) for one, until in self._sessions.items() if now < until]
        return any(same)

    def _minted(self) -> str:
        """A new token, written down for its owner's eyes before it is good."""
        token = secrets.token_urlsafe(32)
        draft = self._file.with_name(f"{self._file.name}.draft")
        with suppress(FileNotFoundError):
            draft.unlink()
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as into:
            into.write(token)
        draft.replace(self._file)
        return token


def _check_nearness(request: Request) -> None:
    """Let nobody in but a client on this machine that means this very server.

    Raises:
        Shut: it is another.
    """
    client = request.client.host if request.client else ""
    if not _is_loopback(client) or any(name in request.headers for name in _FORWARDED):
        raise Shut(403, "The console answers this machine alone.")
    server = request.scope.get("server")
    host, port = _host(request.headers.get("host", ""))
    if host not in _NAMES or server is None or port != server[1]:
        raise Shut(403, "The console answers to 127.0.0.1, localhost and [::1] with its own port.")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _host(header: str) -> tuple[str, int]:
    """Name and port of a Host header; no name where it is none."""
    try:
        parts = urlsplit(f"http://{header}")
        port = parts.port or 80
    except ValueError:
        return "", 0
    plain = parts.netloc == header and "@" not in header
    return (parts.hostname or "") if plain else "", port


def _cookie(request: Request) -> str:
    """Browsers tell cookies apart by host, not by port: the name does."""
    return f"portcullis-{request.scope['server'][1]}"


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
