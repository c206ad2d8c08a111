"""A certificate authority of the tenant's own, so that real clients speak TLS to loopback."""

from dataclasses import dataclass
from pathlib import Path

import trustme

HOSTS = (
    "management.azure.com",
    "login.microsoftonline.com",
    "graph.microsoft.com",
    "api.loganalytics.azure.com",
    "*.westeurope-1.ingest.monitor.azure.com",
    "*.westeurope-1.eventgrid.azure.net",
)
"""Azure's hosts whose part the tenant plays."""
NAMES = ("localhost", "127.0.0.1", *HOSTS)


@dataclass(frozen=True)
class Certificates:
    """Files in PEM form: what clients must trust, and what the server shows."""

    ca_bundle: Path
    server: Path


def issue(folder: Path, names: tuple[str, ...] = NAMES) -> Certificates:
    """Make an authority and a server certificate in `folder`, which is made where missing.

    The paths given back are absolute: they are good from any folder.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    leaf = authority.issue_cert(*names)
    made = Certificates(folder / "ca.pem", folder / "server.pem")
    authority.cert_pem.write_to_path(str(made.ca_bundle))
    leaf.private_key_and_cert_chain_pem.write_to_path(str(made.server))
    return made
