"""Whether our identities may read all that they must, and write nothing that they should not.

ARM tells who asks what they may do. Of anybody else it shows what they are granted: that is looked
at where a person asks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from shared import names, needs
from shared.doctor import Found, Patient, of_each, ok, unknown, wrong
from shared.doctor.granted import READS, Grant
from shared.errors import Unauthenticated
from shared.model import ResourceId
from shared.model.actions import Patterns, matches
from shared.own import OWN
from shared.settings import App
from shared.store.tables import HANDS, OURS

_NAMED: Final = 5
_VERBS: Final = ("write", "delete", "action")
_ROLES: Final = {App.HAND: "Portcullis hand"}
_SIGN_IN: Final = "az login; for an app: give it a managed identity, named in AZURE_CLIENT_ID"
_TAGS: Final = "microsoft.resources/tags/write"
"""What the gate may write on a canary."""


def identity(patient: Patient) -> Iterator[Found]:
    """Who asks."""
    try:
        ours = patient.principal
    except Unauthenticated as error:
        yield wrong("", str(error), _SIGN_IN)
        return
    if not ours:
        yield unknown("", "the token for Azure Resource Manager does not say whose it is")
    elif not patient.is_somebody_else:
        yield ok(ours, "Azure Resource Manager is asked under this object id")
    elif patient.apps:
        apps = " and ".join(f"{app} {who}" for app, who in patient.apps.items())
        yield ok(ours, f"not the app's: role assignments tell of {apps}")
    else:
        yield unknown(ours, f"it is none of {', '.join(sorted(patient.settings.identities))}", _AS)


_AS: Final = (
    "run it in the folder of azd up, or set PORTCULLIS_GATE_PRINCIPAL_ID and"
    " PORTCULLIS_HAND_PRINCIPAL_ID as azd env get-values has them"
)


def reading(patient: Patient) -> Iterator[Found]:
    """Whether each subscription shows all that the app needs; without the app, that both do."""
    if patient.is_somebody_else:
        yield from _of_others(patient, _lacks)
        return
    needed = _needed(patient, patient.settings.app)
    for scope, shown in patient.subscriptions.items():
        if not shown:
            yield wrong(scope.text, "it is to be watched, and is not shown", _grant(patient, scope))
    yield from of_each(patient.watched, lambda scope: _lacking(patient, scope, needed))


def _needed(patient: Patient, app: App) -> frozenset[str]:
    needed = needs.reads(patient.controls, patient.policy)
    if app is not App.HAND:
        return needed
    return (needed - {needs.PERMISSIONS}) | _writes(patient, app)


def _writes(patient: Patient, app: App) -> frozenset[str]:
    """What an app may write: the hand what the cures take that policy lets happen."""
    hand = app is App.HAND
    return needs.writes(needs.written(patient.controls, patient.policy) if hand else ())


def _lacking(patient: Patient, scope: ResourceId, needed: Collection[str]) -> Iterator[Found]:
    if lacking := _uncovered(patient.permissions(scope), needed):
        yield wrong(scope.text, _not_allowed(lacking, needed), _grant(patient, scope))
    else:
        yield ok(scope.text, _ALL)


_ALL: Final = "all that is needed is allowed"


def _not_allowed(lacking: Sequence[str], needed: Collection[str]) -> str:
    return f"not allowed are {len(lacking)} of {len(needed)} actions: {_first(lacking)}"


def _uncovered(told: Iterable[Mapping[str, Any]], needed: Iterable[str]) -> list[str]:
    """Data actions allow nothing of what ARM is asked, however they are spelt."""
    held = [Patterns.of(_words(one, "actions"), _words(one, "notActions")) for one in told]
    return [one for one in sorted(needed) if not any(each.cover(one.casefold()) for each in held)]


def writing(patient: Patient) -> Iterator[Found]:
    """Whether anything may be written that should not be."""
    if patient.is_somebody_else:
        yield from _of_others(patient, _exceeds)
        return
    allowed = _writes(patient, patient.settings.app)
    yield from of_each(patient.watched, lambda scope: _excess(patient, scope, allowed))


def _excess(patient: Patient, scope: ResourceId, allowed: Iterable[str]) -> Iterator[Found]:
    found = _beyond(patient.permissions(scope), allowed)
    if not found:
        yield ok(scope.text, _NOTHING)
    elif patient.settings.app is App.ALL:
        yield ok(scope.text, f"this app does both, and may write: {_first(found)}")
    else:
        listed = f"az role assignment list --assignee {patient.who} --scope {scope}"
        mend = f"{listed} --include-inherited --include-groups, and delete what gives it"
        yield wrong(scope.text, f"it may do what it should not: {_first(found)}", mend)


_NOTHING: Final = "nothing may be written that should not be"


def _beyond(told: Iterable[Mapping[str, Any]], allowed: Iterable[str]) -> list[str]:
    free = [one.casefold() for one in allowed]
    return sorted({pattern for one, spelt in _blocks(told) for pattern in beyond(one, free, spelt)})


def _grant(patient: Patient, scope: ResourceId) -> str:
    role = _ROLES.get(patient.settings.app, "Portcullis gate")
    return (
        f'az role assignment create --assignee {patient.who} --role "{role}" --scope {scope};'
        " where it is assigned already, deploy again: the role is older than the controls"
    )


# --- of others


@dataclass(frozen=True, slots=True)
class _Held:
    """What an app holds in a subscription."""

    app: App
    who: str
    subscription: ResourceId
    grants: Sequence[Grant] = ()

    def __str__(self) -> str:
        return f"{self.app} {self.subscription}"


_Look = Callable[[Patient, _Held], Iterable[Found]]


def _of_others(patient: Patient, look: _Look) -> Iterator[Found]:
    """What is said of each app in each subscription, where neither of them asks."""
    if not patient.apps:
        message = "whoever runs this is not the app, and who gate and hand are is not told"
        yield unknown("", message, _AS)
        return
    if not patient.subscriptions:
        yield unknown("", "whoever runs this is shown no subscription", "az login")
    for scope, shown in patient.subscriptions.items():
        if not shown:
            message = "it is to be watched, and is not shown to whoever runs this"
            yield unknown(scope.text, message, _reader(patient, scope))
    every = [
        _Held(app, who, scope) for scope in patient.watched for app, who in patient.apps.items()
    ]
    yield from of_each(every, lambda one: _seen(patient, one, look))


def _seen(patient: Patient, one: _Held, look: _Look) -> Iterable[Found]:
    """What `look` says where all that is granted is shown: a part of it proves nothing."""
    scope = one.subscription
    if hidden := _uncovered(patient.permissions(scope), READS):
        message = f"whoever runs this is not allowed {' and '.join(hidden)}"
        return [unknown(str(one), message, _reader(patient, scope))]
    grants = patient.granted.to(one.who, scope)
    return look(patient, replace(one, grants=grants))


def _reader(patient: Patient, scope: ResourceId) -> str:
    return f"az role assignment create --assignee {patient.who} --role Reader --scope {scope}"


def _lacks(patient: Patient, one: _Held) -> Iterator[Found]:
    """What is granted in one resource group shows nothing of the others."""
    if one.app is App.HAND and not needs.written(patient.controls, patient.policy):
        yield ok(str(one), "policy lets nothing be written: it needs nothing")
        return
    everywhere = [grant for grant in one.grants if grant.holds_at(one.subscription)]
    needed = _needed(patient, one.app)
    lacking = _uncovered((each for grant in everywhere for each in grant.certain), needed)
    if not lacking:
        yield ok(str(one), _ALL)
        return
    vague = any(len(grant.certain) < len(grant.blocks) for grant in everywhere)
    told = "; what has a condition is not counted" if vague else ""
    mend = _RENEW if patient.rights_above else _onboard(one)
    yield wrong(str(one), _not_allowed(lacking, needed) + told, mend)


def _exceeds(patient: Patient, one: _Held) -> Iterator[Found]:
    """A right to write in one resource group is a right to write."""
    allowed = _writes(patient, one.app)
    found = [
        _too_much(patient, one, grant, over)
        for grant in one.grants
        if not _serves(patient, one.app, grant)
        if (over := _beyond(grant.blocks, [*allowed, *_on_canary(patient, one, grant)]))
    ]
    yield from found or [ok(str(one), _NOTHING)]


def _on_canary(patient: Patient, one: _Held, grant: Grant) -> tuple[str, ...]:
    at = patient.settings.canary
    canary = ResourceId(f"{one.subscription}{at}")
    return (_TAGS,) if at and one.app is App.GATE and grant.scope == canary else ()


def _too_much(patient: Patient, one: _Held, grant: Grant, over: list[str]) -> Found:
    message = f"it may do what it should not: {_first(over)}, by {grant.name!r} at {grant.scope}"
    if len(grant.certain) < len(grant.blocks):
        message += ", under a condition"
    mend = f"az role assignment delete --ids {grant.id}"
    if grant.holder != one.who:
        message += f", through the group {grant.holder}"
        mend = f"take it out of the group {grant.holder}, or take that from all in it: {mend}"
    elif _is_made_by_us(patient, one, grant):
        mend = _onboard(one) if grant.scope.subscription else _RENEW
    elif (setting := _SERVING.get(_place(grant))) and not patient.environment.get(setting):
        mend = f"{mend}; where we run on it, name it in {setting} instead"
    return wrong(str(one), message, mend)


def _onboard(one: _Held) -> str:
    told = "in the checkout that it was deployed from"
    return f"portcullis onboard {one.subscription.subscription}, {told}"


_RENEW: Final = "deploy infra/management-group.bicep again: docs/deploying.md has the command"


def _is_made_by_us(patient: Patient, one: _Held, grant: Grant) -> bool:
    """Whether it is the app's own role, which onboarding brings up to date."""
    ours = (
        ResourceId(names.role(grant.scope.text, name, one.app))
        for name in patient.settings.own.deployments
    )
    return any(role.name == grant.role.name.casefold() for role in ours)


