"""What holds of the judgement of exposure, whatever a store's firewall says."""

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import (
    analysisservices,
    cosmos,
    elasticsan,
    kusto,
    mongo,
    redis,
    search,
    sql,
    storage,
)
from detectors.datastores.datastore_public_exposure import STORES
from detectors.exposure import PERIMETERS, Store, listed
from shared.model import (
    AZURE_SERVICES,
    WIDE,
    Addresses,
    Edit,
    Evidence,
    Exposure,
    Json,
    RangeRules,
    Resource,
    ResourceId,
    edited,
)
from tests.cases import cases

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg"
SUBNETS = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v/subnets"
SETTINGS = settings(max_examples=40, deadline=None)

Ranges = Sequence[tuple[int, int]]
Lookups = Mapping[str, Sequence[Json]]


def made(store: Store, properties: Json, lookups: Lookups) -> Resource:
    """A store of a type, its lookups made: each of the named collections holds these properties."""
    at = ResourceId(f"{GROUP}/providers/{store.type.name}/contoso")
    found = {
        name: tuple(
            Resource(id=at.child(f"{name}/{i}"), body={"properties": one})
            for i, one in enumerate(bodies)
        )
        for name, bodies in lookups.items()
    }
    return Resource(id=at, body={"properties": properties}, lookups=found)


def ends(span: tuple[int, int]) -> tuple[str, str]:
    return str(IPv4Address(span[0])), str(IPv4Address(span[1]))


def texts(ranges: Ranges) -> list[str]:
    return ["-".join(ends(span)) for span in ranges]


def ruled(rules: RangeRules, ranges: Ranges) -> dict[str, Sequence[Json]]:
    pairs = map(ends, ranges)
    return {rules.name: [{rules.first: first, rules.last: last} for first, last in pairs]}


def named(subnets: int, key: str = "id") -> list[Json]:
    return [{key: f"{SUBNETS}/s{i}"} for i in range(subnets)]


def as_mongo(ranges: Ranges, _: int) -> tuple[Store, Json, Lookups]:
    return mongo.STORE, {}, ruled(mongo.RULES, ranges)


def as_redis(ranges: Ranges, _: int) -> tuple[Store, Json, Lookups]:
    return redis.STORE, {}, ruled(redis.RULES, ranges)


def as_sql(ranges: Ranges, subnets: int) -> tuple[Store, Json, Lookups]:
    rules = ruled(sql.RULES, ranges)
    by_subnet = {sql.SUBNET_RULES.name: named(subnets, "virtualNetworkSubnetId")}
    return sql.STORE, {"isIPv6Enabled": "Disabled"}, rules | by_subnet


def as_storage(ranges: Ranges, subnets: int) -> tuple[Store, Json, Lookups]:
    rules = [{"value": text} for text in texts(ranges)]
    acls = {"defaultAction": "Deny", "ipRules": rules, "virtualNetworkRules": named(subnets)}
    return storage.STORE, {"networkAcls": acls}, {}


def as_cosmos(ranges: Ranges, subnets: int) -> tuple[Store, Json, Lookups]:
    rules = [{"ipAddressOrRange": text} for text in texts(ranges)]
    filtered = {"isVirtualNetworkFilterEnabled": True, "virtualNetworkRules": named(subnets)}
    return cosmos.STORE, {"ipRules": rules, **filtered}, {}


def as_old_cosmos(ranges: Ranges, _: int) -> tuple[Store, Json, Lookups]:
    return cosmos.STORE, {"ipRangeFilter": ",".join(texts(ranges))}, {}


def as_kusto(ranges: Ranges, _: int) -> tuple[Store, Json, Lookups]:
    return kusto.STORE, {"allowedIpRangeList": texts(ranges)}, {}


def as_search(ranges: Ranges, _: int) -> tuple[Store, Json, Lookups]:
    rules = [{"value": text} for text in texts(ranges)]
    return search.STORE, {"networkRuleSet": {"ipRules": rules}}, {}


def as_elastic_san(_: Ranges, subnets: int) -> tuple[Store, Json, Lookups]:
    group = {"networkAcls": {"virtualNetworkRules": named(subnets)}}
    return elasticsan.STORE, {}, {elasticsan.GROUPS.name: [group]}


def as_analysis_services(ranges: Ranges, _: int) -> tuple[Store, Json, Lookups]:
    rules = [{"rangeStart": first, "rangeEnd": last} for first, last in map(ends, ranges)]
    firewall = {"firewallRules": rules, "enablePowerBIService": False}
    return analysisservices.STORE, {"ipV4FirewallSettings": firewall}, {}


def as_perimeter(ranges: Ranges, subscriptions: int) -> tuple[Store, Json, Lookups]:
    rules: list[Json] = [
        {"properties": {"direction": "Inbound", "addressPrefixes": [text]}}
        for text in texts(ranges)
    ]
    ours = {"direction": "Inbound", "subscriptions": named(subscriptions)}
    profile = {"accessRules": [*rules, {"name": "ours", "properties": ours}]}
    secured = {"publicNetworkAccess": "SecuredByPerimeter"}
    return storage.STORE, secured, {PERIMETERS: [{"profile": profile}]}


Kind = Callable[[Ranges, int], tuple[Store, Json, Lookups]]
KINDS: Sequence[Kind] = (
    as_mongo,
    as_redis,
    as_sql,
    as_storage,
    as_cosmos,
    as_old_cosmos,
    as_kusto,
    as_search,
    as_elastic_san,
    as_analysis_services,
    as_perimeter,
)
"""A store of each kind of firewall, given who is let in: address ranges, and how many subnets."""

