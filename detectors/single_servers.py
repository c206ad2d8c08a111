"""Single servers of MySQL, PostgreSQL and MariaDB: retired products, of one shape."""

from collections.abc import Iterator

from detectors import PUBLIC_ACCESS, seen
from shared.model import Evidence, Resource

TLS = "/properties/minimalTlsVersion"
SSL = "/properties/sslEnforcement"
OLD = ("", "tlsenforcementdisabled", "tls1_0", "tls1_1")


def check(server: Resource) -> Iterator[Evidence]:
    """That it is open to public networks, or to connections without a good TLS.

    Absent means Enabled public access, and no least version of TLS.
    """
    if seen(server).text(PUBLIC_ACCESS) != "disabled":
        yield Evidence(PUBLIC_ACCESS, server.get(PUBLIC_ACCESS), "Disabled")
    if server.text(SSL) != "enabled":
        yield Evidence(SSL, server.get(SSL), "Enabled")
    if server.text(TLS) in OLD:
        yield Evidence(TLS, server.get(TLS), "TLS1_2")
