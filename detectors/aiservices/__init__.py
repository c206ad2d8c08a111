"""Accounts of Azure AI services, Azure OpenAI among them."""

from detectors.exposure import Store, by_network_acls
from shared.model import ResourceType

ACCOUNT = ResourceType("Microsoft.CognitiveServices/accounts", api_version="2024-10-01")
STORE = Store(type=ACCOUNT, ways=by_network_acls(trusted="none"), perimeters="2025-06-01")
