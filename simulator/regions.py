"""Where things can be: the regions that the tenant's subscriptions have."""

from simulator.documents import Document

_REGIONS = {
    "westeurope": ("West Europe", "Europe", "northeurope"),
    "northeurope": ("North Europe", "Europe", "westeurope"),
    "germanywestcentral": ("Germany West Central", "Europe", "germanynorth"),
    "eastus": ("East US", "US", "westus"),
    "westus": ("West US", "US", "eastus"),
}
NAMES = tuple(_REGIONS)


def locations(subscription_id: str) -> list[Document]:
    """The answer's items for `GET /subscriptions/{id}/locations`."""
    return [
        {
            "id": f"{subscription_id}/locations/{name}",
            "name": name,
            "type": "Region",
            "displayName": display,
            "regionalDisplayName": f"({geography}) {display}",
            "metadata": {
                "regionType": "Physical",
                "regionCategory": "Recommended",
                "geographyGroup": geography,
                "pairedRegion": [{"name": pair, "id": f"{subscription_id}/locations/{pair}"}],
            },
        }
        for name, (display, geography, pair) in _REGIONS.items()
    ]
