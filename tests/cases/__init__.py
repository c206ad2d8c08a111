"""The cases of every control, and a set of documents that changes can be applied to.

A case states its difference from its file's `base` (a merge patch: null removes) and what is
expected of it; see `Case`. The documents here take writes as literally as can be, without a
tenant: what they show is that a plan, its cure and its undo are right as data.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from shared.model import (
    Change,
    Detector,
    Json,
    Lookup,
    NeedsLookup,
    Resource,
    ResourceId,
    Undecided,
    Verb,
    Verdict,
    edited,
)

HERE = Path(__file__).parent
FAILED = "failed"
MERGED = ("Microsoft.App/containerApps",)
"""Types whose PATCH is a JSON merge patch, to any depth."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One document of a control's type, and what must come of it.

    `lookups` gives the documents that each lookup finds, or `failed`; a lookup that is not given
    must not be asked for. `plan: refused` says that no plan may be made. `written` lists the
    changes where they are worth stating, `caveats` parts of what must be said before, `asks` a part
    of why a person must be asked (empty: nobody need be); `restored` is what undo leaves different
    (merge patch).
    """

    control: str
    name: str
    body: dict[str, Json]
    expect: Json
    reason: str = ""
    lookups: Mapping[str, Json] = field(default_factory=dict)
    parameters: Mapping[str, Json] = field(default_factory=dict)
    plan: str = ""
    written: Json = None
    caveats: tuple[str, ...] = ()
    asks: str | None = None
    restored: Json = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.control}: {self.name}"

    @property
    def id(self) -> ResourceId:
        return ResourceId(self.body["id"])

    @property
    def finds(self) -> bool:
        return isinstance(self.expect, list)


def merged(base: Json, patch: Json) -> Json:
    """RFC 7396."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    out = dict(base) if isinstance(base, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), value)
    return out


def load(path: Path) -> list[Case]:
    """The cases of one file, whose name is the control's id."""
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    found: list[Case] = []
    for one in document["cases"]:
        given = one.pop("given")
        found.append(Case(control=path.stem, body=merged(document["base"], given), **one))
    return found


def files() -> list[Path]:
    return sorted(HERE.glob("*/*.yaml"))


def cases() -> list[Case]:
    return [case for path in files() for case in load(path)]


class Documents:
    """Documents by id, taking writes as ARM would where nothing stands in their way."""

    def __init__(self, bodies: Iterable[Json]) -> None:
        self.bodies = {ResourceId(body["id"]).key: copy.deepcopy(body) for body in bodies}

    @classmethod
    def of(cls, case: Case) -> "Documents":
        beside = (docs for docs in case.lookups.values() if docs != FAILED)
        return cls([case.body, *(doc for docs in beside for doc in docs)])

    def get(self, wanted: ResourceId) -> Json:
        """A document, or the part of its parent's that it is embedded in; None where absent."""
        home = self._home(wanted)
        return home.get(wanted.key) if isinstance(home, dict) else _element(home, wanted)

    def _home(self, wanted: ResourceId) -> dict[str, Json] | list[Json]:
        """What holds a document: all of them, or the array of its parent that lists it."""
        parent = self.bodies.get(wanted.parent.key) if wanted.parent else None
        kind = wanted.text.split("/")[-2]
        inside = ((parent or {}).get("properties") or {}).get(kind)
        return inside if isinstance(inside, list) else self.bodies

    def listed(self, collection: str, lookup: Lookup) -> list[Json]:
        """What a list call on a collection answers, below whatever it lies in.

        Of Microsoft.Authorization also what lies above. A filter asks for one role.
        """
        path, _, options = collection.partition("?")
        home = path.rsplit("/", 1)[0]
        if home.split("/")[-2:-1] == ["providers"]:
            home = home.rsplit("/", 2)[0]
        scope = ResourceId(home)
        ids = ((ResourceId(body["id"]), body) for body in self.bodies.values())
        inherits = lookup.type.key.startswith("microsoft.authorization/")
        return [
            body
            for rid, body in ids
            if lookup.type.matches(rid)
            and (rid.within(scope) or (inherits and _above(rid, scope)))
            and (not options or _role(options) == _role(body["properties"]["roleDefinitionId"]))
        ]

    def judged(
        self,
        detector: Detector,
        target: ResourceId,
        given: Mapping[str, Json],
        body: Json = None,
    ) -> tuple[Resource, Verdict]:
        """The verdict on a document (`body`, or what has the id), with the lookups it asks for."""
        resource = Resource(id=target, body=copy.deepcopy(body or self.get(target)))
        while True:
            try:
                return resource, detector.judge(resource)
            except NeedsLookup as need:
                name = need.name
            assert name in given, f"asked for {name}, which the case does not give"
            found = self.looked_up(detector.lookup(name, resource.id), resource, given)
            resource = resource.with_lookup(name, found)

    def looked_up(
        self, lookup: Lookup, resource: Resource, given: Mapping[str, Json]
    ) -> tuple[Resource, ...] | Undecided:
        """What a lookup comes to: `given` says which fail."""
        if given[lookup.name] == FAILED:
            return Undecided(f"{lookup.name} could not be read")
        try:
            bodies = self.found(lookup, resource)
        except Undecided as reason:
            return reason
        return tuple(Resource(id=ResourceId(b["id"]), body=copy.deepcopy(b)) for b in bodies)

    def found(self, lookup: Lookup, resource: Resource) -> list[Json]:
        """What a lookup finds here."""
        texts = lookup.wanted(resource)
        if lookup.many:
            return [body for text in texts for body in self.listed(text, lookup)]
        bodies = [self.get(ResourceId(text)) for text in texts]
        return [body for body in bodies if body is not None]

    def apply(self, change: Change) -> None:
        """Make one write; it must be one that ARM would take."""
        now = self.get(change.target)
        match change.verb:
            case Verb.CREATE:
                self._put(change.target, _created(change))
            case Verb.DELETE:
                assert now is not None
                home = self._home(change.target)
                if isinstance(home, dict):
                    del home[change.target.key]
                else:
                    home.remove(now)
            case Verb.PUT:
                assert now is not None
                sent = edited(now, change.edits) if change.document is None else change.body()
                self._put(change.target, sent)
            case Verb.PATCH:
                patched = merged if change.target.type in MERGED else _patched
                self._put(change.target, patched(now, change.body()))
            case Verb.POST:
                self._put(change.target, merged(now, {"properties": _after(change, now)}))

        self._show_joins(change.target, now)

    def _put(self, target: ResourceId, body: Json) -> None:
        home = self._home(target)
        if isinstance(home, dict):
            home[target.key] = copy.deepcopy(body)
        elif (known := _element(home, target)) is None:
            home.append(copy.deepcopy(body))
        else:
            home[home.index(known)] = copy.deepcopy(body)

    def _show_joins(self, target: ResourceId, before: Json) -> None:
        """A load balancer's or gateway's pools and NAT rules show the interfaces that join them."""
        if target.type != "Microsoft.Network/networkInterfaces":
            return
        was, now = (dict(_joins(body)) for body in (before, self.get(target)))
        for rule, configuration in was.items() - now.items():
            if (shown := self.get(ResourceId(rule))) is not None:
                _show_join(shown["properties"], configuration, present=False)
        for rule, configuration in now.items() - was.items():
            if (shown := self.get(ResourceId(rule))) is not None:
                _show_join(shown["properties"], configuration, present=True)


