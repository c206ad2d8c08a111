"""Let the app be reached from inside its environment alone. Its name changes with that."""

from shared.model import (
    Edit,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
)

INGRESS = "/properties/configuration/ingress"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    if not parameters["close"]:
        raise Undecided("nobody said to close the ingress")
    app, edits = finding.resource, list[Edit]()
    if app.flag(f"{INGRESS}/external") and app.text(f"{INGRESS}/transport") == "tcp":
        edits.append(Edit.of(app.body, f"{INGRESS}/external", after=False))
    mappings = f"{INGRESS}/additionalPortMappings"
    if any(one.path.startswith(mappings) for one in finding.evidence):
        inside = [{**one, "external": False} for one in app.items(mappings)]
        edits.append(Edit.of(app.body, mappings, inside))
    caveat = "The app answers at another name then: clients inside use the internal one."
    return REMEDIATION.propose(finding, [finding.patch(*edits)], caveat)


REMEDIATION = Remediation(
    control="datastore-container-app-tcp-ingress",
    title="Make TCP ingress internal",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients from outside the environment are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.App/containerApps/write",
        "Microsoft.App/locations/containerappOperationResults/read",
    ),
    parameters=(
        Parameter(
            name="close",
            description="Whether the ingress is to be internal.",
            schema={"type": "boolean"},
            for_person=True,
        ),
    ),
)
