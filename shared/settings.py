"""What the environment says, checked whole before anything starts."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from shared import clouds
from shared.clouds import PUBLIC, AzureEnvironment
from shared.errors import Unusable
from shared.own import NOTHING, Own, account_at, named

JOBS = "AzureWebJobsStorage"
"""The setting of the Functions host that names its storage account, and where queues wait."""
_ADDRESSES = [f"{JOBS}__{service}ServiceUri" for service in ("table", "queue", "blob")]
_CONSOLE = ("PORTCULLIS_CONSOLE_TENANT", "PORTCULLIS_CONSOLE_CLIENT")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EXAMPLE = "00000000-0000-0000-0000-000000000000"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_EMULATOR = "http://127.0.0.1"
_EMULATED = "devstoreaccount1"
# Not a secret: Microsoft documents it as every emulator's.
_EMULATORS_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


class App(enum.StrEnum):
    """Which triggers run here: judging, writing, or both in one process."""

    GATE = "gate"
    HAND = "hand"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A storage account that state is kept in: the addresses of its services.

    `account` and `key` are an emulator's; without a key the identity of the process signs in.
    """

    tables: str
    queues: str
    blobs: str
    account: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsRule:
    """A data collection rule: its (or its endpoint's) address, and its immutable id."""

    endpoint: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Who may come to the console: people of `tenant`, with tokens for the app `client`."""

    tenant: str
    client: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one process.

    `cloud` is the one that all of it is in. State is kept in `storage` where that is named, else
    in the embedded store, whose file is `state`, None for memory. `records` is the file that
    shipped records go to, None for the console alone. `logs` is where Log Analytics takes them,
    `topic` the Event Grid topic for notices, None for neither. `console_url` is where people find
    the console, empty for nowhere; `console` says who may come to it in Azure, None for nobody.
    `identities` are the object ids under which this deployment writes. `directory` is where
    Microsoft Graph answers, None where the directory is not read. `callers` is where Log Analytics
    is queried, None for nowhere. `named` are resources of our own that the environment names
    beyond these: see `own`. `canary` is where each subscription's canary is, below it; empty where
    none is wanted.
    """

    app: App = App.ALL
    policy: Path = Path("policy.yaml")
    cloud: AzureEnvironment = PUBLIC
    arm_endpoint: str = PUBLIC.arm
    state: Path | None = None
    storage: Storage | None = None
    records: Path | None = None
    logs: LogsRule | None = None
    topic: str | None = None
    console_url: str = ""
    identities: frozenset[str] = frozenset()
    directory: str | None = None
    callers: str | None = None
    named: Own = NOTHING
    console: SignIn | None = None
    canary: str = ""

    @property
    def own(self) -> Own:
        """What this deployment runs on, as far as its settings tell."""
        at = self.storage
        kept = (at.tables, at.queues, at.blobs) if at else ()
        sent = (self.logs.endpoint if self.logs else "", self.topic or "")
        return self.named | Own(
            accounts=frozenset(name for address in kept if (name := account_at(address))),
            hosts=frozenset(host for one in sent if (host := urlsplit(one).hostname)),
            rules=frozenset([self.logs.rule.casefold()] if self.logs else []),
            identities=frozenset(one.casefold() for one in self.identities),
        )

    @classmethod
    def of(cls, environment: Mapping[str, str], root: Path) -> Settings:
        """Settings from `PORTCULLIS_*` variables; relative paths are taken from `root`.

        The account of the Functions host keeps state too, unless `PORTCULLIS_STATE` or
        `PORTCULLIS_STORAGE` says otherwise.

        Raises:
            Unusable: naming every variable that cannot be used.
        """
        faults: list[str] = []
        app = environment.get("PORTCULLIS_APP", "all").casefold()
        if app not in set(App):
            faults.append(f"PORTCULLIS_APP is {app!r}: gate, hand or all")
        cloud = _cloud(environment, faults)
        endpoint = environment.get("PORTCULLIS_ARM_ENDPOINT") or cloud.arm
        if not _is_https(endpoint):
            faults.append(f"PORTCULLIS_ARM_ENDPOINT is {endpoint!r}: an https:// address")
        storage = _storage(environment, cloud, faults)
        logs, topic = _logs(environment, faults), _topic(environment, faults)
        ids = environment.get("PORTCULLIS_IDENTITIES", "").split(",")
        identities = frozenset(one.strip() for one in ids if one.strip())
        directory = _directory(environment, cloud, identities, faults)
        callers = _address("PORTCULLIS_CALLERS", environment, cloud, faults)
        own = named(environment, faults)
        console = _console(environment, faults)
        canary = _canary(environment, faults)
        console_url = _console_url(environment, faults, signs_in=console is not None)
        if faults:
            raise Unusable("; ".join(faults))
        return cls(
            app=App(app),
            cloud=cloud,
            policy=root / environment.get("PORTCULLIS_POLICY", "policy.yaml"),
            arm_endpoint=endpoint,
            state=_path(environment, "PORTCULLIS_STATE", root),
            storage=storage,
            records=_path(environment, "PORTCULLIS_RECORDS", root),
            logs=logs,
            topic=topic,
            console_url=console_url,
            identities=identities,
            directory=directory,
            callers=callers,
            named=own,
            console=console,
            canary=canary,
        )


