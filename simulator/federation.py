"""Workload identities: someone else's word, in a signed assertion, instead of a secret."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_bytes

from simulator.jwt import encode, is_signed_by

EXCHANGE = "api://AzureADTokenExchange"
"""The audience that assertions for Entra have."""


@dataclass(frozen=True)
class Issuer:
    """Whoever vouches for workloads, such as a cluster; `url` is its name in assertions."""

    url: str
    _key: bytes = field(default_factory=lambda: token_bytes(32), repr=False)

    def assertion(
        self,
        subject: str,
        now: datetime,
        *,
        audience: str = EXCHANGE,
        life: timedelta = timedelta(hours=1),
    ) -> str:
        """A signed statement that its bearer is `subject`, good for `life` from `now`."""
        since = int(now.timestamp())
        claims = {"iss": self.url, "sub": subject, "aud": audience, "iat": since, "nbf": since,
                  "exp": since + int(life.total_seconds())}  # fmt: skip
        return encode(claims, self._key)

    def signed(self, assertion: str) -> bool:
        """Whether this issuer made an assertion."""
        return is_signed_by(assertion, self._key)