# --- what the apps run on

_ACCOUNT: Final = "microsoft.storage/storageaccounts"
_HOSTS: Final = ("b7e6dc6d-f1e8-4753-8033-0f276bb0955b", _ACCOUNT)
"""Storage Blob Data Owner: the app's own package is there, and its host's locks."""
_PUBLISHER: Final = "3913510d-42f4-4e42-8a64-420c390055eb"
_BLOBS: Final = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
_TABLES: Final = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"
_SERVING: Final[Mapping[tuple[str, str], str]] = {
    (_BLOBS, _ACCOUNT): "PORTCULLIS_STORAGE",
    ("974c5e8b-45b9-4653-ba55-5f855dd0fb88", _ACCOUNT): "PORTCULLIS_STORAGE",
    (_TABLES, _ACCOUNT): "PORTCULLIS_STORAGE",
    (_PUBLISHER, "microsoft.insights/components"): OWN,
    (_PUBLISHER, "microsoft.insights/datacollectionrules"): OWN,
    ("d5a91429-5739-47e2-a06b-3470a27159e7", "microsoft.eventgrid/topics"): OWN,
}
"""What the templates let the apps do with what they run on: role and type, and what names it.

Storage Blob, Queue and Table Data Contributor, Monitoring Metrics Publisher, EventGrid Data Sender.
"""


