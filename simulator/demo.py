"""A morning at Contoso: the function app against the simulated tenant, in one process.

Changes arrive as events, findings open, cures happen within policy, and a person has the last
word. The clock is virtual: hours pass in seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule

import function_app
import tables
from rules import controls
from shared import policy_file
from shared.errors import PortcullisError
from shared.hints import HINTS
from shared.model import ResourceId
from shared.outbox import JsonLines, Record
from shared.settings import Settings
from shared.stopped import Stopped
from shared.store.embedded import EmbeddedStore
from simulator import contoso
from simulator.adapter import TenantCredential, transport
from simulator.call import Identity
from simulator.clock import VirtualClock
from simulator.host import Host
from simulator.tenant import Tenant
from wiring import Gate, build

RECORDS = Path(".portcullis") / "demo-records.jsonl"
PACE = 0.15
CAROL = "carol@contoso.example"
POLICY = f"""
version: 1
rules:
  - {{control: storage-public-blob-access, mode: enforce}}
  - {{control: storage-secure-transfer, mode: enforce}}
  - {{control: sql-firewall-any-internet, mode: enforce}}
  - {{control: nsg-ssh-from-internet, mode: enforce}}
  - {{control: disk-active-sas, mode: enforce, parameters: {{revoke: true}}, irreversible: true}}
  - {{control: keyvault-network-default-allow, scope: {contoso.DATA}, mode: approve,
     parameters: {{allowed_ranges: [203.0.113.7]}}}}
limits:
  - {{writes: 8, per: control, window: 1h}}
