"""Events that Event Grid gave up on: blobs in the container that an event subscription names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceNotFoundError

from shared.errors import StoreUnavailable

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential, TokenCredential

CONTAINER = "deadletters"
MOST = 100
"""Taken in one go; the next minute takes the next."""
_LONGEST = 4_000_000
_REASON = "deadletterreason"


@dataclass(frozen=True, slots=True)
class Letter:
    """One blob: `text` is the JSON of the events in it, as Event Grid wrote it."""

    name: str
    text: str

    @property
    def why(self) -> str:
        """How many events, and why they were not delivered, for a person."""
        try:
            body = json.loads(self.text)
        except (ValueError, RecursionError):
            return "something that is no JSON was found among the dead letters"
        found = body if isinstance(body, list) else [body]
        reasons = sorted({_reason(one) for one in found} - {""}) or ["no reason is told"]
        count = f"{len(found)} event{'' if len(found) == 1 else 's'}"
        return f"Event Grid gave up on {count}: {', '.join(reasons)}"


def _reason(event: Any) -> str:
    """In the Event Grid schema its name has capitals, in a CloudEvent it has none."""
    if not isinstance(event, dict):
        return ""
    return next((str(v) for k, v in event.items() if k.casefold() == _REASON), "")


class DeadLetters:
    """The container named `deadletters` at the address of a blob service."""

    def __init__(self, blobs: str, credential: TokenCredential | AzureNamedKeyCredential) -> None:
        # Slow to import, and a cold start is no time for it.
        from azure.storage.blob import ContainerClient, LinearRetry  # noqa: PLC0415

        from shared.store.azure_faults import StorageTransport  # noqa: PLC0415

        self._client = ContainerClient(
            blobs,
            CONTAINER,
            credential=credential,
            retry_policy=LinearRetry(backoff=1, retry_total=2, random_jitter_range=1),
            transport=StorageTransport(connection_timeout=5, read_timeout=15),
        )

    def each(self) -> Iterator[Letter]:
        """Up to `MOST` letters; none where there is no such container.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        with _asking():
            try:
                names = [found.name for found in islice(self._client.list_blobs(), MOST)]
            except ResourceNotFoundError:
                return
        for name in names:
            if (text := self._text(name)) is not None:
                yield Letter(name, text)

    def _text(self, name: str) -> str | None:
        """None where somebody took it meanwhile."""
        with _asking():
            try:
                blob = self._client.download_blob(name, offset=0, length=_LONGEST)
                return blob.readall().decode(errors="replace")
            except ResourceNotFoundError:
                return None

    def done(self, letter: Letter) -> None:
        """Remove it; what is gone is removed already.

        Raises:
            StoreUnavailable: it is still there, perhaps.
        """
        with _asking():
            try:
                self._client.delete_blob(letter.name)
            except ResourceNotFoundError:
                return

    def close(self) -> None:
        self._client.close()


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except AzureError as error:
        said = " ".join(str(error).split())[:300]
        raise StoreUnavailable(f"dead letters in Azure Blobs: {said}") from error
