"""Single servers of MySQL, PostgreSQL and MariaDB: closed as far as they still can be."""

from collections.abc import Iterator

from shared.model import (
    Edit,
    Finding,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Resource,
    Undecided,
)

WANTED = {
    "/properties/publicNetworkAccess": ("Disabled", "Enabled"),
    "/properties/sslEnforcement": ("Enabled", "Disabled"),
    "/properties/minimalTlsVersion": ("TLS1_2", "TLSEnforcementDisabled"),
}
"""By path what is written, and the default that stands for an absent value."""

CLOSE = Parameter(
    name="close",
    description="Whether public access and old TLS are to be turned off.",
    schema={"type": "boolean"},
    for_person=True,
)


def closed(remediation: Remediation, finding: Finding, parameters: Parameters) -> Plan:
    """Turn off what was found; what is right stays.

    Raises:
        Undecided: nobody said to.
    """
    if not parameters["close"]:
        raise Undecided("nobody said to close the server")
    body, found = finding.resource.body, {one.path for one in finding.evidence}
    edits = (
        Edit.of(body, path, wanted, restore=default)
        for path, (wanted, default) in WANTED.items()
        if path in found
    )
    return remediation.propose(finding, [finding.patch(*edits)], *_caveats(finding.resource))


def _caveats(server: Resource) -> Iterator[str]:
    """What has to be known before."""
    at = "/properties/privateEndpointConnections"
    state = "properties/privateLinkServiceConnectionState/status"
    if not any(
        server.text(f"{at}/{i}/{state}") == "approved" for i, _ in enumerate(server.items(at))
    ):
        yield "No private endpoint is approved: no client at all gets in without public access."
    yield "The product is retired: move the databases to a flexible server."