def _place(grant: Grant) -> tuple[str, str]:
    """The role, and the type of what it is on: a queue or a table is a part of its account."""
    return grant.role.name.casefold(), grant.scope.write_target.type.casefold()


def _serves(patient: Patient, app: App, grant: Grant) -> bool:
    """Whether it is on what the app runs on, and no more than that takes.

    Who may change the code of the other app is that app: of the accounts only its own is its.
    """
    own, place = patient.settings.own, _place(grant)
    account = grant.scope.write_target.name.casefold()
    if place == _HOSTS:
        return account in {names.host_storage(state, app) for state in own.accounts}
    if place not in _SERVING:
        return False
    if place[1] == _ACCOUNT:
        return account in own.accounts and _inside_fence(app, grant)
    return any(grant.scope.within(one) for one in own.listed)


def _inside_fence(app: App, grant: Grant) -> bool:
    """Whether a right on the state leaves to the hand what is the hand's, and packages alone."""
    role, kind = grant.role.name.casefold(), grant.scope.type.casefold()
    if role == _BLOBS:
        return kind == f"{_ACCOUNT}/blobservices/containers"
    if role == _TABLES and app is App.GATE:
        hands = {f"{OURS}{table}" for table in HANDS}
        return kind == f"{_ACCOUNT}/tableservices/tables" and grant.scope.name not in hands
    return True


# --- actions


def beyond(held: Patterns, allowed: Iterable[str], told: Mapping[str, str]) -> Iterator[str]:
    """The patterns that give more than reads and `allowed`, spelt as `told` has them."""
    free = list(allowed)
    for pattern in held.listed:
        given = (one for one in _wrote(pattern) if not _covered(one, held.left_out))
        if any(not _covered(one, free) for one in given):
            yield told.get(pattern, pattern)


def _wrote(pattern: str) -> list[str]:
    """The writes, deletes and actions in a pattern; every action of Azure ends in its verb."""
    if not pattern.endswith("*"):
        return [] if pattern.endswith("/read") else [pattern]
    beside = [pattern[:-1]] if pattern.endswith("/*") else []
    return [f"{stem}{verb}" for verb in _VERBS for stem in (f"{pattern}/", *beside)]


def _covered(action: str, patterns: Iterable[str]) -> bool:
    return any(matches(one, action) for one in patterns)


def _blocks(told: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Patterns, dict[str, str]]]:
    """Each block, data actions by themselves, and how Azure spells what it lists."""
    for block in told:
        for listed, left_out in (("actions", "notActions"), ("dataActions", "notDataActions")):
            named = _words(block, listed)
            spelt = {one.casefold(): one for one in named}
            yield Patterns.of(named, _words(block, left_out)), spelt


def _words(block: Mapping[str, Any], name: str) -> list[str]:
    listed = block.get(name)
    return [str(one) for one in listed] if isinstance(listed, list) else []


def _first(listed: Sequence[str]) -> str:
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return f"{', '.join(listed[:_NAMED])}{more}"
