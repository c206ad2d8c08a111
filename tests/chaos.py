"""Random mornings: changes, faults, full stops and people, and what must hold afterwards.

`python -m tests.chaos --seeds n` runs n of them; the same seed is the same morning.
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared.errors import PortcullisError, StoreUnavailable
from shared.hints import HINTS
from shared.journal import FINAL
from shared.model import ResourceId
from simulator.faults import Fault
from tests.engine.world import GROUP, US, Fragile, Killed, World, policy, storage
from wiring import Gate

NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/web"
SERVER = f"{GROUP}/providers/Microsoft.Sql/servers/db"
COSMOS = f"{GROUP}/providers/Microsoft.DocumentDB/databaseAccounts/orders"
ENFORCED: dict[str, dict[str, Any]] = {
    "storage-public-blob-access": {},
    "storage-secure-transfer": {},
    "nsg-ssh-from-internet": {},
    "sql-firewall-any-internet": {},
    "cosmos-firewall-open": {"allowed_ranges": ["203.0.113.0/24"]},
}
FAULTS: tuple[dict[str, Any], ...] = (
    {"what": "status", "status": 500},
    {"what": "status", "status": 503, "headers": {"Retry-After": "20"}},
    {"what": "status", "status": 429, "headers": {"Retry-After": "30"}},
    {"what": "status", "status": 412, "code": "PreconditionFailed", "method": "PUT"},
    {"what": "cut-before"},
    {"what": "cut-after"},
    {"what": "timeout-before"},
    {"what": "timeout-after"},
)


@dataclass
class Morning:
    """One seed's run."""

    seed: int
    world: World = field(default_factory=World)
    stopped: bool = False
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311  not a secret
        rules = "\n".join(
            f"  - {{control: {c}, mode: enforce, parameters: {p}}}" for c, p in ENFORCED.items()
        )
        self.world.policy = policy(
            f"limits: [{{writes: 6, per: control}}]\ncontested: {{times: 4, window: 6h}}\n"
            f"undo_exemption: 2h\nrules:\n{rules}\n"
        )
        self.accounts = self.world.load(*(storage(f"a{n}") for n in range(3)))
        self.world.load(
            {"id": NSG, "location": "westeurope", "properties": {"securityRules": []}},
            {"id": SERVER, "location": "westeurope", "properties": {}},
            {
                "id": COSMOS,
                "location": "westeurope",
                "properties": {"ipRules": [{"ipAddressOrRange": "203.0.113.9"}]},
            },
        )

    # --- what happens

    def play(self, steps: int = 40) -> None:
        moves = (self.somebody, self.somebody, self.deliver, self.deliver, self.fault, self.killed)
        for _ in range(steps):
            self.dice.choice((*moves, self.person, self.sweep, self.wait))()

    def somebody(self) -> None:
        change = self.dice.choice((self.opens_account, self.opens_rule, self.opens_database))
        try:
            change()
        except Exception as refused:  # noqa: BLE001  people are refused too, by faults
            self.said.append(f"refused: {refused}")

    def opens_account(self) -> None:
        account = self.dice.choice(self.accounts)
        name, value = self.dice.choice(
            (("allowBlobPublicAccess", True), ("supportsHttpsTrafficOnly", False))
        )
        self.world.change(account, {name: value})

    def opens_rule(self) -> None:
        number = self.dice.randrange(3)
        rule = {
            "access": "Allow",
            "direction": "Inbound",
            "protocol": "Tcp",
            "priority": 300 + number,
            "sourceAddressPrefix": self.dice.choice(("*", "Internet", "10.0.0.0/8")),
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": self.dice.choice(("22", "20-30", "443")),
        }
        self._put(f"{NSG}/securityRules/r{number}", rule)

    def opens_database(self) -> None:
        if self.dice.random() < 0.5:
            self.world.change(COSMOS, {"ipRules": []})
        else:
            everyone = {"startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"}  # noqa: S104
            self._put(f"{SERVER}/firewallRules/all", everyone)

    def _put(self, resource: str, properties: dict[str, Any]) -> None:
        from tests.engine.world import ALICE  # noqa: PLC0415

        self.world.tenant.write(resource, {"properties": properties}, by=ALICE, method="PUT")

    def deliver(self) -> None:
        self.world.deliver(
            form=self.dice.choice(("eventgrid", "cloudevents", "strings")),
            encoding=self.dice.choice(("base64", "plain")),
            duplicate=self.dice.random(),
            drop=self.dice.random() * 0.3,
            shuffle=True,
        )
        self.works(self.world.gate())

    def works(self, gate: Gate) -> None:
        """What the host does: due rows, messages, five tries each."""
        self.world.clock.advance(timedelta(seconds=self.dice.randrange(1, 60)))
        gate.worker.due()
        for message in self.world.store.receive(HINTS, 8, timedelta(minutes=10)):
            try:
                gate.worker.hints(message.text)
            except StoreUnavailable:
                self.world.store.release(message, timedelta(seconds=30))
            else:
                self.world.store.done(message)

    def fault(self) -> None:
        told = dict(self.dice.choice(FAULTS))
        self.world.tenant.faults.add(Fault(**{"times": self.dice.randrange(1, 4), **told}))

    def killed(self) -> None:
        """The process ends in the middle of something; its messages come back by themselves."""
        left = self.dice.randrange(1, 60)

        def kill(name: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed(name)

        try:
            self.works(self.world.gate(store=Fragile(self.world.store, kill)))
        except Killed as stop:
            self.said.append(f"killed {stop}")

    def person(self) -> None:
        gate = self.world.gate()
        order = self.dice.choice(("undo", "stop", "go"))
        try:
            if order == "undo":
                done = [s for s in gate.state.journal.all() if s.state == "remediated"]
                gate.people.undo(self.dice.choice(done).id, "carol") if done else None
            elif order == "stop":
                gate.people.suspend("carol", "chaos")
            else:
                gate.people.resume("carol")
        except PortcullisError as refused:
            self.said.append(f"{order}: {refused}")

    def sweep(self) -> None:
        try:
            self.world.gate().sweep.run()
        except PortcullisError as refused:
            self.said.append(f"sweep: {refused}")

    def wait(self) -> None:
        self.world.clock.advance(timedelta(minutes=self.dice.randrange(1, 90)))

    # --- what must hold

    def settle(self) -> None:
        """Everything mended, and two days: what policy asks must have come about."""
        world = self.world
        world.tenant.faults.clear()
        gate = world.gate()
        if gate.state.suspension.stopped() is not None:
            gate.people.resume("carol")
        world.tenant.events.take()
        for _ in range(2):
            world.clock.advance(timedelta(hours=1))
            gate.sweep.run()
            world.run(gate, hours=24, step=600)

    def faults(self) -> list[str]:
        """What does not hold, in words."""
        gate = self.world.gate()
        found: list[str] = []
        found.extend(
            f"still open: {standing.value}"
            for standing in gate.state.findings.all()
            if standing.open and standing.control in ENFORCED
        )
        for resource in (*self.accounts, NSG, SERVER, COSMOS):
            found.extend(
                f"{resource} is {seen.verdict.state}: {seen.control.id}"
                for seen in gate.people.preview(ResourceId(resource)).seen
                if seen.control.id in ENFORCED and seen.verdict.state != "compliant"
            )
        found.extend(
            f"unfinished: {story.value}"
            for story in gate.state.journal.all()
            if story.state not in FINAL
        )
        found.extend(self._writes(gate))
        found.extend(self._records(gate))
        return found

    def _writes(self, gate: Gate) -> list[str]:
        """Every write of ours is known, and none was sent by the SDK twice."""
        ours = [r for r in self.world.tenant.writes if r.identity == US.name and _changes(r.path)]
        ids = [r.client_request_id for r in ours]
        found = [f"sent twice: {i}" for i in {i for i in ids if ids.count(i) > 1}]
        return found + [f"unknown: {i}" for i in ids if not gate.state.journal.is_ours(i)]

    def _records(self, gate: Gate) -> list[str]:
        """Every attempt told its intent first; the last told the end its story has."""
        attempts: dict[tuple[str, int], list[str]] = {}
        for record in self.world.records(gate):
            if "ActionId" in record:
                key = (record["ActionId"], record.get("Attempt", 0))
                attempts.setdefault(key, []).append(record["Entry"])
        # A worker that died before it told its intent told nothing but its end.
        found = [
            f"{action} attempt {n}, told {told}"
            for (action, n), told in attempts.items()
            if n and told[0] != "intent" and told != ["superseded"]
        ]
        for story in gate.state.journal.all():
            told = attempts.get((story.id, story.value["Attempt"]), [])
            if story.state not in told:
                found.append(f"{story.id} is {story.state}, told {told}")
        return found


def _changes(path: str) -> bool:
    return not path.casefold().endswith("/providers/microsoft.resourcegraph/resources")


def run(seed: int) -> list[str]:
    """Play one seed; what does not hold afterwards."""
    morning = Morning(seed)
    try:
        morning.play()
        morning.settle()
        return morning.faults()
    except Exception as error:  # noqa: BLE001  a crash is a failure of that seed
        return [f"{type(error).__name__}: {error}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first", type=int, default=0)
    told = parser.parse_args()
    failed = 0
    for seed in range(told.first, told.first + told.seeds):
        found = run(seed)
        failed += bool(found)
        for line in found[:3]:
            print(f"seed {seed}: {line[:400]}", flush=True)
        if sys.stderr.isatty():
            print(f"\r{seed + 1 - told.first}/{told.seeds}", end="", file=sys.stderr, flush=True)
    print(f"{told.seeds} seeds, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
