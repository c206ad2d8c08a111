"""The Azure command line: signs in, lists, shows, updates and deletes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator import contoso
from simulator.federation import Issuer
from simulator.server import Serving
from simulator.tenant import Tenant
from tests.compat.environments import AZ, Failed, surroundings

_LONGEST = 300
_WEB, _DATA = "-g web-prod", "-g data-prod"
_ROLE = (
    f"--assignee-object-id {contoso.PIPELINE.object_id} --assignee-principal-type ServicePrincipal"
)
_ASSIGNMENT = "5eed0000-0000-4000-8000-000000000001"
_ASSIGNMENT_ID = f"{contoso.ASSIGNMENTS}/{_ASSIGNMENT}"


@dataclass(frozen=True)
class Step:
    """A command; the value that a JMESPath query of its answer has, or the code of its refusal."""

    words: str
    query: str = ""
    value: Any = None
    fails: str = ""


STEPS = (
    Step("account list", "[].state", ["Enabled"]),
    Step("account list-locations", "[?name=='westeurope'].displayName", ["West Europe"]),
    Step("group list", "[].name", ["data-prod", "legacy", "web-prod"]),
    Step("provider show -n Microsoft.Storage", "registrationState", "Registered"),
    Step("resource list --resource-type Microsoft.Sql/servers", "[].name", ["contoso-orders"]),
    Step(f"resource show --ids {contoso.NSG}", "name", "web-front"),
    # networks
    Step(f"network vnet create {_WEB} -n net --address-prefix 10.7.0.0/16 --subnet-name a "
         "--subnet-prefix 10.7.1.0/24", "newVNet.subnets[].name", ["a"]),
    Step("network vnet list", "[].name", ["net"]),
    Step(f"network vnet update {_WEB} -n net --set tags.by=az", "tags", {"by": "az"}),
    Step(f"network vnet show {_WEB} -n net", "addressSpace.addressPrefixes", ["10.7.0.0/16"]),
    Step(f"network vnet delete {_WEB} -n net"),
    Step(f"network vnet show {_WEB} -n net", fails="ResourceNotFound"),
    Step("network nsg list", "[].name", ["web-front"]),
    Step(f"network nsg rule create {_WEB} --nsg-name web-front -n ssh --priority 300 "
         "--destination-port-ranges 22", "access", "Allow"),
    Step(f"network nsg rule update {_WEB} --nsg-name web-front -n ssh "
         "--source-address-prefixes 203.0.113.0/24", "sourceAddressPrefix", "203.0.113.0/24"),
    Step(f"network nsg show {_WEB} -n web-front", "securityRules[].name", ["https", "ssh"]),
    Step(f"network nsg rule delete {_WEB} --nsg-name web-front -n ssh"),
    Step(f"network nsg rule list {_WEB} --nsg-name web-front", "[].name", ["https"]),
    Step(f"network nsg delete {_WEB} -n web-front"),
    Step("network nsg list", "[].name", []),
    Step(f"network public-ip create {_WEB} -n door --sku Standard", "publicIp.sku.name",
         "Standard"),
    Step("network public-ip list", "[].name", ["door"]),
    Step(f"network public-ip update {_WEB} -n door --set tags.by=az", "tags", {"by": "az"}),
    Step(f"network public-ip show {_WEB} -n door", "publicIPAllocationMethod", "Static"),
    Step(f"network public-ip delete {_WEB} -n door"),
    Step(f"network public-ip show {_WEB} -n door", fails="ResourceNotFound"),
    # storage
    Step(f"storage account list {_WEB}", "[].name", ["contosoassets", "contosoweb"]),
    Step("storage account create -n compatshare -g web-prod", "provisioningState", "Succeeded"),
    Step("storage account show -n compatshare", "enableHttpsTrafficOnly", value=True),
    Step("storage account update -n compatshare --allow-blob-public-access true",
         "allowBlobPublicAccess", value=True),
    Step(f"storage account network-rule add {_WEB} --account-name compatshare "
         "--ip-address 203.0.113.9", "networkRuleSet.ipRules[].ipAddressOrRange", ["203.0.113.9"]),
    Step(f"storage account delete -n compatshare {_WEB} -y"),
    Step(f"storage account show -n compatshare {_WEB}", fails="ResourceNotFound"),
    # key vaults
    Step("keyvault list", "[].name", ["contoso-keys"]),
    Step(f"keyvault create {_DATA} -n compat-kv", "properties.provisioningState", "Succeeded"),
    Step("keyvault show -n compat-kv", "properties.enableSoftDelete", value=True),
    Step("keyvault update -n compat-kv --default-action Deny",
         "properties.networkAcls.defaultAction", "Deny"),
    Step(f"keyvault network-rule add {_DATA} -n contoso-keys --ip-address 203.0.113.9/32",
         "properties.networkAcls.ipRules[].value", ["203.0.113.7/32", "203.0.113.9/32"]),
    Step(f"keyvault delete {_DATA} -n compat-kv"),
    Step(f"keyvault list {_DATA}", "[].name", ["contoso-keys"]),
    # SQL
    Step("sql server list", "[].name", ["contoso-orders"]),
    Step(f"sql server create {_DATA} -n compat-sql -u admin0 -p 'Unused-pass-1'", "state", "Ready"),
    Step(f"sql server update {_DATA} -n compat-sql --set tags.by=az", "tags", {"by": "az"}),
    Step(f"sql server firewall-rule create {_DATA} -s compat-sql -n office "
         "--start-ip-address 203.0.113.1 --end-ip-address 203.0.113.1", "name", "office"),
    Step(f"sql server firewall-rule update {_DATA} -s compat-sql -n office "
         "--end-ip-address 203.0.113.2", "endIpAddress", "203.0.113.2"),
    Step(f"sql server firewall-rule list {_DATA} -s compat-sql", "[].startIpAddress",
         ["203.0.113.1"]),
    Step(f"sql server firewall-rule delete {_DATA} -s compat-sql -n office"),
    Step(f"sql server firewall-rule list {_DATA} -s compat-sql", "[].name", []),
    Step(f"sql server delete {_DATA} -n compat-sql -y"),
    Step(f"sql server show {_DATA} -n compat-sql", fails="ResourceNotFound"),
    # role assignments
    Step("role definition list --name Reader", "[].roleName", ["Reader"]),
    Step(f"role assignment create {_ROLE} --role Reader --scope {contoso.SUBSCRIPTION} "
         f"--name {_ASSIGNMENT}", "principalId", contoso.PIPELINE.object_id),
    Step(f"role assignment list --scope {contoso.SUBSCRIPTION} --fill-principal-name false",
         "[].roleDefinitionName", ["Reader"]),
    Step("role assignment update --role-assignment {folder}/assignment.json", "description",
         "as az left it"),
    Step(f"role assignment delete --ids {_ASSIGNMENT_ID}"),
    Step(f"role assignment list --scope {contoso.SUBSCRIPTION} --fill-principal-name false",
         "[].id", []),
    # what is not known is said
    Step("tag list", fails="SimulatorDoesNotKnow"),
)  # fmt: skip


def run(tenant: Tenant, served: Serving, folder: Path) -> Iterator[tuple[str, str]]:
    """What is tried, each with what went wrong, or nothing."""
    settings = {
        **surroundings(folder),
        **served.proxied,
        "AZURE_CONFIG_DIR": str(folder / "azure"),
        "AZURE_CORE_COLLECT_TELEMETRY": "0",
        "AZURE_CORE_NO_COLOR": "1",
        "AZURE_CORE_ONLY_SHOW_ERRORS": "1",
    }
    _write_assignment(folder / "assignment.json")
    for step in (*_signing_in(tenant, served), *STEPS):
        try:
            _do(step, settings, folder)
        except Failed as failed:
            yield _shown(step), str(failed)
        else:
            yield _shown(step), ""


def _signing_in(tenant: Tenant, served: Serving) -> Iterator[Step]:
    """By a wrong secret, by a cluster's word, and by the secret, which is used from then on."""
    cluster = Issuer("https://cluster.example/")
    tenant.entra.federate(served.identity, cluster, "compat")
    word = cluster.assertion("compat", tenant.clock.now())
    known = served.proxied
    login = (
        f"login --service-principal -u {known['AZURE_CLIENT_ID']} "
        f"--tenant {known['AZURE_TENANT_ID']}"
    )
    yield Step(f"{login} -p wrong", fails="AADSTS7000215")
    for proof in (f"--federated-token {word}", f"-p={known['AZURE_CLIENT_SECRET']}"):
        yield Step(f"{login} {proof}", "[].tenantId", [known["AZURE_TENANT_ID"]])


