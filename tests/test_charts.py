"""The charts: true to their numbers, readable without colour, and harmless whatever they show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.charts import (
    controls_chart,
    controls_table,
    findings_chart,
    findings_table,
    score_chart,
    score_table,
    times_chart,
    times_table,
)
from console.drawing import brief, percent, took
from shared.score import MARKS
from shared.trends import Day, Times, bucket_of

SVG = "{http://www.w3.org/2000/svg}"
STYLES = Path(__file__).parents[1] / "console" / "static" / "charts.css"
FIRST = date(2026, 2, 20)
_LETTER = 7.4
"""About as wide as a letter of a wide font is, at 14."""


def day(at: int = 0, opened: int = 0, closed: int = 0, score: float | None = None) -> Day:
    return Day(day=FIRST + timedelta(days=at), opened=opened, closed=closed, score=score)


def cured(at: int, *seconds: float) -> Day:
    counts: dict[int, int] = {}
    for one in seconds:
        bucket = bucket_of(timedelta(seconds=one))
        counts[bucket] = counts.get(bucket, 0) + 1
    return Day(day=FIRST + timedelta(days=at), times=Times(counts))


def read(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314  our own


def parts(svg: str, kind: str) -> list[ET.Element]:
    return [one for one in read(svg).iter() if one.get("class") == f"chart-{kind}"]


def number(one: ET.Element, name: str) -> float:
    return float(one.attrib[name])


def texts(svg: str) -> list[str]:
    return [one.text or "" for one in read(svg).iter(f"{SVG}text")]


DAYS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 3), st.integers(0, 10**13)),
        st.one_of(st.integers(0, 3), st.integers(0, 10**13)),
        st.one_of(st.none(), st.floats(0, 100)),
        st.dictionaries(st.integers(0, 183), st.integers(1, 10**6), max_size=4),
    ),
    max_size=95,
)
CONTROLS = st.lists(
    st.tuples(st.text(max_size=60).map(lambda text: f"<{text}&\x00\"'"), st.integers(0, 10**13)),
    max_size=10,
)


def made(told: Sequence[tuple[int, int, float | None, dict[int, int]]]) -> list[Day]:
    return [
        Day(day=FIRST + timedelta(days=at), opened=up, closed=down, score=score, times=Times(times))
        for at, (up, down, score, times) in enumerate(told)
    ]


def every(days: Sequence[Day], controls: Sequence[tuple[str, int]]) -> list[str]:
    return [
        score_chart(days),
        score_chart(days, 71.25),
        findings_chart(days),
        times_chart(days),
        controls_chart("top", "Most <opened>", controls),
    ]


@settings(max_examples=60)
@given(DAYS, CONTROLS)
def test_any_numbers_and_names_make_a_well_formed_picture(
    told: list[tuple[int, int, float | None, dict[int, int]]], controls: list[tuple[str, int]]
) -> None:
    """It has a title and a description, no style of its own, and nothing that could run."""
    for svg in every(made(told), controls):
        picture = read(svg)
        assert picture.get("role") == "img"
        named = {one.get("id"): one for one in picture}
        ids = picture.attrib["aria-labelledby"].split()
        assert [named[one].tag for one in ids] == [f"{SVG}title", f"{SVG}desc"]
        assert all(named[one].text for one in ids)
        for one in picture.iter():
            assert one.tag.removeprefix(SVG) in KNOWN
            assert not [a for a in one.attrib if a == "style" or a.startswith("on") or "href" in a]
            assert not re.search("nan|inf", " ".join(one.attrib.values()).casefold())


KNOWN = {"svg", "title", "desc", "text", "line", "rect", "circle", "path", "polyline"}


@settings(max_examples=60)
@given(DAYS)
def test_words_lie_inside_and_none_on_another(
    told: list[tuple[int, int, float | None, dict[int, int]]],
) -> None:
    """Whatever the number of days, and however large what they count."""
    controls = [(f"a-control-with-a-name-{'x' * n}", 10 ** (n % 14)) for n in range(0, 40, 5)]
    for svg in every(made(told), controls):
        width, height = map(float, read(svg).attrib["viewBox"].split()[2:])
        boxes = list(_boxes(svg))
        for left, top, right, bottom in boxes:
            assert left >= -2, svg
            assert right <= width + 2, svg
            assert top >= 0, svg
            assert bottom <= height, svg
        for one, other in combinations(boxes, 2):
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1]
            assert apart or other[3] <= one[1], svg


def _boxes(svg: str) -> Iterator[tuple[float, float, float, float]]:
    for one in read(svg).iter(f"{SVG}text"):
        x, y, size = number(one, "x"), number(one, "y"), number(one, "font-size")
        wide = len(one.text or "") * _LETTER
        left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[one.attrib["text-anchor"]]
        yield left, y - size * 0.75, left + wide, y + size * 0.2


def test_text_is_large_enough_on_a_phone() -> None:
    """On 344 pixels no text is smaller than 12."""
    for svg in every([day(score=3.0)], [("a", 1)]):
        scale = 344 / float(read(svg).attrib["viewBox"].split()[2])
        assert all(number(one, "font-size") * scale >= 12 for one in read(svg).iter(f"{SVG}text"))


def test_a_higher_score_stands_higher() -> None:
    """The whole way between nothing and all, and the marks at their heights."""
    scores = [0.0, 65.0, 80.0, 100.0]
    svg = score_chart([day(at, score=one) for at, one in enumerate(scores)])
    heights = [number(one, "cy") for one in parts(svg, "score-dot")][:4]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 4
    marks = [number(one, "y1") for one in parts(svg, "mark")]
    assert marks == pytest.approx(heights[1:3], abs=0.1)
    assert [text for text in texts(svg) if text in [f"{mark} %" for mark in MARKS]]


def test_marks_differ_by_their_dashes() -> None:
    """From each other, and from the lines of the grid."""
    svg = score_chart([day(score=50.0)])
    dashes = [one.attrib["stroke-dasharray"] for one in parts(svg, "mark")]
    assert len({*dashes, "none"}) == 3


def test_a_day_without_a_score_is_a_gap() -> None:
    """No line is drawn over what is not known; a lone day is a dot."""
    scores = [50.0, 60.0, None, 70.0, None, 80.0, 81.0]
    svg = score_chart([day(at, score=one) for at, one in enumerate(scores)])
    runs = [len(one.attrib["points"].split()) for one in parts(svg, "score-line")]
    assert runs == [2, 1, 2]
    assert "26 Feb 81 %" in texts(svg)


def test_the_score_now_is_todays() -> None:
    """A cure shows at once: the last sweep's score of today gives way."""
    svg = score_chart([day(0, score=50.0), day(1, score=60.0)], 99.96)
    assert "now 99.9 %" in texts(svg)
    assert score_table([day(0, score=50.0), day(1)], 70.0).rows == (
        ("2026-02-21", "70 %"),
        ("2026-02-20", "50 %"),
    )


