"""Cures for Log Analytics workspaces and Application Insights.

They are reached privately through a private link scope (AMPLS), whose clients nobody sees from
here: a person is always asked.
"""

from collections.abc import Sequence
from typing import Final

from shared.model import Edit, Finding, Json, Parameter, ResourceId, Undecided

SWITCHES: Final = (
    "/properties/publicNetworkAccessForQuery",
    "/properties/publicNetworkAccessForIngestion",
)

_GROUP = "/subscriptions/<subscription>/resourceGroups/<group>"
IN_SCOPES: Final = Parameter(
    name="private_link_scopes",
    description="The private link scopes that its clients come through; none named means any.",
    schema={
        "type": "array",
        "items": {
            "type": "string",
            "pattern": "^/subscriptions/.+/[pP]rivate[lL]ink[sS]copes/[^/]+$",
            "examples": [
                f"{_GROUP}/providers/Microsoft.Insights/privateLinkScopes/<scope>",
            ],
        },
    },
    for_person=[],
)


def closed(finding: Finding) -> list[Edit]:
    """The edits that turn off what is on.

    Where a switch was absent, undo leaves the documented default.
    """
    body, store = finding.resource.body, finding.resource
    off = [one for one in SWITCHES if store.text(one) in ("", "enabled")]
    return [Edit.of(body, one, "Disabled", restore="Enabled") for one in off]


def asks(named: Sequence[Json], linked: Sequence[Json]) -> str:
    """Why a person must be asked, with the scopes that remain a way in.

    Raises:
        Undecided: one of the named scopes does not hold it.
    """
    for wanted in named:
        if not any(ResourceId(str(one)).within(ResourceId(str(wanted))) for one in linked):
            raise Undecided(f"it is not in {wanted}: clients there would be cut off")
    if not linked:
        return "It is in no private link scope: everybody who sends or queries is cut off."
    scopes = ", ".join(str(one) for one in linked)
    return f"Whoever sends or queries from outside of {scopes} is cut off, the portal too."
