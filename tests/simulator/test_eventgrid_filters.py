"""Which events an event subscription gets."""

from typing import Any

import pytest

from simulator.eventgrid_filters import completed, wants
from simulator.tenant import Tenant
from simulator.wire import Refusal
from tests.simulator.client import ALICE, VAULT
from tests.simulator.grid import QUEUE, change, listen

SUBJECT = "/subscriptions/1/resourcegroups/Prod/providers/Microsoft.KeyVault/vaults/kv1"
EVENT: dict[str, Any] = {
    "id": "e1",
    "topic": "/subscriptions/1",
    "subject": SUBJECT,
    "eventType": "Microsoft.Resources.ResourceWriteSuccess",
    "data": {
        "operationName": "Microsoft.KeyVault/vaults/write",
        "status": "Succeeded",
        "authorization": {"scope": SUBJECT},
        "nothing": None,
        "certain": True,
        "count": 5,
    },
}


def passes(filters: dict[str, Any]) -> bool:
    return wants(completed(filters), EVENT)


def advanced(operator: str, key: str = "data.operationName", **values: Any) -> bool:
    return passes({"advancedFilters": [{"operatorType": operator, "key": key, **values}]})


@pytest.mark.parametrize(
    ("filters", "passed"),
    [
        ({}, True),
        ({"includedEventTypes": ["All"]}, True),
        ({"includedEventTypes": ["microsoft.resources.resourcewritesuccess"]}, True),
        ({"includedEventTypes": ["Microsoft.Resources.ResourceDeleteSuccess"]}, False),
        ({"subjectBeginsWith": "/SUBSCRIPTIONS/1/resourceGroups/prod"}, True),
        ({"subjectBeginsWith": "/SUBSCRIPTIONS/1", "isSubjectCaseSensitive": True}, False),
        ({"subjectBeginsWith": "/subscriptions/2"}, False),
        ({"subjectEndsWith": "/KV1"}, True),
        ({"subjectEndsWith": "/kv2"}, False),
        ({"subjectBeginsWith": "/subscriptions", "subjectEndsWith": "/kv2"}, False),
    ],
)
def test_types_and_subjects(filters: dict[str, Any], passed: bool) -> None:  # noqa: FBT001
    """All must hold; subjects are compared without case unless the filter says so."""
    assert passes(filters) is passed


@pytest.mark.parametrize(
    ("operator", "values", "passed"),
    [
        ("StringContains", ["VAULTS/", "x"], True),
        ("StringContains", ["sql"], False),
        ("StringNotContains", ["sql"], True),
        ("StringNotContains", ["sql", "vaults"], False),
        ("StringBeginsWith", ["microsoft.keyvault/"], True),
        ("StringNotBeginsWith", ["microsoft.keyvault/"], False),
        ("StringEndsWith", ["/delete", "/WRITE"], True),
        ("StringNotEndsWith", ["/delete"], True),
        ("StringIn", ["microsoft.keyvault/vaults/WRITE"], True),
        ("StringIn", ["Microsoft.KeyVault/vaults"], False),
        ("StringNotIn", ["Microsoft.KeyVault/vaults/write"], False),
        ("NumberIn", [5], False),
    ],
)
def test_operators_on_strings(operator: str, values: list[Any], passed: bool) -> None:  # noqa: FBT001
    """Several values are alternatives, of which a Not allows none; case is nothing."""
    assert advanced(operator, values=values) is passed


@pytest.mark.parametrize(
    ("operator", "values", "passed"),
    [
        ("NumberIn", {"values": [4, 5]}, True),
        ("NumberNotIn", {"values": [5]}, False),
        ("NumberInRange", {"values": [[1, 2], [5, 6]]}, True),
        ("NumberNotInRange", {"values": [[1, 2]]}, True),
        ("NumberLessThan", {"value": 5}, False),
        ("NumberLessThanOrEquals", {"value": 5}, True),
        ("NumberGreaterThan", {"value": 4}, True),
        ("NumberGreaterThan", {"value": 5}, False),
        ("NumberGreaterThanOrEquals", {"value": 5}, True),
        ("NumberGreaterThanOrEquals", {"value": 6}, False),
        ("StringIn", {"values": ["5"]}, False),
        ("BoolEquals", {"value": 5}, False),
    ],
)
def test_operators_on_numbers(operator: str, values: dict[str, Any], passed: bool) -> None:  # noqa: FBT001
    assert advanced(operator, "data.count", **values) is passed


