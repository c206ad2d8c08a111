"""What benchmarks compute from what they measure: limits, scaling, pages and costs."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks import __main__ as bench
from benchmarks import cost, mixed, page, peers, rates
from benchmarks.cost import Work, priced, used
from benchmarks.deployed import package, started
from benchmarks.endless import Endless
from benchmarks.estates import varied
from benchmarks.figures import at_least, beside
from benchmarks.processes import clean, whole
from benchmarks.starts import STARTS
from benchmarks.tenant import Orders
from rules import controls
from simulator.clock import VirtualClock
from simulator.server import Serving, managed_identity
from simulator.tenant import Request, Tenant
from tests.simulator.client import GROUP, Client

ROOT = Path(__file__).parent.parent


def row(measure: str = "a sweep: CPU", **more: Any) -> dict[str, Any]:
    whole = {"measure": measure, "unit": "s", "ours": 1.5, "peer": None, "peer_name": None}
    whole |= {"ratio": None, "goal": None, "met": None, "spread": None, "note": ""}
    return {**whole, **more}


@pytest.mark.parametrize(
    ("writes", "subscriptions", "seconds"),
    [
        (200, 1, 0),  # the burst of Azure Resource Manager
        (500, 1, 30),  # and then ten a second
        (1_000, 1, 80),  # reads of Storage allow it in 75, writes in 80
        (1_500, 1, 900),  # 300 more than Storage takes at once, an hour's 1,200 at a time
        (1_500, 50, 0),
        (15_000, 50, 10),
    ],
)
def test_least_time_follows_from_the_tightest_limit(
    writes: int, subscriptions: int, seconds: float
) -> None:
    assert rates.least(writes, subscriptions) == pytest.approx(seconds)


@pytest.mark.parametrize(("queries", "seconds"), [(1, 0), (15, 0), (16, 5), (104, 30)])
def test_quota_of_graph_lets_fifteen_go_at_once(queries: int, seconds: float) -> None:
    assert mixed.least(queries) == seconds


def test_host_hands_over_a_batch_and_what_comes_before_it_ends() -> None:
    """As the Functions host does by the host.json that is deployed."""
    queues = json.loads((ROOT / "host.json").read_text("utf-8"))["extensions"]["queues"]
    assert rates.at_once() == queues["batchSize"] + queues["newBatchThreshold"]


def test_throttled_requests_that_come_again_too_early_are_counted() -> None:
    """The same request within the second that it was told to wait; later, or another, is none."""
    clock = VirtualClock()
    tenant = Tenant(clock, throttling=True)
    group, other = (tenant.load({"id": f"{GROUP}-{name}"}) for name in ("one", "other"))
    arm = Client(tenant)
    orders = Orders(tenant, cast("Serving", None))
    while arm.send("PATCH", group, {"tags": {}}).status_code == 200:
        pass
    arm.send("PATCH", other, {"tags": {}})
    assert orders.hasty() == {"count": 0}
    arm.send("PATCH", group, {"tags": {}})
    assert orders.hasty() == {"count": 1}
    clock.advance(timedelta(seconds=2))
    arm.send("PATCH", group, {"tags": {}})
    assert orders.hasty() == {"count": 1}


def test_process_is_measured_to_its_end() -> None:
    """What it was given, said and ended with."""
    code = "import sys; print(sys.stdin.read()); sys.exit(3)"
    took = whole([sys.executable, "-c", code], clean(), "given")
    assert (took.out, took.code) == ("given\n", 3)
    assert took.cpu > 0


def test_scan_is_scaled_by_what_each_account_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start of the process is counted once."""
    monkeypatch.setattr(peers, "ACCOUNTS", 1_000)
    few, many = {"accounts": 10, "wall": 7.0}, {"accounts": 110, "wall": 17.0}
    assert peers._scaled(few, many, "wall") == pytest.approx(6 + 0.1 * 1_000)  # noqa: SLF001


def test_goal_beside_a_peer_follows_from_its_figure() -> None:
    figure = beside("CPU", "s", [1.0, 3.0, 2.0], ("Peer", [16.0, 20.0]), lambda peer: peer / 9)
    assert (figure.ours, figure.peer, figure.goal, figure.met) == (2.0, 18.0, 2.0, True)


def test_without_a_goal_nothing_is_met_or_missed() -> None:
    assert at_least("share", "of 1", [0.4], None).met is None
    assert at_least("share", "of 1", [0.4], 0.95).met is False


def test_starts_are_shown_beside_an_app_that_does_nothing() -> None:
    """Every step of every start has its row: the median, and the least that a worker takes."""

    def run(seconds: float) -> dict[str, Any]:
        steps = ("started", "indexed", "loaded", "answered")
        return {step: {"wall": seconds + n, "cpu": seconds} for n, step in enumerate(steps)}

    slow = {name: [run(8), run(6), run(7)] for name in STARTS}
    rows = list(started({**slow, "trivial": [run(1), run(3), run(2)]}, "on Azurite"))
    by_name = {one.measure: one for one in rows}
    assert len(by_name) == len(rows)
    loaded = by_name["cold worker, gate: app loaded: wall time"]
    assert (loaded.ours, loaded.spread, loaded.peer, loaded.ratio) == (7, (6, 8), 2, 3.5)
    order = by_name["cold worker, hand: first order: wall time"]
    assert (order.ours, order.peer) == (10, 5)
    assert "on Azurite" in order.note
    assert by_name["cold worker, hand: first order: CPU"].ours == 7


