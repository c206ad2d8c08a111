"""The list of what is deployed beside our own code is that of the lock file."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from infra.package import ROOT
from infra.sbom import bill

Locked = dict[tuple[str, str], set[str]]


def locked(name: str) -> Locked:
    """The hashes of each package and version that a lock file holds."""
    found: Locked = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if package := re.match(r"([\w.-]+)==([^\s;]+)", line):
            last = found.setdefault((package[1], package[2]), set())
        last.update(re.findall(r"--hash=sha256:(\w{64})", line))
    return found


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return bill()


def named(told: dict[str, Any]) -> dict[str, str]:
    """Names of what is listed, by reference."""
    parts = [told["metadata"]["component"], *told["components"]]
    return {part["bom-ref"]: part["name"] for part in parts}


def test_every_locked_package_is_listed(told: dict[str, Any]) -> None:
    """With its version and the hash of each of its files, and nothing else is."""
    listed = {
        (part["name"], part["version"]): {
            one["content"]
            for reference in part["externalReferences"]
            for one in reference["hashes"]
        }
        for part in told["components"]
    }
    assert listed == locked("requirements.txt")
    assert all(listed.values())
    for part in told["components"]:
        assert part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}"


def test_no_tool_of_development_is_listed(told: dict[str, Any]) -> None:
    names = {part["name"] for part in told["components"]}
    tools = {name for name, _ in locked("requirements-dev.txt")} - {
        name for name, _ in locked("requirements.txt")
    }
    assert {"pytest", "cyclonedx-bom", "azure-mgmt-network"} <= tools
    assert names.isdisjoint(tools)


def test_it_is_cyclonedx(told: dict[str, Any]) -> None:
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(told)) is None


def test_it_says_what_brings_each_package_in(told: dict[str, Any]) -> None:
    """What `pyproject.toml` asks for hangs on us, and everything hangs on that."""
    names = named(told)
    needs = {one["ref"]: one["dependsOn"] for one in told["dependencies"]}
    root = told["metadata"]["component"]["bom-ref"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {re.split(r"[\[<>=]", one)[0] for one in project["dependencies"]}
    assert {names[ref] for ref in needs[root]} == asked
    reached, new = set(), {root}
    while new:
        reached |= new
        new = {below for ref in new for below in needs[ref]} - reached
    assert reached == set(names)


def test_it_names_no_index_and_no_machine(told: dict[str, Any]) -> None:
    """Addresses are those of the format's schema and of packages, wherever those come from."""
    text = json.dumps(told)
    assert set(re.findall(r"[a-z]+://[^/\"]+", text)) == {"http://cyclonedx.org"}
    assert str(ROOT) not in text


def test_the_same_lock_file_makes_the_same_list(told: dict[str, Any]) -> None:
    assert bill() == told


def test_what_is_locked_says_where_it_is_installed(tmp_path: Path) -> None:
    """A package that only one system needs is listed, and says so."""
    lock = tmp_path / "requirements.txt"
    digest = "0" * 64
    lock.write_text(
        f"only==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:{digest}\n"
        "    # via portcullis (pyproject.toml)\n"
        f"always==2.0 \\\n    --hash=sha256:{digest}\n    # via\n"
        "    #   portcullis (pyproject.toml)\n    #   only\n",
        encoding="utf-8",
    )
    told = bill(lock)
    assert {part["name"]: part["description"] for part in told["components"]} == {
        "only": "Installed where sys_platform == 'win32'.",
        "always": "Installed everywhere.",
    }
    names = named(told)
    brought = {
        names[one["ref"]]: {names[ref] for ref in one["dependsOn"]} for one in told["dependencies"]
    }
    assert brought == {"portcullis": {"always", "only"}, "only": {"always"}, "always": set()}
