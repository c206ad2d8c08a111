"""How the state stands: whether it takes a row, what waits in it, and when the estate was swept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from shared.doctor import Found, Patient, ok, unknown, wrong
from shared.errors import NewerState, PortcullisError, StoreUnavailable
from shared.model import digest
from shared.schema import VERSION
from shared.settings import App
from shared.sweep_run import Kind
from shared.vital_signs import Swept, VitalSigns

_TABLE: Final = "doctor"
_OLD: Final = timedelta(hours=1)
_STILL: Final = timedelta(minutes=15)
"""A sweep that has not moved for so long is not under way."""
_LATE: Final = 2
"""So many intervals may pass between sweeps."""
_NEWER: Final = "deploy the newer Portcullis here: docs/deploying.md#upgrading"


def state(patient: Patient) -> Iterator[Found]:
    """Whether a row can be written, read and removed, and is of a version that is known here."""
    store, given = patient.state.store, patient.settings
    at = patient.state.now().isoformat()
    key = digest([_TABLE, at, patient.who])
    where = given.storage.tables if given.storage else str(given.state or "memory")
    try:
        store.put(_TABLE, _TABLE, key, {"at": at})
        row = store.get(_TABLE, _TABLE, key)
        store.delete(_TABLE, _TABLE, key)
        left = patient.state.schema.left()
    except NewerState as error:
        yield wrong(where, str(error), _NEWER)
        return
    except StoreUnavailable as error:
        yield _unusable(patient, where, str(error))
        return
    if row is None or row.value != {"at": at}:
        yield wrong(where, "a row that was written is not there", _mend(patient))
    else:
        under_way = "".join(f"; under way: {one.does}" for one in left)
        yield ok(where, f"version {VERSION}: a row was written, read and removed{under_way}")


def _unusable(patient: Patient, where: str, why: str) -> Found:
    """What an account refuses to a person says nothing of the app's rights."""
    try:
        theirs = patient.settings.storage is not None and patient.is_somebody_else
    except PortcullisError:
        theirs = False
    if theirs:
        return unknown(where, f"whoever runs this cannot use it: {why}", _let_in(patient))
    return wrong(where, why, _mend(patient))


def _mend(patient: Patient) -> str:
    if patient.settings.storage is None:
        return "make room on the disk, and let this process write to the file"
    if patient.settings.app is not App.ALL:
        # A role on the whole account would let the gate write what the hand alone may.
        return "azd provision: it makes tables and gives the roles on them; and let this network in"
    return _let_in(patient)


def _let_in(patient: Patient) -> str:
    return (
        f"az role assignment create --assignee {patient.who} --scope <id of the account>"
        ' --role "Storage Table Data Contributor", likewise Queue and Blob; and let this network in'
    )


def queues(patient: Patient) -> Iterator[Found]:
    """How long each queue is, and what failed again and again."""
    for queue in patient.vital.queues:
        if queue.poison:
            message = f"messages that failed again and again: {queue.poison}"
            mend = f"see the health records poison-{queue.name}: a host must take them"
            yield wrong(queue.name, message, mend)
        elif queue.name == "act" and queue.waiting and patient.settings.app is App.GATE:
            mend = "deploy or start the hand: PORTCULLIS_APP=hand"
            yield wrong(queue.name, f"orders that wait for the hand: {queue.waiting}", mend)
        else:
            yield ok(queue.name, f"messages: {queue.waiting}")


def outbox(patient: Patient) -> Iterator[Found]:
    """Whether records leave."""
    waiting, now = patient.vital.outbox, patient.state.now()
    if waiting.oldest is not None and now - waiting.oldest > _OLD:
        message = f"records wait since {waiting.oldest.isoformat()[:19]}: {waiting.count}"
        yield wrong("", message, "mend logs and topic, then see whether the app runs: its /health")
    else:
        yield ok("", f"records that wait: {waiting.count}")


def suspension(patient: Patient) -> Iterator[Found]:
    """Whether writes are stopped."""
    stop = patient.vital.suspended
    if stop is None:
        yield ok("", "writes are not suspended")
    else:
        why = f": {stop.reason}" if stop.reason else ""
        message = f"{stop.by} suspended all writes at {stop.at[:19]}{why}"
        yield wrong("", message, "portcullis resume")


def sweeps(patient: Patient) -> Iterator[Found]:
    """Whether the estate was looked at as often as policy asks."""
    signs, wanted = patient.vital, patient.policy.sweeps
    ended = {one.kind: one for one in signs.swept}
    full, newest = ended.get(Kind.FULL), max(signs.swept, key=lambda s: s.ended_at, default=None)
    yield _swept("full", full, wanted.full, signs)
    if full is not None:
        # A full one sees what changed, too.
        yield _swept("incremental", newest, wanted.incremental, signs)
    if (failed := signs.failed_sweep) is not None:
        message = f"the one of {failed.at.isoformat()[:19]} failed: {failed.reason}"
        yield wrong("last", message, _SWEEP)


_SWEEP: Final = "portcullis sweep; if none comes by itself, see whether the gate runs: its /health"


def _swept(subject: str, last: Swept | None, every: timedelta, signs: VitalSigns) -> Found:
    going = signs.sweeping
    if going is not None and signs.at - going.moved_at <= _STILL:
        return ok(subject, f"{going.kind} sweep under way: {going.seen} of {going.total} seen")
    if last is None:
        return wrong(subject, "none has ever ended", _SWEEP)
    if signs.at - last.ended_at > _LATE * every:
        message = f"none has ended since {last.ended_at.isoformat()[:19]}, one is due every {every}"
        return wrong(subject, message, _SWEEP)
    return ok(subject, f"{last.ended_at.isoformat()[:19]}: {last.seen} resources")
