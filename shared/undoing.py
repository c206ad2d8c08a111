"""Taking an action back: the inverse of what was done, where nobody has changed it since."""

from __future__ import annotations

from dataclasses import replace

from shared.cloud import Reader
from shared.errors import Refused, Transient, Why
from shared.journal import Story
from shared.model import Change, Json, Reversible, Verb, pointer_to, same, value_at


def inverse_of(done: Story, reader: Reader) -> list[Change]:
    """The writes that restore what `done` replaced, checked against what is there now.

    Raises:
        Refused: it cannot be taken back, with the reason. Transient: come again.
    """
    if done.undoing:
        raise _refusal(f"{done.id} is an undo: 'portcullis apply' cures again")
    if done.value["Plan"]["reversible"] == Reversible.NO:
        caveats = "; ".join(done.value["Plan"]["caveats"])
        raise _refusal(f"{done.id} cannot be taken back: {caveats}")
    inverse: list[Change] = []
    for change, left in zip(done.changes[: done.step], done.left, strict=True):
        back = change.inverse()
        if back is None:
            raise _refusal(f"{change.action} on {change.target} cannot be taken back")
        inverse.append(_restoring(back, left, reader))
    if not inverse:
        raise _refusal(f"{done.id} wrote nothing: there is nothing to take back")
    return inverse[::-1]


def _restoring(back: Change, left: list[Json], reader: Reader) -> Change:
    now = reader.get(back.target, back.api_version)
    if back.verb is Verb.CREATE:
        if now is not None:
            raise _refusal(f"{back.target} exists again: somebody made it since")
        return back
    if now is None:
        raise _refusal(f"{back.target} is gone: there is nothing to restore")
    if not now.settled:
        raise Transient(f"{back.target} is being changed now", 15)
    if back.verb is Verb.DELETE and not _as_created(back.document, now.body):
        raise _refusal(f"{back.target} was changed by somebody since")
    edits = []
    # The inverse runs its edits backwards.
    for edit, was in zip(back.edits, left[::-1], strict=True):
        if not same(value_at(now.body, edit.path), was):
            raise _refusal(
                f"{pointer_to(edit.path)} of {back.target} was changed by somebody since"
            )
        edits.append(replace(edit, before=was))
    document = now.body if back.verb is Verb.PUT else back.document
    return replace(back, edits=tuple(edits), document=document, etag=now.etag)


def _as_created(created: Json, now: Json) -> bool:
    """Whether what we made still holds all that we said."""
    if isinstance(created, dict) and isinstance(now, dict):
        return all(key in now and _as_created(value, now[key]) for key, value in created.items())
    return same(created, now)


def _refusal(message: str) -> Refused:
    return Refused(message, Why.FAILED)
