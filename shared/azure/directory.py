"""Microsoft Graph: who is behind a principal's id. Read only, and only where it is named.

What it may not show comes as nulls, and whoever is gone is simply left out of an answer: so an
absence counts only beside an object that is known to be there, our own identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest

from shared.azure.pipeline import Pipeline
from shared.clouds import PUBLIC, AzureEnvironment
from shared.errors import Refused, Why
from shared.model import DIRECTORY_OBJECT, Resource, ResourceId, directory_object

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport

_KIND = "@odata.type"
_USER = "id,displayName,userPrincipalName,accountEnabled,userType"
_PROGRAM = "id,displayName,appId,accountEnabled,appOwnerOrganizationId,servicePrincipalType"
_DETAILS: Mapping[str, tuple[str, str]] = {
    "#microsoft.graph.user": ("users", _USER),
    "#microsoft.graph.serviceprincipal": ("servicePrincipals", _PROGRAM),
    "#microsoft.graph.group": ("groups", "id,displayName"),
}
_LONGEST_CHAIN = 1_000


class Directory:
    """Answers for ids of `shared.model.directory`, as `Arm` does for its own.

    `known` is an object id that is surely there: our own. It is asked for beside every other.
    """

    def __init__(
        self,
        credential: TokenCredential,
        now: Callable[[], datetime],
        known: str,
        *,
        endpoint: str = PUBLIC.graph,
        cloud: AzureEnvironment = PUBLIC,
        transport: HttpTransport[Any, Any] | None = None,
    ) -> None:
        self._now = now
        self._known = known.casefold()
        policy = BearerTokenCredentialPolicy(credential, f"{_audience(endpoint, cloud)}/.default")
        self._line = Pipeline(endpoint, "Microsoft Graph", policy, transport)

    def close(self) -> None:
        self._line.close()

    def get(self, resource_id: ResourceId, api_version: str | None = None) -> Resource | None:
        """The principal of an id, with its details; None where the directory has none.

        Raises:
            Transient: come again. Refused: it may not be seen, or an answer shows too little.
        """
        del api_version
        kind = self._kind(resource_id.name.casefold())
        if kind is None:
            return None
        collection, selected = _DETAILS.get(kind.casefold(), ("", ""))
        if not collection:
            return self._resource({"id": resource_id.name, _KIND: kind})
        url = f"{self._line.endpoint}/v1.0/{collection}/{resource_id.name}?$select={selected}"
        return self._resource({_KIND: kind, **self._asked(HttpRequest("GET", url))})

    def _kind(self, principal: str) -> str | None:
        """What an id names, by Graph's word; None where it names nobody."""
        url = f"{self._line.endpoint}/v1.0/directoryObjects/getByIds"
        asked = list(dict.fromkeys((principal, self._known)))
        body = self._asked(HttpRequest("POST", url, json={"ids": asked}))
        kinds = {str(one.get("id")).casefold(): str(one.get(_KIND)) for one in _values(body)}
        if self._known not in kinds:
            raise Refused(
                "Microsoft Graph does not show our own identity: its answers cannot be relied on",
                Why.FORBIDDEN,
            )
        return kinds.get(principal)

    def list(self, collection: str, api_version: str) -> Iterator[Resource]:
        """A group's members, members of its groups included; of users the details too.

        Raises:
            Transient: come again. Refused: they may not be seen.
        """
        del api_version
        group = ResourceId(collection).text.split("/")[-2]
        members = f"{self._line.endpoint}/v1.0/groups/{group}/transitiveMembers"
        users = f"{members}/microsoft.graph.user?$select={_USER}&$count=true&$top=999"
        known = {one["id"]: one for one in self._pages(users)}
        for one in self._pages(f"{members}?$select=id&$top=999"):
            yield self._resource({**one, **known.get(one["id"], {})})

    def _pages(self, url: str) -> Iterator[dict[str, Any]]:
        for _ in range(_LONGEST_CHAIN):
            # A cast counts members by an index of its own, which wants to be named.
            page = self._asked(HttpRequest("GET", url, headers={"ConsistencyLevel": "eventual"}))
            yield from _values(page)
            link = page.get("@odata.nextLink")
            if not link:
                return
            if not isinstance(link, str) or not self._line.leads_here(link):
                raise Refused("a page of Microsoft Graph leads to another host", Why.INVALID)
            url = link
        raise Refused("the pages of Microsoft Graph do not end", Why.INVALID)

    def _asked(self, request: HttpRequest) -> dict[str, Any]:
        response = self._line.run(request, retries=1)
        if response.status_code != 200:
            raise self._line.fault(response)
        return self._line.document(response)

    def _resource(self, shown: dict[str, Any]) -> Resource:
        named = directory_object(str(shown["id"]))
        body = {
            "id": named,
            "name": str(shown["id"]).casefold(),
            "type": DIRECTORY_OBJECT.name,
            "properties": {k: v for k, v in shown.items() if v is not None},
        }
        return Resource(id=ResourceId(named), body=body, read_at=self._now())


def _audience(endpoint: str, cloud: AzureEnvironment) -> str:
    """What a token has to be for; a tenant on this machine takes those of the cloud."""
    here = urlsplit(endpoint).hostname in ("127.0.0.1", "::1", "localhost")
    return cloud.graph if here else endpoint.rstrip("/")


def _values(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    values = page.get("value")
    if not isinstance(values, list) or not all(
        isinstance(one, dict) and isinstance(one.get("id"), str) for one in values
    ):
        raise Refused("Microsoft Graph answered without a list of objects", Why.INVALID)
    return values
