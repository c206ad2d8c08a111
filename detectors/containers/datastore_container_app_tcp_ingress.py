"""Container app exposes external TCP ingress.

Why it matters: over TCP there is no sign-in and no web firewall before the container, which is
how databases are published from container apps.
Limits: what listens behind the port is not known. An app in an environment that is internal, or
closed to public networks, is reached from its virtual network alone. Rules that allow known
clients alone, up to the usual limit of addresses, count as closed.
Source: Microsoft Learn, "Ingress in Azure Container Apps", "Set up IP ingress restrictions in
Azure Container Apps" (rules allow all or deny all; what no Allow matches is denied).
"""

from collections.abc import Iterator

from detectors import PUBLIC_ACCESS, seen
from detectors.containers import APP, ENVIRONMENT
from shared.model import WIDE, Addresses, Detector, Evidence, Lookup, Resource, Severity

INGRESS = "/properties/configuration/ingress"
RULES = f"{INGRESS}/ipSecurityRestrictions"
INTERNAL = "/properties/vnetConfiguration/internal"


def check(app: Resource) -> Iterator[Evidence]:
    found = list(_external(seen(app)))
    if not found or _known_clients(app):
        return
    for environment in app.related("environment"):
        if environment.flag(INTERNAL) or environment.text(PUBLIC_ACCESS) == "disabled":
            return
    yield from found


def _external(app: Resource) -> Iterator[Evidence]:
    if app.flag(f"{INGRESS}/external") and app.text(f"{INGRESS}/transport") == "tcp":
        yield Evidence(f"{INGRESS}/external", app.get(f"{INGRESS}/external"), expected=False)
    for i, _ in enumerate(app.items(f"{INGRESS}/additionalPortMappings")):
        pointer = f"{INGRESS}/additionalPortMappings/{i}/external"
        if app.flag(pointer):
            yield Evidence(pointer, app.get(pointer), expected=False)


def _known_clients(app: Resource) -> bool:
    rules = app.items(RULES)
    allowed = [r for r in rules if str(r.get("action")).casefold() == "allow"]
    sets = (Addresses.parse(str(rule.get("ipAddressRange"))) for rule in allowed)
    return bool(allowed) and Addresses.union(sets).size <= WIDE


def _environments(app: Resource) -> list[str]:
    named = app.get("/properties/environmentId") or app.get("/properties/managedEnvironmentId")
    return [str(named)] if named else []


DETECTOR = Detector(
    id="datastore-container-app-tcp-ingress",
    title="Container app exposes external TCP ingress",
    resource_type=APP,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
    lookups=(Lookup(name="environment", type=ENVIRONMENT, ids=_environments),),
)
