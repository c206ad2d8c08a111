"""Steps at the console as a page tells them to a person, taken one after the other.

`open` names a page of the menu, `follow` a link (and what stands `beside` it), `fill` a field,
`choose` a box, `press` a button, and `see` is what then stands on the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

from tests.console.visitor import Visitor

Attributes = list[tuple[str, str | None]]
_VOID = {"input", "link", "meta", "img", "br"}


@dataclass
class Form:
    """Where it goes, its fields by name, their names by label, and its buttons."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    boxes: dict[str, tuple[str, str]] = field(default_factory=dict)
    buttons: list[tuple[str, dict[str, str]]] = field(default_factory=list)


class Shown(HTMLParser):
    """What a person finds on a page: its words, links with their rows, forms, and what unfolds."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[tuple[str, str, int]] = []
        self.rows: dict[int, str] = {}
        self.forms: list[Form] = []
        self.summaries: list[str] = []
        self._row = 0
        self._open: list[tuple[str, dict[str, str], int]] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "tr":
            self._row += 1
        if tag == "form":
            self.forms.append(Form(told["action"], told["method"]))
        if tag in ("input", "select") and self.forms and "name" in told:
            self._field(told)
        if tag not in _VOID:
            self._open.append((tag, told, len(self.words)))

    def _field(self, told: dict[str, str]) -> None:
        form, name = self.forms[-1], told["name"]
        if told.get("type") == "checkbox":
            form.boxes[told["aria-label"]] = (name, told["value"])
            return
        form.fields.append((name, told.get("value", "")))
        for tag, _, begun in self._open[::-1]:
            if tag == "label":
                form.labels[" ".join(self.words[begun:]).strip()] = name

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())
            self.rows[self._row] = f"{self.rows.get(self._row, '')} {data.strip()}"

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            was, told, begun = self._open.pop()
            words = " ".join(self.words[begun:])
            if was == "a" and "href" in told:
                self.links.append((words, told["href"], self._row))
            if was == "summary":
                self.summaries.append(words)
            if was == "button" and self.forms:
                pressed = {told["name"]: told["value"]} if "name" in told else {}
                self.forms[-1].buttons.append((words, pressed))
            if was == tag:
                break


@dataclass
class Walk:
    """A person at the console; `meanwhile` is what the apps do between two looks at a page."""

    visitor: Visitor
    home: str
    meanwhile: Callable[[], None]

    def __post_init__(self) -> None:
        self._filled: dict[str, str] = {}
        self._chosen: list[tuple[str, str]] = []
        self._go("/")

    def take(self, step: str) -> None:
        """One step; AssertionError with what stands there where it cannot be taken."""
        verb, _, rest = step.partition(" ")
        getattr(self, f"_{verb}")(rest)

    def _go(self, path: str, form: str = "") -> None:
        if form:
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            ours = {"Origin": self.home, "Sec-Fetch-Site": "same-origin", **kind}
            answer = self.visitor.post(path, content=form.encode(), headers=ours)
        else:
            answer = self.visitor.get(path)
        while answer.status_code == 303:
            path = answer.headers["location"]
            answer = self.visitor.get(path)
        self.at, self.page = path, Shown(answer.text)
        self._filled, self._chosen = {}, []

    def _open(self, page: str) -> None:
        self._go("/")
        self._follow(page)

    def _follow(self, words: str) -> None:
        wanted, _, beside = words.partition(" beside ")
        for text, href, row in self.page.links:
            if wanted in text and beside in self.page.rows.get(row, ""):
                self._go(href)
                return
        raise AssertionError(f"no link {words} on {self.at}: {self.page.text}")

    def _fill(self, words: str) -> None:
        label, _, value = words.partition(": ")
        self._filled[label] = value

    def _choose(self, words: str) -> None:
        boxes = {label: box for form in self.page.forms for label, box in form.boxes.items()}
        found = [box for label, box in boxes.items() if words in label]
        assert len(found) == 1, f"{len(found)} boxes {words} on {self.at}: {sorted(boxes)}"
        self._chosen += found

    def _press(self, words: str) -> None:
        if any(words in one for one in self.page.summaries):
            return
        for form in self.page.forms:
            for text, pressed in form.buttons:
                if words in text:
                    self._send(form, pressed)
                    return
        raise AssertionError(f"no button {words} on {self.at}: {self.page.text}")

    def _send(self, form: Form, pressed: dict[str, str]) -> None:
        named = {form.labels[label]: value for label, value in self._filled.items()}
        fields = [(name, named.get(name, value)) for name, value in form.fields]
        whole = urlencode([*fields, *self._chosen, *pressed.items()])
        if form.method == "get":
            self._go(f"{form.action}?{whole}")
        else:
            self._go(form.action, whole)

    def _see(self, words: str) -> None:
        wanted = ".*".join(re.escape(" ".join(part.split())) for part in words.split("..."))
        first = self.page.text
        if not re.search(wanted, first):
            self.meanwhile()
            self._go(self.at)
        later = self.page.text
        assert re.search(wanted, later), f"no {words} on {self.at}: {first}\nand later: {later}"
