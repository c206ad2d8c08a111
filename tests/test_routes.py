"""What pages say of notices is what is published, and the ready-made routes read what is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from docs import example
from shared.azure.digests import Digests
from shared.azure.notices import TYPES, Notices
from shared.policy_file import load
from shared.store.embedded import EmbeddedStore
from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.azure.arrivals import SOON, door, notices_of

DOCS = Path(__file__).parents[1] / "docs"
SCHEMA = json.loads((DOCS / "notices.schema.json").read_text(encoding="utf-8"))
ROUTES = sorted((DOCS / "routes").glob("*.json"))
ENDPOINT = "https://notices.westeurope-1.eventgrid.azure.net/api/events"
EVENT = re.compile(r"outputs\('Event'\)((?:\?\['\w+'\])+)")
GROUP = re.compile(r"(?:item\(\)|groups'\]\))((?:\?\['\w+'\])+)")
SECRET = re.compile(r"@body\('Secret'\)")


def published() -> list[dict[str, Any]]:
    """Everything that a morning makes people and machines hear of, with and without a console."""
    clock = VirtualClock()
    tenant = Tenant(clock)
    machines: Notices = notices_of(tenant)
    rules = load("version: 1\n", {})
    desks = [
        Digests(EmbeddedStore(clock.now), door(tenant, ENDPOINT), lambda: rules, console)
        for console in ("", "https://gate.contoso.example")
    ]
    for stream, records in example.played().items():
        machines.keep(stream, records)
        for desk in desks:
            desk.keep(stream, [{**record, "Owner": "web"} for record in records[::2]])
            desk.keep(stream, records)
    clock.advance(SOON)
    for desk in desks:
        desk.send()
    return tenant.topic.events


def texts(value: Any) -> Iterator[str]:
    """Every text of a JSON value, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return SCHEMA["$defs"][reference.rsplit("/", 1)[-1]] if reference else schema


def declares(schema: dict[str, Any], path: str) -> bool:
    """Whether the schema has the field that a workflow reads as `?['a']?['b']`."""
    for name in re.findall(r"'(\w+)'", path):
        schema = resolved(schema)
        if name not in schema.get("properties", {}):
            return False
        schema = schema["properties"][name]
    return True


def test_what_is_published_is_what_the_schema_says() -> None:
    """Every event of a morning fits, and hardly a kind is missing from it."""
    check = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    check.check_schema(SCHEMA)
    events = published()
    for event in events:
        check.validate(event)
        broken = {**event, "data": {**event["data"], "secret": 1}}
        assert not check.is_valid(broken)
    assert {"Portcullis.Digest", "Portcullis.Remediated"} <= {event["type"] for event in events}
    assert len({event["subject"] for event in events if event["type"].endswith("Digest")}) > 1


def test_the_schema_names_every_type() -> None:
    """No type is missing, and none is there that is never sent."""
    alone = set(SCHEMA["$defs"]["notice"]["properties"]["type"]["enum"])
    grouped = set(SCHEMA["$defs"]["group"]["properties"]["type"]["enum"])
    assert alone | {"Portcullis.Digest"} == TYPES
    assert grouped == alone | {"other"}


def test_the_page_tells_every_field() -> None:
    """Of a digest and its groups, no more and no less."""
    page = (DOCS / "notices.md").read_text(encoding="utf-8")
    tables = re.findall(
        r"^\| field \| what it says \|\n\|---\|---\|\n((?:\|.+\n)+)", page, re.MULTILINE
    )
    told = [{row.split("`")[1] for row in table.splitlines()} for table in tables]
    digest = SCHEMA["$defs"]["digest"]["properties"]["data"]["properties"]
    assert told == [set(digest), set(SCHEMA["$defs"]["group"]["properties"])]


def test_the_example_of_the_page_is_one() -> None:
    """What a reader copies is what comes."""
    page = (DOCS / "notices.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```json\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    jsonschema.validate(json.loads(shown), SCHEMA)


def test_the_page_leads_to_every_route() -> None:
    """Each template has its line, and no other is named."""
    page = (DOCS / "notices.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(routes/(\w+\.json)\)", page)) == {route.name for route in ROUTES}
    assert set(re.findall(r"docs/routes/(\w+\.json)", page)) <= {route.name for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.stem)
