"""What Azure's refusals mean: every envelope, every reason, every way to say how long to wait."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.azure.faults import DEFAULT_WAIT, LONGEST_WAIT, envelope, fault_of, wait_of
from shared.errors import ArmError, Conflict, Refused, Transient, Unauthenticated, Why
from simulator import rows
from simulator.types import rows as known_types


def fault(status: int, code: str = "", message: str = "", **headers: str) -> ArmError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return fault_of(status, named, {"error": {"code": code, "message": message}}, "PUT /x")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"code": "C", "message": "m", "target": "t", "details": []}}, ("C", "m")),
        ({"code": "C", "message": "m"}, ("C", "m")),
        ({"Code": "C", "Message": "m"}, ("C", "m")),
        ({"Error": {"Code": "C", "Message": "m"}}, ("C", "m")),
        ({"Message": "m"}, ("", "m")),
        ({"error": {"code": "C", "details": [{"code": "D", "message": "deep"}]}}, ("C", "deep")),
        ({"Code": 429, "Details": [{"Message": "deep"}], "Innererror": None}, ("429", "deep")),
        ({"error": {"error": {"code": "C", "message": "m"}}}, ("C", "m")),
        ({"error": "invalid_request"}, ("", "")),
        ({"error": None}, ("", "")),
        ({}, ("", "")),
        (None, ("", "")),
        ([], ("", "")),
        ("<html>", ("", "")),
    ],
)
def test_every_envelope(body: Any, expected: tuple[str, str]) -> None:
    """Code and message are found in each form that Azure has for errors, and in none of others."""
    assert envelope(body) == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "Error", "code", "Code", "message", "details", "x"]), inner
        )
    ),
    max_leaves=8,
)
headers = st.dictionaries(st.sampled_from(["Retry-After", "retry-after", "x"]), st.text())


@given(st.integers(300, 599), json_values, headers)
def test_any_answer_means_something(status: int, body: Any, given_headers: dict[str, str]) -> None:
    """Whatever an unsuccessful answer holds, it is a fault with one line that names the call."""
    found = fault_of(status, given_headers, body, "PUT /x")
    assert str(found).startswith("PUT /x: ")
    assert "\n" not in str(found)
    if isinstance(found, Transient):
        assert 0 <= found.retry_after <= LONGEST_WAIT


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_faults_come_again(status: int) -> None:
    """Throttling, timeouts and server errors pass; the service's own delay is kept as data."""
    for headers_given, wait in (({}, DEFAULT_WAIT), ({"Retry_After": "17"}, 17.0)):
        found = fault(status, "Any", **headers_given)
        assert isinstance(found, Transient)
        assert not isinstance(found, Unauthenticated)
        assert found.retry_after == wait


@pytest.mark.parametrize(
    ("given_headers", "message", "wait"),
    [
        ({"Retry-After": "17"}, "", 17.0),
        ({"retry-after": "0"}, "", 0.0),
        ({"Retry-After": "999999"}, "", 3600.0),
        ({}, "Please try again after '42' seconds.", 42.0),
        ({}, "Retry in 5 sec", 5.0),
        ({"Retry-After": "3"}, "try again after 42 seconds", 3.0),
        ({"Retry-After": "soon"}, "try again after 42 seconds", 42.0),
        ({"Retry-After": "-5"}, "", None),
        ({"Retry-After": ""}, "", None),
        ({}, "nothing of the kind", None),
    ],
)
def test_the_delay_in_the_header_or_in_words(
    given_headers: dict[str, str], message: str, wait: float | None
) -> None:
    """The header comes before the words; what says no number of seconds says nothing."""
    assert wait_of(given_headers, message) == wait


