"""What goes wrong with Azure Storage, in one line: which service, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceResponseError,
)
from azure.core.pipeline.transport import RequestsTransport

from shared.errors import StoreUnavailable

TABLES, QUEUES, BLOBS = "Tables", "Queues", "Blobs"
_ROLES = {
    TABLES: "Storage Table Data Contributor",
    QUEUES: "Storage Queue Data Contributor",
    BLOBS: "Storage Blob Data Contributor",
}
# What the packages raise over a body that is none of the service's.
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, SyntaxError, RecursionError)
_SIGNED = "x-ms-request-id"
"""In every answer of Azure Storage, refusals too, and in none of what stands in between:
https://learn.microsoft.com/rest/api/storageservices/troubleshooting-api-operations"""


class NotStorage(ServiceResponseError):
    """Something else answers at the address of the account."""


class StorageTransport(RequestsTransport):  # type: ignore[misc]  # loaded lazily
    """Takes answers of Azure Storage alone: a sign-in page that says 404 is no missing row."""

    def send(self, request: Any, **options: Any) -> Any:
        answer = super().send(request, **options)
        if not answer.headers.get(_SIGNED):
            kind = answer.headers.get("Content-Type") or "no content type"
            answer.internal_response.close()
            raise NotStorage(
                f"what answers is not Azure Storage ({answer.status_code}, {kind}):"
                " is there a proxy or a sign-in page in between?"
            )
        return answer


@contextmanager
def asking(service: str, host: str) -> Iterator[None]:
    """Turn what goes wrong inside into `StoreUnavailable`, which says where, and what to do."""
    try:
        yield
    except StoreUnavailable:
        raise
    except AzureError as error:
        said = _said(error, service)
        raise StoreUnavailable(f"state in Azure {service} at {host}: {said}") from error
    except _UNREADABLE as error:
        what = f"an answer that cannot be read ({type(error).__name__}); it is asked again"
        raise StoreUnavailable(f"state in Azure {service} at {host}: {what}") from error


def _said(error: AzureError, service: str) -> str:
    """The status, the service's own word, and what to do; or why there was no answer."""
    if isinstance(error, HttpResponseError) and error.status_code:
        code = getattr(error, "error_code", None) or error.reason or "no reason given"
        return f"{error.status_code} {getattr(code, 'value', code)}{_advice(error, service)}"
    lines = str(error).splitlines() or [type(error).__name__]
    reached = isinstance(error, (ClientAuthenticationError, NotStorage))
    return lines[0][:250] + ("" if reached else ": is it up, and to be reached from here?")


def _advice(error: HttpResponseError, service: str) -> str:
    status = error.status_code or 0
    if status in (401, 403):
        needs = f"the identity needs {_ROLES[service]}"
        return f": {needs}, as a deployment gives it, and the account must let this network in"
    if status in (413, 507):
        return ": the account is full, make room"
    if status in (408, 429) or status >= 500:
        return ": it is busy or in trouble; it is asked again"
    return ""
