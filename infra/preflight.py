"""Whether a deployment can succeed, told in seconds and before anything is made.

`python -m infra.preflight`, which azd runs before it provisions. Each thing that would stop it
later is one line that says what and where, and what to do.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from shared import clouds, names
from shared.azure.arm import Arm
from shared.errors import PortcullisError, Refused, Unusable
from shared.model import ResourceId
from shared.model.actions import Patterns
from shared.onboarding import Place, listed, place

FILE: Final = Path(__file__).parent / "main.parameters.json"
NEEDED: Final = (
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleDefinitions/write",
    "Microsoft.EventGrid/systemTopics/write",
    "Microsoft.Resources/deployments/write",
)
"""What making the parts of a subscription begins with."""
_WEB: Final = "2024-11-01"


def preflight(arm: Arm, parameters: Mapping[str, Any], told: Mapping[str, str]) -> Iterator[str]:
    """A line for each thing that would stop the deployment; nothing where all is well.

    `parameters` are those of main.parameters.json by name, `told` what azd hands to its hooks.

    Raises:
        PortcullisError: Azure cannot be asked at all.
    """
    home, deployment = told.get("AZURE_SUBSCRIPTION_ID", ""), told.get("AZURE_ENV_NAME", "")
    missing = [name for name in _TOLD if not told.get(name)]
    if missing:
        yield f"not set: {', '.join(missing)}; azd env set <name> <value>"
        return
    watched = parameters.get("subscriptions") or [{"id": home}]
    yield from _pair(told)
    yield from _region(arm, home, told["AZURE_LOCATION"])
    for one in [{"id": home}, *(w for w in watched if w.get("id") != home)]:
        named = next((w for w in watched if w.get("id") == one.get("id")), None)
        yield from _subscription(arm, str(one.get("id", "")), named, deployment)


_TOLD: Final = ("AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_SUBSCRIPTION_ID")
_CONSOLE: Final = ("PORTCULLIS_CONSOLE_TENANT", "PORTCULLIS_CONSOLE_CLIENT")


def _pair(told: Mapping[str, str]) -> Iterator[str]:
    given = [name for name in _CONSOLE if told.get(name)]
    if len(given) == 1:
        (other,) = set(_CONSOLE) - set(given)
        yield f"{given[0]} is set and {other} is not: azd env set {other} <id>, or unset both"


def _region(arm: Arm, home: str, location: str) -> Iterator[str]:
    """Source: App Service REST API, "List Geo Regions", with the SKU of Flex Consumption."""
    asked = f"/subscriptions/{home}/providers/Microsoft.Web/geoRegions?sku=FlexConsumption"
    try:
        found = {one.id.name.casefold().replace(" ", "") for one in listed(arm, asked, _WEB)}
    except Refused as refused:
        yield f"which regions have Flex Consumption cannot be read: {refused}"
        return
    if location.casefold().replace(" ", "") not in found:
        yield (
            f"AZURE_LOCATION is {location}, which has no Flex Consumption: azd env set"
            f" AZURE_LOCATION <one of {', '.join(sorted(found))}>"
        )


def _subscription(
    arm: Arm, name: str, watched: Mapping[str, Any] | None, deployment: str
) -> Iterator[str]:
    """What is wrong with one; `watched` is its entry, None where it is only deployed to."""
    try:
        found = place(arm, name)
    except Unusable as error:
        yield f"{error}; or take it out of `subscriptions` in {FILE.name}"
        return
    lacking = list(_lacking(arm.permissions(ResourceId(found.id))))
    if lacking:
        yield (
            f"subscription {name}: you may not {', '.join(lacking)}; this takes Owner, or"
            " Contributor with User Access Administrator"
        )
    if watched is not None:
        yield from _topic(found, watched, names.topic(deployment))


def _lacking(blocks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    held = [Patterns.of(one.get("actions", []), one.get("notActions", [])) for one in blocks]
    for action in NEEDED:
        if not any(one.cover(action.casefold()) for one in held):
            yield action


def _topic(found: Place, watched: Mapping[str, Any], ours: str) -> Iterator[str]:
    """Azure allows one system topic a subscription: one that is there has to be adopted."""
    named, there = str(watched.get("topic", "")), found.topic
    if there is None:
        if named:
            yield f"subscription {found.subscription}: there is no system topic {named} to adopt"
        return
    group = there.id.resource_group
    entry = {"id": found.subscription, "topic": there.id.name, "topicGroup": group and group.name}
    if there.id.name.casefold() != (named or ours).casefold():
        yield (
            f"subscription {found.subscription} has a system topic, {there.id.name}: adopt it, as"
            f" {json.dumps(entry)} in `subscriptions` of {FILE.name}"
        )
    elif named and "systemassigned" not in str(there.get("/identity/type") or "").casefold():
        yield (
            f"system topic {there.id} has no system-assigned identity: az eventgrid system-topic"
            f" update --ids {there.id} --identity systemassigned"
        )


def read(file: Path = FILE) -> dict[str, Any]:
    """The parameters by name.

    Raises:
        Unusable: the file cannot be read.
    """
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
        return {name: one["value"] for name, one in body["parameters"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise Unusable(f"{file} cannot be read: {error!r}") from error


def main() -> int:
    from shared.azure.credentials import credential  # noqa: PLC0415  slow to import

    told = dict(os.environ)
    try:
        endpoint = told.get("PORTCULLIS_ARM_ENDPOINT") or clouds.of(told).arm
        arm = Arm(credential(told), {}, lambda: datetime.now(UTC), endpoint=endpoint)
        with closing(arm):
            faults = list(preflight(arm, read(), told))
    except PortcullisError as error:
        faults = [str(error)]
    for fault in faults:
        sys.stderr.write(f"preflight: {' '.join(fault.split())}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
