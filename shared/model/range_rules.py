"""Firewalls of database servers: child rules, each from a first address to a last one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from shared.model.addresses import Addresses
from shared.model.plan import Change, Verb
from shared.model.resource import Resource, ResourceId, ResourceType, Undecided
from shared.model.rules import Finding, Lookup


@dataclass(frozen=True, slots=True)
class RangeRules:
    """How the rules of one type of server are written, and where they are read."""

    type: ResourceType
    first: str = "startIpAddress"
    last: str = "endIpAddress"

    @property
    def name(self) -> str:
        """The collection below the server, which names the lookup too."""
        return self.type.name.rpartition("/")[2]

    @property
    def lookup(self) -> Lookup:
        return Lookup(
            name=self.name,
            type=self.type,
            ids=lambda server: [f"{server.id}/{self.name}"],
            many=True,
        )

    def of(self, server: Resource) -> list[tuple[Resource, Addresses]]:
        """The server's rules, each with the addresses it names.

        Raises:
            NeedsLookup: they were not read yet.
            Undecided: they could not be, or one holds no range.
        """
        found = server.related(self.name)
        return [(rule, Addresses.parse(self.shown(rule))) for rule in found]

    def shown(self, rule: Resource) -> str:
        first, last = (rule.get(f"/properties/{end}") for end in (self.first, self.last))
        return f"{first}-{last}"

    def letting_in(
        self, finding: Finding, wanted: Iterable[Addresses], covered: Addresses
    ) -> list[Change]:
        """A new rule for each of the wanted ranges that `covered` does not hold.

        Raises:
            Undecided: a rule of its name lets others in already.
        """
        taken = {rule.id for rule in finding.resource.related(self.name)}
        changes: list[Change] = []
        for one in wanted:
            if covered.covers(one):
                continue
            covered |= one
            first, last = (str(IPv4Address(number)) for number in one.v4.spans[0])
            # Not every service takes a dot or a hyphen in the name.
            name = f"portcullis_{first}_{last}".replace(".", "_")
            rule = finding.resource.id.child(f"{self.name}/{name}")
            if rule in taken:
                raise Undecided(f"there is a rule {name} with other addresses already")
            changes.append(self._change(Verb.CREATE, rule, {self.first: first, self.last: last}))
        return changes

    def without(self, rules: Iterable[Resource]) -> list[Change]:
        """The deletion of each of the rules; undo makes it again."""
        ends = (self.first, self.last)
        return [
            self._change(Verb.DELETE, rule.id, {end: rule.body["properties"][end] for end in ends})
            for rule in rules
        ]

    def _change(self, verb: Verb, rule: ResourceId, ends: dict[str, str]) -> Change:
        return Change(
            verb=verb,
            target=rule,
            api_version=self.type.api_version,
            document={"properties": ends},
        )