def _after(change: Change, now: Json) -> Json:
    """What a POST changes in a document's properties."""
    if change.action == "stop":
        return {"instanceView": {"state": "Stopped"}}
    assert change.action == "endGetAccess"
    return {"diskState": "Attached" if "managedBy" in now else "Unattached"}


def _joins(interface: Json) -> Iterator[tuple[str, str]]:
    """What the interface's configurations join, with the configuration."""
    for one in interface["properties"]["ipConfigurations"]:
        for place in ("loadBalancerInboundNatRules", "applicationGatewayBackendAddressPools"):
            for joined in one["properties"].get(place, []):
                yield joined["id"], one.get("id", "")


def _show_join(properties: dict[str, Json], configuration: str, *, present: bool) -> None:
    if "backendPort" in properties:
        properties.pop("backendIPConfiguration", None)
        properties.update({"backendIPConfiguration": {"id": configuration}} if present else {})
        return
    shown = properties.get("backendIPConfigurations", [])
    rest = [one for one in shown if one["id"] != configuration]
    properties["backendIPConfigurations"] = [*rest, {"id": configuration}] if present else rest


def _above(attached: ResourceId, scope: ResourceId) -> bool:
    """Whether something is attached above a scope; outside of subscriptions everything is."""
    return not attached.subscription or scope.within(attached.scope)


def _role(text: str) -> str:
    """The role's own id, at the end of a definition's id or of a filter for it."""
    return text.rstrip("'").rsplit("/", 1)[-1].casefold()


def _element(home: list[Json], wanted: ResourceId) -> Json:
    return next((one for one in home if ResourceId(one["id"]) == wanted), None)


def _created(change: Change) -> Json:
    own = {"id": str(change.target), "name": change.target.name, "type": change.target.type}
    body = {**copy.deepcopy(change.document), **own}
    if change.target.type == "Microsoft.Authorization/roleAssignments":
        body["properties"]["scope"] = str(change.target.scope)
    if change.target.type == "Microsoft.Subscription/policies":
        # What is sent flat is shown among the properties.
        body = {"properties": copy.deepcopy(change.document), **own}
    return body


def _patched(now: Json, sent: Json) -> Json:
    """ARM replaces a property of `properties` whole, where a merge patch would go on inside."""
    properties = {**now["properties"]}
    for key, value in sent["properties"].items():
        if value is None:
            properties.pop(key, None)
        else:
            properties[key] = value
    if "effectiveRules" in properties:
        # PIM computes them from the settings' own.
        properties["effectiveRules"] = copy.deepcopy(properties["rules"])
    return {**now, "properties": properties}
