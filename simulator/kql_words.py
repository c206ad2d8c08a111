"""The text of a query as words, and the refusal that names the one that is not understood."""

import re
from dataclasses import dataclass
from typing import Literal

from simulator.wire import Refusal

Kind = Literal["name", "string", "number", "span", "datetime", "sign", "end"]
_GRAMMAR = re.compile(
    r"""
    (?P<blank>\s+|//[^\n]*)
    |(?P<datetime>datetime\s*\([^)]*\))
    |(?P<string>@'[^']*'|@"[^"]*"|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
    |(?P<span>\d+(?:\.\d+)?(?:ms|[dhms])\b)
    |(?P<number>\d+(?:\.\d+)?\b)
    |(?P<name>(?:project|mv|make|top|parse|sample)-[a-z-]+|[A-Za-z_]\w*~?)
    |(?P<sign>!in~|!in\b|![a-z]+|==|!=|<>|=~|!~|<=|>=|[-+|()\[\],.=<>])
    |(?P<odd>.)
    """,
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True)
class Word:
    """One word; `value` is a string's content, a datetime's inside, else the text itself."""

    kind: Kind
    text: str
    value: str


def words(query: str) -> list[Word]:
    """Take a query apart. Raises `InvalidQuery` at a character that begins no word."""
    found: list[Word] = []
    for match in _GRAMMAR.finditer(query):
        kind, text = match.lastgroup, match.group()
        if kind == "odd":
            raise invalid(text)
        if kind != "blank":
            found.append(Word(kind, text, _value(str(kind), text)))  # type: ignore[arg-type]
    return [*found, Word("end", "(end)", "")]


def invalid(what: str) -> Refusal:
    """The refusal of a query, which names what is not known."""
    message = f"Query is invalid. The simulated Resource Graph does not know: {what}"
    detail = {"code": "InvalidQuery", "message": message}
    return Refusal(400, "BadRequest", "Please provide below info when asking for support.", extra={
        "details": [detail],
    })  # fmt: skip


def _value(kind: str, text: str) -> str:
    if kind == "datetime":
        return text.partition("(")[2][:-1].strip(" '\"")
    if kind != "string":
        return text
    if text[0] == "@":
        return text[2:-1]
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
