"""The alert rules, as `Microsoft.Insights/scheduledQueryRules` want them.

Source: https://learn.microsoft.com/azure/templates/microsoft.insights/scheduledqueryrules; of what
such queries may do (a table first, no `union`, two days back at most) .../azure-monitor/alerts/
alerts-log-query and alerts-create-log-alert-rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field

from infra.pack import ALERTS, Query
from shared.errors import Unusable

FILE: Final = Path(__file__).parent / "alerts.yaml"
MINUTES: Final = {
    "PT5M": 5,
    "PT10M": 10,
    "PT15M": 15,
    "PT30M": 30,
    "PT45M": 45,
    **{f"PT{hours}H": hours * 60 for hours in range(1, 7)},
    "P1D": 1440,
    "P2D": 2880,
}
"""The times that rules take. One minute is one too, but not for every query."""


class Rule(BaseModel):
    """One rule of `alerts.yaml`, where the words are explained."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    severity: int = Field(ge=0, le=4)
    every: str
    window: str
    do: str
    reach: str | None = None
    rows: int = Field(default=0, ge=0)
    by: tuple[str, ...] = Field(default=(), max_length=6)
    resolves: bool = True


def rules(file: Path = FILE) -> dict[str, Rule]:
    """Every rule, by name."""
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {name: Rule.model_validate(one) for name, one in told.items()}


def alerts(queries: Mapping[str, Query], known: Mapping[str, Rule]) -> list[dict[str, Any]]:
    """Each rule's `name`, and its `properties` but for what a deployment knows.

    That is `scopes`, `actions` and whether it is `enabled`.

    Raises:
        Unusable: a rule without a query.
    """
    return [
        {"name": name, "properties": _properties(name, r, queries)} for name, r in known.items()
    ]


def _properties(name: str, rule: Rule, queries: Mapping[str, Query]) -> dict[str, Any]:
    query = queries.get(f"{ALERTS}/{name}")
    if query is None:
        raise Unusable(f"{FILE.name}: {name}: there is no {ALERTS}/{name}.kql")
    condition = {
        "query": query.text,
        "timeAggregation": "Count",
        "dimensions": [{"name": one, "operator": "Include", "values": ["*"]} for one in rule.by],
        "operator": "GreaterThan",
        "threshold": rule.rows,
        "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
    }
    return {
        "displayName": f"Portcullis: {query.title}",
        "description": rule.do,
        "severity": rule.severity,
        "evaluationFrequency": rule.every,
        "windowSize": rule.window,
        **({"overrideQueryTimeRange": rule.reach} if rule.reach else {}),
        "autoMitigate": rule.resolves,
        "criteria": {"allOf": [condition]},
    }
