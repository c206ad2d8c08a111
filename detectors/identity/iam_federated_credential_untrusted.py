"""Managed identity trusts an unknown federated issuer or a wildcard subject.

Why it matters: whoever can get a token from that issuer, for that subject, signs in as the
identity, with no secret to steal and nothing to see in this tenant beforehand.
Limits: issuers pass that are known to Microsoft's own guides: GitHub Actions, Azure DevOps,
Microsoft Entra ID, and clusters on AKS or connected by Azure Arc. Which organisation, repository or
tenant there may be trusted is not known here, so that a stranger's repository passes. In a plain
credential a `*` matches nothing but itself, and is found as the mistake it is; in an expression
(`claimsMatchingExpression`), which api-versions before 2025 do not show, it matches anything.
Source: Microsoft Learn, "Configure a user-assigned managed identity to trust an external identity
provider".
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from detectors import seen
from shared.model import (
    Detector,
    Evidence,
    Lookup,
    Resource,
    ResourceType,
    Severity,
    Undecided,
)

IDENTITY = ResourceType("Microsoft.ManagedIdentity/userAssignedIdentities", "2023-01-31")
CREDENTIAL = ResourceType(f"{IDENTITY.name}/federatedIdentityCredentials", "2023-01-31")
ISSUER, SUBJECT = "/properties/issuer", "/properties/subject"
EXPRESSION = "/properties/claimsMatchingExpression/value"

KNOWN = {
    "token.actions.githubusercontent.com",
    "vstoken.dev.azure.com",
    "login.microsoftonline.com",
    "sts.windows.net",
}
CLUSTERS = (".oic.prod-aks.azure.com", ".oic.prod-arc.azure.com")


def check(identity: Resource) -> Iterator[Evidence]:
    seen(identity)
    for credential in identity.related("credentials"):
        issuer = seen(credential).text(ISSUER)
        if not issuer:
            raise Undecided(f"the credential {credential.id.name} names no issuer")
        if not _known(issuer):
            expected = "an issuer that is known"
            yield Evidence(ISSUER, credential.get(ISSUER), expected, resource=credential.id)
        for pointer in (SUBJECT, EXPRESSION):
            if "*" in credential.text(pointer):
                found, expected = credential.get(pointer), "one subject, without a wildcard"
                yield Evidence(pointer, found, expected, resource=credential.id)


def _known(issuer: str) -> bool:
    parts = urlsplit(issuer)
    host = parts.hostname or ""
    return parts.scheme == "https" and (host in KNOWN or host.endswith(CLUSTERS))


DETECTOR = Detector(
    id="iam-federated-credential-untrusted",
    title="Managed identity trusts an unknown federated issuer or a wildcard subject",
    resource_type=IDENTITY,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
    lookups=(
        Lookup(
            name="credentials",
            type=CREDENTIAL,
            ids=lambda identity: [f"{identity.id}/federatedIdentityCredentials"],
            many=True,
        ),
    ),
)
