"""The app's process under a clock that is half an hour ahead: claims have run out by then."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta

import function_app
from shared.azure.credentials import credential
from shared.settings import Settings
from simulator import app
from simulator.processes import ROOT
from wiring import build

AHEAD = timedelta(minutes=30)


def now() -> datetime:
    return datetime.now(UTC) + AHEAD


if __name__ == "__main__":
    settings = Settings.of(os.environ, ROOT)
    function_app.use(build(settings, credential(os.environ), now=now))
    sys.exit(app.main())
