"""Clients of one storage account, each built when it is first needed.

A fault is tried again twice within seconds; the packages' own patience is minutes, longer than a
function may run.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from azure.data.tables import TableClient, TableServiceClient
from azure.storage.queue import LinearRetry, QueueClient, QueueServiceClient

from shared.store.azure_faults import BLOBS, QUEUES, TABLES, StorageTransport, asking
from shared.store.tables import OURS

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential, TokenCredential
    from azure.storage.blob import ContainerClient

RETRIES = 2
CONNECTS_WITHIN = 5
ANSWERS_WITHIN = 15


class Clients:
    """Clients of tables, queues and the container; safe to share between threads.

    `addresses` are those of the table, the queue and the blob service.
    """

    def __init__(
        self,
        credential: TokenCredential | AzureNamedKeyCredential,
        addresses: tuple[str, str, str],
        prefix: str,
    ) -> None:
        self._credential = credential
        self._at_tables, self._at_queues, self._at_blobs = addresses
        services = (TABLES, QUEUES, BLOBS)
        hosts = (urlsplit(address).netloc for address in addresses)
        self._hosts = dict(zip(services, hosts, strict=True))
        self._prefix = prefix
        self._lock = threading.Lock()
        self._table_service: TableServiceClient | None = None
        self._queue_service: QueueServiceClient | None = None
        self._container: ContainerClient | None = None
        self._tables: dict[str, TableClient] = {}
        self._queues: dict[str, QueueClient] = {}

    def close(self) -> None:
        with self._lock:
            for client in (self._table_service, self._queue_service, self._container):
                if client is not None:
                    client.close()

    def asking(self, service: str) -> AbstractContextManager[None]:
        """Around calls: what goes wrong rises as `StoreUnavailable`."""
        return asking(service, self._hosts[service])

    def table(self, table: str) -> TableClient:
        with self._lock:
            if self._table_service is None:
                self._table_service = TableServiceClient(
                    self._at_tables,
                    credential=self._credential,
                    retry_total=RETRIES,
                    retry_backoff_factor=0.5,
                    transport=_transport(),
                )
            if table not in self._tables:
                name = f"{self._prefix}{OURS}{table}"
                self._tables[table] = self._table_service.get_table_client(name)
            return self._tables[table]

    def queue(self, queue: str) -> QueueClient:
        with self._lock:
            if self._queue_service is None:
                self._queue_service = QueueServiceClient(
                    self._at_queues,
                    credential=self._credential,
                    retry_policy=LinearRetry(backoff=1, retry_total=RETRIES, random_jitter_range=1),
                    transport=_transport(),
                )
            if queue not in self._queues:
                name = f"{self._prefix}{queue}"
                self._queues[queue] = self._queue_service.get_queue_client(name)
            return self._queues[queue]

    def container(self) -> ContainerClient:
        with self._lock:
            if self._container is None:
                from azure.storage import blob  # noqa: PLC0415  slow to import, seldom needed

                patience = blob.LinearRetry(backoff=1, retry_total=RETRIES, random_jitter_range=1)
                self._container = blob.ContainerClient(
                    self._at_blobs,
                    f"{self._prefix}{OURS}",
                    credential=self._credential,
                    retry_policy=patience,
                    transport=_transport(),
                )
            return self._container


def _transport() -> StorageTransport:
    return StorageTransport(connection_timeout=CONNECTS_WITHIN, read_timeout=ANSWERS_WITHIN)
