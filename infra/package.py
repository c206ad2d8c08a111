"""The package that is deployed, and what is built of it: `python -m infra.package`.

Sources go by `.funcignore`; what they need is what `requirements.txt` locks, each by its hash, in
the folder that the Functions host puts on the path. The figures are those of the Python that runs
this; Azure's builder does the same on Linux.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shared.errors import Unusable

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "portcullis.zip"
PACKAGES = PurePosixPath(".python_packages/lib/site-packages")
"""Where the builder installs and the host looks (learn.microsoft.com, python-build-options)."""
GOAL = 60
LOCK = "requirements.txt"
_LINE = re.compile(r"(|\*\*)/([\w.-]+)")
_LONGEST = 900
_MIB = 1 << 20
_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
_DATED = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Ignored:
    """The names that are left out: at the root, and in the folders below it."""

    top: frozenset[str]
    below: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Ignored:
        """What a `.funcignore` says.

        Raises:
            Unusable: a line of another form. Core Tools, azd and editors read patterns each in a
                way of its own (github.com/Azure/azure-functions-core-tools/issues/2701, /1507).
        """
        names: dict[str, set[str]] = {"": set(), "**": set()}
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            found = _LINE.fullmatch(line)
            if found is None:
                raise Unusable(f".funcignore: {line} is neither /name nor **/name")
            names[found[1]].add(found[2])
        return cls(frozenset(names[""]), frozenset(names["**"]))


def sources(root: Path = ROOT) -> list[PurePosixPath]:
    """The files that are deployed, relative to `root`, in order."""
    ignored = Ignored.of((root / ".funcignore").read_text(encoding="utf-8"))
    found: list[PurePosixPath] = []
    for folder, folders, files in os.walk(root):
        here = PurePosixPath(Path(folder).relative_to(root).as_posix())
        left_out = ignored.below if here.parts else ignored.top
        folders[:] = [name for name in folders if name not in left_out]
        found.extend(here / name for name in files if name not in left_out)
    return sorted(found)


def write(target: Path, root: Path = ROOT) -> int:
    """Write the zip that is deployed; how many files it holds. The same files make the same zip."""
    held = sources(root)
    _zipped(target, ((name, root / name) for name in held))
    return len(held)


def unpack(folder: Path, root: Path = ROOT) -> Path:
    """`folder`, with the files of the zip in it."""
    target = folder / TARGET.name
    write(target, root)
    with zipfile.ZipFile(target) as packed:
        packed.extractall(folder)
    target.unlink()
    return folder


def dependencies(root: Path = ROOT, python: str = sys.executable) -> Path | None:
    """A folder of what is locked, installed by a Python for itself.

    None where no package index can be reached. It is kept in the temporary folder until the lock
    file changes.
    """
    try:
        return _installed(root / LOCK, python)
    except (OSError, subprocess.SubprocessError):
        return None


def with_dependencies(target: Path, packages: Path, root: Path = ROOT) -> int:
    """Write the zip as the builder leaves it, dependencies in their place; its bytes."""
    files = sorted(one for one in packages.rglob("*") if one.is_file())
    below = ((PACKAGES / one.relative_to(packages).as_posix(), one) for one in files)
    _zipped(target, [*((name, root / name) for name in sources(root)), *below])
    return target.stat().st_size


def built(folder: Path, packages: Path, root: Path = ROOT) -> Path:
    """A new folder with the app in it as the builder leaves it: its sources and dependencies.

    Dependencies have their byte code, for pip writes it; of the sources the builder makes none
    (github.com/microsoft/Oryx, PythonBashBuildSnippet.sh.tpl).
    """
    folder.mkdir()
    unpack(folder, root)
    shutil.copytree(packages, folder / PACKAGES)
    return folder


def size(files: Iterable[Path]) -> float:
    """MiB of these files."""
    return sum(one.stat().st_size for one in files) / _MIB


def main() -> int:
    """Write the zip and say what is in it; 1 where what is built of it misses the goal."""
    count = write(TARGET)
    own = size(ROOT / name for name in sources())
    sys.stdout.write(f"{TARGET.name}: {count} files, {own:.1f} MiB of sources\n")
    packages = dependencies()
    if packages is None:
        sys.stdout.write("with its dependencies: not known, nothing could be installed here\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        whole = with_dependencies(Path(folder) / "built.zip", packages) / _MIB
    met = whole < GOAL
    aim = f"the aim, under {GOAL} MiB, is {'met' if met else 'missed'}"
    unzipped = own + size(one for one in packages.rglob("*") if one.is_file())
    sizes = f"{whole:.1f} MiB zipped, {unzipped:.1f} MiB installed"
    sys.stdout.write(f"with its dependencies, as Azure builds it: {sizes}; {aim}\n")
    return int(not met)


def _zipped(target: Path, files: Iterable[tuple[PurePosixPath, Path]]) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, path in files:
            entry = zipfile.ZipInfo(str(name), _DATED)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            made.writestr(entry, path.read_bytes())


def _installed(lock: Path, python: str) -> Path:
    version = _run(python, "-c", _VERSION).strip()
    name = hashlib.sha256(lock.read_bytes() + version.encode()).hexdigest()[:16]
    kept = Path(tempfile.gettempdir()) / f"portcullis-packages-{name}"
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=kept.parent) as made:
            _run(python, *_pip("--target", str(Path(made) / "packages"), "-r", str(lock)))
            (Path(made) / "packages").rename(kept)
    return kept


def _pip(*arguments: str) -> Iterator[str]:
    yield from ("-m", "pip", "install", "--quiet", "--retries", "1")
    yield from ("--disable-pip-version-check", "--require-hashes", *arguments)


def _run(*command: str) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(  # noqa: S603  our own words
        command, env=kept, capture_output=True, text=True, timeout=_LONGEST, check=True
    )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
