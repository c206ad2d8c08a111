"""The way to Azure and back: seconds that every answer of the server takes longer."""

from dataclasses import dataclass

from simulator.request_log import asks_for_change


@dataclass
class Latency:
    """Reads, queries and sign-ins wait for one time, what asks for a change for the other.

    It may be changed while the server runs; requests that came before keep to the old one.
    """

    reads: float = 0.0
    writes: float = 0.0

    def of(self, method: str, path: str) -> float:
        """How long this request waits before the tenant hears of it."""
        return self.writes if asks_for_change(method, path) else self.reads
