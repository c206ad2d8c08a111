"""What gets through security groups: against a literal evaluator, and what each word means."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model import (
    Addresses,
    Destination,
    Exposure,
    Json,
    Ranges,
    Reach,
    Resource,
    ResourceId,
    Undecided,
    reach,
)
from tests.test_rule_properties import either, hit, holds, listed

NETWORK = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network"
ASG = f"{NETWORK}/applicationSecurityGroups/db"
OTHER_ASG = f"{NETWORK}/applicationSecurityGroups/web"

# A literal evaluator, one packet at a time, in a world that says which probe has which tag.

PREFIXES = ["*", "Internet", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "2000::/4", "::/0"]
TAGS = ["AzureCloud", "AzureCloud.westeurope", "Storage"]
SOURCES = [*PREFIXES, *TAGS, "VirtualNetwork", "AzureLoadBalancer"]
PROBES = ["32.0.0.1", "160.0.0.1", "2800::1", "3800::1"]
TARGETS = ["10.0.0.5", "2001:db8::5"]
DESTINATIONS = ["*", "VirtualNetwork", "10.0.0.0/24", "10.0.0.128/25", "2001:db8::/64", ASG, "Sql"]
PORTS = ["*", "1433", "1430-1433", "3306", "22"]
WANTED = (1433, 3306)
WORLDS = [
    {},
    {"32.0.0.1": {"azurecloud"}, "2800::1": {"azurecloud", "azurecloud.westeurope"}},
    {"32.0.0.1": {"azurecloud", "azurecloud.westeurope"}, "160.0.0.1": {"storage"}},
    {"160.0.0.1": {"storage", "azurecloud"}, "3800::1": {"storage"}},
]
World = dict[str, set[str]]


@st.composite
def rules(draw: st.DrawFn, sources: Sequence[str], priority: int) -> dict[str, Json]:
    """One inbound rule, of the prefixes above."""
    froms = draw(st.lists(st.sampled_from(sources), min_size=1, max_size=2))
    ports = draw(st.lists(st.sampled_from(PORTS), min_size=1, max_size=2, unique=True))
    to = draw(st.sampled_from(DESTINATIONS))
    inside = {"destinationApplicationSecurityGroups": [{"id": to.upper()}]}
    properties = {
        "direction": "Inbound",
        "priority": priority,
        "access": draw(st.sampled_from(["Allow", "Deny"])),
        "protocol": draw(st.sampled_from(["Tcp", "*", "Udp"])),
        "sourcePortRange": draw(st.sampled_from(["*", "1-1000"])),
        **(inside if to == ASG else {"destinationAddressPrefix": to}),
        **either("sourceAddressPrefix", "es", froms),
        **either("destinationPortRange", "s", ports),
    }
    return {"name": f"r{priority}", "properties": properties}


@st.composite
def groups(draw: st.DrawFn, sources: Sequence[str] = SOURCES, most: int = 2) -> list[list[Json]]:
    """The rules of the groups on a way in, each in order; priorities leave gaps."""
    return [
        [draw(rules(sources, 200 + 10 * i)) for i in range(draw(st.integers(0, 4)))]
        for _ in range(draw(st.integers(1, most)))
    ]


def resources(every: Sequence[Sequence[Json]]) -> list[Resource]:
    return [
        Resource(
            id=ResourceId(f"{NETWORK}/networkSecurityGroups/n{i}"),
            body={"properties": {"securityRules": list(one)}},
        )
        for i, one in enumerate(every)
    ]


def reached(every: Sequence[Sequence[Json]], target: str, ports: Sequence[int] = WANTED) -> Reach:
    to = Destination(Addresses.parse(target), frozenset({ASG.casefold()}))
    return reach(resources(every), to, Ranges.of((port, port) for port in ports))


def lets_in(group: Sequence[Json], packet: tuple[str, str, int, int], tags: set[str]) -> bool:
    """What one group does with one TCP packet: the first rule that matches decides."""
    source, target, source_port, port = packet
    for properties in sorted((r["properties"] for r in group), key=lambda p: int(p["priority"])):
        froms = listed(properties, "sourceAddressPrefix", "es")
        if (
            properties["protocol"] != "Udp"
            and any(is_from(one, source, tags) for one in froms)
            and is_to(properties.get("destinationAddressPrefix"), target)
            and holds([properties["sourcePortRange"]], source_port)
            and holds(listed(properties, "destinationPortRange", "s"), port)
        ):
            return bool(properties["access"] == "Allow")
    return False


def is_from(prefix: str, source: str, tags: set[str]) -> bool:
    return (
        prefix.lower() in tags
        if prefix[:1].isalpha() and prefix != "Internet" and (":" not in prefix)
        else hit(prefix, source)
    )


def is_to(prefix: str | None, target: str) -> bool:
    """The target is in the application security group that rules name, and in the network."""
    return prefix in (None, "VirtualNetwork") or (prefix != "Sql" and hit(str(prefix), target))


def passes(every: Sequence[Sequence[Json]], source: str, target: str, world: World) -> bool:
    tags = world.get(source, set())
    packets = itertools.product([source], [target], (5, 5000), WANTED)
    return any(all(lets_in(one, packet, tags) for one in every) for packet in packets)


def pairs() -> list[tuple[str, str]]:
    """Both ends of a packet are of one family."""
    return [(s, t) for s, t in itertools.product(PROBES, TARGETS) if (":" in s) == (":" in t)]


@settings(max_examples=60, deadline=None)
@given(groups([*PREFIXES, "VirtualNetwork", "AzureLoadBalancer"]))
def test_addresses_are_what_a_literal_evaluator_lets_in(every: list[list[Json]]) -> None:
    """Without tags of unknown addresses, a probe gets in exactly where one packet of it does."""
    for source, target in pairs():
        found = reached(every, target).sources
        assert found.addresses.covers(Addresses.parse(source)) == passes(every, source, target, {})
        assert not found.tags
        assert not (found.addresses.v4 if ":" in target else found.addresses.v6)


@settings(max_examples=60, deadline=None)
@given(groups(), st.sampled_from(WORLDS))
def test_nobody_gets_in_unsaid(every: list[list[Json]], world: World) -> None:
    """Whatever the tags stand for, who gets in is among the addresses or in a tag that is told."""
    for source, target in pairs():
        if passes(every, source, target, world):
            found = reached(every, target).sources
            address = Addresses.parse(source)
            tags = {t for t, within in found.tags.items() if within.covers(address)}
            assert found.addresses.covers(address) or tags & world.get(source, set())


@settings(max_examples=60, deadline=None)
@given(groups(most=1))
def test_a_tag_that_is_told_can_get_in(every: list[list[Json]]) -> None:
    """Through one group: in the world where a probe has just that tag, it is let in."""
    for source, target in pairs():
        for tag, within in reached(every, target).sources.tags.items():
            if within.covers(Addresses.parse(source)):
                world = {source: {tag, tag.partition(".")[0]}}
                assert passes(every, source, target, world)


@settings(max_examples=60, deadline=None)
@given(groups(), st.data())
def test_one_rule_more_goes_one_way(every: list[list[Json]], data: st.DataObject) -> None:
    """An Allow more never makes it safer, a Deny more never worse."""
    more = data.draw(rules(SOURCES, data.draw(st.sampled_from([100, 205, 215, 4000]))))
    at = data.draw(st.integers(0, len(every) - 1))
    after = [[*one, more] if i == at else one for i, one in enumerate(every)]
    allows = more["properties"]["access"] == "Allow"
    for target in TARGETS:
        less, much = (every, after) if allows else (after, every)
        narrow, wide = reached(less, target).sources, reached(much, target).sources
        assert narrow.exposure.rank <= wide.exposure.rank
        assert wide.addresses.covers(narrow.addresses)
        assert wide.azure or not narrow.azure


@settings(max_examples=60, deadline=None)
@given(groups())
def test_named_rules_are_what_opens_and_what_closes(every: list[list[Json]]) -> None:
    """Without the rules that open nobody gets in; what is not open names what keeps it shut."""
    found = reached(every, TARGETS[0])
    assert bool(found.opened_by) == bool(found.sources)
    assert bool(found.closed_by) == (found.exposure is not Exposure.OPEN_INTERNET)
    opening = {(rule.group.name, rule.resource.id.name) for rule in found.opened_by}
    rest = [
        [rule for rule in one if (f"n{i}", rule["name"]) not in opening]
        for i, one in enumerate(every)
    ]
    assert reached(rest, TARGETS[0]).exposure.rank <= found.exposure.rank
    if opening:
        assert not any(passes(rest, source, TARGETS[0], {}) for source in PROBES[:2])


def rule(access: str, source: str, port: str = "1433", **more: Json) -> dict[str, Json]:
    fixed = {"direction": "Inbound", "protocol": "Tcp", "sourcePortRange": "*", "priority": 200}
    fixed |= {"destinationAddressPrefix": "*", "destinationPortRange": port, "access": access}
    name = str(more.pop("name", f"{access}-{source}".casefold()))
    return {"name": name, "properties": {**fixed, "sourceAddressPrefix": source, **more}}


@pytest.mark.parametrize(
    ("source", "exposure", "azure", "unknown"),
    [
        ("*", "open-internet", True, ""),
        ("internet", "open-internet", True, ""),
        ("AzureCloud", "open-azure", True, ""),
        ("AzureCloud.WestEurope", "open-azure", True, ""),
        ("20.0.0.0/8", "wide", False, ""),
        ("203.0.113.0/24", "listed", False, ""),
        ("Storage.WestEurope", "listed", False, "storage.westeurope"),
        ("AzureLoadBalancer", "private", False, ""),
        ("VirtualNetwork", "private", False, ""),
        ("10.0.0.0/8", "private", False, ""),
    ],
)
def test_what_a_source_stands_for(source: str, exposure: str, azure: Json, unknown: str) -> None:
    """Internet is everyone, AzureCloud every customer, other tags are told and not guessed."""
    found = reached([[rule("Allow", source)]], TARGETS[0])
    assert (found.exposure, found.sources.azure) == (exposure, azure)
    assert found.sources.unknown_tags == {unknown} - {""}


@pytest.mark.parametrize(
    ("every", "closed_by"),
    [
        ([[]], ["closed by DenyAllInBound, priority 65500"]),
        (
            [[rule("Allow", "*"), rule("Deny", "Internet", name="deny-db", priority=100)]],
            ["closed by deny-db, priority 100"],
        ),
        ([[rule("Allow", "*")], []], ["closed by DenyAllInBound, priority 65500"]),
        ([[rule("Allow", "*")], [rule("Deny", "*", name="no")]], ["closed by no, priority 200"]),
        (
            [[rule("Deny", "*", name="first", priority=100), rule("Deny", "*", name="second")]],
            ["closed by first, priority 100"],
        ),
        ([[rule("Allow", "*"), rule("Deny", "AzureCloud", priority=100)]], []),
        ([[rule("Allow", "*"), rule("Deny", "*", protocol="Udp", priority=100)]], []),
        ([[rule("Allow", "*"), rule("Deny", "*", "5432", priority=100)]], []),
    ],
)
def test_what_closes_a_way(every: list[list[Json]], closed_by: list[str]) -> None:
    """Each group there is must let it in; the rule that keeps the internet out is named."""
    found = reached(every, TARGETS[0], [1433])
    assert list(map(str, found.closed_by)) == closed_by
    assert (found.exposure is Exposure.OPEN_INTERNET) == (not closed_by)


@pytest.mark.parametrize(
    ("allowed", "denied", "exposure"),
    [
        ("Storage", "Storage", "private"),
        ("Storage", "Storage.WestEurope", "listed"),
        ("AzureCloud", "AzureCloud.WestEurope", "open-azure"),
        ("AzureCloud.WestEurope", "AzureCloud", "private"),
        ("AzureCloud", "Storage", "open-azure"),
        ("AzureCloud", "Internet", "private"),
    ],
)
def test_what_a_denied_tag_takes_away(allowed: str, denied: str, exposure: str) -> None:
    """Itself, and where it is all of Azure each region; nothing that is only part of it."""
    found = reached([[rule("Deny", denied, priority=100), rule("Allow", allowed)]], TARGETS[0])
    assert found.exposure == exposure


def test_one_port_or_one_address_that_is_reached_is_enough() -> None:
    """A Deny of another port, or another family's, hides nothing."""
    ports = [rule("Allow", "*", "1433"), rule("Deny", "*", "3306", priority=100)]
    assert reached([ports], TARGETS[0]).exposure is Exposure.OPEN_INTERNET
    family = [rule("Allow", "::/0")]
    found = reach(resources([family]), Destination(), Ranges(((1433, 1433),)))
    assert found.exposure is Exposure.OPEN_INTERNET


