"""Which entrance there is: one in Azure, one on a laptop, and none where neither can be proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from console.entrance import Entrance, Person, Shut
from console.safety import Guarded
from shared.settings import Settings

TOKEN: Final = "PORTCULLIS_CONSOLE_TOKEN"  # noqa: S105  a variable's name
"""Names the file that a laptop's one-time token is written to; `make up` sets it."""
_IN_AZURE: Final = ("WEBSITE_SITE_NAME", "WEBSITE_INSTANCE_ID", "WEBSITE_POD_NAME")
"""Set by the platform for every app in App Service and Functions, one or another in each plan."""


class Closed(Entrance):
    """Nobody gets in."""

    def arrive(self, request: Request) -> Response | None:
        """None: nobody is signed in here."""
        del request
        return None

    def person(self, request: Request) -> Person:
        """Nobody.

        Raises:
            Shut: always.
        """
        del request
        raise Shut(503, "The console is shut: it opens in Azure, and on a laptop with make up.")


def guarded(
    app: ASGIApp, settings: Settings, environment: Mapping[str, str], now: Callable[[], datetime]
) -> Guarded:
    """The console's pages behind the entrance that this process may have.

    Raises:
        OSError: the token's file cannot be written.
    """
    if is_in_azure(environment):
        hosts = frozenset({environment.get("WEBSITE_HOSTNAME", "").casefold()} - {""})
        # A domain of one's own is known by where people are told to find the console.
        named = urlsplit(settings.console_url).netloc.casefold()
        origins = frozenset(f"https://{host}" for host in {*hosts, named} - {""})
        return Guarded(app, _app_service(settings, environment, now), origins)
    if file := environment.get(TOKEN):
        # Slow to import, as is the other entrance: one of them is enough.
        from console.loopback import Loopback  # noqa: PLC0415

        return Guarded(app, Loopback(Path(file), now))
    return Guarded(app, Closed())


def is_in_azure(environment: Mapping[str, str]) -> bool:
    """Whether the platform runs this process; a laptop's way in is not open there."""
    return any(environment.get(name) for name in _IN_AZURE)


def _app_service(
    settings: Settings, environment: Mapping[str, str], now: Callable[[], datetime]
) -> Entrance:
    from console.app_service import AppService  # noqa: PLC0415  as above
    from console.signing_keys import SigningKeys  # noqa: PLC0415
    from shared.azure.signing_keys import signing_keys  # noqa: PLC0415

    sign_in, cloud = settings.console, settings.cloud
    tenant = sign_in.tenant if sign_in else ""
    issuer = f"https://{cloud.issuer}/{tenant}/v2.0"
    keys = SigningKeys(lambda: signing_keys(cloud.authority, tenant), now, issuer)
    return AppService(environment, sign_in, issuer, keys, now)
