"""Delete the federated credentials of a managed identity that trust too much."""

from shared.model import (
    Change,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Resource,
    Reversible,
    Undecided,
    Verb,
)

SENT = ("issuer", "subject", "audiences")
CREDENTIALS = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    """Raises Undecided where a credential that was found trusts an issuer that is trusted."""
    trusted = {one.casefold().rstrip("/") for one in parameters["trusted_issuers"]}
    found = {one.resource for one in finding.evidence}
    lookup = finding.detector.lookup("credentials", finding.resource.id)
    going = [one for one in finding.resource.related(lookup.name) if one.id in found]
    for one in going:
        if one.text("/properties/issuer").rstrip("/") in trusted:
            raise Undecided(f"the issuer of {one.id.name} is trusted: exempt the identity")
    changes = [_deletion(one, lookup.type.api_version) for one in going]
    asks = "Whether the outsider who signs in by it may is for people to know."
    return REMEDIATION.propose(finding, changes, asks=asks)


def _deletion(credential: Resource, api_version: str) -> Change:
    properties = credential.body["properties"]
    kept = {name: properties[name] for name in SENT if properties.get(name) is not None}
    if len(kept) < len(SENT):
        raise Undecided(f"{credential.id.name} could not be made again: it lacks a part of its own")
    return Change(
        verb=Verb.DELETE,
        target=credential.id,
        api_version=api_version,
        document={"properties": kept},
    )


REMEDIATION = Remediation(
    control="iam-federated-credential-untrusted",
    title="Delete the federated credentials that trust an unknown issuer or a wildcard",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Pipelines and workloads that sign in by a deleted credential no longer can.",
    reversible=Reversible.YES,
    permissions=(f"{CREDENTIALS}/write", f"{CREDENTIALS}/delete"),
    parameters=(
        Parameter(
            name="trusted_issuers",
            description="Issuers (https://...) that are known though this control knows them not.",
            schema={"type": "array", "items": {"type": "string", "pattern": "^https://"}},
            for_person=[],
        ),
    ),
    privileged=True,
)
