"""Every table of the state, by who writes it.

A deployment makes these tables and gives each app its rights on them (`infra/app.py`); a store
refuses a table that is not listed.
"""

from typing import Final, Literal, get_args

OfTheHand = Literal[
    "actions",  # before-images, plans under way, what became of them
    "claims",  # who writes what
    "own",  # the ids of our writes
]
"""Read by both apps and written by the hand alone: by these it writes to Azure."""
OfBoth = Literal[
    "budgets",
    "canaries",
    "control",
    "departures",
    "digests",
    "dirty",
    "doctor",
    "due",
    "findings",
    "forms",
    "limits",
    "log",
    "looked",
    "notices",
    "orders",
    "outbox",
    "plans",
    "records",
    "schema",
    "suspects",
    "sweeps",
    "trends",
    "unreadable",
    "uses",
]
Table = Literal[OfTheHand, OfBoth]

HANDS: Final[frozenset[str]] = frozenset(get_args(OfTheHand))
SHARED: Final[frozenset[str]] = frozenset(get_args(OfBoth))
OURS: Final = "portcullis"
"""What the names of our tables begin with in Azure, and the name of the container there."""


def listed(table: str) -> str:
    """The name of the table, which is one of these.

    Raises:
        RuntimeError: it is none, so no deployment would have made it.
    """
    if table not in HANDS and table not in SHARED:
        raise RuntimeError(f"no table is called {table!r}: list it in shared/store/tables.py")
    return table
