"""Load balancers and gateways: who is behind a pool or NAT rule is the interface's to say."""

from collections.abc import Iterator

from simulator.documents import Document, dig
from simulator.wire import unknown
from simulator.writes import Write

_MEMBERS = ("backendIPConfiguration", "backendIPConfigurations")


def keep_members(write: Write) -> None:
    """A PUT cannot change who joined; what it leaves out must not be joined any more."""
    before = dict(_parts(write.before or {}))
    after = dict(_parts(write.after))
    for place, part in before.items():
        if place not in after and place[0] == "inboundNatRules" and _joined(part):
            raise unknown("how the network provider refuses to drop a NAT rule that is joined")
    if write.before is None:
        return
    for place, part in after.items():
        properties = part.setdefault("properties", {})
        was = (before.get(place) or {}).get("properties") or {}
        for name in _MEMBERS:
            properties.pop(name, None)
            if name in was:
                properties[name] = was[name]


def check_rule_unjoined(write: Write) -> None:
    if _joined(write.before or {}):
        raise unknown("how the network provider refuses to delete a NAT rule that is joined")


def _parts(document: Document) -> Iterator[tuple[tuple[str, str], Document]]:
    for collection in ("inboundNatRules", "backendAddressPools"):
        for part in dig(document, f"properties.{collection}") or []:
            yield (collection, str(part.get("name")).lower()), part


def _joined(part: Document) -> bool:
    return dig(part, "properties.backendIPConfiguration") is not None
