"""What charts are drawn with: SVG elements, scales and the words on axes.

Elements carry classes and no colour: the page's style sheet decides (`static/charts.css`), and
without one all is drawn in the colour of the text. Nothing here has a style of its own, so that a
strict content security policy holds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

WIDTH = 400
"""Units; text of 14 is 12 pixels on a phone 344 pixels wide."""
TEXT = 14
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATES = 5
_SPANS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))


def element(name: str, *inside: str, **attributes: float | str) -> str:
    """An element with markup `inside`; `class_` is `class`, `text_anchor` is `text-anchor`."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{told}>{''.join(inside)}</{name}>" if inside else f"<{name}{told}/>"


def plain(text: str) -> str:
    """Text as markup, whatever it holds."""
    return escape(_CONTROL.sub("�", text))


def _value(value: float | str) -> str:
    return plain(value) if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")


def label(text: str, x: float, y: float, anchor: str = "start", kind: str = "label") -> str:
    return element(
        "text",
        plain(text),
        class_=f"chart-{kind}",
        x=x,
        y=y,
        text_anchor=anchor,
        font_size=TEXT,
        fill="currentColor",
    )


def line(kind: str, x1: float, y1: float, x2: float, y2: float, dashes: str = "none") -> str:
    return element(
        "line",
        class_=f"chart-{kind}",
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        stroke="currentColor",
        stroke_dasharray=dashes,
    )


def bar(kind: str, x: float, y: float, width: float, height: float) -> str:
    return element(
        "rect", class_=f"chart-{kind}", x=x, y=y, width=width, height=height, fill="currentColor"
    )


def dot(kind: str, x: float, y: float, radius: float) -> str:
    return element("circle", class_=f"chart-{kind}", cx=x, cy=y, r=radius, fill="currentColor")


def diamond(kind: str, x: float, y: float, radius: float) -> str:
    """Hollow, so that it is no dot to anybody."""
    path = f"M{x:.1f} {y - radius:.1f}l{radius:.1f} {radius:.1f}l{-radius:.1f} {radius:.1f}"
    path += f"l{-radius:.1f} {-radius:.1f}z"
    return element("path", class_=f"chart-{kind}", d=path, fill="none", stroke="currentColor")


def joined(kind: str, points: Sequence[tuple[float, float]]) -> str:
    told = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return element(
        "polyline", class_=f"chart-{kind}", points=told, fill="none", stroke="currentColor"
    )


def drawing(name: str, title: str, words: str, height: float, parts: Iterable[str]) -> str:
    """The whole picture. `name` is part of ids: of two on one page it is not the same."""
    return element(
        "svg",
        element("title", plain(title), id=f"chart-{name}-title"),
        element("desc", plain(words), id=f"chart-{name}-words"),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        class_=f"chart chart-{name}",
        viewBox=f"0 0 {WIDTH} {height:.0f}",
        role="img",
        aria_labelledby=f"chart-{name}-title chart-{name}-words",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where `count` days are drawn, and values from `least` to `most`."""

    count: int
    least: float
    most: float
    left: float
    top: float
    bottom: float

    @property
    def step(self) -> float:
        """The width of a day."""
        return (WIDTH - 6 - self.left) / max(1, self.count)

    def x(self, at: int) -> float:
        """The middle of a day."""
        return self.left + self.step * (at + 0.5)

    def y(self, value: float) -> float:
        share = (value - self.least) / ((self.most - self.least) or 1)
        return self.bottom - min(1.0, max(0.0, share)) * (self.bottom - self.top)

    def tick(self, value: float, text: str, kind: str = "grid", dashes: str = "none") -> str:
        """A line across at a value, and its name on the left."""
        y = self.y(value)
        across = line(kind, self.left, y, WIDTH, y, dashes)
        return across + label(text, self.left - 6, y + TEXT / 3, "end")

    def dates(self, days: Sequence[date]) -> Iterator[str]:
        """Some days by name: the first, the last, and as many between as have room."""
        y, last = self.bottom + TEXT + 6, len(days) - 1
        apart = max(1, math.ceil(last / (_DATES - 1)))
        chosen = [at for at in range(0, last, apart) if last - at >= apart]
        for at in [*chosen, last] if days else []:
            x, anchor = self.x(at), "middle"
            if last >= _DATES and at in (0, last):
                x, anchor = (float(WIDTH), "end") if at else (self.left, "start")
            yield label(day_of(days[at]), x, y, anchor)


def nothing(frame_top: float, frame_bottom: float, words: str) -> str:
    """What stands where there is nothing to draw."""
    return label(words, WIDTH / 2, (frame_top + frame_bottom) / 2, "middle", "nothing")


# --- words


def day_of(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]}"


def brief(number: float) -> str:
    """A number in four or five characters."""
    for size, name in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size * 0.9995:
            digits = 0 if number >= size * 99.5 else 1
            return f"{number / size:.{digits}f}".removesuffix(".0") + name
    return f"{number:.0f}"


def percent(value: float) -> str:
    """Cut, not rounded: what is not whole never reads as whole."""
    return f"{math.floor(value * 10) / 10:.1f}".removesuffix(".0") + " %"


def took(seconds: float) -> str:
    """How long something took, in its greatest unit."""
    for size, name in _SPANS:
        if seconds >= size * 0.9995:
            count = seconds / size
            return (f"{count:.1f}" if count < 9.95 else f"{count:.0f}").removesuffix(
                ".0"
            ) + f" {name}"
    return "under 1 s"


def round_up(number: float) -> int:
    """The next 1, 2 or 5 with zeros."""
    size = 1
    while True:
        for step in (1, 2, 5):
            if step * size >= number:
                return step * size
        size *= 10
