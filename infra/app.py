"""What a deployment has to know of the app: its state, its settings, whether it has a hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.azure.dead_letters import CONTAINER
from shared.clouds import CLOUDS
from shared.hints import ACT, HINTS, SWEEPS
from shared.model import Control
from shared.needs import written
from shared.policy import Policy
from shared.store.tables import HANDS, OURS, SHARED

LEFT_OUT: Final[Mapping[str, str]] = {
    "PORTCULLIS_ARM_ENDPOINT": "the cloud tells it",
    "PORTCULLIS_CALLERS": "takes rights on every workspace that no control declares",
    "PORTCULLIS_CONSOLE_URL": "the app takes the address that Azure gave it",
    "PORTCULLIS_CONSOLE_TOKEN": "a laptop's way in, never one in Azure",
    "PORTCULLIS_POLICY": "the package holds policy.yaml, where the app looks first",
    "PORTCULLIS_RECORDS": "records go to Log Analytics",
    "PORTCULLIS_STATE": "state is in a storage account",
}
"""Settings that the code reads and the templates do not set, with the reason."""


def app(known: Mapping[str, Control], policy: Policy) -> dict[str, Any]:
    """`hand` says whether policy lets anything be written; without that none is deployed.

    `tables` are the tables of the state by who may write them: `shared` both apps, `hands` the
    hand alone.
    """
    return {
        "hand": bool(written(known, policy)),
        "hints": HINTS,
        "queues": sorted([HINTS, ACT, SWEEPS, *(f"{one}-poison" for one in (HINTS, ACT, SWEEPS))]),
        "tables": {"shared": _named(SHARED), "hands": _named(HANDS)},
        "values": OURS,
        "deadLetters": CONTAINER,
        "graph": {cloud.name: cloud.graph for cloud in CLOUDS},
    }


def _named(tables: frozenset[str]) -> list[str]:
    """What they are called in the storage account."""
    return sorted(f"{OURS}{one}" for one in tables)
