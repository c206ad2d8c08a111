"""Requests to Azure Resource Manager, inside the budgets that all instances share.

One row a subscription holds every bucket that a request in it is counted in, and moves by
compare-and-swap. A process leases a few requests at a time and spends them without asking; what
it has not sent within `LEASE` seconds is void, so that each is back at the row by then and sees
what others learned. Who finds no room is turned away before anything is sent, each until a turn
of its own.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.buckets import ARM, LEASE, Bucket, bucket, need_of
from shared.errors import Exists, Moved, OverBudget, StoreUnavailable
from shared.store import Row, Store

NOBODY = "self"
"""The name of our principal where no identity is known."""
LONGEST_CLOSED = 3600.0
_PATIENCE = 60.0
"""How long a look that will want to write waits unread; one that would wait longer reads first."""
_RESERVED = 20
Request = tuple[str, str]
"""Method and path."""


@dataclass(eq=False)
class _Lease:
    """Requests of one bucket that this process may send; `kept` are promised to looks of it."""

    taken: int
    left: int
    ample: bool
    """Whether half of the bucket was left, so that background work may have them too."""
    kept: int = 0
    void: bool = False

    @property
    def sent(self) -> int:
        return self.taken - self.left - self.kept


@dataclass(eq=False)
class _Share:
    """What this process holds of the budgets of one place, until `until`."""

    place: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    row: Row | None = None
    alone: bool = False
    """Whether nobody else moved the row when we last did: worth a try without reading it."""
    until: float = 0
    leases: dict[str, _Lease] = field(default_factory=dict)
    closing: dict[str, float] = field(default_factory=dict)
    remaining: dict[str, tuple[int, float]] = field(default_factory=dict)
    """What Azure said and the row does not know yet: closed until; so many left at an instant."""

    def holds(self, wants: Iterable[_Want], now: float) -> bool:
        if now >= self.until:
            return False
        for want in wants:
            lease = self.leases.get(want.name)
            if lease is None or lease.left < want.count or (want.background and not lease.ample):
                return False
        return True


@dataclass(frozen=True)
class _Want:
    """Requests of a bucket; `hoped` are those that a look would only want in the end.

    Who is turned away comes back for `again` more: what it has sent is to be sent anew.
    """

    name: str
    count: int
    background: bool
    hoped: bool = False
    again: int = 0

    def keep(self, bucket: Bucket) -> int:
        return bucket.limit.half if self.background else 0


@dataclass(frozen=True, eq=False)
class _Kept:
    """One request of a bucket that is promised to a look."""

    share: _Share
    name: str
    lease: _Lease
    until: float


@dataclass
class _Look:
    """A look under way, what it keeps, and how much of each bucket it has sent."""

    background: bool
    kept: list[_Kept] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)

    @property
    def yields(self) -> bool:
        """Whether others go first: once it has begun, to turn it away would waste what it sent."""
        return self.background and not self.sent


_LOOK: ContextVar[_Look | None] = ContextVar("look", default=None)


class Budgets:
    """The budgets of `principal`, who signs our requests; safe to share between threads."""

    def __init__(self, store: Store, now: Callable[[], datetime], principal: str = NOBODY) -> None:
        self._store = store
        self._now = now
        self._principal = principal.casefold()
        self._shares: dict[str, _Share] = {}
        self._lock = threading.Lock()

    # --- looks

    @contextmanager
    def look(self, *, background: bool = False) -> Iterator[None]:
        """A look at a resource: what it reserves is its own until it ends.

        One in the `background` leaves half of every bucket to others.
        """
        look = _Look(background)
        token = _LOOK.set(look)
        try:
            yield
        finally:
            _LOOK.reset(token)
            for one in look.kept:
                self._give_up(one)

    def hurry(self) -> None:
        """From here on the look is a cure: it may use all there is."""
        look = _LOOK.get()
        if look is not None:
            look.background = False

    def reserve(self, requests: Sequence[Request], hopes: Sequence[Request] = ()) -> None:
        """Keep room for the look's next requests, and for those it hopes for.

        Where what is hoped for has room within a minute, but not now, the look waits for that: it
        would read in vain. Of very many requests only the first are kept.

        Raises:
            OverBudget: there is none; nothing was sent.
        """
        look = _LOOK.get() or _Look(background=False)
        places: dict[str, list[_Want]] = {}
        for hoped, some in ((False, requests[:_RESERVED]), (True, hopes)):
            counts = Counter(
                (need.place, name)
                for need in (need_of(*one, self._principal) for one in some)
                for name in need.buckets
            )
            for (place, name), count in counts.items():
                want = _Want(name, count, look.yields and not hoped, hoped)
                places.setdefault(place, []).append(want)
        for place, wants in places.items():
            self._keep(look, self._share(place), wants)

    def _keep(self, look: _Look, share: _Share, wants: list[_Want]) -> None:
        with share.lock:
            had = Counter(one.name for one in self._good(look, share))
            lacking = [
                _Want(w.name, w.count - had[w.name], w.background, w.hoped)
                for w in wants
                if w.count > had[w.name]
            ]
            for want in self._have(share, lacking):
                lease = share.leases[want.name]
                lease.left -= want.count
                lease.kept += want.count
                one = _Kept(share, want.name, lease, share.until)
                look.kept.extend([one] * want.count)

    def _good(self, look: _Look, share: _Share) -> list[_Kept]:
        """What the look keeps and may still send; the lock is held."""
        now = self._instant()
        return [o for o in look.kept if o.share is share and now < o.until and not o.lease.void]

    def _give_up(self, one: _Kept) -> None:
        with one.share.lock:
            one.lease.kept -= 1
            one.lease.left += 1

    # --- requests

    def spend(self, method: str, path: str) -> None:
        """Count one request that is about to be sent.

        Raises:
            OverBudget: there is no room for it.
        """
        need = need_of(method, path, self._principal)
        share, look = self._share(need.place), _LOOK.get()
        with share.lock:
            kept = {one.name: one for one in (self._good(look, share) if look else ())}
            yields, sent = (look.yields, look.sent) if look else (False, Counter[str]())
            wants = [
                _Want(name, 1, yields, again=sent[name])
                for name in need.buckets
                if name not in kept
            ]
            for want in self._have(share, wants):
                share.leases[want.name].left -= 1
            for name in need.buckets:
                if look is not None:
                    look.sent[name] += 1
                    if name in kept:
                        kept[name].lease.kept -= 1
                        look.kept.remove(kept[name])

    def remains(self, method: str, path: str, told: Mapping[str, int]) -> None:
        """What Azure says remains of ARM's buckets, by kind: less than we know is believed.

        At once where it is far less; else when the row is moved next.
        """
        need = need_of(method, path, self._principal)
        share = self._share(need.place)
        with share.lock:
            for kind, left in told.items():
                name, now = f"{ARM} {kind} {self._principal}", self._instant()
                if (lease := share.leases.get(name)) is not None:
                    lease.left = min(lease.left, left)
                share.remaining[name] = left, now
                known = self._buckets(share.row, [name], now)[name]
                if known.free() > 2 * left + 10:
                    self._say(share)

    def close(self, method: str, path: str, wait: float, whose: frozenset[str]) -> None:
        """Azure lets no such request through for `wait` seconds: nobody sends one, anywhere.

        `whose` says who refused: `arm`, `provider`, or both where that is not told.
        """
        need = need_of(method, path, self._principal)
        share, until = self._share(need.place), self._instant() + min(wait, LONGEST_CLOSED)
        names = [name for name in need.buckets if _who(name) in whose]
        with share.lock:
            for name in names or need.buckets:
                share.closing[name] = until
                share.leases.pop(name, _Lease(0, 0, ample=False)).void = True
            self._say(share)

    # --- the row

    def _share(self, place: str) -> _Share:
        with self._lock:
            return self._shares.setdefault(place, _Share(place))

    def _instant(self) -> float:
        return self._now().timestamp()

    def _have(self, share: _Share, wants: list[_Want]) -> list[_Want]:
        """See to it that all of `wants` are leased; those that are, for hopes may be far away.

        Raises:
            OverBudget: not all have room.
        """
        if not wants or share.holds(wants, self._instant()):
            return wants
        got, full = self._renew(share, wants)
        if full:
            used_up = ", ".join(sorted(" ".join(name.split(" ")[:2]) for name in full))
            raise OverBudget(
                f"{share.place}: as many requests as Azure takes are sent ({used_up})",
                max(full.values()) - self._instant(),
            )
        return got

    def _renew(self, share: _Share, wants: list[_Want]) -> tuple[list[_Want], Mapping[str, float]]:
        """Give back, tell and lease anew, in one move: what was got, or when it is our turn."""
        while True:
            now, row = self._instant(), self._row(share)
            asked = {want.name for want in wants}
            names = {*asked, *share.leases, *share.closing, *share.remaining}
            buckets = self._buckets(row, names, now)
            self._settle(share, buckets)
            got, full = _turns(buckets, wants, now)
            # What was in use is leased on, so that it needs no move of its own.
            more = [
                _Want(name, 0, background=False)
                for name, lease in share.leases.items()
                if lease.sent and (full or name not in asked)
            ]
            leases = _leased(buckets, [*(() if full else got), *more], now + LEASE)
            if self._write(share, row, buckets):
                break
        for name, lease in share.leases.items():
            lease.void = buckets[name].closed > now
        share.leases, share.until = leases, now + LEASE
        share.closing.clear()
        share.remaining.clear()
        return got, full

    def _row(self, share: _Share) -> Row | None:
        if not (share.alone and share.row is not None):
            share.row = self._store.get("budgets", share.place, "buckets")
        return share.row

    def _buckets(self, row: Row | None, names: Iterable[str], now: float) -> dict[str, Bucket]:
        known = row.value if row is not None else {}
        return {name: bucket(name, known.get(name, {}), now) for name in names}

    def _settle(self, share: _Share, buckets: Mapping[str, Bucket]) -> None:
        """Give back what was leased, and tell what Azure said."""
        for name, lease in share.leases.items():
            buckets[name].back(share.until, lease.sent, lease.left)
        for name, (left, at) in share.remaining.items():
            if name in buckets:
                buckets[name].lower(left, at)
        for name, until in share.closing.items():
            buckets[name].close(until)

    def _write(self, share: _Share, row: Row | None, buckets: Mapping[str, Bucket]) -> bool:
        """Whether the row was still what it was."""
        value: dict[str, Any] = dict(row.value) if row is not None else {}
        value |= {name: one.to_json() for name, one in buckets.items()}
        value = {name: one for name, one in value.items() if one}
        try:
            if row is None:
                etag = self._store.insert("budgets", share.place, "buckets", value)
            else:
                etag = self._store.replace("budgets", share.place, "buckets", value, row.etag)
        except (Exists, Moved):
            share.alone = False
            return False
        share.alone = True
        share.row = Row(share.place, "buckets", value, etag)
        return True

    def _say(self, share: _Share) -> None:
        """Tell the others at once; without state nobody can ask for more, and we tell later."""
        with suppress(StoreUnavailable):
            self._renew(share, [])


def _turns(
    buckets: Mapping[str, Bucket], wants: list[_Want], now: float
) -> tuple[list[_Want], dict[str, float]]:
    """What can be had of `wants`, and when it is our turn where there is no room."""

    def lacks(want: _Want) -> bool:
        one = buckets[want.name]
        return one.room(want.keep(one)) < want.count

    def far(want: _Want) -> bool:
        return want.hoped and buckets[want.name].turn(want.count) - now > _PATIENCE

    lacking = {want.name for want in wants if lacks(want)}
    wants = [want for want in wants if want.name not in lacking or not far(want)]
    full = {
        want.name: buckets[want.name].queue(want.count + want.again, want.keep(buckets[want.name]))
        for want in wants
        if want.name in lacking
    }
    return wants, full


def _leased(
    buckets: Mapping[str, Bucket], wants: Iterable[_Want], until: float
) -> dict[str, _Lease]:
    """Take from the buckets what is wanted, and some more for the next."""
    leases: dict[str, _Lease] = {}
    for want in wants:
        one = buckets[want.name]
        count = max(want.count, one.chunk(want.keep(one)))
        if count:
            one.take(count, until)
            leases[want.name] = _Lease(count, count, ample=one.free() >= one.limit.half)
    return leases


def _who(name: str) -> str:
    return ARM if name.startswith(f"{ARM} ") else "provider"
