"""The embedded store: the conformance suite, and what a file on a disk can do to it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.errors import StoreUnavailable
from shared.store.embedded import SCHEMA_VERSION, EmbeddedStore
from simulator.clock import VirtualClock
from tests.store.conformance import StoreConformance
from tests.store.crowd import at_once

ROOT = Path(__file__).parents[2]
PRELUDE = """
import os, signal, sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from shared.errors import Exists, Moved, StoreUnavailable
from shared.store.embedded import EmbeddedStore
from simulator.clock import VirtualClock
store = EmbeddedStore(VirtualClock().now, Path(sys.argv[1]))
"""


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "er" / "state.db"


class TestInMemory(StoreConformance):
    @pytest.fixture
    def store(self, clock: VirtualClock) -> Iterator[EmbeddedStore]:
        store = EmbeddedStore(clock.now)
        yield store
        store.close()


class TestInAFile(StoreConformance):
    @pytest.fixture
    def store(self, clock: VirtualClock, path: Path) -> Iterator[EmbeddedStore]:
        store = EmbeddedStore(clock.now, path)
        yield store
        store.close()


def child(path: Path, script: str) -> subprocess.Popen[str]:
    """Another process that runs `script` over the same file."""
    return subprocess.Popen(  # noqa: S603  our own script
        [sys.executable, "-c", PRELUDE + script, str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    return process.returncode, out.strip()


def test_two_processes_share_a_file(clock: VirtualClock, path: Path) -> None:
    """Two processes count in one row, insert one row and empty one queue: nothing is lost."""
    store = EmbeddedStore(clock.now, path)
    store.insert("log", "p", "count", {"n": 0})
    for i in range(60):
        store.send("q", str(i))
    script = """
for _ in range(100):
    while True:
        row = store.get("log", "p", "count")
        with suppress(Moved):
            store.replace("log", "p", "count", {"n": row.value["n"] + 1}, row.etag)
            break
won = 0
for i in range(50):
    with suppress(Exists):
        store.insert("log", "race", str(i), {})
        won += 1
taken = []
while messages := store.receive("q", 3, timedelta(hours=1)):
    taken += [m.text for m in messages]
print(won, *taken)
"""
    results = [outcome(one) for one in [child(path, script), child(path, script)]]
    row = store.get("log", "p", "count")
    store.close()
    assert row is not None
    assert row.value == {"n": 200}
    words = [out.split() for _, out in results]
    assert sum(int(found[0]) for found in words) == 50
    assert sorted(t for found in words for t in found[1:]) == sorted(str(i) for i in range(60))


def test_a_killed_process_leaves_whole_rows(clock: VirtualClock, path: Path) -> None:
    """After a kill in the middle of writing, what was answered is there and all of it is whole."""
    writing = child(
        path,
        """
for i in range(100_000):
    store.put("log", "p", f"{i:06}", {"i": i, "text": "x" * 2000})
    print(i, flush=True)
""",
    )
    assert writing.stdout is not None
    last = next(int(line) for line in writing.stdout if int(line) >= 20)
    writing.kill()
    rest = writing.stdout.read().split("\n")
    writing.communicate()
    last = max([last, *(int(line) for line in rest[:-1])])
    store = EmbeddedStore(clock.now, path)
    rows = list(store.scan("log"))
    store.send("q", "alive")
    assert [m.text for m in store.receive("q", 1, timedelta(1))] == ["alive"]
    store.close()
    assert len(rows) in (last + 1, last + 2)
    assert all(r.value == {"i": i, "text": "x" * 2000} for i, r in enumerate(rows))


def test_a_message_of_a_killed_worker_comes_again(clock: VirtualClock, path: Path) -> None:
    """A message that a process held when it died is shown to others after its hidden time."""
    store = EmbeddedStore(clock.now, path)
    store.send("q", "a")
    died = child(
        path,
        """