def test_opened_goes_up_and_closed_goes_down() -> None:
    """As far as there are many, from one line: told by direction, not by colour."""
    svg = findings_chart([day(0, 10, 5), day(1, 0, 0), day(2, 5, 10)])
    up, down = parts(svg, "opened"), parts(svg, "closed")
    middle = number(down[0], "y")
    assert [number(one, "y") + number(one, "height") for one in up] == [middle, middle]
    assert [number(one, "y") for one in down] == [middle, middle]
    heights = [number(one, "height") for one in (*up, *down)]
    assert heights[0] == pytest.approx(2 * heights[1], abs=0.1)
    assert heights[3] == pytest.approx(2 * heights[2], abs=0.1)
    assert {"↑ opened 15", "↓ closed 15"} <= set(texts(svg))


def test_one_beside_a_million_is_seen() -> None:
    svg = findings_chart([day(0, 1_000_000, 1), day(1, 1, 0)])
    assert min(number(one, "height") for one in parts(svg, "opened")) >= 1
    assert number(parts(svg, "closed")[0], "height") >= 1


def test_longer_times_stand_higher_and_differ_by_shape() -> None:
    """A dot for the median, a hollow diamond for the 95th percentile."""
    svg = times_chart([cured(0, *[10] * 10, 3_600), cured(1, 600)])
    medians = [number(one, "cy") for one in parts(svg, "times-median")]
    assert medians[0] > medians[1]
    hollow = parts(svg, "times-p95")
    assert {one.tag for one in hollow} == {f"{SVG}path"}
    assert {one.attrib["fill"] for one in hollow} == {"none"}
    assert len(parts(svg, "times-range")) == 1


@pytest.mark.parametrize("count", [0, 1, 30, 90])
def test_where_nothing_was_that_is_said(count: int) -> None:
    """Never an empty picture."""
    days = [day(at) for at in range(count)]
    for svg in every(days, [])[::2]:
        assert [text for text in texts(svg) if text.startswith(("no score", "nothing"))]
    assert len(score_table(days).rows) == len(findings_table(days).rows) == count


def test_bars_of_controls_are_as_long_as_their_numbers() -> None:
    svg = controls_chart("top", "Top", [("a", 100), ("b", 50), ("c", 1), ("d", 0)])
    widths = [number(one, "width") for one in parts(svg, "control")]
    assert widths[0] == pytest.approx(2 * widths[1])
    assert widths[2] >= 2
    assert widths[3] == 0


def test_tables_hold_what_the_pictures_show() -> None:
    days = [cured(0, 60), day(1, 3, 2)]
    assert findings_table(days).rows[0] == ("2026-02-21", "3", "2", "0", "0", "0", "0")
    assert times_table(days).rows[0] == ("2026-02-21", "0", "-", "-")
    assert times_table(days).rows[1][:2] == ("2026-02-20", "1")
    for table in (findings_table(days), times_table(days), score_table(days)):
        assert {len(row) for row in table.rows} == {len(table.head)}
    assert controls_table("Top", [("<a>", 3)]).rows == (("<a>", "3"),)


def test_every_class_that_colours_is_drawn() -> None:
    """The style sheet names no part that no picture has."""
    days = [cured(0, 1, 90_000), day(1, 3, 2, 50.0)]
    drawn = " ".join(every(days, [("a", 1)]))
    named = set(re.findall(r"\.(chart-[\w-]+)", STYLES.read_text(encoding="utf-8")))
    assert named
    assert {one for one in named if f'"{one}"' not in drawn} == set()


@pytest.mark.parametrize(
    ("number_", "words"),
    [(0, "0"), (999, "999"), (1_000, "1k"), (1_234_567, "1.2M"), (999_999, "1M"), (3e13, "30T")],
)
def test_numbers_in_brief(number_: float, words: str) -> None:
    assert brief(number_) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "under 1 s"),
        (1.05, "1.1 s"),
        (59.99, "1 min"),
        (5_400, "1.5 h"),
        (90 * 86_400, "90 d"),
    ],
)
def test_times_in_their_greatest_unit(seconds: float, words: str) -> None:
    assert took(seconds) == words


def test_almost_whole_never_reads_as_whole() -> None:
    assert (percent(99.99), percent(100), percent(0)) == ("99.9 %", "100 %", "0 %")
