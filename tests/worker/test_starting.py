"""What benchmarks measure of a cold start is a start under Microsoft's worker code."""

from __future__ import annotations

import json
import os
from pathlib import Path

from benchmarks.processes import Whole, clean, whole

ROOT = Path(__file__).parents[2]
TRIVIAL = ROOT / "benchmarks" / "trivial"
MESSAGE = {"function": "hints", "id": "1", "data": ["string", "{}"], "metadata": {}}


def started(python: Path, folder: Path) -> Whole:
    """One start of the app in `folder`, handed a message."""
    path = os.pathsep.join(map(str, (folder, ROOT)))
    command = [str(python), "-P", "-m", "benchmarks.started", str(folder)]
    return whole(command, {**clean(), "PYTHONPATH": path}, json.dumps(MESSAGE))


def test_every_step_of_a_start_is_told(python: Path) -> None:
    """In their order, and which app it was."""
    took = started(python, TRIVIAL)
    assert took.code == 0, took.said
    told = json.loads(took.out)
    assert list(told["steps"]) == ["started", "indexed", "loaded", "answered"]
    for clock in ("at", "cpu"):
        passed = [step[clock] for step in told["steps"].values()]
        assert passed == sorted(passed)
        assert passed[0] > 0
    assert told["origins"][0] == str(TRIVIAL / "function_app.py")


def test_an_app_that_cannot_be_loaded_is_no_start(python: Path, tmp_path: Path) -> None:
    """It ends at the step that failed, with what the host would be told."""
    (tmp_path / "function_app.py").write_text("raise RuntimeError('no settings')\n")
    took = started(python, tmp_path)
    assert (took.code, took.out) == (1, "")
    assert took.said.strip().splitlines()[-1].startswith("started: ")
    assert "no settings" in took.said


def test_a_message_that_fails_is_no_start(python: Path, tmp_path: Path) -> None:
    source = (TRIVIAL / "function_app.py").read_text(encoding="utf-8")
    broken = source.replace("message.get_body()", "raise RuntimeError('no body')")
    (tmp_path / "function_app.py").write_text(broken, encoding="utf-8")
    took = started(python, tmp_path)
    assert (took.code, took.out) == (1, "")
    assert "answered: " in took.said
    assert "no body" in took.said
