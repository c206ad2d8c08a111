"""What a deployment is told and stands on: settings, policy, clock, directory, console."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from shared.doctor import Found, Patient, ok, unknown, wrong
from shared.errors import PortcullisError, Refused
from shared.model import ResourceId, directory_object
from shared.policy_scopes import MANAGEMENT_GROUPS
from shared.settings import App, Settings

_APART: Final = timedelta(minutes=5)
"""As far apart Entra's tokens let clocks be."""
_IN_AZURE: Final = ("WEBSITE_SITE_NAME", "WEBSITE_INSTANCE_ID", "WEBSITE_POD_NAME")
_NOWHERE: Final = "not set"


def settings(patient: Patient) -> Iterator[Found]:
    """Where everything is, and what is missing beside what is there."""
    given = patient.settings
    yield ok("app", f"{given.app} in {given.cloud.name}, by {given.arm_endpoint}")
    yield _state(patient)
    yield _identities(given)
    for subject, value, without in (
        ("logs", given.logs and f"{given.logs.rule} at {given.logs.endpoint}", "see logs below"),
        ("topic", given.topic, "nobody is notified"),
        ("directory", given.directory, "removals of privileged roles are only reported"),
        ("callers", given.callers, "plans say nothing of who called a store lately"),
    ):
        yield ok(subject, value or f"{_NOWHERE}: {without}")


def _state(patient: Patient) -> Found:
    given = patient.settings
    if given.storage is not None:
        return ok("state", given.storage.tables)
    where = f"the file {given.state}" if given.state else "memory"
    if given.state is None or _is_in_azure(patient):
        return wrong("state", f"it is kept in {where}: it ends with the process", _STORAGE)
    return ok("state", where)


_STORAGE: Final = "set PORTCULLIS_STORAGE to the name of a storage account"


def _identities(given: Settings) -> Found:
    if given.identities:
        return ok("identities", ", ".join(sorted(given.identities)))
    message = "without them our own writes are not recognised, and forged ones raise no alarm"
    mend = "set PORTCULLIS_IDENTITIES to the object ids of the apps' identities, commas between"
    return wrong("identities", message, mend)


def policy(patient: Patient) -> Iterator[Found]:
    """Whether there is one that can be used, and its management groups can be listed."""
    file = patient.settings.policy
    if faults := patient.policy.broken:
        told = "; ".join(map(str, faults))
        yield wrong(str(file), f"nothing is written: {told}", f"portcullis policy check {file}")
        return
    yield ok(str(file), f"{len(patient.policy.rules)} rules")
    for name in patient.policy.management_groups:
        yield _group(patient, name)


def _group(patient: Patient, name: str) -> Found:
    scope = f"{MANAGEMENT_GROUPS}/{name}"
    try:
        below = patient.hierarchy.below(name)
    except Refused as refused:
        mend = f"az role assignment create --assignee {patient.who} --role Reader --scope {scope}"
        return wrong(scope, str(refused), mend)
    except PortcullisError as error:
        return unknown(scope, str(error))
    return ok(scope, f"{len(below.subscriptions)} subscriptions below it")


def clock(patient: Patient) -> Iterator[Found]:
    """Whether our clock is Azure's: tokens, grace periods and limits go by it."""
    asked = patient.state.now()
    theirs = patient.arm.clock()
    if theirs is None:
        yield unknown("", "the answer of Azure Resource Manager has no date")
        return
    apart = round(abs((asked - theirs).total_seconds()))
    if apart > _APART.total_seconds():
        way = "ahead of" if asked > theirs else "behind"
        message = f"our clock is {apart} seconds {way} that of Azure"
        yield wrong("", message, "set this machine's clock: timedatectl set-ntp true")
    else:
        yield ok("", f"{apart} seconds from that of Azure")


def directory(patient: Patient) -> Iterator[Found]:
    """Whether Microsoft Graph shows our own identity, by which all that it shows is trusted."""
    at = patient.settings.directory
    if at is None or patient.directory is None:
        yield ok("", f"{_NOWHERE}: removals of privileged roles are only reported")
        return
    ours = min(patient.settings.identities)
    mend = (
        f"give {ours} the application permissions User.Read.All, GroupMember.Read.All and"
        " Application.Read.All of Microsoft Graph, with an administrator's consent"
    )
    try:
        found = patient.directory.get(ResourceId(directory_object(ours)))
    except Refused as refused:
        yield wrong(at, str(refused), mend)
        return
    if found is None:
        yield wrong(at, f"it knows nobody of the object id {ours}", mend)
    else:
        yield ok(at, f"our identity is there: {found.get('/properties/displayName')}")


def console(patient: Patient) -> Iterator[Found]:
    """Whether people can come in, as far as this process can see."""
    given, environment = patient.settings, patient.environment
    if given.app is App.HAND:
        yield ok("", "the hand has none")
    elif not _is_in_azure(patient):
        if given.console is None:
            yield ok("", "shut in Azure, and here open with make up alone")
        else:
            told = "whether App Service authentication is on is seen in Azure alone"
            yield unknown("", told, "open the console's /health and a page of it")
    elif given.console is None:
        yield wrong("", "it is shut: who may come is not set", _SIGN_IN)
    elif environment.get("WEBSITE_AUTH_ENABLED", "").casefold() != "true":
        yield wrong("", "it is shut: App Service authentication is not on", _AUTHENTICATION)
    else:
        yield ok("", given.console_url or "open to whoever signs in and holds a role")


_SIGN_IN: Final = "set PORTCULLIS_CONSOLE_TENANT and PORTCULLIS_CONSOLE_CLIENT"
_AUTHENTICATION: Final = (
    "deploy infra/authentication.json as the app's authsettingsV2, or turn it on:"
    " az webapp auth update --enabled true"
)


def _is_in_azure(patient: Patient) -> bool:
    return any(patient.environment.get(name) for name in _IN_AZURE)
