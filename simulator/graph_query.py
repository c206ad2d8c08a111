"""The part of KQL that the simulated Resource Graph understands, taken apart and run.

A table, then any of `where`, `extend`, `project`, `order by`, `take`, `summarize`. Anything else is
refused with the word that is not known: a query that was never run must not seem to work.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from simulator import kql_values as values
from simulator.kql_expressions import Expression, Reader, Row
from simulator.kql_values import Type
from simulator.kql_words import Word, invalid, words

TABLES = (
    "resources",
    "resourcecontainers",
    "authorizationresources",
    "policyresources",
    "managedservicesresources",
    "resourcechanges",
)
COLUMNS: dict[str, Type] = {
    "id": "string",
    "name": "string",
    "type": "string",
    "tenantId": "string",
    "kind": "string",
    "location": "string",
    "resourceGroup": "string",
    "subscriptionId": "string",
    "managedBy": "string",
    "sku": "dynamic",
    "plan": "dynamic",
    "properties": "dynamic",
    "tags": "dynamic",
    "identity": "dynamic",
    "zones": "dynamic",
    "extendedLocation": "dynamic",
}
"""Of every table alike."""
_PINNED = {"type", "subscriptionId"}
_ORDERED = {"string", "bool", "long", "real", "datetime", "timespan"}

Stage = Callable[[Iterable[Row]], Iterator[Row]]


@dataclass(frozen=True)
class Query:
    """A query taken apart.

    `pins` are the types and subscriptions, lower case, that its first conditions allow; where
    these say all, the condition is no stage any more. `by_id`: one row in makes one row out, or
    (`filters`) none, in order of id, so that pages can be cut from a stream. `ordered`: an order
    is asked for. `pages`: the answer has ids and is not cut; Graph continues no other.
    """

    table: str
    stages: tuple[Stage, ...]
    columns: Mapping[str, Type]
    pins: Mapping[str, frozenset[str]]
    by_id: bool
    filters: bool
    ordered: bool
    pages: bool

    def run(self, rows: Iterable[Row]) -> Iterator[Row]:
        """What the query makes of rows, ready for JSON."""
        made: Iterable[Row] = rows
        for stage in self.stages:
            made = stage(made)
        odd = [name for name, kind in self.columns.items() if kind in {"datetime", "timespan"}]
        for row in made:
            yield {**row, **{name: values.shown(row[name]) for name in odd}} if odd else row


class _Stages(Reader):
    """Reads stages, and notes what they mean for paging."""

    def __init__(self, found: list[Word], now: datetime) -> None:
        super().__init__(found, now)
        self.columns = dict(COLUMNS)
        self.stages: list[Stage] = []
        self.pins: dict[str, frozenset[str]] = {}
        self.order = ""
        self.whole = True
        self.rowwise = True
        self.own_id = True
        self.untouched = True
        self.filters = False

    def read(self) -> None:
        readers = {
            "where": self._where,
            "extend": self._extend,
            "project": self._project,
            "order": self._order,
            "sort": self._order,
            "take": self._take,
            "limit": self._take,
            "summarize": self._summarize,
        }
        while self.accept("|"):
            word = self.take()
            reader = readers.get(word.text) if word.kind == "name" else None
            if reader is None:
                raise invalid(word.text)
            reader()
        if self.word.kind != "end":
            raise invalid(self.word.text)

    def _where(self) -> None:
        condition = self.condition()
        pins = condition.pins or {}
        for column in _PINNED & set(pins) if self.untouched else ():
            self.pins[column] = self.pins.get(column, pins[column]) & pins[column]
        if self.untouched and condition.exact and set(pins) <= _PINNED:
            return
        of = condition.of
        self.filters = True
        self.stages.append(lambda rows: (row for row in rows if of(row)))

    def _extend(self) -> None:
        made = self._assignments()
        for name, expression in made.items():
            self.own_id = self.own_id and (name != "id" or expression.column == "id")
        self.stages.append(
            lambda rows: (
                {**row, **{name: one.of(row) for name, one in made.items()}} for row in rows
            )
        )
        self.columns = {**self.columns, **{name: one.type for name, one in made.items()}}
        self.untouched = False

    def _project(self) -> None:
        made = self._assignments()
        self.own_id = self.own_id and ("id" not in made or made["id"].column == "id")
        self.stages.append(
            lambda rows: ({name: one.of(row) for name, one in made.items()} for row in rows)
        )
        self.columns = {name: one.type for name, one in made.items()}
        self.untouched = False

    def _order(self) -> None:
        self.expect("by")
        keys = [self._key()]
        while self.accept(","):
            keys.append(self._key())
        by_id = keys[0][0].column == "id" and not keys[0][1] and self.own_id
        if by_id and not self.order and self.rowwise:
            # Rows come in this order anyway, and no two have one id.
            self.order = "id"
            return
        self.order, self.rowwise = "other", False
        self.stages.append(lambda rows: iter(_sorted(rows, keys)))

    def _key(self) -> tuple[Expression, bool]:
        begin = self.word
        expression = self.expression()
        if expression.type not in _ORDERED:
            raise invalid(begin.text)
        return expression, self.accept("asc", "desc") != "asc"

    def _take(self) -> None:
        word = self.take()
        if word.kind != "number" or not word.text.isdecimal():
            raise invalid(word.text)
        count = int(word.text)
        self.whole = self.rowwise = self.untouched = False
        self.stages.append(lambda rows: islice(rows, count))

    def _summarize(self) -> None:
        totals: dict[str, _Total] = {}
        while self.word.kind == "name" and self.word.text != "by":
            name, total = self._total()
            _declare(totals, name, total)
            if not self.accept(","):
                break
        keys: dict[str, Expression] = {}
        if self.accept("by"):
            keys = self._assignments()
        for name, key in keys.items():
            if key.type not in _ORDERED or name in totals:
                raise invalid(name)
        self.stages.append(lambda rows: _summed(rows, keys, totals))
        self.columns = {**{name: one.type for name, one in keys.items()},
                        **{name: one.type for name, one in totals.items()}}  # fmt: skip
        self.whole = self.rowwise = self.untouched = False
        self.order = ""

    def _total(self) -> tuple[str, "_Total"]:
        name = self.named()
        word = self.name()
        self.expect("(")
        if word == "count":
            self.expect(")")
            return name or "count_", _Total("long", None, len)
        pick = {"max": max, "min": min}.get(word)
        if pick is None:
            raise invalid(word)
        of = self.expression()
        self.expect(")")
        if of.type not in _ORDERED:
            raise invalid(f"{word} of a {of.type}")
        empty = "" if of.type == "string" else None
        return name or f"{word}_{of.name}", _Total(
            of.type, of, lambda found: pick((x for x in found if x is not None), default=empty)
        )

    def _assignments(self) -> dict[str, Expression]:
        made: dict[str, Expression] = {}
        unnamed = 0
        while True:
            name = self.named()
            expression = self.expression()
            if not (name or expression.name):
                unnamed += 1
            _declare(made, name or expression.name or f"Column{unnamed}", expression)
            if not self.accept(","):
                return made


@dataclass(frozen=True)
class _Total:
    """One aggregate; `of` None counts rows."""

    type: Type
    of: Expression | None
    result: Callable[[list[Any]], Any]


def parse_query(text: str, now: datetime) -> Query:
    """Take a query apart; its `now()` is `now`. Raises the `InvalidQuery` refusal."""
    reader = _Stages(words(text), now)
    table = reader.take()
    if table.kind != "name" or table.text.lower() not in TABLES:
        raise invalid(table.text)
    reader.read()
    return Query(
        table.text.lower(),
        tuple(reader.stages),
        reader.columns,
        reader.pins,
        by_id=reader.rowwise and reader.order == "id",
        filters=reader.filters,
        ordered=bool(reader.order),
        pages=reader.whole and reader.own_id and "id" in reader.columns,
    )


def _declare(made: dict[str, Any], name: str, what: Any) -> None:
    if name in made:
        raise invalid(f"{name}, declared twice")
    made[name] = what


def _sorted(rows: Iterable[Row], keys: list[tuple[Expression, bool]]) -> list[Row]:
    """By each key; nulls come first where it ascends, last where it descends."""
    found = list(rows)
    for key, descending in reversed(keys):
        of = key.of
        found.sort(key=lambda row, of=of: _rank(of(row)), reverse=descending)  # type: ignore[misc]
    return found


def _rank(value: Any) -> tuple[bool, Any]:
    return (value is not None, value if value is not None else 0)


def _summed(
    rows: Iterable[Row], keys: Mapping[str, Expression], totals: Mapping[str, _Total]
) -> Iterator[Row]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(key.of(row) for key in keys.values()), []).append(row)
    if not keys and totals:
        groups.setdefault((), [])
    for group, members in groups.items():
        made = dict(zip(keys, group, strict=True))
        for name, total in totals.items():
            of = total.of
            made[name] = total.result(members if of is None else [of.of(row) for row in members])
        yield made
