"""A cold process that cures one account: the event of a person's change, and the look that follows.

Only light modules are imported here before the app is: what is measured is the app, from the start
of its interpreter. The wait for the event's likes is not waited for.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta


def main() -> None:
    """Cure what the event on standard input is about."""
    text = sys.stdin.read()
    import function_app  # noqa: PLC0415  its import is a part of what is measured
    from shared.azure.credentials import credential  # noqa: PLC0415
    from shared.hints import HINTS, SETTLE  # noqa: PLC0415
    from shared.settings import Settings  # noqa: PLC0415
    from wiring import build  # noqa: PLC0415

    ahead = timedelta(0)
    gate = build(
        Settings.of(os.environ, function_app.ROOT),
        credential(os.environ),
        now=lambda: datetime.now(UTC) + ahead,
    )
    gate.worker.hints(text)
    ahead = SETTLE * 2
    (message,) = gate.state.store.receive(HINTS, 8, timedelta(minutes=10))
    gate.worker.hints(message.text)
    gate.state.store.done(message)


if __name__ == "__main__":
    main()