@pytest.mark.parametrize(("basic", "exposure"), [(True, "open-internet"), (False, "private")])
def test_without_a_group_the_address_decides(basic: Json, exposure: str) -> None:
    """A Basic public address is open by default, a Standard one closed."""
    found = reach([], Destination(), Ranges(((1433, 1433),)), basic=basic)
    assert found.exposure == exposure


@pytest.mark.parametrize(
    ("configuration", "open_to"),
    [
        ({}, {"10.0.0.0/25", "10.0.0.128/25", "VirtualNetwork"}),
        ({"privateIPAddress": "10.0.0.4"}, {"10.0.0.0/25", "VirtualNetwork"}),
        ({"privateIPAddress": "10.0.0.200"}, {"10.0.0.128/25", "VirtualNetwork"}),
        ({"applicationSecurityGroups": [{"id": ASG}]},
         {"10.0.0.0/25", "10.0.0.128/25", "VirtualNetwork", ASG}),
        ({"privateIPAddressVersion": "IPv6"}, {"2001:db8::/64", "VirtualNetwork"}),
        ({"privateIPAddress": "2001:db8::5"}, {"2001:db8::/64", "VirtualNetwork"}),
    ],
)  # fmt: skip
def test_which_rules_are_for_a_configuration(configuration: Json, open_to: set[str]) -> None:
    """By private address, by application security group in any casing, as part of the network."""
    to = Destination.of(Resource(id=ResourceId(NETWORK), body={"properties": configuration}))
    found = set()
    for text in [*DESTINATIONS[1:], "10.0.0.0/25", OTHER_ASG]:
        inside = {"destinationApplicationSecurityGroups": [{"id": text.upper()}]}
        named: Json = {**inside, "destinationAddressPrefix": ""} if text[0] == "/" else {}
        named |= {} if named else {"destinationAddressPrefix": text}
        one = rule("Allow", "*")
        one["properties"] |= named
        if reach(resources([[one]]), to, Ranges(((1433, 1433),))).opened_by:
            found.add(text)
    assert found - {"10.0.0.0/24"} == open_to