assert len(store.receive("q", 1, timedelta(minutes=10))) == 1
os.kill(os.getpid(), signal.SIGKILL)
""",
    )
    died.communicate(timeout=60)
    assert store.receive("q", 1, timedelta(1)) == []
    clock.advance(timedelta(minutes=10))
    (message,) = store.receive("q", 1, timedelta(1))
    store.close()
    assert (message.text, message.dequeue_count) == ("a", 2)


def test_opened_by_many_at_once(clock: VirtualClock, path: Path) -> None:
    """A file that many open in the moment it is made is one store for all of them."""
    stores = at_once(16, lambda _: EmbeddedStore(clock.now, path))
    for i, store in enumerate(stores):
        store.insert("log", "p", f"{i:02}", {})
    assert [len(list(store.scan("log"))) for store in stores] == [16] * 16
    for store in stores:
        store.close()


def test_etags_of_two_openings_never_meet(clock: VirtualClock, path: Path) -> None:
    """A store that is opened again gives no etag that it gave before."""
    etags: set[str] = set()
    for _ in range(5):
        store = EmbeddedStore(clock.now, path)
        etags |= {store.put("log", "p", "k", {}) for _ in range(5)}
        store.close()
    assert len(etags) == 25


def test_a_full_disk_says_so_and_keeps_what_was(clock: VirtualClock, path: Path) -> None:
    """A write that the disk has no room for raises one clear StoreUnavailable, half of nothing."""
    store = EmbeddedStore(clock.now, path)
    etag = store.insert("log", "p", "k", {"n": 1})
    store._db.execute("PRAGMA max_page_count=20")  # noqa: SLF001  the smallest disk there is
    large = {"text": "x" * 500_000}
    attempts: list[Callable[[], object]] = [
        lambda: store.insert("log", "p", "new", large),
        lambda: store.replace("log", "p", "k", large, etag),
        lambda: store.put("log", "p", "k", large),
        lambda: store.send("q", "x" * 500_000),
    ]
    for attempt in attempts:
        with pytest.raises(StoreUnavailable, match=r"state in .*state\.db: .*full"):
            attempt()
    row = store.get("log", "p", "k")
    assert row is not None
    assert (row.value, row.etag) == ({"n": 1}, etag)
    assert store.get("log", "p", "new") is None
    assert store.waiting("q") == 0
    store._db.execute("PRAGMA max_page_count=100000")  # noqa: SLF001
    store.replace("log", "p", "k", large, etag)
    store.close()


def test_a_file_that_may_not_grow(clock: VirtualClock, path: Path) -> None:
    """The system's own limit on files: the same one error, and the rows before it are whole."""
    EmbeddedStore(clock.now, path).close()
    limited = child(
        path,
        """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
done = 0
try:
    for i in range(1000):
        store.insert("log", "p", f"{i:04}", {"text": "x" * 5000})
        done += 1
except StoreUnavailable as error:
    print(done, str(error).count("\\n"), store.get("log", "p", f"{done:04}"))
""",
    )
    _, said = outcome(limited)
    done, newlines, failed_row = said.split()
    assert (newlines, failed_row) == ("0", "None")
    store = EmbeddedStore(clock.now, path)
    rows = list(store.scan("log"))
    store.close()
    assert len(rows) == int(done) > 10
    assert all(row.value == {"text": "x" * 5000} for row in rows)


@pytest.mark.parametrize("place", ["a file/state.db", "folder", "/dev/null/state.db"])
def test_a_path_that_cannot_be_used(clock: VirtualClock, tmp_path: Path, place: str) -> None:
    """A path below a file, or that is a folder, raises one StoreUnavailable that names it."""
    (tmp_path / "a file").write_text("not a folder")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreUnavailable) as caught:
        EmbeddedStore(clock.now, tmp_path / place)
    assert Path(place).name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database(clock: VirtualClock, tmp_path: Path) -> None:
    """A file of something else is refused, and left as it is."""
    path = tmp_path / "state.db"
    path.write_bytes(b"these are my notes, not a database\n" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        EmbeddedStore(clock.now, path)
    assert path.read_bytes() == b"these are my notes, not a database\n" * 100


def test_a_newer_schema_is_refused(clock: VirtualClock, path: Path) -> None:
    """What a newer version wrote is neither read nor touched; our own version is."""
    EmbeddedStore(clock.now, path).close()
    EmbeddedStore(clock.now, path).close()
    newer = sqlite3.connect(path)
    newer.executescript(f"DROP TABLE entity; PRAGMA user_version={SCHEMA_VERSION + 1}")
    newer.close()
    with pytest.raises(StoreUnavailable, match=f"newer version .schema {SCHEMA_VERSION + 1}"):
        EmbeddedStore(clock.now, path)
    looking = sqlite3.connect(path)
    tables = {name for (name,) in looking.execute("SELECT name FROM sqlite_master")}
    version = looking.execute("PRAGMA user_version").fetchone()[0]
    looking.close()
    assert "entity" not in tables
    assert version == SCHEMA_VERSION + 1


def test_a_closed_store_is_unavailable(clock: VirtualClock) -> None:
    """A call after the end is the same one error as any other trouble with state."""
    store = EmbeddedStore(clock.now)
    store.close()
    with pytest.raises(StoreUnavailable):
        store.get("log", "p", "k")
