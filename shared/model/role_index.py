"""Many roles at once: which of them cover some actions, the smallest first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from shared.model.actions import Patterns, Role, matches


class Roles:
    """Roles, ordered from small to large; built once, and then asked often.

    Smaller is: hands out no rights; then allows fewer of the actions that any of these roles
    lists, other than reads; then fewer of them all, data actions among them; then lists less.
    A `*` in what a role lists counts as one action more than those that the others name.
    """

    def __init__(self, roles: Iterable[Role]) -> None:
        found = sorted(set(roles), key=lambda role: role.id)
        sizes = _sizes(found)
        order = sorted(range(len(found)), key=lambda i: (*sizes[i], found[i].id))
        self.ordered = tuple(found[i] for i in order)
        self._index = _Index(self.ordered, data=False, free=True)
        self._known: dict[str, int] = {}

    def covering(self, used: Iterable[str]) -> Iterator[Role]:
        """Those that allow all of `used` whatever conditions say, the smallest first."""
        bits = (1 << len(self.ordered)) - 1
        for action in used:
            bits &= self._bits(action.casefold())
        for i in _set_in(bits):
            yield self.ordered[i]

    def smallest(self, used: Iterable[str], *, inside: Role | None = None) -> Role | None:
        """The smallest that allows all of `used`, and is proven to lie within `inside`.

        None where there is none.
        """
        return next((r for r in self.covering(used) if inside is None or r.within(inside)), None)

    def _bits(self, action: str) -> int:
        if action not in self._known:
            self._known[action] = self._index.allowing(action)
        return self._known[action]


def _sizes(roles: list[Role]) -> list[tuple[bool, int, int, int]]:
    whole: Counter[int] = Counter()
    beyond_reading: Counter[int] = Counter()
    entries = [0] * len(roles)
    for data in (False, True):
        sides = [[block.patterns(data=data) for block in role.permissions] for role in roles]
        for i, side in enumerate(sides):
            entries[i] += sum(len(one.listed) for one in side)
        index = _Index(roles, data=data, free=False)
        listed = {pattern for side in sides for one in side for pattern in one.listed}
        for action in {pattern.replace("*", "any") for pattern in listed}:
            allowing = list(_set_in(index.allowing(action)))
            whole.update(allowing)
            if not action.endswith("/read"):
                beyond_reading.update(allowing)
    return [
        (role.hands_out_rights, beyond_reading[i], whole[i], entries[i])
        for i, role in enumerate(roles)
    ]


def _set_in(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


class _Lists:
    """Patterns, each with the roles (bits) that list it; found by the provider they begin with."""

    def __init__(self) -> None:
        self._exact: dict[str, int] = defaultdict(int)
        self._wild: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def add(self, pattern: str, bit: int) -> None:
        if "*" in pattern:
            head = pattern.split("/", 1)[0]
            self._wild["" if "*" in head else head][pattern] |= bit
        else:
            self._exact[pattern] |= bit

    def matching(self, action: str) -> int:
        bits = self._exact.get(action, 0)
        for head in ("", action.split("/", 1)[0]):
            for pattern, those in self._wild.get(head, {}).items():
                if those & ~bits and matches(pattern, action):
                    bits |= those
        return bits


class _Index:
    """Which roles allow an action: the nth blocks of all roles together, for every n."""

    def __init__(self, roles: Iterable[Role], *, data: bool, free: bool) -> None:
        self._layers: list[tuple[_Lists, _Lists]] = []
        for i, role in enumerate(roles):
            blocks = [b for b in role.permissions if not (free and b.condition)]
            for n, block in enumerate(blocks):
                self._add(n, block.patterns(data=data), 1 << i)

    def _add(self, n: int, patterns: Patterns, bit: int) -> None:
        if n == len(self._layers):
            self._layers.append((_Lists(), _Lists()))
        listed, left_out = self._layers[n]
        for pattern in patterns.listed:
            listed.add(pattern, bit)
        for pattern in patterns.left_out:
            left_out.add(pattern, bit)

    def allowing(self, action: str) -> int:
        bits = 0
        for listed, left_out in self._layers:
            bits |= listed.matching(action) & ~left_out.matching(action)
        return bits
