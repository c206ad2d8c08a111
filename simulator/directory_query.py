"""One request to Microsoft Graph taken apart, and the words in which Graph refuses."""

import json
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from simulator.call import Identity
from simulator.documents import Document
from simulator.principals import Kind, Principal
from simulator.wire import Refusal, Request, Response, Target, seal, unknown, unseal

ROOT = "/v1.0"
COLLECTIONS: dict[Kind, str] = {
    "user": "users",
    "group": "groups",
    "servicePrincipal": "servicePrincipals",
}
_KINDS: dict[str, Kind] = {kind.lower(): kind for kind in COLLECTIONS}
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PAGE, _LONGEST_PAGE, _MOST_IDS = 100, 999, 1000
_ON_SELECT = {
    "accountEnabled",
    "creationType",
    "externalUserState",
    "onPremisesSyncEnabled",
    "userType",
}
"""Of a user, these come only where they are asked for."""
_TOKENS = {
    "AuthenticationFailed": "Access token is empty or invalid.",
    "ExpiredAuthenticationToken": "Lifetime validation failed, the token is expired.",
}


@dataclass(frozen=True)
class Question:
    """A request from somebody known."""

    request: Request
    target: Target
    identity: Identity
    request_id: str
    now: datetime

    @property
    def segments(self) -> list[str]:
        """The path below the version."""
        return self.target.path[len(ROOT) :].strip("/").split("/")

    @property
    def body(self) -> Document:
        try:
            body = json.loads(self.request.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise bad_request("Unable to read JSON request payload.")
        return body

    @property
    def top(self) -> int:
        """How many items a page may have."""
        text = self.target.query.get("$top", str(_PAGE))
        if not text.isdecimal() or not 1 <= int(text) <= _LONGEST_PAGE:
            raise unsupported(
                f"Invalid page size specified: '{text}'. Must be between 1 and {_LONGEST_PAGE} "
                "inclusive."
            )
        return int(text)

    @property
    def after(self) -> str:
        """The key after which a page begins; empty for the first."""
        try:
            return unseal(self.target.query.get("$skiptoken", ""))
        except ValueError as error:
            message = "The specified page token value has expired and can no longer be used."
            raise Refusal(400, "Directory_ExpiredPageToken", message) from error

    def allow_options(self, known: AbstractSet[str]) -> None:
        """Refuse, as the simulator, query options that it does not know here."""
        for option in self.target.query:
            if option not in known:
                raise unknown(f"the option {option} of {self.target.path}")

    def shown(self, principal: Principal) -> Document:
        """The properties of an object that were asked for, or those that come unasked."""
        wanted = self._selected
        if wanted:
            return {k: v for k, v in principal.properties.items() if k in wanted}
        hidden = _ON_SELECT if principal.kind == "user" else set()
        return {k: v for k, v in principal.properties.items() if k not in hidden}

    def check_selected(self, known: AbstractSet[str]) -> None:
        """Refuse, as the simulator, properties that it does not know."""
        for name in self._selected:
            if name not in known:
                raise unknown(f"the property {name} of {self.target.path}")

    def context(self, what: str) -> str:
        listed = f"({','.join(self._selected)})" if self._selected else ""
        return f"{self.target.base}{ROOT}/$metadata#{what}{listed}"

    def next_link(self, last: str) -> str:
        options = {name: v for name, v in self.target.query.items() if name != "$skiptoken"}
        options["$skiptoken"] = seal(last)
        query = "&".join(f"{name}={quote(value)}" for name, value in options.items())
        return f"{self.target.base}{quote(self.target.path)}?{query}"

    @property
    def _selected(self) -> list[str]:
        names = self.target.query.get("$select", "").split(",")
        return [name.strip() for name in names if name.strip()]


def cast(question: Question, name: str) -> Kind:
    """The kind that a path's cast keeps; needs the header and the count that Graph wants."""
    kind = _KINDS.get(name.lower().removeprefix("microsoft.graph."))
    if kind is None:
        raise unknown(f"the cast {name}")
    eventual = question.request.headers.get("consistencylevel", "").lower() == "eventual"
    if not eventual or question.target.query.get("$count") != "true":
        raise unsupported("Unsupported Query.")
    return kind


def object_id(name: str) -> str:
    """The name, which must be a guid."""
    if not _GUID.fullmatch(name):
        raise bad_request(f"Invalid object identifier '{name}'.")
    return name


def ids_of(body: Document) -> list[str]:
    """The ids of a body, each once."""
    ids = body.get("ids")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise bad_request("The parameter ids is required: a collection of strings.")
    if len(ids) > _MOST_IDS:
        raise bad_request(f"Number of included identifiers cannot exceed '{_MOST_IDS}'.")
    return list(dict.fromkeys(object_id(one).lower() for one in ids))


def kinds_of(body: Document) -> set[Kind]:
    """The kinds that a body's `types` name; all where it names none."""
    types = [str(name).lower() for name in body.get("types") or ["directoryObject"]]
    for name in types:
        if name not in {*_KINDS, "directoryobject"}:
            raise unknown(f"the directory type {name}")
    return {kind for name, kind in _KINDS.items() if {name, "directoryobject"} & set(types)}


def bad_request(message: str) -> Refusal:
    return Refusal(400, "Request_BadRequest", message)


def unsupported(message: str) -> Refusal:
    return Refusal(400, "Request_UnsupportedQuery", message)


def denied() -> Refusal:
    message = "Insufficient privileges to complete the operation."
    return Refusal(403, "Authorization_RequestDenied", message)


def not_found(name: str) -> Refusal:
    return Refusal(
        404,
        "Request_ResourceNotFound",
        f"Resource '{name}' does not exist or one of its queried reference-property objects are "
        "not present.",
    )


def told(refusal: Refusal, request: Request, request_id: str, now: datetime) -> Response:
    """A refusal in Graph's envelope; bad tokens have one code there."""
    if refusal.status == 401:
        refusal.message = _TOKENS.get(refusal.code, refusal.message)
        refusal.code = "InvalidAuthenticationToken"
    inner: dict[str, Any] = {
        "date": now.strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": request.headers.get("client-request-id", request_id),
    }
    refusal.extra["innerError"] = inner
    return refusal.response()
