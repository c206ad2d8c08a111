"""Whether our identity may read all that it must, and write nothing that it should not.

Only the identity itself can ask: ARM tells who asks what they may do, and nobody about others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from shared import needs
from shared.doctor import Found, Patient, of_each, ok, unknown, wrong
from shared.errors import Unauthenticated
from shared.model import ResourceId
from shared.model.actions import Patterns, matches
from shared.settings import App

_NAMED: Final = 5
_VERBS: Final = ("write", "delete", "action")
_ROLES: Final = {App.HAND: "Portcullis hand"}
_SIGN_IN: Final = "az login; for an app: give it a managed identity, named in AZURE_CLIENT_ID"


def identity(patient: Patient) -> Iterator[Found]:
    """Who asks."""
    try:
        ours = patient.principal
    except Unauthenticated as error:
        yield wrong("", str(error), _SIGN_IN)
        return
    if not ours:
        yield unknown("", "the token for Azure Resource Manager does not say whose it is")
    elif patient.is_somebody_else:
        yield unknown(ours, f"it is none of {', '.join(sorted(patient.settings.identities))}", _AS)
    else:
        yield ok(ours, "Azure Resource Manager is asked under this object id")


_AS: Final = (
    "run it under the app's identity, or compare its roles:"
    " az role assignment list --assignee <object id> --all"
)


def reading(patient: Patient) -> Iterator[Found]:
    """Whether each subscription shows all that the app needs."""
    if patient.is_somebody_else:
        yield unknown("", "whoever runs this is not the app's identity", _AS)
        return
    hand = patient.settings.app is App.HAND
    needed = needs.reads(patient.controls, patient.policy)
    if hand:
        curing = needs.writes(needs.written(patient.controls, patient.policy))
        needed = (needed - {needs.PERMISSIONS}) | curing
    for scope, shown in patient.subscriptions.items():
        if not shown:
            yield wrong(scope.text, "it is to be watched, and is not shown", _grant(patient, scope))
    yield from of_each(patient.watched, lambda scope: _lacking(patient, scope, needed))


def _lacking(patient: Patient, scope: ResourceId, needed: Collection[str]) -> Iterator[Found]:
    held = [one for one, _ in _blocks(patient.permissions(scope))]
    lacking = [
        one for one in sorted(needed) if not any(each.cover(one.casefold()) for each in held)
    ]
    if lacking:
        message = f"not allowed are {len(lacking)} of {len(needed)} actions: {_first(lacking)}"
        yield wrong(scope.text, message, _grant(patient, scope))
    else:
        yield ok(scope.text, "all that is needed is allowed")


def writing(patient: Patient) -> Iterator[Found]:
    """Whether anything may be written that should not be."""
    if patient.is_somebody_else:
        yield unknown("", "whoever runs this is not the app's identity", _AS)
        return
    hand = patient.settings.app is App.HAND
    cured = needs.written(patient.controls, patient.policy) if hand else ()
    yield from of_each(patient.watched, lambda scope: _excess(patient, scope, needs.writes(cured)))


def _excess(patient: Patient, scope: ResourceId, allowed: Iterable[str]) -> Iterator[Found]:
    free = [one.casefold() for one in allowed]
    found = sorted(
        {
            pattern
            for one, told in _blocks(patient.permissions(scope))
            for pattern in beyond(one, free, told)
        }
    )
    if not found:
        yield ok(scope.text, "nothing may be written that should not be")
    elif patient.settings.app is App.ALL:
        yield ok(scope.text, f"this app does both, and may write: {_first(found)}")
    else:
        listed = f"az role assignment list --assignee {patient.who} --scope {scope}"
        mend = f"{listed} --include-inherited --include-groups, and delete what gives it"
        yield wrong(scope.text, f"it may do what it should not: {_first(found)}", mend)


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


def _first(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _grant(patient: Patient, scope: ResourceId) -> str:
    role = _ROLES.get(patient.settings.app, "Portcullis gate")
    return (
        f'az role assignment create --assignee {patient.who} --role "{role}" --scope {scope};'
        " where it is assigned already, deploy again: the role is older than the controls"
    )
