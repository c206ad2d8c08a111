"""What holds of rules over every document, and of their arithmetic over small spaces."""

import contextlib
import copy
import functools
import ipaddress
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model import (
    MOST,
    WIDE,
    Addresses,
    Finding,
    Json,
    Ranges,
    Resource,
    ResourceId,
    State,
    Undecided,
    fitting,
    open_to_internet,
    openings,
)
from tests.cases import FAILED, Case, Documents, cases, merged
from tests.test_rules import CONTROLS, parameters_of

CASES = cases()
GROUP = ResourceId(
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n"
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 70000),
    st.sampled_from(["", "*", "Allow", "Disabled", "0.0.0.0/0", "::/0", "1.2.3.4-1", "22", "9-1"]),
    st.text(max_size=4),
)
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "value", "properties", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def spots(node: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of everything in a document but its id."""
    steps: Sequence[Any] = ()
    if isinstance(node, dict):
        steps = [key for key in node if path or key != "id"]
    elif isinstance(node, list):
        steps = range(len(node))
    for step in steps:
        yield (*path, step)
        yield from spots(node[step], (*path, step))


@st.composite
def mangled(draw: st.DrawFn, case: Case) -> dict[str, Json]:
    """The case's document with up to three values gone or replaced by anything."""
    body = copy.deepcopy(case.body)
    for _ in range(draw(st.integers(1, 3))):
        left = list(spots(body))
        if not left:
            break
        path = draw(st.sampled_from(left))
        home: Any = body
        for step in path[:-1]:
            home = home[step]
        if isinstance(home, dict) and draw(st.booleans()):
            del home[path[-1]]
        else:
            home[path[-1]] = draw(junk)
    return body


@pytest.mark.parametrize("control", sorted(CONTROLS))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_document_breaks_a_rule(control: str, data: st.DataObject) -> None:
    """Whatever a document holds there is a verdict, a plan or a refusal, and it is left as is."""
    case = data.draw(st.sampled_from([one for one in CASES if one.control == control]))
    body = data.draw(mangled(case))
    documents = Documents.of(case)
    documents.bodies[case.id.key] = body
    before = copy.deepcopy(documents.bodies)
    detector, remediation = CONTROLS[control].detector, CONTROLS[control].remediation
    lookups = {lookup.name: FAILED for lookup in detector.lookups} | dict(case.lookups)

    resource, verdict = documents.judged(detector, case.id, lookups)

    assert verdict.reason or verdict.state is not State.UNKNOWN
    kept = copy.deepcopy(resource.body)
    if remediation and verdict.evidence:
        parameters = parameters_of(next(c for c in CASES if curable(c, control)), remediation)
        with contextlib.suppress(Undecided):
            remediation.plan(Finding(detector, resource, verdict.evidence), parameters)
    assert resource.body == kept
    assert documents.bodies == before


def curable(case: Case, control: str) -> bool:
    return case.control == control and case.finds and not case.plan


numbers = st.frozensets(st.integers(0, 11))


def ranges(members: frozenset[int]) -> Ranges:
    return Ranges.of((n, n) for n in members)


@given(numbers, numbers)
def test_ranges_are_sets(a: frozenset[int], b: frozenset[int]) -> None:
    """Union, difference, intersection, size and cover agree with sets of numbers."""
    assert ranges(a) | ranges(b) == ranges(a | b)
    assert ranges(a) - ranges(b) == ranges(a - b)
    assert ranges(a) & ranges(b) == ranges(a & b)
    assert ranges(a).size == len(a)
    assert ranges(a).covers(ranges(b)) == (b <= a)
    assert {n for n in range(12) if n in ranges(a)} == a


@given(numbers, st.lists(numbers, max_size=3))
def test_pieces_lie_inside_or_outside(whole: frozenset[int], cuts: list[frozenset[int]]) -> None:
    """Pieces make up the whole, and no cut goes through one."""
    pieces = ranges(whole).pieces(map(ranges, cuts))
    assert Ranges.of(span for piece in pieces for span in piece.spans) == ranges(whole)
    assert sum(piece.size for piece in pieces) == len(whole)
    for piece in pieces:
        for cut in map(ranges, cuts):
            assert cut.covers(piece) or not cut & piece


@given(st.lists(numbers, max_size=5), numbers, st.integers(0, 12))
def test_the_narrowest_stay(
    members: list[frozenset[int]], beside: frozenset[int], limit: int
) -> None:
    """What stays fits, and nothing that went would fit too; of no overlap the most stay."""
    sets = [Addresses(v4=ranges(one)) for one in members]
    stay = fitting(sets, beside=Addresses(v4=ranges(beside)), limit=limit)
    union = beside.union(*(members[i] for i in stay))
    if stay:
        assert len(union) <= limit
    assert all(len(union | one) > limit for i, one in enumerate(members) if i not in stay)


def test_blocks_hold_what_the_set_holds() -> None:
    """Azure Storage takes no /31 and no /32: those are written as addresses."""
    texts = Addresses.parse("192.0.2.1-192.0.2.12").blocks()
    assert texts == [
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.3",
        "192.0.2.4/30",
        "192.0.2.8/30",
        "192.0.2.12",
    ]
    assert Addresses.union(map(Addresses.parse, texts)) == Addresses.parse("192.0.2.1-192.0.2.12")


@pytest.mark.parametrize(
    ("texts", "share"),
    [
        (["0.0.0.0/0"], Fraction(1)),
        (["0.0.0.0/1", "128.0.0.0/1"], Fraction(1)),
        (["128.0.0.0/1", "10.0.0.0/8"], Fraction(1, 2) + Fraction(1, 256)),
        (["::/0"], Fraction(1)),
        (["2000::/4"], Fraction(1, 2)),
        (["8000::/1"], Fraction(0)),
    ],
)
def test_share_of_the_internet(texts: list[str], share: Fraction) -> None:
    """IPv4 counts whole, of IPv6 what is routed; the larger part counts."""
    assert Addresses.union(map(Addresses.parse, texts)).internet_share == share


@pytest.mark.parametrize(
    "text", ["", "everyone", "1.2.3", "1.2.3.4/33", "1.2.3.9-1.2.3.4", "::1-1.2.3.4"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Undecided):
        Addresses.parse(text)


# A literal evaluator, one packet at a time, over a space that has a probe for each kind of end.

SOURCES = [
    "*", "Internet", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/2", "2000::/4",
    "3000::/4", "::/0", "VirtualNetwork",
]  # fmt: skip
PROBES = ["32.0.0.1", "96.0.0.1", "160.0.0.1", "224.0.0.1", "2800::1", "3800::1"]
DESTINATIONS = ["*", "10.0.0.0/24", "10.0.0.0/25", "10.0.0.128/25", "2001:db8::/64"]
TARGETS = ["10.0.0.5", "10.0.0.200", "10.9.9.9", "2001:db8::5", "2001:db9::5"]
PORTS = ["*", "22", "20-21", "22-80", "23"]
SSH = Ranges(((22, 22),))
SOURCE_PORTS = ["*", "1-1000", "1001-65535"]


@st.composite
def groups(draw: st.DrawFn) -> dict[str, Json]:
    """A security group of up to six rules, of the prefixes above."""
    rules: list[Json] = []
    for i in range(draw(st.integers(1, 6))):
        sources = draw(st.lists(st.sampled_from(SOURCES), min_size=1, max_size=2))
        ports = draw(st.lists(st.sampled_from(PORTS), min_size=1, max_size=2, unique=True))
        properties = {
            "direction": "Inbound",
            "priority": 4000 - i,
            "access": draw(st.sampled_from(["Allow", "Deny"])),
            "protocol": draw(st.sampled_from(["Tcp", "TCP", "*", "Udp"])),
            "sourcePortRange": draw(st.sampled_from(SOURCE_PORTS)),
            "destinationAddressPrefix": draw(st.sampled_from(DESTINATIONS)),
        }
        properties |= either("sourceAddressPrefix", "es", sources)
        properties |= either("destinationPortRange", "s", ports)
        name = f"r{i}"
        rules.append(
            {"name": name, "id": f"{GROUP}/securityRules/{name}", "properties": properties}
        )
    return {"id": str(GROUP), "properties": {"securityRules": rules}}


def either(singular: str, ending: str, values: list[str]) -> dict[str, Json]:
    return {singular: values[0]} if len(values) == 1 else {singular + ending: values}


def let_in(group: Json, source: str, target: str, source_port: int, port: int) -> bool:
    """What the group does with one TCP packet: the first rule that matches decides."""
    rules = sorted(group["properties"]["securityRules"], key=lambda r: r["properties"]["priority"])
    for properties in (rule["properties"] for rule in rules):
        if (
            properties["protocol"].casefold() in ("tcp", "*")
            and hits(listed(properties, "sourceAddressPrefix", "es"), source)
            and hits([properties["destinationAddressPrefix"]], target)
            and holds([properties["sourcePortRange"]], source_port)
            and holds(listed(properties, "destinationPortRange", "s"), port)
        ):
            return bool(properties["access"] == "Allow")
    return False


def listed(properties: Json, singular: str, ending: str) -> list[str]:
    one = properties.get(singular)
    return [*([one] if one else []), *properties.get(singular + ending, [])]


@functools.cache
def hit(prefix: str, address: str) -> bool:
    if prefix in ("*", "Internet", "VirtualNetwork"):
        return prefix != "VirtualNetwork"
    return ipaddress.ip_address(address) in ipaddress.ip_network(prefix)


def hits(prefixes: list[str], address: str) -> bool:
    return any(hit(prefix, address) for prefix in prefixes)


def holds(texts: list[str], port: int) -> bool:
    for text in texts:
        first, _, last = text.replace("*", "0-65535").partition("-")
        if int(first) <= port <= int(last or first):
            return True
    return False


def reaches(group: Json, source: str, port: int) -> bool:
    """Whether the source gets through to anything of its own family."""
    targets = [target for target in TARGETS if (":" in target) == (":" in source)]
    return any(
        let_in(group, source, t, from_port, port) for t in targets for from_port in (5, 5000)
    )


@settings(max_examples=150, deadline=None)
@given(groups())
def test_openings_are_what_a_literal_evaluator_lets_in(group: dict[str, Json]) -> None:
    """A source is in some opening exactly where one packet of its would be let in."""
    found = openings(Resource(id=GROUP, body=group), SSH)
    union = Addresses.union(one.sources for one in found)
    for source in PROBES:
        assert union.covers(Addresses.parse(source)) == reaches(group, source, 22)
    wide = open_to_internet(Resource(id=GROUP, body=group), SSH)
    assert bool(wide) == (union.internet_share > MOST)


def test_many_small_openings_are_named_until_half_is_left() -> None:
    """Where no rule is wide alone, as many are named as leave no more than half the internet."""
    rules = [
        {
            "name": f"r{i}",
            "properties": {
                "direction": "Inbound",
                "access": "Allow",
                "priority": 100 + i,
                "protocol": "Tcp",
                "sourceAddressPrefix": f"{i}.0.0.0/8",
                "destinationAddressPrefix": "*",
                "destinationPortRange": "22",
            },
        }
        for i in range(130)
    ]
    group = Resource(id=GROUP, body={"properties": {"securityRules": rules}})
    assert len(open_to_internet(group, SSH)) == 2


@settings(max_examples=100, deadline=None)
@given(groups())
def test_closing_ssh_touches_nothing_else(group: dict[str, Json]) -> None:
    """After the cure no probe is let in to 22 by a rule it changed, and to 80 as before."""
    control = CONTROLS["nsg-ssh-from-internet"]
    assert control.remediation
    documents = Documents([group])
    resource, verdict = documents.judged(control.detector, GROUP, {})
    if verdict.state is not State.NON_COMPLIANT:
        return
    finding = Finding(control.detector, resource, verdict.evidence)
    plan = control.remediation.plan(finding, {"allowed_sources": ["VirtualNetwork"]})
    for change in plan.changes:
        documents.apply(change)
    after = documents.get(GROUP)
    assert documents.judged(control.detector, GROUP, {})[1].state is State.COMPLIANT
    for source in PROBES:
        assert reaches(after, source, 80) == reaches(group, source, 80)
        assert reaches(group, source, 22) or not reaches(after, source, 22)
    for change in plan.inverse():
        documents.apply(change)
    assert documents.get(GROUP) == group


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4)), max_size=6),
    st.sampled_from([[], ["1.0.128.0/25"]]),
)
def test_sql_rules_left_are_within_the_limit(
    shapes: list[tuple[int, int]], allowed: list[str]
) -> None:
    """Whatever the rules, what is left holds the allowed range and no more than the limit."""
    control = CONTROLS["sql-firewall-any-internet"]
    assert control.remediation
    case = next(one for one in CASES if one.control == control.id)
    step = WIDE // 2
    rules = [
        rule(case.id, f"r{i}", 2**24 + at * step, 2**24 + (at + long) * step - 1)
        for i, (at, long) in enumerate(shapes)
    ]
    body = merged(case.body, {"properties": {"publicNetworkAccess": "Enabled"}})
    documents = Documents([body, *rules])
    resource, verdict = documents.judged(control.detector, case.id, {"firewallRules": rules})
    union = Addresses.union(Addresses.parse(f"{a}-{b}") for a, b in map(ends, rules))
    assert (verdict.state is State.NON_COMPLIANT) == (union.size > WIDE)
    if not verdict.evidence:
        return
    finding = Finding(control.detector, resource, verdict.evidence)
    for change in control.remediation.plan(finding, {"allowed_ranges": allowed}).changes:
        documents.apply(change)
    left = [body for body in documents.bodies.values() if "/firewallRules/" in body["id"]]
    kept = Addresses.union(Addresses.parse(f"{a}-{b}") for a, b in map(ends, left))
    assert kept.size <= WIDE
    assert kept.covers(Addresses.union(map(Addresses.parse, allowed)))


def rule(server: ResourceId, name: str, low: int, high: int) -> dict[str, Json]:
    start, end = (".".join(str(n >> bits & 255) for bits in (24, 16, 8, 0)) for n in (low, high))
    rid = server.child(f"firewallRules/{name}")
    ranged = {"startIpAddress": start, "endIpAddress": end}
    return {"id": str(rid), "name": name, "type": rid.type, "properties": ranged}


def ends(body: Json) -> tuple[str, str]:
    return body["properties"]["startIpAddress"], body["properties"]["endIpAddress"]
