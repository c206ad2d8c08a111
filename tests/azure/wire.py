"""A way to put words into Azure's mouth: answers on order before the tenant is asked."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from shared.azure.arm import Arm
from shared.errors import ArmError
from shared.model import ABSENT, Change, Edit, ResourceId, Verb
from simulator.adapter import TenantAdapter, TenantCredential, over
from simulator.call import Identity
from simulator.tenant import Tenant
from tests.made import ACCOUNT, GROUP

NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/web"
VAULTS = f"{GROUP}/providers/Microsoft.KeyVault/vaults"
SERVER = f"{GROUP}/providers/Microsoft.Sql/servers/sql1"
COSMOS = f"{GROUP}/providers/Microsoft.DocumentDB/databaseAccounts/cosmos1"
API = {ACCOUNT: "2023-05-01", NSG: "2024-05-01", SERVER: "2021-11-01", COSMOS: "2024-05-15"}
LOCK = "/providers/Microsoft.Authorization/locks/keep"
LOST = ["cut-before", "cut-after", "timeout-before", "timeout-after"]
CREATE, PUT, PATCH, DELETE = Verb.CREATE, Verb.PUT, Verb.PATCH, Verb.DELETE
US = Identity("us", "aaaaaaaa-0000-4000-8000-000000000001", kind="ServicePrincipal")


@dataclass
class Said:
    """One answer on order; a body that is text goes as it stands."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Mouth(BaseAdapter):
    """Gives what `answers` says to a request, or passes it on to the tenant.

    `heard` are (method, url, whether a token came along) of every request, answered or not.
    """

    def __init__(self, tenant: Tenant) -> None:
        super().__init__()
        self._inner = TenantAdapter(tenant)
        self.answers: Callable[[str, str], Said | None] = lambda _method, _url: None
        self.heard: list[tuple[str, str, bool]] = []

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:  # type: ignore[override]
        method, url = str(request.method), str(request.url)
        self.heard.append((method, url, "Authorization" in request.headers))
        said = self.answers(method, url)
        if said is None:
            return self._inner.send(request, **how)
        text = said.body if isinstance(said.body, str) else json.dumps(said.body)
        received = requests.Response()
        received.status_code = said.status
        received.headers.update(said.headers)
        received.url, received.request = url, request
        received.raw = HTTPResponse(
            io.BytesIO(b"" if said.body is None else text.encode()), preload_content=False
        )
        return received

    def close(self) -> None:
        """Nothing is held open."""


def arm_of(
    tenant: Tenant, *, mouth: Mouth | None = None, identity: Identity = US, versions: Any = None
) -> Arm:
    """The real pipeline with its HTTP ending in the tenant."""
    now: Callable[[], datetime] = tenant.clock.now
    return Arm(
        TenantCredential(tenant, identity),
        versions or {},
        now,
        transport=over(mouth or TenantAdapter(tenant)),
    )


def always(said: Said) -> Callable[[str, str], Said | None]:
    """The same answer to everything."""
    return lambda _method, _url: said


def change(verb: Verb = PATCH, target: str = ACCOUNT, **more: Any) -> Change:
    """A write that the tenant takes; a patch sets one property, a put or create all of them."""
    fields: dict[str, Any] = {"api_version": API.get(target, "2023-05-01"), **more}
    if verb in (PATCH, PUT):
        fields.setdefault("edits", (Edit(("tags",), ABSENT, {"a": "b"}),))
    if verb in (PUT, CREATE):
        fields.setdefault("document", {"location": "westeurope", "properties": {}})
    return Change(verb=verb, target=ResourceId(target), **fields)


WRITES = {
    "patch": change(),
    "put": change(PUT, NSG),
    "delete": change(DELETE),
    "create": change(CREATE, f"{SERVER}/firewallRules/one", api_version="2021-11-01",
                     document={"properties": {"startIpAddress": "1.2.3.4",
                                              "endIpAddress": "1.2.3.4"}}),
    "post": change(Verb.POST, ACCOUNT, action="regenerateKey", document={"keyName": "key1"}),
}  # fmt: skip


def sent(tenant: Tenant, *methods: str) -> list[tuple[str, int]]:
    """(method, status) of every request of the named kinds that reached the tenant."""
    wanted = methods or ("PUT", "PATCH", "DELETE", "POST")
    return [(r.method, r.status) for r in tenant.requests if r.method in wanted]


def refused(arm: Arm, wanted: Change) -> ArmError:
    with pytest.raises(ArmError) as caught:
        arm.write(wanted, "id")
    assert "\n" not in str(caught.value)
    return caught.value
