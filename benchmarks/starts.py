"""Cold starts of the package as Azure's builder leaves it, under Microsoft's worker code.

Beside it, in turn, an app that does nothing. Each start is a process of its own, until the first
message that it gets is answered; state is where it is in Azure, as Azurite plays it.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from azure.core.credentials import AzureNamedKeyCredential

from benchmarks.against import OPENED, POLICY
from benchmarks.estate import account
from benchmarks.processes import ROOT, Failed, TenantProcess, clean, tenant_process, whole
from infra.package import PACKAGES, built, dependencies, size, with_dependencies
from shared.hints import ACT, HINTS, Hint
from shared.model import ResourceId
from shared.settings import App
from shared.store import Store
from shared.store.azure import AzureStore
from shared.store.embedded import EmbeddedStore
from tests.azurite import ACCOUNT, KEY, Azurite, missing
from tests.worker.interpreter import Missing, worker_python


@dataclass(frozen=True, slots=True)
class Start:
    """An app, and the function of it that is called; `fills` is the queue that this adds to."""

    folder: str
    app: App
    function: str
    fills: str | None = None


STARTS: Final[Mapping[str, Start]] = {
    "trivial": Start("trivial", App.GATE, "hints"),
    "gate, hint": Start("deployed", App.GATE, "hints", ACT),
    "gate, event": Start("deployed", App.GATE, "changes", HINTS),
    "hand, order": Start("deployed", App.HAND, "act"),
    "gate, compiled": Start("compiled", App.GATE, "hints", ACT),
}


@dataclass(frozen=True, slots=True)
class _Kept:
    """State that the processes share with us, and the settings that lead to it."""

    store: Store
    settings: Mapping[str, str]
    where: str


@dataclass(frozen=True, slots=True)
class _Stage:
    python: Path
    folder: Path
    tenant: TenantProcess
    kept: _Kept

    def steps(self, start: Start, number: int) -> dict[str, dict[str, float]]:
        """What one start took, by step: seconds since the process began, and CPU.

        Raises:
            Failed: it ended badly, was not the package's, or did not do its work.
        """
        (resource_id,) = self.tenant.ask("load", documents=[account(number)])["ids"]
        (event,) = self.tenant.ask("change", resource_id=resource_id, body=OPENED)["messages"]
        filled = self.kept.store.waiting(start.fills) if start.fills else 0
        here = self.folder / start.folder
        command = [str(self.python), "-P", "-m", "benchmarks.started", str(here)]
        order = json.dumps(_order(start.function, resource_id, event))
        began = time.monotonic()
        took = whole(command, self._environment(here, start.app), order, within=here)
        if took.code:
            raise Failed(f"{start.function} of {start.folder}: {took.said.strip()[-300:]}")
        told = json.loads(took.out)
        if strays := [one for one in told["origins"] if not Path(one).is_relative_to(here)]:
            raise Failed(f"not of the package: {', '.join(strays)}")
        if start.fills and self.kept.store.waiting(start.fills) == filled:
            raise Failed(f"{start.function} of {start.folder} left nothing in {start.fills}")
        if start.app is App.HAND and not self._cured(resource_id):
            raise Failed(f"{resource_id} was not cured")
        return {
            name: {"wall": step["at"] - began, "cpu": step["cpu"]}
            for name, step in told["steps"].items()
        }

    def _environment(self, here: Path, app: App) -> dict[str, str]:
        """What the host gives its worker; sources stay without byte code, as at a first start."""
        path = os.pathsep.join(map(str, (here, here / PACKAGES, ROOT)))
        own = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PORTCULLIS_APP": app.value}
        policy = {"PORTCULLIS_POLICY": str(self.folder / "policy.yaml")}
        return {**clean(), **self.tenant.environment, **self.kept.settings, **policy, **own}

    def _cured(self, resource_id: str) -> bool:
        document = self.tenant.ask("read", resource_id=resource_id)["document"]
        return document["properties"]["supportsHttpsTrafficOnly"] is True


def main(runs: str) -> None:
    """Print sizes and every run but the first; what is missing, where no worker can be had."""
    try:
        python, packages = _had()
    except Missing as missed:
        sys.stdout.write(json.dumps({"missing": str(missed)}) + "\n")
        return
    except RuntimeError as error:
        sys.exit(str(error))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        zipped = with_dependencies(folder / "built.zip", packages) / (1 << 20)
        _place(folder, packages, python)
        installed = size(one for one in (folder / "deployed").rglob("*") if one.is_file())
        with _state(folder) as kept, tenant_process() as tenant:
            found = _runs(_Stage(python, folder, tenant, kept), int(runs))
    told = {"zipped": zipped, "installed": installed, "where": kept.where, "runs": found}
    sys.stdout.write(json.dumps(told) + "\n")


def _had() -> tuple[Path, Path]:
    """The worker's interpreter, and what it installed of the package's dependencies.

    Raises:
        Missing: one of them cannot be had here.
    """
    python = worker_python()
    packages = dependencies(python=str(python))
    if packages is None:
        raise Missing("the package's dependencies cannot be installed here")
    return python, packages


def _runs(stage: _Stage, runs: int) -> dict[str, list[dict[str, dict[str, float]]]]:
    found: dict[str, list[dict[str, dict[str, float]]]] = {name: [] for name in STARTS}
    number = 0
    for run in range(runs + 1):
        for name, start in STARTS.items():
            number += 1
            steps = stage.steps(start, number)
            found[name] += [steps] if run else []
    return found


def _place(folder: Path, packages: Path, python: Path) -> None:
    """The package as it is deployed, again with byte code of its sources, and the app beside it."""
    built(folder / "deployed", packages)
    built(folder / "compiled", packages)
    trivial = folder / "trivial"
    (trivial / PACKAGES).parent.mkdir(parents=True)
    (trivial / PACKAGES).symlink_to(folder / "deployed" / PACKAGES)
    source = ROOT / "benchmarks" / "trivial" / "function_app.py"
    (trivial / source.name).write_bytes(source.read_bytes())
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    # What measures is no part of what is measured.
    for one in (folder / "compiled", ROOT / "tests" / "worker", ROOT / "benchmarks"):
        command = [str(python), "-m", "compileall", "-q", str(one)]
        subprocess.run(command, env=clean(), check=True)


@contextmanager
def _state(folder: Path) -> Iterator[_Kept]:
    if why := missing():
        path = folder / "state.db"
        store = EmbeddedStore(lambda: datetime.now(UTC), path)
        yield _Kept(store, {"PORTCULLIS_STATE": str(path)}, f"in a file: {why}")
        store.close()
        return
    azurite = Azurite()
    addresses = {f"{kind}s": azurite.addresses[kind] for kind in ("table", "queue", "blob")}
    state = AzureStore(AzureNamedKeyCredential(ACCOUNT, KEY), **addresses)
    try:
        yield _Kept(state, {"AzureWebJobsStorage": azurite.connection}, "on Azurite")
    finally:
        state.close()
        azurite.stop()


def _order(function: str, resource_id: str, event: str) -> dict[str, Any]:
    """The call that the host makes: a hint or an order of ours, or what Event Grid pushes."""
    call = {"function": function, "id": "1", "metadata": {}}
    if function == "changes":
        return {**call, "data": ["json", base64.b64decode(event).decode()]}
    hint = Hint(id=ResourceId(resource_id), source="event", first_seen=datetime.now(UTC))
    return {**call, "data": ["string", hint.to_text()]}


if __name__ == "__main__":
    main(*sys.argv[1:])
