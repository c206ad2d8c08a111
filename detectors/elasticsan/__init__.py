"""Elastic SANs: the firewall stands in each of their volume groups, and knows subnets alone."""

from collections.abc import Iterator
from dataclasses import replace

from detectors.exposure import Store, named
from shared.model import Lookup, OpenPath, Resource, ResourceType

_TYPE, _VERSION = "Microsoft.ElasticSan/elasticSans", "2024-05-01"
SAN = ResourceType(_TYPE, _VERSION)
GROUPS = Lookup(
    name="volumeGroups",
    type=ResourceType(f"{_TYPE}/volumegroups", _VERSION),
    ids=lambda san: [f"{san.id}/volumegroups"],
    many=True,
)


def ways(san: Resource) -> Iterator[OpenPath]:
    """The subnets that a volume group lets in."""
    for group in san.related(GROUPS.name):
        for path in named(group, "/properties/networkAcls/virtualNetworkRules", "id"):
            yield replace(path, evidence=replace(path.evidence, resource=group.id))


STORE = Store(type=SAN, ways=ways, lookups=(GROUPS,))
