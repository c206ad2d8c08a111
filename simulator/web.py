"""App Service: a site's configuration is a child that always exists."""

from simulator.address import parse
from simulator.documents import clone, dig, drop, merge
from simulator.writes import Write

DEFAULT_CONFIG = {
    "minTlsVersion": "1.2",
    "scmMinTlsVersion": "1.2",
    "ftpsState": "FtpsOnly",
    "http20Enabled": False,
    "remoteDebuggingEnabled": False,
    "ipSecurityRestrictions": [
        {"ipAddress": "Any", "action": "Allow", "priority": 2147483647, "name": "Allow all"}
    ],
}


def keep_site_config(write: Write) -> None:
    """What a site's body says under `siteConfig` goes to `config/web`; the site shows null."""
    given = dig(write.body, "properties.siteConfig")
    if not isinstance(given, dict):
        return
    address = parse(f"{write.address.id}/config/web")
    current = write.state.find(address.key) or {
        "id": address.id,
        "name": address.name,
        "type": "Microsoft.Web/sites/config",
        "properties": clone(DEFAULT_CONFIG),
    }
    changed = {**current, "properties": merge(current.get("properties") or {}, given)}
    write.state.save(address, changed)
    drop(write.after, "properties.siteConfig")
    write.after["properties"]["siteConfig"] = None
