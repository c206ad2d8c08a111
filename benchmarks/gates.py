"""A gate that audits a tenant in another process, over TLS, with its state in memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import TenantProcess, tenant_process
from benchmarks.warm import ShiftedClock
from shared.azure.credentials import credential
from shared.settings import Settings
from shared.store.embedded import EmbeddedStore
from wiring import Gate, build


@dataclass(frozen=True, slots=True)
class Audited:
    """The gate, its clock and its tenant."""

    gate: Gate
    clock: ShiftedClock
    tenant: TenantProcess


@contextmanager
def audited() -> Iterator[Audited]:
    """Both run until the block ends; every control watches the whole tenant."""
    with tempfile.TemporaryDirectory() as scratch, tenant_process() as tenant:
        os.environ.update(tenant.environment)
        policy = Path(scratch) / "policy.yaml"
        policy.write_text("version: 1\n", encoding="utf-8")
        clock = ShiftedClock()
        with closing(gate_of(policy, clock)) as gate:
            yield Audited(gate, clock, tenant)


def gate_of(policy: Path, clock: ShiftedClock | None = None) -> Gate:
    """A gate by this policy on the tenant that the environment names, its state in memory."""
    settings = Settings.of({**os.environ, "PORTCULLIS_POLICY": str(policy)}, policy.parent)
    now = clock or ShiftedClock()
    return build(settings, credential(os.environ), now=now, store=EmbeddedStore(now))
