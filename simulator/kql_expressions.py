"""Expressions of Kusto, read from words into functions of a row, with Kusto's static types."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator import kql_values as values
from simulator.kql_values import Type
from simulator.kql_words import Word, invalid

Row = dict[str, Any]
_TEXTUAL: frozenset[Type] = frozenset({"string", "dynamic"})
_SCALAR: frozenset[Type] = frozenset({"string", "dynamic", "bool", "long", "real"})
_ANY: frozenset[Type] = _SCALAR | {"datetime", "timespan"}


@dataclass(frozen=True)
class Expression:
    """One expression. `name` is the column it makes where it is given none; may be empty.

    `column` is set where it is a column and nothing else. `pins` are columns with the only
    values, in lower case, that it lets through; `exact` where it says nothing more than that.
    """

    type: Type
    of: Callable[[Row], Any]
    name: str = ""
    column: str = ""
    literal: str | None = None
    pins: Mapping[str, frozenset[str]] | None = None
    exact: bool = False


@dataclass(frozen=True)
class _Function:
    takes: tuple[frozenset[Type], ...]
    gives: Type
    of: Callable[..., Any]
    keeps_name: bool = False


_FUNCTIONS = {
    "tostring": _Function((_ANY,), "string", values.text, keeps_name=True),
    "todatetime": _Function((_TEXTUAL | {"datetime"},), "datetime", values.moment, keeps_name=True),
    "tolong": _Function((_SCALAR,), "long", values.whole, keeps_name=True),
    "toint": _Function((_SCALAR,), "long", values.whole, keeps_name=True),
    "tobool": _Function((_SCALAR,), "bool", values.truth, keeps_name=True),
    "tolower": _Function((_TEXTUAL,), "string", lambda value: values.text(value).lower()),
    "toupper": _Function((_TEXTUAL,), "string", lambda value: values.text(value).upper()),
    "isempty": _Function((_TEXTUAL,), "bool", lambda value: values.text(value) == ""),
    "isnotempty": _Function((_TEXTUAL,), "bool", lambda value: values.text(value) != ""),
    "isnull": _Function((_ANY,), "bool", lambda value: value is None),
    "isnotnull": _Function((_ANY,), "bool", lambda value: value is not None),
    "not": _Function(
        (frozenset({"bool"}),), "bool", lambda value: None if value is None else not value
    ),
    "strcmp": _Function(
        (_TEXTUAL, _TEXTUAL),
        "long",
        lambda a, b: (values.text(a) > values.text(b)) - (values.text(a) < values.text(b)),
    ),
}
_EQUALS = {"==": values.equal, "!=": values.unequal, "<>": values.unequal}
_ORDERS = {
    "<": values.ordered(operator.lt),
    "<=": values.ordered(operator.le),
    ">": values.ordered(operator.gt),
    ">=": values.ordered(operator.ge),
}
_STRINGS: dict[str, Callable[[str, str], bool]] = {
    "=~": operator.eq,
    "!~": operator.ne,
    "contains": lambda a, b: b in a,
    "!contains": lambda a, b: b not in a,
    "startswith": str.startswith,
    "!startswith": lambda a, b: not a.startswith(b),
}
_LISTS = {"in", "in~", "!in", "!in~"}


class Reader:
    """Reads words one after the other; `columns` are those that may be named now."""

    def __init__(self, words: Sequence[Word], now: datetime) -> None:
        """Begin at the first word; `now()` is `now`."""
        self._words = words
        self._at = 0
        self._now = now
        self.columns: dict[str, Type] = {}

    # Words

    @property
    def word(self) -> Word:
        return self._words[self._at]

    def take(self) -> Word:
        found = self.word
        self._at += 1
        return found

    def accept(self, *texts: str) -> str:
        """Take the next word where it is one of these; else nothing, and empty."""
        if self.word.kind in {"name", "sign"} and self.word.text in texts:
            return self.take().text
        return ""

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise invalid(self.word.text)

    def name(self) -> str:
        if self.word.kind != "name":
            raise invalid(self.word.text)
        return self.take().text

    def named(self) -> str:
        """The name of `name = ...`, taken with its sign; empty where there is none."""
        following = self._words[self._at + 1] if self.word.kind == "name" else None
        if following is None or following.text != "=":
            return ""
        found = self.name()
        self.expect("=")
        return found

    # Expressions, loosest first

    def expression(self) -> Expression:
        left = self._conjunction()
        while self.accept("or"):
            left = _joined("or", left, self._conjunction())
        return left

    def condition(self) -> Expression:
        """An expression that is true or false."""
        begin = self.word
        found = self.expression()
        if found.type != "bool":
            ended = self.word.kind == "end" or self.word.text == "|"
            raise invalid(begin.text if ended else self.word.text)
        return found

    def _conjunction(self) -> Expression:
        left = self._comparison()
        while self.accept("and"):
            left = _joined("and", left, self._comparison())
        return left

    def _comparison(self) -> Expression:
        left = self._sum()
        sign = self.accept(*_EQUALS, *_ORDERS, *_STRINGS, *_LISTS)
        if not sign:
            return left
        if sign in _LISTS:
            return _membership(sign, left, self._list())
        return _compared(sign, left, self._sum())

    def _list(self) -> list[Expression]:
        self.expect("(")
        items = [self._sum()]
        while self.accept(","):
            items.append(self._sum())
        self.expect(")")
        return items

    def _sum(self) -> Expression:
        left = self._primary()
        while sign := self.accept("+", "-"):
            left = _added(sign, left, self._primary())
        return left

    def _primary(self) -> Expression:
        if self.accept("("):
            inner = self.expression()
            self.expect(")")
            return inner
        sign = -1 if self.accept("-") else 1
        word = self.take()
        if word.kind in {"number", "span"}:
            return _quantity(word, sign)
        if word.kind == "name" and sign > 0:
            return self._of_name(word)
        found = _literal(word) if sign > 0 else None
        if found is None:
            raise invalid(word.text)
        return found

    def _of_name(self, word: Word) -> Expression:
        if word.text in {"true", "false"}:
            return _constant("bool", word.text == "true")
        if self.accept("("):
            return self._call(word)
        kind = self.columns.get(word.text)
        if kind is None:
            raise invalid(word.text)
        steps = self._steps() if kind == "dynamic" else []
        if not steps:
            name = word.text
            return Expression(kind, lambda row: row[name], name, column=name)
        return _path(word.text, steps)

    def _steps(self) -> list[str | int]:
        steps: list[str | int] = []
        while sign := self.accept(".", "["):
            if sign == ".":
                steps.append(self.name())
                continue
            word = self.take()
            if word.kind not in {"string", "number"}:
                raise invalid(word.text)
            steps.append(int(word.value) if word.value.isdecimal() else word.value)
            self.expect("]")
        return steps

    def _call(self, word: Word) -> Expression:
        arguments: list[Expression] = []
        while not self.accept(")"):
            if arguments:
                self.expect(",")
            arguments.append(self.expression())
        if word.text in {"now", "ago"}:
            return self._clock(word, arguments)
        function = _FUNCTIONS.get(word.text)
        if function is None or len(arguments) != len(function.takes):
            raise invalid(word.text)
        for argument, taken in zip(arguments, function.takes, strict=True):
            if argument.type not in taken:
                raise invalid(f"{word.text} of a {argument.type}")
        name = arguments[0].name if function.keeps_name else ""
        return Expression(function.gives, _applied(function.of, arguments), name)

    def _clock(self, word: Word, arguments: list[Expression]) -> Expression:
        if [one.type for one in arguments] not in ([["timespan"]] if word.text == "ago"
                                                   else [[], ["timespan"]]):  # fmt: skip
            raise invalid(word.text)
        shift = arguments[0].of({}) if arguments else None
        if shift is None:
            return _constant("datetime", self._now)
        return _constant("datetime", self._now - shift if word.text == "ago" else self._now + shift)


def _constant(kind: Type, value: Any) -> Expression:
    return Expression(kind, lambda _: value)


def _quantity(word: Word, sign: int) -> Expression:
    span = values.span(word.text)
    if span is not None:
        return _constant("timespan", span * sign)
    if "." in word.text:
        return _constant("real", float(word.text) * sign)
    return _constant("long", int(word.text) * sign)


def _literal(word: Word) -> Expression | None:
    if word.kind == "string":
        value = word.value
        return Expression("string", lambda _: value, literal=value)
    if word.kind == "datetime":
        found = values.moment(word.value)
        if found is not None or word.value == "null":
            return _constant("datetime", found)
    return None


def _path(column: str, steps: list[str | int]) -> Expression:
    def of(row: Row) -> Any:
        value = row[column]
        for step in steps:
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value

    return Expression("dynamic", of, "_".join([column, *map(str, steps)]))


def _applied(of: Callable[..., Any], arguments: list[Expression]) -> Callable[[Row], Any]:
    if len(arguments) == 1:
        inner = arguments[0].of
        return lambda row: of(inner(row))
    return lambda row: of(*(one.of(row) for one in arguments))


def _joined(word: str, left: Expression, right: Expression) -> Expression:
    if {left.type, right.type} != {"bool"}:
        raise invalid(f"{word} of a {left.type} and a {right.type}")
    of, first, second = (values.both if word == "and" else values.either), left.of, right.of
    pins = dict(left.pins or {}) if word == "and" else {}
    for column, allowed in (right.pins or {}).items() if word == "and" else ():
        pins[column] = pins.get(column, allowed) & allowed
    return Expression(
        "bool",
        lambda row: of(first(row), second(row)),
        pins=pins,
        exact=word == "and" and left.exact and right.exact,
    )


def _compared(sign: str, left: Expression, right: Expression) -> Expression:
    first, second = left.of, right.of
    if sign in _STRINGS:
        if not {left.type, right.type} <= _TEXTUAL:
            raise _undefined(sign, left, right)
        test = _STRINGS[sign]
        pins = _pins(left, [right]) if sign == "=~" else {}
        return Expression(
            "bool",
            lambda row: test(values.text(first(row)).lower(), values.text(second(row)).lower()),
            pins=pins,
            exact=bool(pins),
        )
    defined = values.equatable if sign in _EQUALS else values.orderable
    if not defined(left.type, right.type):
        raise _undefined(sign, left, right)
    of = (_EQUALS | _ORDERS)[sign]
    pins = _pins(left, [right]) if sign == "==" else {}
    return Expression("bool", lambda row: of(first(row), second(row)), pins=pins)


def _membership(sign: str, left: Expression, items: list[Expression]) -> Expression:
    loose, within, of = sign.endswith("~"), not sign.startswith("!"), left.of
    for item in items:
        fits = {left.type, item.type} <= _TEXTUAL if loose else values.equatable(
            left.type, item.type
        )  # fmt: skip
        if not fits:
            raise _undefined(sign, left, item)

    def among(row: Row) -> bool:
        value = of(row)
        if loose:
            wanted = values.text(value).lower()
            return any(values.text(one.of(row)).lower() == wanted for one in items) is within
        return any(values.equal(value, one.of(row)) for one in items) is within

    pins = _pins(left, items) if within else {}
    return Expression("bool", among, pins=pins, exact=loose and bool(pins))


def _pins(left: Expression, items: list[Expression]) -> dict[str, frozenset[str]]:
    literals = [item.literal for item in items if item.literal is not None]
    if not left.column or left.type != "string" or len(literals) < len(items):
        return {}
    return {left.column: frozenset(literal.lower() for literal in literals)}


def _added(sign: str, left: Expression, right: Expression) -> Expression:
    gives: dict[tuple[str, Type, Type], Type] = {
        ("+", "datetime", "timespan"): "datetime",
        ("-", "datetime", "timespan"): "datetime",
        ("-", "datetime", "datetime"): "timespan",
    }
    kind = gives.get((sign, left.type, right.type))
    if kind is None:
        raise _undefined(sign, left, right)
    of = operator.add if sign == "+" else operator.sub
    first, second = left.of, right.of

    def result(row: Row) -> Any:
        a, b = first(row), second(row)
        return None if a is None or b is None else of(a, b)

    return Expression(kind, result)


def _undefined(sign: str, left: Expression, right: Expression) -> Exception:
    return invalid(f"{sign} between a {left.type} and a {right.type}; cast them first")
