"""The keys that Entra signs tokens with, as its authority publishes them."""

from __future__ import annotations

from typing import Any

from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest

from shared.azure.pipeline import Pipeline
from shared.azure.transport import Transport

_PATIENCE = 5
"""Seconds: somebody waits for a page."""


def signing_keys(
    authority: str, tenant: str, transport: HttpTransport[Any, Any] | None = None
) -> list[dict[str, Any]]:
    """The keys for tokens of version 2.0 of a tenant, each a JSON Web Key.

    https://learn.microsoft.com/entra/identity-platform/signing-key-rollover

    Raises:
        ArmError: they could not be had.
    """
    address = f"https://{authority}"
    through = transport or Transport(address, connect=_PATIENCE, read=_PATIENCE)
    line = Pipeline(address, "Entra", SansIOHTTPPolicy(), through)
    try:
        answer = line.run(HttpRequest("GET", f"{address}/{tenant}/discovery/v2.0/keys"), retries=0)
        if answer.status_code != 200:
            raise line.fault(answer)
        keys = line.document(answer).get("keys")
        if not isinstance(keys, list):
            raise line.nonsense(answer, "no list of keys")
        return [key for key in keys if isinstance(key, dict)]
    finally:
        line.close()
