"""Where the recorded Azure data lies; tests that need it skip aloud where it does not."""

import os
from pathlib import Path

ROOT = Path(__file__).parent.parent
RECORDED = Path(os.environ.get("PORTCULLIS_RECORDED") or ROOT.parent / "shared" / "recorded")