def _do(step: Step, settings: Mapping[str, str], folder: Path) -> None:
    words = shlex.split(step.words.replace("{folder}", str(folder)))
    query = ["--query", step.query] if step.query else []
    done = subprocess.run(
        [AZ.command, *words, *query, "-o", "json"],
        env=settings,
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    if step.fails:
        if not done.returncode or step.fails not in done.stderr:
            raise Failed(f"should fail with {step.fails}: {done.stderr or done.stdout}")
        return
    if done.returncode:
        raise Failed(done.stderr.strip())
    found = json.loads(done.stdout) if step.query else None
    if found != step.value:
        raise Failed(f"{step.query} is {found!r}, not {step.value!r}")


def _write_assignment(file: Path) -> None:
    """What `role assignment update` wants: the whole assignment."""
    reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
    definitions = f"{contoso.SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
    assignment = {
        "id": _ASSIGNMENT_ID,
        "name": _ASSIGNMENT,
        "type": "Microsoft.Authorization/roleAssignments",
        "scope": contoso.SUBSCRIPTION,
        "principalId": contoso.PIPELINE.object_id,
        "principalType": "ServicePrincipal",
        "roleDefinitionId": f"{definitions}/{reader}",
        "description": "as az left it",
        "condition": None,
        "conditionVersion": None,
    }
    file.write_text(json.dumps(assignment), encoding="utf-8")


def _shown(step: Step) -> str:
    """The command without what opens the door."""
    words = re.sub(r"(-p.?|--federated-token )\S+$", r"\1...", step.words)
    return f"az {words}" + (f" -> {step.fails}" if step.fails else "")
