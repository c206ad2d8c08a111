"""What is written for people is true of the code: commands, keys, fields, pages and links."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import portcullis
from docs import example, generate
from rules import controls
from shared import policy_file
from shared.policy import Policy
from shared.policy_schema import schema

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"^(?:\.venv/bin/)?portcullis (.+)$")
LIMITS = "limits: [{writes: 1, per: estate}]\n"


def spans(text: str) -> list[str]:
    """Code inside of sentences."""
    return SPAN.findall(FENCED.sub("", text))


def blocks(text: str, language: str) -> list[str]:
    return [body for found, body in FENCED.findall(text) if found == language]


def spoken() -> Iterator[tuple[str, str, bool]]:
    """(page, arguments, to be run as it stands) of every `portcullis ...` that any page shows."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = [line for body in blocks(text, "sh") for line in body.splitlines()]
        for code, whole in [*((c, False) for c in spans(text)), *((c, True) for c in lines)]:
            if found := COMMAND.match(code):
                yield page.name, found[1], whole


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as they are linked to."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.casefold()).replace(" ", "-") for h in headings}


def named(page: str, heading: str) -> set[str]:
    """The first column of a section's table that is headed `field`, or of the whole page's."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    table = section.split("| field | what it says |\n|---|---|\n", 1)[1].split("\n\n", 1)[0]
    return {row.split("`")[1] for row in table.splitlines()}


@pytest.fixture(scope="module")
def written() -> dict[Path, str]:
    return generate.pages()


def test_generated_pages_are_what_the_code_says(written: dict[Path, str]) -> None:
    """Every control has its page, as the generator writes it now, and no other page is left."""
    stale = [
        path.name
        for path, text in written.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run: python -m docs.generate"
    assert set((ROOT / "docs/controls").glob("*.md")) <= set(written)


def test_commands_that_pages_show_can_be_run() -> None:
    """Each exists and takes what is shown with it; inside a sentence its name alone will do."""
    group = typer.main.get_command(portcullis.app)
    shown = list(spoken())
    assert len(shown) > 20
    for page, arguments, whole in shown:
        words, command = shlex.split(arguments), group
        while hasattr(command, "commands"):
            assert words, f"{page}: {arguments} is not whole"
            assert words[0] in command.commands, f"{page}: no command {arguments}"
            command = command.commands[words.pop(0)]
        if words or whole:
            command.make_context("portcullis", words)


def test_readme_shows_every_command() -> None:
    """A command that the README does not name is one that nobody finds."""
    group = typer.main.get_command(portcullis.app)
    names: set[str] = set()
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", {})
        names |= {f"{name} {inner}" for inner in below} or {name}
    shown = [arguments for page, arguments, _ in spoken() if page == "README.md"]
    assert {n for n in names if not any(f"{s} ".startswith(f"{n} ") for s in shown)} == set()


def test_make_targets_exist() -> None:
    """Every `make x` that a page names is a target."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        code = [*spans(text), *(line for b in blocks(text, "sh") for line in b.splitlines())]
        asked = {c.split()[1] for c in code if re.fullmatch(r"make [a-z]+", c)}
        assert asked <= targets, page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Relative links name files that are there, and headings that are in them."""
    for link in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_stands_in_the_list_of_pages() -> None:
    """Each with a line that says what is in it; the controls' own list is one of them."""
    text = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[[^]]+\]\(([^)]+)\) \| \S.* \|$", text, re.MULTILINE)
    pages = {
        page.relative_to(ROOT / "docs").as_posix()
        for page in PAGES
        if ROOT / "docs" in page.parents
    }
    assert {one for one in pages if not one.startswith("controls/")} - {"README.md"} <= set(listed)
    assert "controls/README.md" in listed
    assert len(listed) == len(set(listed))


def test_every_picture_is_shown_somewhere() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    taken = {picture.name for picture in (ROOT / "docs/pictures").iterdir()} | {"flow.svg"}
    assert {name for name in taken if f"{name})" not in text} == set()


def test_architecture_says_where_every_module_of_the_engine_belongs() -> None:
    """Each once; none that is gone."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = text.split("\n## Inside `shared`\n", 1)[1].split("\n## ", 1)[0]
    named = [
        name for row in re.findall(r"^\| .+ \|$", section, re.MULTILINE) for name in spans(row)
    ]
    found = {path.stem for path in (ROOT / "shared").iterdir() if not path.name.startswith("__")}
    assert sorted(named) == sorted(found)


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "docs/security.md"])
def test_files_that_pages_name_are_there(page: str) -> None:
    """A path in code style is one of the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    made = ("benchmarks/results.json", ".portcullis/", ".venv")
    for code in spans(text):
        path = re.fullmatch(r"[\w./-]+(?:\.(?:py|md|json|yaml)|/)", code)
        if path and not code.startswith(made):
            assert (ROOT / code).exists(), code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_policies_that_pages_show_can_be_used(page: Path) -> None:
    """Each example loads with the controls there are; parts are made whole as a reader would."""
    for body in blocks(page.read_text(encoding="utf-8"), "yaml"):
        whole = body if "version:" in body else f"version: 1\n{body}"
        whole = whole if "limits:" in whole else whole + LIMITS
        policy_file.load(whole, controls())


def test_policy_page_explains_every_key() -> None:
    """Each key of the file has its heading, an example, and a table of the keys inside of it."""
    text = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## (\w+)$", text, re.MULTILINE)) == set(Policy.model_fields)
    shown: set[str] = set()
    for body in blocks(text, "yaml"):
        shown |= set(yaml.safe_load(body))
    assert shown == set(Policy.model_fields)
    said = schema()
    for key, held in said["properties"].items():
        section = text.split(f"\n## {key}\n", 1)[1].split("\n## ", 1)[0]
        rows = re.findall(r"^\| `([\w.\[\]]+)` \| \S", section, re.MULTILINE)
        assert rows == list(inside(held, said)), key


def inside(held: dict[str, Any], said: dict[str, Any], above: str = "") -> Iterator[str]:
    """The keys that a key of the policy holds, those deeper down with the way to them."""
    for part in re.findall(r"#/\$defs/(\w+)", json.dumps(held)):
        for key, one in said["$defs"][part].get("properties", {}).items():
            yield above + key
            if one.get("type") == "array":
                yield from inside(one, said, f"{above}{key}[].")


@pytest.mark.parametrize("stream", example.STREAMS)
def test_records_page_explains_every_field(stream: str) -> None:
    """What is documented of a stream is what its records hold, no more and no less."""
    held = {field for record in example.played()[stream] for field in record}
    common = named("records.md", "Fields of every record")
    assert named("records.md", stream) | common == held


def test_readme_explains_every_setting() -> None:
    """The variables of the README are those that the code reads."""
    source = "".join(
        (ROOT / "shared" / name).read_text(encoding="utf-8")
        for name in ("settings.py", "clouds.py", "own.py", "azure/credentials.py")
    )
    read = set(re.findall(r'"((?:PORTCULLIS|AZURE)_[A-Z_]+)"', source))
    shown = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert set(shown) == read
