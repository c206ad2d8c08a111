"""Installs the Kusto language service beside this file: `python -m tests.kusto`.

Says so and ends well where that cannot be done; the tests that need it are then skipped.
"""

import sys

from tests.kusto import HERE, SERVICE
from tests.npm import install

if __name__ == "__main__":
    sys.exit(install(HERE, "the Kusto language service", SERVICE))