class TestRoute:
    """A template: a workflow, and the event subscription that wakes it."""

    def test_what_it_reads_is_there(self, route: Path) -> None:
        """Each field of ours that the workflow names is in the schema."""
        said = list(texts(json.loads(route.read_text(encoding="utf-8"))))
        events = {path for text in said for path in EVENT.findall(text)}
        groups = {path for text in said for path in GROUP.findall(text)}
        assert {"?['data']?['groups']", "?['data']?['headline']"} <= events
        assert {"?['what']", "?['where']", "?['link']"} <= groups
        for path in events:
            assert declares(SCHEMA["$defs"]["digest"], path), path
        for path in groups:
            assert declares(SCHEMA["$defs"]["group"], path), path

    def test_it_hears_digests_alone(self, route: Path) -> None:
        """Filtered by type, and by fields that digests have."""
        *_, subscription = json.loads(route.read_text(encoding="utf-8"))["resources"]
        told = subscription["properties"]["filter"]
        assert set(told["includedEventTypes"]) == {"Portcullis.Digest"} <= TYPES
        keys = re.findall(r"'key', '([\w.]+)'", told["advancedFilters"])
        assert keys == ["data.owner", "data.urgent"]
        for key in keys:
            path = "".join(f"?['{name}']" for name in key.split("."))
            assert declares(SCHEMA["$defs"]["digest"], path), key
        assert subscription["properties"]["eventDeliverySchema"] == "CloudEventSchemaV1_0"

    def test_it_holds_no_secret(self, route: Path) -> None:
        """It is read from a key vault by the workflow's identity, and kept out of its history."""
        workflow, _ = json.loads(route.read_text(encoding="utf-8"))["resources"]
        assert workflow["identity"] == {"type": "SystemAssigned"}
        actions = dict(self._actions(workflow["properties"]["definition"]["actions"]))
        read = actions.pop("Secret")
        assert read["inputs"]["authentication"]["type"] == "ManagedServiceIdentity"
        assert read["runtimeConfiguration"]["secureData"]["properties"] == ["inputs", "outputs"]
        users = [a for a in actions.values() if any(map(SECRET.match, texts(a.get("inputs"))))]
        assert users
        for one in users:
            assert one["runtimeConfiguration"]["secureData"]["properties"] == ["inputs"]
        addresses = re.findall(r"https://[\w.-]+", route.read_text(encoding="utf-8"))
        assert set(addresses) <= {
            "https://schema.management.azure.com",
            "https://events.pagerduty.com",
            "https://portal.azure.com",
        }

    def _actions(self, actions: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, action in actions.items():
            yield name, action
            yield from self._actions(action.get("actions", {}))

    def test_it_is_whole(self, route: Path) -> None:
        """Each action, parameter and result that it names is one it has."""
        template = json.loads(route.read_text(encoding="utf-8"))
        workflow, _ = template["resources"]
        definition = workflow["properties"]["definition"]
        actions = dict(self._actions(definition["actions"]))
        for action in actions.values():
            assert set(action["runAfter"]) <= set(actions)
        said = list(texts(definition))
        named = {n for text in said for n in re.findall(r"(?:outputs|body)\('(\w+)'\)", text)}
        assert named <= set(actions)
        asked = {n for text in said for n in re.findall(r"parameters\('(\w+)'\)", text)}
        assert asked == set(definition["parameters"]) == set(workflow["properties"]["parameters"])
        outer = {key: value for key, value in workflow["properties"].items() if key != "definition"}
        rest = texts([outer, template["resources"][1], template["outputs"]])
        wanted = {n for text in rest for n in re.findall(r"parameters\('(\w+)'\)", text)}
        assert wanted | {"location"} == set(template["parameters"])
        for text in said:
            assert text.count("(") == text.count(")"), text
            assert text.count("{") == text.count("}"), text
