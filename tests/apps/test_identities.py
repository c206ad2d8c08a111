"""What the two identities may do, shown with their own tokens over TLS."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from rules import api_versions
from simulator.processes import reads, writes
from simulator.server import Serving
from tests.apps.conftest import Stack
from tests.engine.world import CONTROLS, GROUP

WRITES = sorted(one for one in writes() if not one.endswith("/read"))
CALLS = [one for one in WRITES if "/join" not in one]
"""Those that a call of their own takes: a join is asked for by the write that refers to it."""
METHODS = {"write": ("PUT", "PATCH"), "delete": ("DELETE",), "action": ("POST",)}
VERSIONS = api_versions(CONTROLS)
OLD = "2021-04-01"


def path_of(permission: str) -> tuple[str, str]:
    """The path of a call that takes the permission, and its api-version."""
    namespace, *types, verb = permission.split("/")
    action = f"/{types.pop()}" if verb == "action" else ""
    version = VERSIONS.get("/".join([namespace, *types]).casefold(), OLD)
    below = "/".join(f"{one}/one" for one in types)
    return f"{GROUP}/providers/{namespace}/{below}{action}", version


def token(door: Serving) -> str:
    told = door.environment
    answer = requests.get(
        told["IDENTITY_ENDPOINT"],
        params={"resource": "https://management.azure.com", "api-version": "2019-08-01"},
        headers={"X-IDENTITY-HEADER": told["IDENTITY_HEADER"]},
        verify=str(door.ca_bundle),
        timeout=30,
    )
    return str(answer.json()["access_token"])


def answers(stack: Stack, app: str, permission: str) -> list[tuple[int, str, str]]:
    """(status, code, message) of every call that takes the permission, by an app's identity."""
    door = stack.doors[app]
    path, version = path_of(permission)
    found = []
    for method in METHODS[permission.rpartition("/")[2]]:
        answer = requests.request(
            method,
            f"{door.url}{path}?api-version={version}",
            json={"properties": {}},
            headers={"Authorization": f"Bearer {token(door)}"},
            verify=str(door.ca_bundle),
            timeout=30,
        )
        body: Any = answer.json() if answer.content else {}
        error = body.get("error", {})
        found.append((answer.status_code, error.get("code", ""), error.get("message", "")))
    return found


def test_the_gate_is_refused_every_write(stack: Stack) -> None:
    """Each write that any control declares is 403 AuthorizationFailed to the gate's token."""
    assert len(CALLS) > 8
    for permission in CALLS:
        for status, code, message in answers(stack, "gate", permission):
            assert (status, code) == (403, "AuthorizationFailed"), permission
            assert permission.casefold() in message.casefold()
    assert stack.tenant.writes == []


def test_the_hand_is_refused_none_of_them(stack: Stack) -> None:
    """The same calls fail for the hand for want of the resource, never for want of a right."""
    for permission in CALLS:
        codes = {code for _, code, _ in answers(stack, "hand", permission)}
        assert "AuthorizationFailed" not in codes, permission


@pytest.mark.parametrize("app", ["gate", "hand"])
def test_both_are_refused_what_nobody_declared(stack: Stack, app: str) -> None:
    """Deleting an account, or taking a lock off a resource, is nobody's."""
    for permission in (
        "Microsoft.Storage/storageAccounts/delete",
        "Microsoft.Authorization/locks/delete",
    ):
        codes = {code for _, code, _ in answers(stack, app, permission)}
        assert codes == {"AuthorizationFailed"}, permission


def test_no_read_of_the_gate_is_a_write() -> None:
    """What detectors declare are reads, all of them."""
    assert {one.rpartition("/")[2] for one in reads()} == {"read"}
