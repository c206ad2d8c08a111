"""The identity we act under: a managed identity in Azure, whatever a developer has elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


def credential(environment: Mapping[str, str]) -> TokenCredential:
    """The credential that the environment names; asks for no token yet."""
    client_id = environment.get("AZURE_CLIENT_ID")
    if environment.get("IDENTITY_ENDPOINT"):
        from azure.identity import ManagedIdentityCredential  # noqa: PLC0415  slow to import

        return ManagedIdentityCredential(client_id=client_id)
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415  slow to import

    return DefaultAzureCredential()
