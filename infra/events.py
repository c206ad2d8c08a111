"""Which events of a subscription wake the gate, as event subscriptions of Event Grid want it.

Sources: https://learn.microsoft.com/azure/event-grid/event-filtering (filters of one event
subscription are joined by AND, values of one filter by OR; 25 values in all; strings are compared
without case) and .../event-grid/event-schema-subscriptions (the types).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.errors import Unusable
from shared.model import USES, Control
from shared.needs import written
from shared.policy import Policy

MOST_VALUES: Final = 25
_TYPE = "Microsoft.Resources.Resource{}Success"


def events(known: Mapping[str, Control], policy: Policy) -> list[dict[str, Any]]:
    """The event subscriptions: all writes and deletes, and the actions that a control lists.

    One would not do, as the operations would then be asked of writes too. Where policy acts on
    roles that look unused, all actions come: each of them is a use.

    Raises:
        Unusable: controls list more operations than a filter takes.
    """
    changes = {"includedEventTypes": [_TYPE.format("Write"), _TYPE.format("Delete")]}
    actions: dict[str, Any] = {"includedEventTypes": [_TYPE.format("Action")]}
    if not any(_judges_use(control) for control in written(known, policy)):
        actions["advancedFilters"] = [
            {"operatorType": "StringIn", "key": "data.operationName", "values": _operations(known)}
        ]
    return [{"name": "changes", "filter": changes}, {"name": "actions", "filter": actions}]


def _judges_use(control: Control) -> bool:
    return any(one.type.key == USES.key for one in control.detector.lookups)


def _operations(known: Mapping[str, Control]) -> list[str]:
    found = sorted({action for one in known.values() for action in one.detector.actions})
    if len(found) > MOST_VALUES:
        raise Unusable(f"controls list {len(found)} actions: a filter takes {MOST_VALUES}")
    return found