corners = st.sampled_from([0, 1, 2**8, 2**16 - 1, 2**16, 2**24, 2**30, 2**31, 2**32 - 1])
spans = st.tuples(corners, corners).map(lambda pair: (min(pair), max(pair)))


def worst(kind: Kind, ranges: Ranges, subnets: int) -> Exposure:
    store, properties, lookups = kind(ranges, subnets)
    found = store.paths(made(store, properties, lookups))
    return Exposure.worst(path.exposure for path in found)


@pytest.mark.parametrize("kind", KINDS)
@SETTINGS
@given(ranges=st.lists(spans, min_size=1, max_size=4), more=spans, subnets=st.integers(0, 2))
def test_letting_in_more_is_never_safer(
    kind: Kind,
    ranges: list[tuple[int, int]],
    more: tuple[int, int],
    subnets: int,
) -> None:
    """One more range, or subnet, and the grade is the same or worse.

    From the first range on: of a firewall whose empty list means everybody the first one closes it.
    """
    before = worst(kind, ranges, subnets).rank
    for at in range(len(ranges) + 1):
        assert worst(kind, [*ranges[:at], more, *ranges[at:]], subnets).rank >= before
    assert worst(kind, ranges, subnets + 1).rank >= before


@pytest.mark.parametrize("kind", KINDS)
@SETTINGS
@given(ranges=st.lists(spans, min_size=1, max_size=4), data=st.data())
def test_order_and_repetition_do_not_count(
    kind: Kind,
    ranges: list[tuple[int, int]],
    data: st.DataObject,
) -> None:
    """The grade is of the set that is let in, however it is written down."""
    again = data.draw(st.permutations([*ranges, ranges[0]]))
    assert worst(kind, again, 1) is worst(kind, ranges, 1)


EMPTY_IS_OPEN = {as_redis, as_old_cosmos, as_kusto, as_search}


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_list_is_nobody_or_everybody(kind: Kind) -> None:
    """Which of the two is the provider's choice, and never something between."""
    nobody = (Exposure.PRIVATE, Exposure.LISTED)
    assert worst(kind, [], 0) in ((Exposure.OPEN_INTERNET,) if kind in EMPTY_IS_OPEN else nobody)


UNITS = ((2**12, 2**24), (2**28, 0))
"""Sixteen of the first are just a list of known clients; sixteen of the second all of IPv4."""

pairs = st.tuples(st.integers(0, 15), st.integers(0, 15)).map(lambda p: (min(p), max(p)))


@pytest.mark.parametrize(("unit", "start"), UNITS)
@SETTINGS
@given(members=st.lists(pairs, max_size=6), lone=st.integers(0, 2))
def test_ranges_are_judged_on_their_union(
    unit: int, start: int, members: list[tuple[int, int]], lone: int
) -> None:
    """As by counting addresses one unit at a time; the entries listed beside are a short list."""
    ranges = [(start + low * unit, start + (high + 1) * unit - 1) for low, high in members]
    # Addresses far away from the others, one each: the seventeenth unit's worth.
    ranges += [(2**24 - 2 - i, 2**24 - 2 - i) for i in range(lone)] if start else []
    entries = [(Addresses.parse(text), Evidence("", text, "")) for text in texts(ranges)]

    paths = list(listed(entries))

    held = {n for low, high in members for n in range(low, high + 1)}
    count = len(held) * unit + (lone if start else 0)
    open_ = Exposure.OPEN_INTERNET if count > 2**31 else Exposure.WIDE
    grade = open_ if count > WIDE else Exposure.LISTED if count else Exposure.PRIVATE
    assert Exposure.worst(path.exposure for path in paths) is grade
    assert len(paths) == len(entries)
    stay = [p.evidence.observed for p in paths if p.exposure is Exposure.LISTED]
    assert Addresses.union(map(Addresses.parse, stay)).size <= WIDE


@SETTINGS
@given(ranges=st.lists(spans, max_size=4), at=st.integers(0, 4))
def test_all_of_azure_is_seen_beside_anything(ranges: list[tuple[int, int]], at: int) -> None:
    """The entry 0.0.0.0 counts whatever stands beside it, and is no address of the internet."""
    entries = [(Addresses.parse(text), Evidence("", text, "")) for text in texts(ranges)]
    entries.insert(at, (AZURE_SERVICES, Evidence("", "azure", "")))
    azure = [path.exposure for path in listed(entries) if path.evidence.observed == "azure"]
    assert azure == [Exposure.OPEN_AZURE]


BODIES = [(case.id, case.body) for case in cases() if "properties" in case.body]
SWITCHED = [store for store in STORES.values() if store.switches]


@pytest.mark.parametrize("store", SWITCHED, ids=lambda store: str(store.type.name))
def test_switched_off_is_private(store: Store) -> None:
    """Whatever else the document says; and nothing beside it need be read to know."""
    mine = [(rid, body) for rid, body in BODIES if store.type.matches(rid)]
    assert mine
    for rid, body in mine:
        off = [Edit.of(body, switch, store.off) for switch in store.switches]
        assert store.paths(Resource(id=rid, body=edited(body, off))) == []


@pytest.mark.parametrize("store", SWITCHED, ids=lambda store: str(store.type.name))
def test_one_switch_that_is_on_leaves_it_public(store: Store) -> None:
    """Each of them alone is enough, and is named."""
    for on in store.switches:
        values = dict.fromkeys(store.switches, store.off) | {on: "Enabled"}
        edits = [Edit.of({}, switch, value) for switch, value in values.items()]
        body = edited({"properties": {}}, edits)
        resource = Resource(id=ResourceId(f"{GROUP}/providers/{store.type.name}/x"), body=body)
        assert store.turned_on(resource) == [on]
        assert store.public(resource)
