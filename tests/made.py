"""Controls, resources and plans made for tests of the parts that stand around the rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shared.model import (
    Change,
    Control,
    Detector,
    Edit,
    Evidence,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Resource,
    ResourceId,
    ResourceType,
    Reversible,
    Severity,
    Verb,
)

SUB = "/subscriptions/22222222-2222-4222-8222-222222222222"
OTHER_SUB = "/subscriptions/33333333-3333-4333-8333-333333333333"
GROUP = f"{SUB}/resourceGroups/Prod"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/contoso"
TYPE = ResourceType("Microsoft.Storage/storageAccounts", "2023-05-01")
RANGES = Parameter(
    name="ranges",
    description="who may still come in",
    schema={
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "pattern": "^[0-9.]+$", "not": {"pattern": "^0"}},
    },
)
HOURS = Parameter(name="hours", description="how long", schema={"type": "integer"}, default=4)


def _check(resource: Resource) -> Iterator[Evidence]:
    if resource.flag("/properties/open") is not False:
        yield Evidence("/properties/open", resource.get("/properties/open"), expected=False)


def detector(name: str, severity: Severity = Severity.HIGH, **more: Any) -> Detector:
    fields = {"resource_type": TYPE, "check": _check, **more}
    return Detector(
        id=name, title=f"The title of {name}", severity=severity, family="test", **fields
    )


def control(name: str, severity: Severity = Severity.HIGH, **cure: Any) -> Control:
    """A control with an automatic, reversible cure, unless `cure` says otherwise."""

    def plan(finding: Finding, _: Parameters) -> Plan:
        edit = Edit.of(finding.resource.body, "/properties/open", after=False)
        return remediation.propose(finding, [finding.patch(edit)])

    fields = {"kind": Kind.AUTO, "reversible": Reversible.YES, **cure}
    remediation = Remediation(
        control=name,
        title=f"End {name}",
        plan=plan,
        disruption="Somebody waits.",
        permissions=("Microsoft.Storage/storageAccounts/write",),
        **fields,
    )
    return Control(detector(name, severity), remediation, "storage")


CONTROLS = {
    one.id: one
    for one in (
        control("plain"),
        control("second", Severity.CRITICAL),
        control("guided", kind=Kind.GUIDED, parameters=(RANGES, HOURS)),
        control("final", reversible=Reversible.NO),
        control("partly", reversible=Reversible.PARTIAL),
        control("rights", privileged=True),
        Control(detector("words"), None, "storage"),
        control("told", kind=Kind.NONE),
    )
}


def resource(rid: str = ACCOUNT, **properties: Any) -> Resource:
    return Resource(id=ResourceId(rid), body={"id": rid, "properties": properties})


def finding(name: str = "plain", rid: str = ACCOUNT) -> Finding:
    """An open finding of one of `CONTROLS`."""
    judged = resource(rid, open=True)
    one = CONTROLS[name].detector
    return Finding(one, judged, one.judge(judged).evidence)


def plan(rid: str = ACCOUNT, *controls: str, after: Any = False) -> Plan:
    """A plan that writes one path of a resource."""
    change = Change(
        verb=Verb.PATCH,
        target=ResourceId(rid),
        api_version=TYPE.api_version,
        edits=(Edit(("properties", "open"), True, after),),  # noqa: FBT003  JSON values
    )
    return Plan(resource=ResourceId(rid), controls=controls or ("plain",), changes=(change,))
