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
class Settings:
    """Settings of one process.

    `state` is the file of the embedded store, None for memory. `records` is the file that
    shipped records go to, None for the console alone. `identities` are the object ids under
    which this deployment writes.
    """

    app: App = App.ALL
    policy: Path = Path("policy.yaml")
    arm_endpoint: str = PUBLIC_CLOUD
    state: Path | None = None
    records: Path | None = None
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
        if urlsplit(endpoint).scheme != "https" or not urlsplit(endpoint).hostname:
            faults.append(f"PORTCULLIS_ARM_ENDPOINT is {endpoint!r}: an https:// address")
        if faults:
            raise Unusable("; ".join(faults))
        named = environment.get("PORTCULLIS_IDENTITIES", "")
        return cls(
            app=App(app),
            policy=root / environment.get("PORTCULLIS_POLICY", "policy.yaml"),
            arm_endpoint=endpoint,
            state=_path(environment, "PORTCULLIS_STATE", root),
            records=_path(environment, "PORTCULLIS_RECORDS", root),
            identities=frozenset(i.strip() for i in named.split(",") if i.strip()),
        )


def _path(environment: Mapping[str, str], name: str, root: Path) -> Path | None:
    given = environment.get(name)
    return root / given if given else None
