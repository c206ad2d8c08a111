"""Conditions on role assignments, in the forms that constrain who may hand out which role.

    ActionMatches{'Microsoft.Authorization/roleAssignments/write'}
    @Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]
        ForAnyOfAnyValues:GuidEquals {guid, guid}

joined by AND, OR, ! and parentheses. Whatever else the language has is refused: a condition that
is not understood neither allows nor forbids.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

Values = Mapping[str, str]


@dataclass(frozen=True)
class Attributes:
    """What the two sources of a condition hold: attribute to value, all in lower case.

    `request` is what a write would make, `resource` what is there; what does not apply is absent,
    and a comparison with it is false.
    """

    request: Values = field(default_factory=dict)
    resource: Values = field(default_factory=dict)


NOTHING = Attributes()
Condition = Callable[[str, Attributes], bool]
"""Whether an action (lower case) with these attributes is one that the condition lets through."""


class UnknownCondition(ValueError):
    """A condition that is outside of the forms above."""


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<mark>[()!])
      | (?P<set>\{[^{}]*\})
      | (?P<attribute>@\w+\[[^\[\]]*\])
      | (?P<text>'[^']*')
      | (?P<word>[\w:-]+)
    )\s*""",
    re.VERBOSE,
)
_ATTRIBUTE = re.compile(
    r"@(request|resource)\[microsoft\.authorization/roleassignments:"
    r"(roledefinitionid|principalid|principaltype)\]"
)
_ITEM = re.compile(r"'([^']*)'|([0-9a-f-]+)")
_EQUALS = {
    "guidequals",
    "foranyofanyvalues:guidequals",
    "stringequalsignorecase",
    "foranyofanyvalues:stringequalsignorecase",
}
_NOT_EQUALS = {"foranyofallvalues:guidnotequals"}


@lru_cache(maxsize=1024)
def understand(text: str) -> Condition:
    """The meaning of a condition. Raises UnknownCondition."""
    reader = _Reader(text)
    condition = reader.expression()
    if reader.peek():
        raise UnknownCondition(f"{reader.peek()!r} is left over")
    return condition


@lru_cache(maxsize=65536)
def matches(action: str, pattern: str) -> bool:
    """Whether an action is covered by a pattern: `*` is anything, also across segments."""
    parts = (re.escape(part) for part in pattern.lower().split("*"))
    return re.fullmatch(".*".join(parts), action.lower()) is not None


class _Reader:
    """Reads one condition from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text.lower())
        self._at = 0

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def expression(self) -> Condition:
        """Terms joined by one word: which of AND and OR binds tighter nobody should guess."""
        terms = [self._term()]
        word = self.peek()
        while self.peek() in {"and", "or"}:
            if self._take() != word:
                raise UnknownCondition("AND and OR beside each other need parentheses")
            terms.append(self._term())
        joined = all if word == "and" else any
        return lambda action, given: joined(term(action, given) for term in terms)

    def _take(self) -> str:
        token = self.peek()
        self._at += 1
        return token

    def _term(self) -> Condition:
        found = self._take()
        if found == "!":
            negated = self._term()
            return lambda action, given: not negated(action, given)
        if found == "(":
            inside = self.expression()
            if self._take() != ")":
                raise UnknownCondition("a parenthesis is not closed")
            return inside
        if found == "actionmatches":
            return self._action()
        if found.startswith("@"):
            return self._comparison(found)
        raise UnknownCondition(f"{found or 'its end'!r} is not expected there")

    def _action(self) -> Condition:
        patterns = _items(self._take())
        return lambda action, _: any(matches(action, pattern) for pattern in patterns)

    def _comparison(self, token: str) -> Condition:
        named = _ATTRIBUTE.fullmatch(token)
        if named is None:
            raise UnknownCondition(f"the attribute {token!r} is not one of a role assignment's")
        source, name = named.groups()
        operator = self._take()
        if operator not in _EQUALS | _NOT_EQUALS:
            raise UnknownCondition(f"the operator {operator!r} is not known")
        values = _items(self._take())

        def compare(_: str, given: Attributes) -> bool:
            held = (given.request if source == "request" else given.resource).get(name)
            if held is None:
                return False
            return (held in values) is (operator in _EQUALS)

        return compare


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    position = 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnknownCondition(f"{text[position : position + 20]!r} cannot be read")
        found.append(match.group().strip())
        position = match.end()
    return found


def _items(token: str) -> frozenset[str]:
    """The values of `{a, b}`, `{'a'}` or `'a'`."""
    inside = token[1:-1].split(",") if token.startswith("{") else [token]
    found = [_ITEM.fullmatch(item.strip()) for item in inside]
    if not all(found):
        raise UnknownCondition(f"{token!r} is no list of values")
    return frozenset(match.group(1) or match.group(2) for match in found if match)
