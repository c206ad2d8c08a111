"""Installs Azurite beside this file: `python -m tests.azurite`.

Says so and ends well where that cannot be done; the tests that need it are then skipped.
"""

import sys

from tests.azurite import HERE, SCRIPT
from tests.npm import install

if __name__ == "__main__":
    sys.exit(install(HERE, "Azurite", SCRIPT))
