"""Azure Resource Manager: every read by id, every list, every write goes through here.

One azure-core pipeline, JSON in and out. Writes are sent once: the SDK's own repetition is off,
and no resource provider is ever registered on the way. Reads are tried again only where the
connection failed. A 429 or 5xx rises as `Transient`; the queue comes again, no thread sleeps.
Before anything is sent it is counted in the shared budgets, and what an answer tells of Azure's
own limits is told to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from shared.azure.credentials import principal_of, tenant_of
from shared.azure.faults import DEFAULT_WAIT, envelope, remaining, throttled_by, wait_of
from shared.azure.pipeline import Pipeline, json_of
from shared.buckets import in_subscription
from shared.cloud import request_of
from shared.clouds import PUBLIC
from shared.errors import Refused, Transient, Unauthenticated, Why
from shared.model import Change, Resource, ResourceId, Verb

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from shared.budgets import Budgets

_GONE = {
    "", "notfound", "resourcenotfound", "resourcegroupnotfound", "parentresourcenotfound",
    "roleassignmentnotfound", "roledefinitiondoesnotexist",
}  # fmt: skip
_LONGEST_CHAIN = 10_000
_PERMISSIONS_VERSION = "2022-04-01"
_SUBSCRIPTIONS_VERSION = "2022-12-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What ARM said to a write.

    `resource` is the target as the answer shows it, None where it shows nothing. `operation` is
    the address to poll while the write goes on (the target's own where Azure gave no other),
    None once it is settled; `wait` is the seconds until the next look.
    """

    resource: Resource | None
    operation: str | None
    wait: float
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How a long-running operation stands. `error` is Azure's words where it failed."""

    done: bool
    error: str = ""
    wait: float = 0