def test_a_tag_whose_addresses_nobody_knows_is_told() -> None:
    """Evidence says that it is not known, and names the tag alone."""
    told = list(reached([[rule("Allow", "AppService")]], TARGETS[0], [1433]).evidence())
    assert told[0].observed == "AppService"
    assert str(told[0].expected).endswith("; what appservice stands for is not known here")
    (known,) = reached([[rule("Allow", "*")]], TARGETS[0], [1433]).evidence()
    assert known.expected == "sources that are known clients"


def test_a_rule_that_cannot_be_read_is_no_verdict() -> None:
    """A Deny of an unknown protocol may or may not close the way."""
    with pytest.raises(Undecided):
        reached([[rule("Allow", "*"), rule("Deny", "*", protocol="Quic")]], TARGETS[0])


@pytest.mark.parametrize("absent", [False, True])
def test_evidence_points_into_the_group(absent: Json) -> None:
    """Azure's default rules are named as they stand there, or as documented where they do not."""
    deny = rule("Deny", "*", "*", name="DenyAllInBound", priority=65500, protocol="*")
    (group,) = resources([[]])
    body = {"properties": {} if absent else {"defaultSecurityRules": [deny]}, "id": str(group.id)}
    found = reach([Resource(id=group.id, body=body)], Destination(), Ranges(((1433, 1433),)))
    (evidence,) = found.evidence()
    assert evidence.expected == "closed by DenyAllInBound, priority 65500"
    assert Resource(id=group.id, body=body).get(evidence.path) == evidence.observed
    assert evidence.resource == group.id
