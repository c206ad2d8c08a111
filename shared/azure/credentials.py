"""The identity we act under: a managed identity in Azure, whatever a developer has elsewhere."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.exceptions import ClientAuthenticationError

from shared import clouds

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenCredential

# https://datatracker.ietf.org/doc/html/rfc6750#section-2.1
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")


class Named:
    """A credential whose every failure is one line of `ClientAuthenticationError`.

    What gives tokens may be down, or answer with anything: then too the words name it, as `source`
    does, and not the service that the token was for.
    """

    def __init__(self, inner: Any, source: str) -> None:
        self._inner = inner
        self._source = source

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        given: AccessToken = self._given(lambda: self._inner.get_token(*scopes, **options))
        return given

    def get_token_info(self, *scopes: str, **options: Any) -> AccessTokenInfo:
        given: AccessTokenInfo = self._given(lambda: self._inner.get_token_info(*scopes, **options))
        return given

    def _given(self, ask: Callable[[], Any]) -> Any:
        try:
            given = ask()
            usable = bool(_TOKEN.fullmatch(given.token))
        except Exception as error:
            # What it answered may hold a token.
            said = str(error).partition("Content:")[0]
            why = " ".join(said.split())[:200] or type(error).__name__
            raise ClientAuthenticationError(f"{self._source} gave none: {why}") from error
        if not usable:
            raise ClientAuthenticationError(f"{self._source} gave something that is no token")
        return given


def tenant_of(token: str) -> str:
    """The tenant that a token is from (`tid`), in lower case; empty where it does not say.

    It is our own token, and what it says decides nothing in its favour: nobody checks who signed.
    """
    return _said(token, "tid")


def principal_of(token: str) -> str:
    """The object id that a token is for (`oid`), as above."""
    return _said(token, "oid")


def _said(token: str, claim: str) -> str:
    try:
        part = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))[claim]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return said.casefold() if isinstance(said, str) else ""


def credential(environment: Mapping[str, str]) -> TokenCredential:
    """The credential that the environment names, of its cloud; asks for no token yet.

    `AZURE_AUTHORITY_HOST` names another Entra than the cloud's. A managed identity, and what signed
    in with a tool of Azure, knows its own.
    """
    client_id = environment.get("AZURE_CLIENT_ID")
    if endpoint := environment.get("IDENTITY_ENDPOINT"):
        from azure.identity import ManagedIdentityCredential  # noqa: PLC0415  slow to import

        source = f"the identity endpoint {urlsplit(endpoint).netloc}"
        return Named(ManagedIdentityCredential(client_id=client_id), source)
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415  slow to import

    authority = environment.get("AZURE_AUTHORITY_HOST") or clouds.of(environment).authority
    return Named(DefaultAzureCredential(authority=authority), "the identity")
