"""Where things can be: the regions that the tenant's subscriptions have."""

from simulator.documents import Document
from simulator.wire import Refusal
from simulator.writes import Write

_REGIONS = {
    "westeurope": ("West Europe", "Europe", "northeurope"),
    "northeurope": ("North Europe", "Europe", "westeurope"),
    "germanywestcentral": ("Germany West Central", "Europe", "germanynorth"),
    "eastus": ("East US", "US", "westus"),
    "westus": ("West US", "US", "eastus"),
}
NAMES = tuple(_REGIONS)
_FLEX = ("westeurope", "northeurope", "eastus")
"""Those that have Flex Consumption."""


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


def web_regions(subscription_id: str) -> list[Document]:
    """The answer's items for `geoRegions` of Microsoft.Web, asked for Flex Consumption."""
    shown = [_REGIONS[name][0] for name in _FLEX]
    return [
        {
            "id": f"{subscription_id}/providers/Microsoft.Web/geoRegions/{name}",
            "name": name,
            "type": "Microsoft.Web/geoRegions",
            "properties": {"name": name, "displayName": name},
        }
        for name in shown
    ]


def check_region(write: Write) -> None:
    """A new resource group has to be in a region that there is."""
    asked = str(write.after.get("location", ""))
    if write.before is None and asked.replace(" ", "").lower() not in NAMES:
        raise Refusal(
            400,
            "LocationNotAvailableForResourceGroup",
            f"The provided location '{asked}' is not available for resource group. List of "
            f"available regions is '{','.join(NAMES)}'.",
        )
