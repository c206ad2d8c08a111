"""Loads an unpacked package where nothing else is to be found: `importing.py PACKAGE LOCKED`.

Prints, as JSON, its functions and the files of all modules of ours. Run with `-I -S`.
"""

import importlib
import json
import pkgutil
import sys
from pathlib import Path


def main(package: str, locked: str) -> None:
    sys.path[:0] = [package, locked]
    import function_app  # noqa: PLC0415  not before it can be found nowhere else

    functions = sorted(str(one.get_function_name()) for one in function_app.app.get_functions())
    own = {name.split(".")[0] for _, name, _ in pkgutil.iter_modules([package])}
    for _, name, _ in pkgutil.walk_packages([package]):
        importlib.import_module(name)
    loaded = [m for name, m in sys.modules.items() if name.split(".")[0] in own]
    files = sorted({str(Path(m.__file__).resolve()) for m in loaded if m.__file__})
    sys.stdout.write(json.dumps({"functions": functions, "files": files}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
