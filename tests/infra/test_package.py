"""What is deployed is what the app needs, and no more; it runs from there alone."""

import ast
import importlib.metadata
import json
import os
import py_compile
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from infra.package import (
    PACKAGES,
    ROOT,
    Ignored,
    built,
    sources,
    unpack,
    with_dependencies,
    write,
)
from shared.errors import Unusable
from tests.worker.test_indexing import BINDINGS

HELD = sources()
NAMES = {str(name) for name in HELD}
KINDS = {".py", ".html", ".css", ".js", ".svg", ".json", ".yaml", ".txt"}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of what `requirements.txt` locks and this machine has, and nothing else."""
    folder = tmp_path_factory.mktemp("locked")
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for name in set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE)):
        for file in files_of(name):
            link = folder / file
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file.locate())
    return folder


def files_of(name: str) -> Iterator[importlib.metadata.PackagePath]:
    """What a distribution has below `site-packages`; nothing where it is not installed here."""
    try:
        found = importlib.metadata.files(name) or []
    except importlib.metadata.PackageNotFoundError:
        return
    for file in found:
        if ".." not in file.parts and "__pycache__" not in file.parts and file.locate():
            yield file


def test_the_app_is_at_the_root() -> None:
    assert {"function_app.py", "host.json", "policy.yaml", "requirements.txt"} <= NAMES


def test_what_is_read_beside_modules_is_in_it() -> None:
    """Pages, styles, pictures, and the mappings of benchmarks."""
    beside = [
        *(ROOT / "console/templates").iterdir(),
        *(ROOT / "console/static").iterdir(),
        *(ROOT / "detectors/benchmarks").glob("*.yaml"),
    ]
    assert len(beside) > 10
    assert {one.relative_to(ROOT).as_posix() for one in beside if one.is_file()} <= NAMES


def test_nothing_that_people_develop_with_is_in_it() -> None:
    """No simulator, test, benchmark, page or template of infrastructure, and no command line."""
    tops = {name.parts[0] for name in HELD}
    outside = {"simulator", "tests", "benchmarks", "docs", "infra", "portcullis.py", "Makefile"}
    assert tops.isdisjoint(outside)
    assert [name for name in HELD if name.suffix not in KINDS] == []
    assert [name for name in HELD if any(part.startswith(".") for part in name.parts)] == []
    assert not {"local.settings.json", "requirements-dev.txt", "pyproject.toml"} & NAMES


def imported(file: PurePosixPath) -> Iterator[str]:
    """Modules that a file names in its imports, also in those that run late."""
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_imports_stay_inside_of_it_and_nothing_lies_idle_at_the_root() -> None:
    """A module of ours that is imported is in it; at its root there is none that is not."""
    wanted = {
        name.split(".")[0] for file in HELD if file.suffix == ".py" for name in imported(file)
    }
    ours = {path.stem for path in ROOT.glob("*.py")} | {p.parent.name for p in ROOT.glob("*/*.py")}
    held = {name.parts[0].removesuffix(".py") for name in HELD if name.suffix == ".py"}
    assert wanted & ours <= held
    modules = {name.stem for name in HELD if len(name.parts) == 1 and name.suffix == ".py"}
    assert modules - wanted == {"function_app"}


def test_every_tool_leaves_out_the_same() -> None:
    """Core Tools leaves out what merely begins like a line: no file that is deployed does."""
    ignored = Ignored.of((ROOT / ".funcignore").read_text(encoding="utf-8"))
    for name in HELD:
        assert not str(name).startswith(tuple(ignored.top))
        assert not any(f"/{one}" in str(name) for one in ignored.below)


@pytest.mark.parametrize("line", ["docs", "*.md", "/docs/", "!/docs", "/docs/*.md", "/a b"])
def test_what_tools_read_differently_is_refused(line: str) -> None:
    with pytest.raises(Unusable, match=re.escape(f".funcignore: {line} is neither")):
        Ignored.of(f"# words\n\n/good\n{line}\n")


def test_a_name_at_the_root_leaves_its_like_below_alone(tmp_path: Path) -> None:
    for name in ("docs/a.py", "shared/docs/a.py", "cache/x", "shared/cache/x", "shared/b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".funcignore").write_text("/docs\n**/cache\n/.funcignore\n", encoding="utf-8")
    assert [str(name) for name in sources(tmp_path)] == [
        "cache/x",
        "shared/b.py",
        "shared/docs/a.py",
    ]


def test_the_zip_holds_it_and_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    assert write(first) == write(second) == len(HELD)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as made:
        assert [PurePosixPath(name) for name in made.namelist()] == HELD
        assert made.read("host.json") == (ROOT / "host.json").read_bytes()


def test_what_is_built_has_dependencies_where_the_host_looks(tmp_path: Path) -> None:
    packages, whole = tmp_path / "packages", tmp_path / "built.zip"
    (packages / "yaml").mkdir(parents=True)
    (packages / "yaml/__init__.py").touch()
    assert with_dependencies(whole, packages) == whole.stat().st_size
    with zipfile.ZipFile(whole) as made:
        assert set(made.namelist()) == NAMES | {f"{PACKAGES}/yaml/__init__.py"}


def test_what_is_built_has_byte_code_of_its_dependencies_alone(tmp_path: Path) -> None:
    """And that still counts: it holds when its source was written."""
    packages = tmp_path / "packages"
    packages.mkdir()
    source = packages / "old.py"
    source.touch()
    os.utime(source, (1_600_000_000, 1_600_000_000))
    py_compile.compile(str(source))
    made = built(tmp_path / "made", packages)
    held = {one.relative_to(made) for one in made.rglob("*") if one.is_file()}
    installed = {one for one in held if one.is_relative_to(PACKAGES)}
    assert {str(one) for one in held - installed} == NAMES
    assert [one.suffix for one in sorted(installed)] == [".pyc", ".py"]
    assert (made / PACKAGES / "old.py").stat().st_mtime == 1_600_000_000


def test_it_runs_alone(unpacked: Path, locked: Path) -> None:
    """Each module loads with the locked packages alone, and is the one of the package."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PORTCULLIS", "PYTHON"))}
    importing = Path(__file__).parent / "importing.py"
    done = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-I", "-S", "-B", str(importing), str(unpacked), str(locked)],
        cwd=unpacked,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert set(told["functions"]) == set(BINDINGS)
    modules = {str((unpacked / name).resolve()) for name in HELD if name.suffix == ".py"}
    assert set(told["files"]) == modules