critical_share: 0.25
contested: {{times: 2, window: 24h}}
"""


@dataclass
class Stage:
    """The tenant, the app, and who watches."""

    out: Console
    clock: VirtualClock = field(default_factory=VirtualClock)
    told: set[str] = field(default_factory=set)
    scene_number: int = 0

    def __post_init__(self) -> None:
        self.tenant = Tenant(self.clock)
        contoso.estate(self.tenant)
        contoso.subscribe(self.tenant, HINTS)
        policy = policy_file.load(POLICY, controls())
        RECORDS.unlink(missing_ok=True)
        settings = Settings(identities=frozenset({contoso.GATE.object_id}), records=RECORDS)
        self.gate: Gate = build(
            settings,
            TenantCredential(self.tenant, contoso.GATE),
            now=self.clock.now,
            transport=transport(self.tenant),
            store=EmbeddedStore(self.clock.now),
            policy=lambda: policy,
        )
        self.gate.sinks[:] = [JsonLines(RECORDS)]
        self.tenant.grid.put_message = self.gate.state.store.send
        function_app.use(self.gate)
        self.host = Host(function_app.app, self.gate.state.store, self.clock.now)

    # --- the audience

    def scene(self, title: str, text: str = "") -> None:
        self.scene_number += 1
        self.out.print()
        self.out.print(Rule(f"[bold]{self.scene_number}. {escape(title)}", align="left"))
        if text:
            self.out.print(f"[dim]{escape(text)}")
        time.sleep(PACE)

    def say(self, text: str) -> None:
        self.out.print(f"[dim]{self.clock.now():%H:%M:%S}[/]  {text}")
        time.sleep(PACE)

    def tell(self) -> None:
        """Say what was recorded since the last time."""
        records = [
            (stream, record)
            for stream in ("findings", "actions", "sweeps")
            for record in self.gate.state.outbox.records(stream)
        ]
        for stream, record in sorted(records, key=lambda r: str(r[1]["OccurredAt"])):
            if record["EventId"] not in self.told:
                self.told.add(record["EventId"])
                if line := _line(stream, record):
                    at = record["OccurredAt"][11:19]
                    self.out.print(f"[dim]{at}[/]  {line}")
                    time.sleep(PACE)

    # --- the stage

    def changes(self, who: Identity, resource: str, properties: dict[str, Any]) -> None:
        name = ResourceId(resource).name
        shown = ", ".join(f"{k} = {tables.value(v)}" for k, v in properties.items())
        self.say(f"[bold]{who.upn or who.name}[/] changes [bold]{name}[/]: {shown}")
        self.tenant.write(resource, {"properties": properties}, by=who, method="PATCH")

    def puts(self, who: Identity, document: dict[str, Any], what: str) -> None:
        self.say(f"[bold]{who.upn or who.name}[/] {what}")
        self.tenant.write(document["id"], document, by=who, method="PUT")

    def passes(
        self, minutes: float = 1.0, *, duplicates: float = 0.0, shuffles: bool = False
    ) -> None:
        """Let time pass: Event Grid delivers, timers fire, messages are handed over."""
        self.tenant.grid.duplicates, self.tenant.grid.shuffles = duplicates, shuffles
        end = self.clock.now() + timedelta(minutes=minutes)
        while True:
            self.tenant.grid.deliver()
            self.host.work()
            if self.clock.now() >= end:
                break
            self.clock.advance(min(timedelta(seconds=10), end - self.clock.now()))
        self.tell()


_DOES = {
    "remediated": "[green]cured[/]",
    "undone": "[cyan]taken back[/]",
    "failed": "[red]refused by Azure[/]",
    "asked": "[yellow]waits for approval[/]",
    "approved": "[cyan]approved[/]",
    "contested": "[red]contested, the person on call is paged[/]",
    "limit-reached": "[yellow]held by a limit[/]",
}


def _line(stream: str, record: Record) -> str:
    name = f"[bold]{escape(ResourceId(record['ResourceId']).name)}[/]" if stream != "sweeps" else ""
    if stream == "sweeps":
        return f"[cyan]sweep[/] saw {record['Seen']} resources, hints at {record['Hinted']}"
    if stream == "findings":
        return _transition(record, name)
    what = _DOES.get(record["Entry"])
    if what is None:
        return ""
    changes = tables.differences(record).replace("\n", ", ")
    by = f" by {escape(record['Person'])}" if record.get("Person") else ""
    why = f": {escape(tables.shorten(record['Message']))}" if record.get("Message") else ""
    return f"  {what}{by} {name}  {changes}{why}"


def _transition(record: Record, name: str) -> str:
    if record["Transition"] == "opened":
        severity = tables.coloured(record["Severity"])
        return f"  [red]finding[/] {severity} {record['Control']} on {name}"
    if record["Transition"].startswith("decided-wait"):
        return f"  [yellow]waits[/] {name}  {escape(tables.shorten(record['Decision']['reason']))}"
    if record["Transition"] == "decided-report":
        return f"  reported only: {escape(record['Decision']['reason'] or 'policy says audit')}"
    if record["Transition"] == "decided-exempt":
        return f"  left alone {name}  {escape(record['Decision']['reason'])}"
    return ""


# --- the morning


def opened_blobs(stage: Stage) -> None:
    stage.scene("A storage account is opened to the world", "The event arrives twice.")
    stage.changes(contoso.ALICE, contoso.WEBSITE, {"allowBlobPublicAccess": True})
    stage.passes(duplicates=1.0)


def one_write_for_two(stage: Stage) -> None:
    stage.scene("Two things wrong, events out of order", "One write cures both findings.")
    stage.changes(contoso.PIPELINE, contoso.ASSETS, {"allowBlobPublicAccess": True})
    stage.changes(contoso.PIPELINE, contoso.ASSETS, {"supportsHttpsTrafficOnly": False})
    stage.passes(shuffles=True)


def firewall(stage: Stage) -> None:
    stage.scene("A firewall rule for everyone", "The finding is the server's; the rule goes.")
    rule = f"{contoso.SERVER}/firewallRules/allow-all"
    everyone = {"startIpAddress": "0.0.0.1", "endIpAddress": "255.255.255.255"}
    stage.puts(
        contoso.ALICE,
        {"id": rule, "properties": everyone},
        "adds the firewall rule [bold]allow-all[/] to [bold]contoso-orders[/]",
    )
    stage.passes()


def ssh(stage: Stage) -> None:
    stage.scene("SSH from the internet", "Not deleted, not denied: narrowed in place.")
    document = {
        "id": f"{contoso.NSG}/securityRules/ssh",
        **{k: v for k, v in contoso.rule("ssh", 300, "22").items() if k == "properties"},
    }
    stage.puts(contoso.PIPELINE, document, "opens port 22 to the world on [bold]web-front[/]")
    stage.passes()


def held_by_limit(stage: Stage) -> None:
    stage.scene(
        "Too much at once",
        "At most 8 writes an hour and control, 2 of them kept for critical findings.",
    )
    for resource in contoso.SHARES:
        stage.changes(contoso.PIPELINE, resource, {"allowBlobPublicAccess": True})
    stage.passes()
    stage.say("an hour later the limit has room, and what waited is cured")
    stage.passes(minutes=62)


def held_by_lock(stage: Stage) -> None:
    stage.scene("A lock stands in the way", "Respected, reported as what it is.")
    lock = f"{contoso.LEGACY}/providers/Microsoft.Authorization/locks/keep-backups"
    held = stage.tenant.read(lock)
    stage.tenant.remove(lock, by=contoso.ALICE)
    stage.changes(contoso.ALICE, contoso.BACKUPS, {"allowBlobPublicAccess": True})
    if held is not None:
        stage.tenant.load(held)
        stage.say("[bold]alice@contoso.example[/] locks the resource group again")
    stage.passes()


def approval(stage: Stage) -> None:
    stage.scene("A key vault opens its firewall", "Policy says: a person decides.")
    acls = {
        "bypass": "AzureServices",
        "defaultAction": "Allow",
        "ipRules": [],
        "virtualNetworkRules": [],
    }
    stage.changes(contoso.ALICE, contoso.VAULT, {"networkAcls": acls})
    stage.passes()
    (asked,) = [a for a in stage.gate.state.approvals.all() if a.status == "waiting"]
    stage.say(f"[bold]{CAROL}[/] runs: portcullis approve {asked.id[:8]}")
    stage.gate.people.approve(asked.id, CAROL)
    stage.passes()


def contested(stage: Stage) -> None:
    stage.scene("A pipeline that keeps undoing the cure", "We do not fight: it is contested.")
    for _ in range(2):
        stage.changes(contoso.PIPELINE, contoso.ASSETS, {"allowBlobPublicAccess": True})
        stage.passes(minutes=2)


def swept(stage: Stage) -> None:
    stage.scene("An event that never came", "The sweep finds what no event told.")
    stage.say("somebody copies a disk by a public URL; Azure loses the event")
    stage.tenant.load(
        {"id": contoso.DISK, "location": "westeurope", "properties": {"diskState": "ActiveSAS"}}
    )
    stage.gate.sweep.run()
    stage.passes(minutes=5)


def reported(stage: Stage) -> None:
    stage.scene("A new owner of the subscription", "Rights are never taken away by themselves.")
    document = contoso.owner("0a000000-0000-4000-8000-000000000001", contoso.PIPELINE)
    stage.puts(contoso.ALICE, document, "makes release-pipeline Owner of the subscription")
    stage.passes()


def undone(stage: Stage) -> None:
    stage.scene("The person on call takes one back", "Restored as it was, and left alone.")
    (story,) = [
        r
        for r in stage.gate.state.outbox.records("actions")
        if r["Entry"] == "remediated" and r["Controls"] == ["nsg-ssh-from-internet"]
    ]
    stage.say(f"[bold]{CAROL}[/] runs: {story['UndoCommand'][:26]}")
    result = stage.gate.people.undo(story["ActionId"], CAROL)
    if isinstance(result, Stopped):
        raise PortcullisError(result.message)
    stage.passes(minutes=3)


SCENES: tuple[Callable[[Stage], None], ...] = (
    opened_blobs,
    one_write_for_two,
    firewall,
    ssh,
    approval,
    held_by_lock,
    contested,
    held_by_limit,
    swept,
    reported,
    undone,
)


def main() -> int:
    """Play the morning; 0 where everything went as told."""
    out = tables.console()
    stage = Stage(out)
    out.print("[bold]Portcullis[/]: a morning at Contoso, against a simulated Azure tenant.")
    out.print(f"[dim]{len(stage.gate.engine.controls)} controls; policy of this demo:[/]")
    out.print(f"[dim]{escape(POLICY.strip())}")
    out.print("[dim]What changes is told by an Event Grid system topic, to the app's queue.")
    for number, scene in enumerate(SCENES, 1):
        scene(stage)
        out.print(f"[dim]{'■' * number}{'□' * (len(SCENES) - number)}")
    stage.gate.worker.ship(stage.gate.sinks)
    out.print()
    entries = [r for r in stage.gate.state.outbox.records("actions") if r["Entry"] != "intent"]
    out.print(tables.log_table(entries))
    still = [s.value for s in stage.gate.state.findings.all() if s.open]
    out.print(tables.findings_table(still))
    out.print(f"Every record, as Log Analytics will get it: {RECORDS}")
    out.print("Next: [bold]make up[/] keeps the tenant and the app running for you to play with.")
    for name, failure in stage.host.failures:
        out.print(f"[red]{name} failed: {escape(failure)}")
    return 1 if stage.host.failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
