"""The table of types, as a whole."""

import re
from dataclasses import replace

import pytest

from simulator import rows, types
from simulator.types import ResourceType

rows.teach()


@pytest.mark.parametrize("row", types.rows(), ids=lambda row: str(row.name))
def test_every_row_is_sound(row: ResourceType) -> None:
    """Versions look like versions, embedded types have rows, and the end of a write can be seen."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\d(-preview)?", row.api_version)
    for embedded in row.embedded:
        assert embedded.type.startswith(row.name + "/")
        assert not embedded.addressable or types.row_of(embedded.type) is not None
    for long in (row.create, row.update, row.patched, row.delete):
        if long is not None:
            assert long.seconds > 0
            assert long.style != "none" or row.provisioning_state
        assert long is None or long.retry_after is None or long.retry_after >= 1
    assert row.delete is None or row.delete.status == 202


def test_types_compare_without_case() -> None:
    assert types.row_of("MICROSOFT.storage/StorageACCOUNTS") is not None
    assert types.row_of("Contoso.Factory/widgets") is None


def test_a_type_has_one_row() -> None:
    with pytest.raises(ValueError, match="twice"):
        types.register(replace(types.rows()[0]))
