"""What the environment says, checked whole before anything starts."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from shared.errors import Unusable

PUBLIC_CLOUD = "https://management.azure.com"


class App(enum.StrEnum):
    """Which triggers run here: judging, writing, or both in one process."""

    GATE = "gate"
    HAND = "hand"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsRule:
    """A data collection rule: its (or its endpoint's) address, and its immutable id."""

    endpoint: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one process.

    `state` is the file of the embedded store, None for memory. `records` is the file that
    shipped records go to, None for the console alone. `logs` is where Log Analytics takes them,
    `topic` the Event Grid topic for notices, None for neither. `identities` are the object ids
    under which this deployment writes.
    """

    app: App = App.ALL
    policy: Path = Path("policy.yaml")
    arm_endpoint: str = PUBLIC_CLOUD
    state: Path | None = None
    records: Path | None = None
    logs: LogsRule | None = None
    topic: str | None = None
    identities: frozenset[str] = frozenset()

    @classmethod
    def of(cls, environment: Mapping[str, str], root: Path) -> Settings:
        """Settings from `PORTCULLIS_*` variables; relative paths are taken from `root`.

        Raises:
            Unusable: naming every variable that cannot be used.
        """
        faults: list[str] = []
        app = environment.get("PORTCULLIS_APP", "all").casefold()
        if app not in set(App):
            faults.append(f"PORTCULLIS_APP is {app!r}: gate, hand or all")
        endpoint = environment.get("PORTCULLIS_ARM_ENDPOINT", PUBLIC_CLOUD)
        if not _is_https(endpoint):
            faults.append(f"PORTCULLIS_ARM_ENDPOINT is {endpoint!r}: an https:// address")
        logs, topic = _logs(environment, faults), _topic(environment, faults)
        if faults:
            raise Unusable("; ".join(faults))
        named = environment.get("PORTCULLIS_IDENTITIES", "")
        return cls(
            app=App(app),
            policy=root / environment.get("PORTCULLIS_POLICY", "policy.yaml"),
            arm_endpoint=endpoint,
            state=_path(environment, "PORTCULLIS_STATE", root),
            records=_path(environment, "PORTCULLIS_RECORDS", root),
            logs=logs,
            topic=topic,
            identities=frozenset(i.strip() for i in named.split(",") if i.strip()),
        )


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


def _path(environment: Mapping[str, str], name: str, root: Path) -> Path | None:
    given = environment.get(name)
    return root / given if given else None