def _cloud(environment: Mapping[str, str], faults: list[str]) -> AzureEnvironment:
    try:
        return clouds.of(environment)
    except Unusable as unknown:
        faults.append(str(unknown))
        return PUBLIC


def _is_https(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" and bool(parts.hostname)


def _logs(environment: Mapping[str, str], faults: list[str]) -> LogsRule | None:
    endpoint = environment.get("PORTCULLIS_LOGS_ENDPOINT", "")
    rule = environment.get("PORTCULLIS_LOGS_RULE", "")
    if bool(endpoint) != bool(rule):
        said, missing = ("ENDPOINT", "RULE") if endpoint else ("RULE", "ENDPOINT")
        faults.append(f"PORTCULLIS_LOGS_{said} needs PORTCULLIS_LOGS_{missing} beside it")
    elif endpoint and not _is_https(endpoint):
        faults.append(f"PORTCULLIS_LOGS_ENDPOINT is {endpoint!r}: an https:// address")
    return LogsRule(endpoint=endpoint.rstrip("/"), rule=rule) if endpoint and rule else None


def _topic(environment: Mapping[str, str], faults: list[str]) -> str | None:
    topic = environment.get("PORTCULLIS_TOPIC_ENDPOINT", "")
    if topic and not (_is_https(topic) and urlsplit(topic).path == "/api/events"):
        faults.append(
            f"PORTCULLIS_TOPIC_ENDPOINT is {topic!r}: an https:// address that ends in /api/events"
        )
    return topic or None


def _console_url(environment: Mapping[str, str], faults: list[str], *, signs_in: bool) -> str:
    """The console's address; where people may sign in, and none is named, the app's own.

    Source: https://learn.microsoft.com/azure/app-service/reference-app-settings; the Functions
    host of a laptop tells `localhost` and a port, where no TLS is.
    """
    address = environment.get("PORTCULLIS_CONSOLE_URL", "").rstrip("/")
    if not address:
        host = environment.get("WEBSITE_HOSTNAME", "") if signs_in else ""
        return f"https://{host}" if "." in host and ":" not in host else ""
    parts = urlsplit(address)
    if not _is_https(address) or parts.query or parts.fragment:
        faults.append(f"PORTCULLIS_CONSOLE_URL is {address!r}: an https:// address without a query")
    return address


def _directory(
    environment: Mapping[str, str],
    cloud: AzureEnvironment,
    identities: frozenset[str],
    faults: list[str],
) -> str | None:
    """Microsoft Graph's address; an absence in it is told by our own identity's presence."""
    address = _address("PORTCULLIS_DIRECTORY", environment, cloud, faults)
    if address and not identities:
        faults.append("PORTCULLIS_DIRECTORY needs PORTCULLIS_IDENTITIES beside it")
    return address


def _address(
    variable: str, environment: Mapping[str, str], cloud: AzureEnvironment, faults: list[str]
) -> str | None:
    """An address that no other cloud has: tokens of ours would be for another one there."""
    address = environment.get(variable, "").rstrip("/")
    if address and not _is_https(address):
        faults.append(f"{variable} is {address!r}: an https:// address")
    elif (owner := clouds.owner(address)) is not None and owner is not cloud:
        faults.append(f"{variable} is {address!r}, of {owner.name}: {clouds.CLOUD} is {cloud.name}")
    return address or None


def _console(environment: Mapping[str, str], faults: list[str]) -> SignIn | None:
    """Who may come; both are ids, as names and domains change hands."""
    given = {name: environment.get(name, "").strip().casefold() for name in _CONSOLE}
    if not any(given.values()):
        return None
    for name, value in given.items():
        if not _GUID.fullmatch(value):
            faults.append(f"{name} is {value!r}: an id such as {_EXAMPLE}")
    tenant, client = given.values()
    return SignIn(tenant=tenant, client=client)


def _canary(environment: Mapping[str, str], faults: list[str]) -> str:
    """A resource's id without its subscription: the same in each."""
    at = environment.get("PORTCULLIS_CANARY", "").rstrip("/")
    if at and not re.fullmatch(r"/resourceGroups/[^/]+/providers(/[^/]+){3}", at, re.IGNORECASE):
        faults.append(
            f"PORTCULLIS_CANARY is {at!r}: /resourceGroups/<group>/providers/<type>/<name>"
        )
    return at


def _path(environment: Mapping[str, str], name: str, root: Path) -> Path | None:
    given = environment.get(name)
    return root / given if given else None


def names_storage(environment: Mapping[str, str]) -> bool:
    """Whether `PORTCULLIS_STORAGE` names an account to keep state in."""
    return bool(environment.get("PORTCULLIS_STORAGE"))


# Values of these variables may hold keys and signatures: a fault names the variable alone.
def _storage(
    environment: Mapping[str, str], cloud: AzureEnvironment, faults: list[str]
) -> Storage | None:
    if names_storage(environment):
        if environment.get("PORTCULLIS_STATE"):
            faults.append("PORTCULLIS_STATE and PORTCULLIS_STORAGE are both set: state is in one")
        return _account("PORTCULLIS_STORAGE", environment, cloud, faults)
    if environment.get("PORTCULLIS_STATE"):
        return None
    if environment.get(JOBS):
        return _emulator(environment[JOBS], faults)
    if any(environment.get(variable) for variable in _ADDRESSES):
        return _named(environment, faults)
    if environment.get(f"{JOBS}__accountName"):
        return _account(f"{JOBS}__accountName", environment, cloud, faults)
    return None


def _account(
    variable: str, environment: Mapping[str, str], cloud: AzureEnvironment, faults: list[str]
) -> Storage | None:
    """An account of the cloud by its name."""
    name = environment[variable]
    if not re.fullmatch(r"[a-z0-9]{3,24}", name):
        faults.append(f"{variable} is no name of a storage account: 3 to 24 of a-z and 0-9")
        return None
    tables, queues, blobs = (
        f"https://{name}.{service}.{cloud.storage_suffix}" for service in ("table", "queue", "blob")
    )
    return Storage(tables=tables, queues=queues, blobs=blobs)


def _named(environment: Mapping[str, str], faults: list[str]) -> Storage | None:
    """The addresses of the services, each by itself."""
    for variable in _ADDRESSES:
        address = urlsplit(environment.get(variable, ""))
        if address.scheme != "https" or not address.hostname or address.query:
            faults.append(f"{variable}: an https:// address without a signature")
    tables, queues, blobs = (environment.get(variable, "") for variable in _ADDRESSES)
    return Storage(tables=tables, queues=queues, blobs=blobs)


def _emulator(connection: str, faults: list[str]) -> Storage | None:
    """An emulator on this machine by its connection string."""
    parts = dict(part.split("=", 1) for part in connection.split(";") if "=" in part)
    if parts.get("UseDevelopmentStorage", "").casefold() == "true":
        blobs, queues, tables = (f"{_EMULATOR}:{10000 + i}/{_EMULATED}" for i in range(3))
        parts = {"AccountName": _EMULATED, "AccountKey": _EMULATORS_KEY}
    else:
        names = ("BlobEndpoint", "QueueEndpoint", "TableEndpoint")
        blobs, queues, tables = (parts.get(name, "") for name in names)
    here = all(urlsplit(address).hostname in _LOOPBACK for address in (blobs, queues, tables))
    if not here or not parts.get("AccountName") or not parts.get("AccountKey"):
        faults.append(
            f"{JOBS} is no connection string of an emulator on this machine: an account in Azure"
            " is reached by identity, named in PORTCULLIS_STORAGE"
        )
        return None
    account, key = parts["AccountName"], parts["AccountKey"]
    return Storage(tables=tables, queues=queues, blobs=blobs, account=account, key=key)
