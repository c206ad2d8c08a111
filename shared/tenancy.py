"""Which tenant a subscription lives in: Azure Lighthouse shows those of others beside our own.

Source: Microsoft Learn, "Subscriptions - Get" (`tenantId` is the subscription's own from version
2019-06-01 on; who manages it is in `managedByTenants`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from shared.cloud import Writer
from shared.errors import Refused, Why
from shared.model import ResourceId
from shared.observing import SUBSCRIPTION

_REMEMBERED = timedelta(days=1)


class Tenancy:
    """Tells what is another tenant's; what it read of a subscription holds for a day."""

    def __init__(self, arm: Writer, now: Callable[[], datetime]) -> None:
        self._arm = arm
        self._now = now
        self._known: dict[str, tuple[datetime, str]] = {}

    def other(self, resource: ResourceId) -> str:
        """The tenant that `resource` lives in, where that is not our identity's; else empty.

        What is in no subscription is of the tenant that our tokens are from.

        Raises:
            Transient, Refused: it cannot be seen, so nothing may be written.
        """
        if not resource.subscription:
            return ""
        lives_in = self._of(resource.subscription.casefold())
        return "" if lives_in == self._arm.tenant() else lives_in

    def _of(self, subscription: str) -> str:
        known = self._known.get(subscription)
        if known is None or self._now() - known[0] > _REMEMBERED:
            known = self._known[subscription] = (self._now(), self._read(subscription))
        return known[1]

    def _read(self, subscription: str) -> str:
        asked = ResourceId(f"/subscriptions/{subscription}")
        found = self._arm.get(asked, SUBSCRIPTION.api_version)
        tenant = found.get("/tenantId") if found is not None else None
        if not isinstance(tenant, str) or not tenant:
            raise Refused(f"{asked} does not show which tenant it lives in", Why.NOT_FOUND)
        return tenant.casefold()