@pytest.mark.parametrize(
    ("status", "code", "why"),
    [
        (409, "ScopeLocked", Why.LOCKED),
        (403, "RequestDisallowedByPolicy", Why.POLICY_DENIED),
        (403, "DenyAssignmentAuthorizationFailed", Why.DENY_ASSIGNMENT),
        (403, "AuthorizationFailed", Why.FORBIDDEN),
        (403, "LinkedAuthorizationFailed", Why.FORBIDDEN),
        (403, "", Why.FORBIDDEN),
        (409, "MissingSubscriptionRegistration", Why.NOT_REGISTERED),
        (409, "SubscriptionNotRegistered", Why.NOT_REGISTERED),
        (409, "ReadOnlyDisabledSubscription", Why.READ_ONLY),
        (404, "SubscriptionNotFound", Why.NOT_FOUND),
        (400, "InvalidParameter", Why.INVALID),
        (400, "PublicIPAddressCannotBeDeleted", Why.INVALID),
        (409, "RoleAssignmentExists", Why.INVALID),
        (409, "scopelocked", Why.LOCKED),
        (405, "MethodNotAllowed", Why.INVALID),
        (302, "", Why.INVALID),
    ],
)
def test_refusals_say_what_stands_in_the_way(status: int, code: str, why: Why) -> None:
    """A refusal that coming again cannot help names its reason and Azure's own code."""
    found = fault(status, code, "words of Azure")
    assert isinstance(found, Refused)
    assert (found.why, found.code) == (why, code)
    assert "words of Azure" in str(found)


def test_a_moved_etag_is_a_conflict_and_a_busy_cosmos_is_not() -> None:
    """412 means that the etag moved, save where its words tell of an exclusive lock."""
    assert isinstance(fault(412, "PreconditionFailed", "Precondition failed."), Conflict)
    busy = "There is already an operation in progress which requires exclusive lock."
    assert isinstance(fault(412, "PreconditionFailed", busy), Transient)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "PrincipalNotFound"),
        (409, "AnotherOperationInProgress"),
        (409, "RetryableErrorDueToAnotherOperation"),
        (409, "StorageAccountOperationInProgress"),
        (409, "ServerIsBusy"),
        (409, "ConcurrentOperationInProgress"),
    ],
)
def test_busy_passes(status: int, code: str) -> None:
    """What is busy, or not replicated yet, is worth another try, whatever the status."""
    assert isinstance(fault(status, code), Transient)


def test_every_way_in_which_a_provider_says_that_it_is_busy() -> None:
    """Of each type that the simulated tenant knows to be busy, the refusal passes."""
    rows.teach()
    busy = {row.name: row.busy for row in known_types() if row.busy is not None}
    assert len(busy) > 20
    final = {
        (name, one.code)
        for name, one in busy.items()
        if not isinstance(fault(one.status, one.code, one.message), Transient)
    }
    assert final == set()


@pytest.mark.parametrize("code", ["ExpiredAuthenticationToken", "AuthenticationFailed", ""])
def test_a_refused_token(code: str) -> None:
    """401 is a matter of the identity, and passes once that is mended."""
    found = fault(401, code)
    assert isinstance(found, Unauthenticated)
    assert found.retry_after == 60


def test_recorded_refusals(recorded: Path) -> None:
    """Every recorded error answer has a meaning; of the quoted ones it is the known one."""
    whys = {
        "quoted-409-scopelocked": Why.LOCKED,
        "quoted-403-requestdisallowedbypolicy": Why.POLICY_DENIED,
    }
    count = 0
    for path in sorted((recorded / "traffic").glob("*.json")):
        for status, given_headers, body in _errors(json.loads(path.read_text(encoding="utf-8"))):
            found = fault_of(status, given_headers, body, "PUT /x")
            assert "\n" not in str(found)
            count += 1
            for beginning, why in whys.items():
                if path.stem.startswith(beginning):
                    assert isinstance(found, Refused)
                    assert found.why is why
    assert count > 50


def _errors(flow: Any) -> list[tuple[int, dict[str, str], Any]]:
    """(status, headers, body) of every unsuccessful answer of a recorded flow."""
    found: list[tuple[int, dict[str, str], Any]] = []
    if isinstance(flow, list):
        return [error for one in flow for error in _errors(one)]
    if isinstance(flow, dict):
        answer = flow.get("response")
        if isinstance(answer, dict) and isinstance(answer.get("status"), int):
            if answer["status"] >= 400:
                named = {str(k): str(v) for k, v in (answer.get("headers") or {}).items()}
                found.append((answer["status"], named, answer.get("body")))
        return [*found, *(error for one in flow.values() for error in _errors(one))]
    return found