def test_operators_on_the_rest() -> None:
    assert advanced("BoolEquals", "data.certain", value=True)
    assert not advanced("BoolEquals", "data.certain", value=False)
    assert not advanced("NumberIn", "data.certain", values=[1])
    for absent in ("data.nothing", "data.missing", "data.status.deeper"):
        assert advanced("IsNullOrUndefined", absent)
        assert not advanced("IsNotNull", absent)
    assert advanced("IsNotNull", "data.status")


@pytest.mark.parametrize(
    "key", ["Data.OperationName", "DATA.operationname", "data.authorization.scope", "Subject"]
)
def test_keys_are_found_without_case(key: str) -> None:
    assert advanced("StringContains", key, values=["keyvault"])


def test_keys_have_the_names_of_either_schema() -> None:
    for key in ("eventType", "type"):
        assert advanced("StringEndsWith", key, values=["WriteSuccess"])
    for key in ("topic", "source"):
        assert advanced("StringIn", key, values=["/subscriptions/1"])


def test_a_missing_key_matches_only_what_is_not_in() -> None:
    """As Microsoft's page lists it: StringNotContains and the like do not match."""
    matching = {"StringNotIn", "NumberNotIn"}
    for operator in ("Contains", "BeginsWith", "EndsWith", "In"):
        for name in (f"String{operator}", f"StringNot{operator}"):
            assert advanced(name, "data.missing", values=["x"]) is (name in matching)
    assert advanced("NumberNotIn", "data.missing", values=[1])


def test_several_filters_must_all_hold() -> None:
    keyvault = {
        "operatorType": "StringBeginsWith",
        "key": "data.operationName",
        "values": ["Microsoft.KeyVault"],
    }
    failed = {"operatorType": "StringIn", "key": "data.status", "values": ["Failed"]}
    assert passes({"advancedFilters": [keyvault]})
    assert not passes({"advancedFilters": [keyvault, failed]})


def _of(count: int, each: int) -> list[dict[str, Any]]:
    values = [f"v{n}" for n in range(each)]
    return [
        {"operatorType": "StringIn", "key": f"data.k{n}", "values": values} for n in range(count)
    ]


@pytest.mark.parametrize(
    ("filters", "status"),
    [
        (_of(5, 5), 0),
        (_of(1, 26), 400),
        (_of(6, 5), 400),
        (_of(26, 0), 400),
        ([{"operatorType": "StringIn", "key": "x", "values": ["v" * 512]}], 0),
        ([{"operatorType": "StringIn", "key": "x", "values": ["v" * 513]}], 400),
        ([{"operatorType": "StringIn", "values": ["v"]}], 400),
        ([{"operatorType": "Matches", "key": "x", "values": ["v"]}], 501),
    ],
)
def test_the_limits_of_advanced_filters(filters: list[dict[str, Any]], status: int) -> None:
    """At most 25 filters and 25 values in all of them, of 512 characters."""
    if not status:
        completed({"advancedFilters": filters})
        return
    with pytest.raises(Refusal) as refused:
        completed({"advancedFilters": filters})
    assert refused.value.status == status


def test_a_filtered_event_is_not_delivered(tenant: Tenant) -> None:
    """Of a write, a delete and a write elsewhere, the one that passes is in the queue."""
    advanced_filter = {
        "operatorType": "StringIn",
        "key": "data.operationName",
        "values": ["Microsoft.KeyVault/vaults/delete"],
    }
    listen(tenant, QUEUE, filter={"advancedFilters": [advanced_filter]})
    change(tenant, "kv1", "kv2")
    tenant.remove(VAULT, by=ALICE)
    tenant.grid.deliver()
    assert len(tenant.grid.queues["changes"]) == 1
