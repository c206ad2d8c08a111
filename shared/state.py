"""All state behind one value, so that what shares a store shares it whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.approvals import Approvals
from shared.budgets import NOBODY, Budgets
from shared.claims import Claims
from shared.departures import Departures
from shared.findings import Findings
from shared.hints import Due, Inbox
from shared.journal import Journal
from shared.limits import Limits
from shared.log import Log
from shared.looked import Looked
from shared.orders import Orders
from shared.outbox import Outbox
from shared.schema import Checked, Schema
from shared.store import Store
from shared.suspension import Suspension
from shared.usage import Uses

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything remembered between looks."""

    store: Store
    now: Now
    schema: Schema
    outbox: Outbox
    log: Log
    inbox: Inbox
    due: Due
    claims: Claims
    findings: Findings
    journal: Journal
    limits: Limits
    budgets: Budgets
    approvals: Approvals
    orders: Orders
    suspension: Suspension
    departures: Departures
    uses: Uses
    looked: Looked

    @classmethod
    def over(cls, store: Store, now: Now, principal: str = NOBODY) -> State:
        """State kept in `store`; `now` is a clock in UTC, `principal` who signs our requests.

        Nothing is asked before first use; then its version comes first.
        """
        schema = Schema(store, now)
        store = Checked(store, schema.check)
        outbox = Outbox(store, now)
        return cls(
            store=store,
            now=now,
            schema=schema,
            outbox=outbox,
            log=Log(store),
            inbox=Inbox(store, now),
            due=Due(store, now),
            claims=Claims(store, now),
            findings=Findings(store, outbox, now),
            journal=Journal(store, outbox, now),
            limits=Limits(store, now),
            budgets=Budgets(store, now, principal),
            approvals=Approvals(store, now),
            orders=Orders(store, now),
            suspension=Suspension(store, now),
            departures=Departures(store, now),
            uses=Uses(store, now),
            looked=Looked(store, now),
        )
