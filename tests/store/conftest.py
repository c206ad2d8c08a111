from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.azurite import Azurite, missing


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One Azurite for all tests of this process; they keep apart by the names they use."""
    if why := missing():
        pytest.skip(f"no Azurite to keep state in: {why}")
    running = Azurite()
    yield running
    running.stop()