def test_where_no_worker_can_be_had_a_row_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without its Python gets one line, and the other parts go on."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    (only,) = package(lambda _: None)
    assert only.ours is None
    assert only.note == "not measured: no Python 3.13 on PATH or under pyenv"


def test_estate_is_of_many_types_in_two_hundred_subscriptions() -> None:
    """Each id once; types that controls judge."""
    made = [varied(number) for number in range(2_000)]
    assert len({one["id"].casefold() for one in made}) == len(made)
    assert len({one["id"].split("/")[2] for one in made}) == 200
    judged = {kind.key for control in controls().values() for kind in control.detector.types}
    assert len({one["type"].casefold() for one in made} & judged) > 25


def test_endless_index_gives_every_row_once_in_order_of_id() -> None:
    """Page by page, and none of them is kept."""
    tenant = Endless(2_500)
    headers = {"authorization": f"Bearer {tenant.token(managed_identity())}"}
    url = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
    ids: list[str] = []
    options: dict[str, Any] = {}
    while not ids or "$skipToken" in options:
        body = json.dumps({"query": "Resources | order by id asc", "options": options}).encode()
        answer = tenant.handle(Request("POST", url, headers, body)).json()
        ids += [one["id"] for one in answer["data"]]
        options = {k: v for k, v in answer.items() if k == "$skipToken"}
    assert len(ids) == len(set(ids)) == 2_500
    assert ids == sorted(ids, key=str.casefold)


def test_chosen_parts_keep_the_rows_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no part is named for any more goes."""
    results = tmp_path / "results.json"
    monkeypatch.setattr(bench, "RESULTS", results)
    assert bench.kept([]) == []
    parts = ("warm", "sweep", "of-old")
    results.write_text(json.dumps([row(part=part) for part in parts]))
    assert [one["part"] for one in bench.kept(["sweep"])] == ["warm"]


def test_page_shows_figures_goals_and_peers() -> None:
    """And how far the runs lay apart, where there were several."""
    beside: dict[str, Any] = {"peer": 7.4, "peer_name": "Peer", "ratio": 0.123}
    rows = [
        row(ours=0.91, spread=[0.9, 1.2], goal=0.93, met=True, **beside, note="a | b"),
        row("memory", unit="MiB", ours=1_234.5, spread=[1_234.5, 1_234.5]),
        row("gone", ours=None, note="not measured: no peer"),
    ]
    lines = page.figures(rows).splitlines()
    shown = "| a sweep: CPU | 0.91 s | 0.9 - 1.2 | 0.93 | yes | 7.4, Peer | 0.123 | a \\| b |"
    assert lines[2] == shown
    assert lines[3] == "| memory | 1,234 MiB |  |  |  |  |  |  |"
    assert lines[4] == "| gone |  |  |  |  |  |  | not measured: no peer |"


def test_page_changes_between_its_marks_alone() -> None:
    """Writing it again changes nothing; a page without marks is an error."""
    text = f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n"
    made = page.placed(text, "new")
    assert made == f"before\n{page.BEGIN}\n\nnew\n\n{page.END}\nafter\n"
    assert page.placed(made, "new") == made
    with pytest.raises(ValueError, match="figures"):
        page.placed("no marks", "new")


@pytest.mark.parametrize("name", ["benchmarks.md", "cost.md"])
def test_pages_have_marks_for_their_figures(name: str) -> None:
    page.placed((ROOT / "docs" / name).read_text(encoding="utf-8"), "new")


def test_cost_of_a_month_by_hand() -> None:
    """100,000 resources, one event each, every second counted in words of arithmetic."""
    work = Work(events=1, opening=0.01, sweeps=1, looked=0.1, look=2.0, page=3.0)
    month = used(100_000, work)
    looks = 2 * 100_000 + 10_000 + 1_000
    assert month.executions == 100_000 + looks + 100 + 2_920 + 140_160
    assert month.timer_seconds == 140_160
    assert month.busy_seconds == 100_000 * 1.0 + looks * 2.0 + 100 * 3.0 + 2_920 * 6.0
    assert month.grid_operations == 300_000
    assert month.log_gb == pytest.approx(1_000 * 6 * 2_000 / 1e9)
    bill = priced(month, 2.0)
    seconds = (140_160 + 539_820) * 2.0
    assert bill.gb_seconds == pytest.approx(seconds)
    charged = (seconds - 100_000) * 0.000026 + (month.executions - 250_000) * 0.40 / 1e6
    assert bill.functions == pytest.approx(charged)
    assert bill.grid == pytest.approx(200_000 * 0.60 / 1e6)
    assert bill.logs == 0
    assert bill.total == pytest.approx(bill.functions + bill.grid)


def test_executions_that_share_an_instance_share_its_seconds() -> None:
    """Timers run alone; what is free is never owed back."""
    month = used(100_000, Work())
    shared = priced(month, 0.5, together=12).gb_seconds
    assert shared == pytest.approx((month.timer_seconds + month.busy_seconds / 12) * 0.5)
    assert priced(used(0, Work()), 0.5).total == 0


def test_costs_take_what_was_measured() -> None:
    """The looks that a sweep asks for, and the work of a page."""
    rows = [
        row("sweep of 1,000 resources in 2 subscriptions: looks noted", ours=0.25),
        row("sweep of 1,000,000 resources: CPU of a resource", ours=200.0),
    ]
    work = Work().measured(rows)
    assert work.looked == 0.25
    assert work.page == pytest.approx(Work().page + 0.2)
    assert Work().measured([row(ours=None)]) == Work()
    assert cost.Work().measured([]) == Work()
