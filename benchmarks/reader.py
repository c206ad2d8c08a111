"""A client of the simulated tenant in a process of its own, which costs the tenant's nothing."""

from __future__ import annotations

import http.client
import ssl
import sys
from http import HTTPStatus


def main(port: str, bundle: str, token: str) -> None:
    """Read each id on standard input over one connection."""
    context = ssl.create_default_context(cafile=bundle)
    connection = http.client.HTTPSConnection("127.0.0.1", int(port), context=context)
    for line in sys.stdin:
        path = f"{line.strip()}?api-version=2024-01-01"
        connection.request("GET", path, None, {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != HTTPStatus.OK:
            sys.exit(f"{answer.status} for {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