class Arm:
    """The door to Azure Resource Manager.

    `api_versions` maps ARM types (lower case) to the version each is read and written with.
    `transport` stands in for the network; without `budgets` nothing is counted.
    """

    def __init__(
        self,
        credential: TokenCredential,
        api_versions: Mapping[str, str],
        now: Callable[[], datetime],
        *,
        endpoint: str = PUBLIC.arm,
        transport: HttpTransport[HttpRequest, HttpResponse] | None = None,
        budgets: Budgets | None = None,
    ) -> None:
        self._budgets = budgets
        self._versions = api_versions
        self._now = now
        self._credential = credential
        self._scope = f"{endpoint.rstrip('/')}/.default"
        self._tenant = ""
        self._line = Pipeline(
            endpoint,
            "the ARM endpoint",
            ARMChallengeAuthenticationPolicy(credential, self._scope),
            transport,
        )

    def close(self) -> None:
        self._line.close()

    def tenant(self) -> str:
        """The tenant that our tokens are from, in lower case; the first one tells for all.

        Raises:
            Unauthenticated: no token could be had. Refused: it does not say.
        """
        if not self._tenant:
            self._tenant = tenant_of(self._token("our own tenant"))
        if not self._tenant:
            raise Refused("our token for ARM does not say which tenant it is from", Why.INVALID)
        return self._tenant

    def principal(self) -> str:
        """The object id that our tokens are for, in lower case; empty where they do not say.

        Raises:
            Unauthenticated: no token could be had.
        """
        return principal_of(self._token("our own identity"))

    def _token(self, what_for: str) -> str:
        try:
            return self._credential.get_token(self._scope).token
        except AzureError as error:
            said = " ".join(str(error).split())[:300]
            raise Unauthenticated(f"{what_for}: no token: {said}", 60) from error

    def clock(self) -> datetime | None:
        """What time it is there (`Date` of an answer, RFC 9110); None where it does not say.

        Raises:
            Transient: no answer came.
        """
        url = self._url("/subscriptions", _SUBSCRIPTIONS_VERSION)
        said = self._send("GET", url).headers.get("Date", "")
        try:
            told = parsedate_to_datetime(said)
        except ValueError:
            return None
        return told if told.tzinfo else None

    # --- reads

    def get(self, resource_id: ResourceId, api_version: str | None = None) -> Resource | None:
        """The resource as it is now, or None where ARM says it does not exist.

        Raises:
            Transient: come again, also where the answer is about something else; `OverBudget`
                where nothing was asked. Refused: it may not be read.
        """
        version = api_version or self._versions[resource_id.type.casefold()]
        asked_at = self._now()
        response = self._send("GET", self._url(resource_id.text, version))
        if self._says_gone(response):
            return None
        if response.status_code != 200:
            raise self._line.fault(response)
        body = self._line.document(response)
        if not _is_about(resource_id, body):
            raise self._line.nonsense(response, "another document than the resource")
        return Resource(id=_cased(resource_id, body), body=body, read_at=asked_at)

    def list(self, collection: str, api_version: str) -> Iterator[Resource]:
        """Every resource of a collection, page by page; a missing parent is an empty one.

        The collection may end in `?$filter=...`, as its provider understands it.

        Raises:
            Transient: come again. Refused: it may not be read.
        """
        path, _, options = collection.partition("?")
        narrowed = f"&{quote(options, safe='$=')}" if options else ""
        url: str | None = self._url(path, api_version) + narrowed
        followed = set[str]()
        while url not in followed and len(followed) < _LONGEST_CHAIN:
            if url is None:
                return
            followed.add(url)
            asked_at = self._now()
            response = self._send("GET", url)
            if self._says_gone(response):
                return
            if response.status_code != 200:
                raise self._line.fault(response)
            page = self._line.document(response)
            for body in self._items(response, page):
                yield Resource(id=ResourceId(body["id"]), body=body, read_at=asked_at)
            url = self._ours(page.get("nextLink") or None)
        raise Refused(f"GET {collection}: its pages do not end", Why.INVALID)

    def permissions(self, scope: ResourceId) -> Sequence[Mapping[str, Any]]:
        """What our identity may do at a scope: blocks of `actions` and `notActions`.

        Raises:
            Transient: come again. Refused: not even that may be read.
        """
        path = f"{scope.text}/providers/Microsoft.Authorization/permissions"
        response = self._send("GET", self._url(path, _PERMISSIONS_VERSION))
        if response.status_code != 200:
            raise self._line.fault(response)
        blocks = self._line.document(response).get("value")
        if not isinstance(blocks, list) or not all(isinstance(one, dict) for one in blocks):
            raise self._line.nonsense(response, "permissions that are no list of objects")
        return blocks

    def ask(
        self, path: str, api_version: str, body: Any
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        """A POST that only asks (Resource Graph), never one that changes something.

        The answer's body and headers. Resource Graph has a quota of its own, so it is in no
        budget here.

        Raises:
            Transient: come again. Refused: it may not be asked.
        """
        request = HttpRequest("POST", self._url(path, api_version), json=body)
        response = self._line.run(request, retries=1)
        if response.status_code != 200:
            raise self._line.fault(response)
        return self._line.document(response), response.headers

    # --- writes

    def write(self, change: Change, client_request_id: str) -> Answer:
        """Send one change, once.

        Raises:
            Conflict: the etag moved. Refused: Azure will not. Transient: it may or may not
            have happened; look before coming again. OverBudget: it was not sent.
        """
        method, path = request_of(change)
        headers = {"x-ms-client-request-id": client_request_id}
        if change.etag and change.verb in (Verb.PUT, Verb.PATCH, Verb.DELETE):
            headers["If-Match"] = change.etag
        body = change.body()
        request = HttpRequest(
            method,
            self._url(path, change.api_version),
            headers=headers,
            **({} if body is None else {"json": body}),
        )
        response = self._run(request, retries=0)
        gone = change.verb is Verb.DELETE and response.status_code == 404
        if response.status_code >= 300 and not gone:
            raise self._line.fault(response)
        return self._answer(change, response)

    def _answer(self, change: Change, response: HttpResponse) -> Answer:
        headers = response.headers
        body = json_of(response)
        shows = isinstance(body, dict) and change.verb in (Verb.PATCH, Verb.PUT, Verb.CREATE)
        resource = (
            Resource(id=change.target, body=body, read_at=self._now())
            if shows and isinstance(body.get("properties"), dict) and _is_about(change.target, body)
            else None
        )
        operation = headers.get("Azure-AsyncOperation")
        if operation is None and response.status_code == 202:
            operation = headers.get("Location")
        under_way = operation is not None or response.status_code == 202
        if under_way or (resource is not None and not resource.settled):
            own = self._url(change.target.text, change.api_version)
            operation = self._ours(operation, otherwise=own) or own
        wait = wait_of(headers)
        return Answer(
            resource=resource,
            operation=operation,
            wait=max(1.0, wait if wait is not None else 10.0),
            correlation_id=headers.get("x-ms-correlation-request-id", ""),
        )

    def poll(self, operation: str) -> Progress:
        """One look at a long-running operation.

        Raises:
            Transient: the look failed; the operation goes on.
        """
        response = self._send("GET", operation)
        status, body = response.status_code, json_of(response)
        wait = max(1.0, wait_of(response.headers) or 10.0)
        if status in (401, 408, 429) or status >= 500:
            raise self._line.fault(response)
        if status == 200 and response.content and not isinstance(body, dict):
            raise Transient(f"GET {urlsplit(operation).path}: not a JSON object")
        if status >= 400:
            # Some providers forget an operation once it ended; the fresh read that follows judges.
            return Progress(done=True)
        if status == 202:
            return Progress(done=False, wait=wait)
        said = _status_word(body)
        if said in ("", "succeeded"):
            return Progress(done=True)
        if said in ("failed", "canceled", "cancelled"):
            code, message = envelope(body)
            return Progress(done=True, error=f"{said}: {code or 'no code'} {message}".strip())
        return Progress(done=False, wait=wait)

    # --- the pipeline

    def _url(self, path: str, api_version: str) -> str:
        return f"{self._line.endpoint}{quote(path, safe='/$()!*,;:@%')}?api-version={api_version}"

    def _ours(self, link: Any, otherwise: str | None = None) -> str | None:
        """`link` verbatim where it leads to our own host: the token goes nowhere else."""
        if link is None:
            return None
        if isinstance(link, str) and self._line.leads_here(link):
            return link
        if otherwise is not None:
            return otherwise
        raise Refused(f"a page leads to another host: {str(link).split('?')[0]}", Why.INVALID)

    def _send(self, method: str, url: str) -> HttpResponse:
        return self._run(HttpRequest(method, url), retries=1)

    def _run(self, request: HttpRequest, retries: int) -> HttpResponse:
        """The answer to a request that the budgets have room for."""
        if self._budgets is None:
            return self._line.run(request, retries)
        asked = request.method, urlsplit(request.url).path
        self._budgets.spend(*asked)
        response = self._line.run(request, retries)
        body = json_of(response) if response.status_code == 429 else None
        if whose := throttled_by(response.status_code, body):
            wait = wait_of(response.headers, envelope(body)[1])
            self._budgets.close(*asked, DEFAULT_WAIT if wait is None else wait, whose)
        elif told := remaining(response.headers, tenant=not in_subscription(asked[1])):
            self._budgets.remains(*asked, told)
        return response

    def _says_gone(self, response: HttpResponse) -> bool:
        """Whether ARM itself says that it is not there; a page of something in between does not."""
        if response.status_code != 404:
            return False
        body = json_of(response)
        if response.content and not isinstance(body, dict):
            raise self._line.nonsense(response, "404, but not in its words")
        return envelope(body)[0].casefold() in _GONE

    def _items(self, response: HttpResponse, page: dict[str, Any]) -> Sequence[dict[str, Any]]:
        """The resources of a page: what is no list of them hides what it should show."""
        items = page.get("value")
        if not isinstance(items, list):
            raise self._line.nonsense(response, "a page without a list")
        if not all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in items):
            raise self._line.nonsense(response, "a page with an item that is no resource")
        return items


def _cased(asked: ResourceId, body: dict[str, Any]) -> ResourceId:
    """The id as ARM writes it; the one asked for where the body holds another, or none."""
    shown = body.get("id")
    return ResourceId(shown) if isinstance(shown, str) and ResourceId(shown) == asked else asked


def _is_about(asked: ResourceId, body: dict[str, Any]) -> bool:
    """Whether the body is that of such a resource; its scope may be written in another way."""
    shown = body.get("id")
    if not isinstance(shown, str):
        return False
    named = ResourceId(shown)
    return (named.type.casefold(), named.name.casefold()) == (
        asked.type.casefold(),
        asked.name.casefold(),
    )


def _status_word(body: Any) -> str:
    """The state an operation's or a resource's body tells, in lower case; empty without one."""
    if not isinstance(body, dict):
        return ""
    status = body.get("status")
    if status is None and isinstance(body.get("properties"), dict):
        status = body["properties"].get("provisioningState")
    return status.casefold() if isinstance(status, str) else ""
