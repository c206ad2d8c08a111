"""Microsoft Graph v1.0, as far as a guard of role assignments asks it: who is behind an object id.

Told by its host, or by paths below `/v1.0` on any other. Strict where Graph is: `accountEnabled`
and `userType` come only with `$select`; whoever is gone is left out of `getByIds`, and a 404 by id;
members that the caller may not read come with their id and nulls; `members` leaves out service
principals (a known issue of v1.0, which `transitiveMembers` and a cast do not have). What an
identity may read is what `allow` gave it, nothing at first.
"""

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from simulator.call import Identity
from simulator.directory_query import (
    COLLECTIONS,
    ROOT,
    Question,
    bad_request,
    cast,
    denied,
    ids_of,
    kinds_of,
    not_found,
    object_id,
    told,
)
from simulator.documents import Document
from simulator.principals import PROPERTIES, Kind, Principal, Principals
from simulator.wire import Refusal, Request, Response, Target, answer, encode, locate, unknown

HOST = "graph.microsoft.com"
_STEPS = 20
_READ_BY: dict[Kind, set[str]] = {
    "user": {"User.Read.All", "Directory.Read.All"},
    "group": {"GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"},
    "servicePrincipal": {"Application.Read.All", "Directory.Read.All"},
}
_KINDS: dict[str, Kind] = {name.lower(): kind for kind, name in COLLECTIONS.items()}


def is_directory(target: Target) -> bool:
    """Whether a request is meant for Microsoft Graph; no path of ARM begins with a version."""
    return urlsplit(target.base).hostname == HOST or f"{target.path}/".startswith(f"{ROOT}/")


class Directory:
    """Answers for the tenant's principals."""

    def __init__(self, principals: Principals) -> None:
        """Answer from `principals`."""
        self._principals = principals
        self._allowed: dict[str, set[str]] = {}

    def allow(self, identity: Identity, *permissions: str) -> None:
        """Consent to application permissions. Raises ValueError for one that is not known here."""
        known = set[str]().union(*_READ_BY.values())
        for permission in permissions:
            if permission not in known:
                raise ValueError(f"{permission}: the simulated directory knows {sorted(known)}")
        self._allowed.setdefault(identity.object_id.lower(), set()).update(permissions)

    def answer(self, question: Question) -> Response:
        """Answer one request. Raises the refusal, which `told` puts into Graph's words."""
        path, method = question.target.path, question.request.method
        if f"{path}/".startswith(f"{ROOT}/"):
            match method, [segment.lower() for segment in question.segments]:
                case "GET", [("users" | "groups" | "serviceprincipals") as collection, _]:
                    return self._one(question, _KINDS[collection])
                case "GET", ["groups", _, "members" | "transitivemembers"]:
                    return self._members(question, None)
                case "GET", ["groups", _, "members" | "transitivemembers", kind]:
                    return self._members(question, cast(question, kind))
                case "POST", ["directoryobjects", "getbyids"]:
                    return self._by_ids(question)
                case "POST", ["$batch"]:
                    return self._batch(question)
        raise unknown(f"{method} {path} of Microsoft Graph")

    def _one(self, question: Question, kind: Kind) -> Response:
        question.allow_options({"$select"})
        self._require(question, kind)
        name = question.segments[1]
        found = self._principals.user(name) if kind == "user" else None
        if found is None:
            found = self._principals.find(name if kind == "user" else object_id(name))
        if found is None or found.kind != kind:
            raise not_found(name)
        question.check_selected(PROPERTIES[kind])
        context = question.context(COLLECTIONS[kind])
        return answer(200, {"@odata.context": f"{context}/$entity", **question.shown(found)})

    def _members(self, question: Question, kept: Kind | None) -> Response:
        """One page of members; of a single kind where the path has a cast."""
        question.allow_options({"$select", "$top", "$skiptoken", "$count"})
        self._require(question, "group")
        _, name, relation, *_ = question.segments
        group = self._principals.find(object_id(name))
        if group is None or group.kind != "group":
            raise not_found(name)
        nested = relation.lower() != "members"
        found = self._declared(self._principals.members(group.id, nested=nested))
        if kept is not None:
            found = [one for one in found if one.kind == kept]
        elif not nested:
            found = [one for one in found if one.kind != "servicePrincipal"]
        return self._page(question, found, kept)

    def _declared(self, keys: Iterable[str]) -> list[Principal]:
        found: list[Principal] = []
        for key in keys:
            principal = self._principals.find(key)
            if principal is None:
                raise unknown(f"what the member {key} is: it was never declared")
            found.append(principal)
        return found

    def _page(self, question: Question, found: list[Principal], kept: Kind | None) -> Response:
        top, after = question.top, question.after
        rest = [one for one in found if one.id.lower() > after]
        page = rest[:top]
        what = COLLECTIONS[kept] if kept else "directoryObjects"
        body: Document = {"@odata.context": question.context(what)}
        if question.target.query.get("$count") == "true":
            body["@odata.count"] = len(found)
        if len(rest) > top:
            body["@odata.nextLink"] = question.next_link(page[-1].id.lower())
        body["value"] = self._items(question, page, typed=kept is None)
        return answer(200, body)

    def _by_ids(self, question: Question) -> Response:
        extra = [option for option in question.target.query if option != "$select"]
        if extra:
            raise bad_request(
                "The following query options are not supported by this request method or cannot "
                f"be applied to the requested resource: {','.join(extra)}"
            )
        if not self._allowed.get(question.identity.object_id.lower()):
            raise denied()
        body = question.body
        ids, kinds = ids_of(body), kinds_of(body)
        sought = (self._principals.find(one) for one in ids)
        found = [one for one in sought if one is not None and one.kind in kinds]
        context = question.context("directoryObjects")
        items = self._items(question, found, typed=True)
        return answer(200, {"@odata.context": context, "value": items})

    def _batch(self, question: Question) -> Response:
        steps = question.body.get("requests")
        if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
            raise bad_request("The batch has no requests.")
        if len(steps) > _STEPS:
            raise bad_request(f"Number of batch request steps exceeds the max value of {_STEPS}.")
        if len({step.get("id") for step in steps}) < len(steps):
            raise bad_request("The ids of a batch's requests must be unique.")
        return answer(200, {"responses": [self._step(question, step) for step in steps]})

    def _step(self, question: Question, step: Document) -> Document:
        if "dependsOn" in step:
            raise unknown("dependsOn in a batch")
        url = f"{question.target.base}{ROOT}/{str(step.get('url')).lstrip('/')}"
        body = encode(step["body"]) if "body" in step else b""
        sent = Request(str(step.get("method")).upper(), url, step.get("headers") or {}, body)
        inner = replace(question, request=sent, target=locate(url))
        try:
            if inner.segments == ["$batch"]:
                raise bad_request("A batch holds no batches.")
            response = self.answer(inner)
        except Refusal as refusal:
            response = told(refusal, sent, question.request_id, question.now)
        return {
            "id": step.get("id"),
            "status": response.status,
            "headers": {"Content-Type": "application/json"},
            "body": response.json(),
        }

    def _items(
        self, question: Question, principals: list[Principal], *, typed: bool
    ) -> list[Document]:
        """Objects as they stand in a list: what may not be read is null, but for its id."""
        question.check_selected(frozenset[str]().union(*PROPERTIES.values()))
        items: list[Document] = []
        for one in principals:
            shown = question.shown(one)
            if not self._reads(question.identity, one.kind):
                shown = {name: v if name == "id" else None for name, v in shown.items()}
            kind = {"@odata.type": f"#microsoft.graph.{one.kind}"} if typed else {}
            items.append({**kind, **shown})
        return items

    def _require(self, question: Question, kind: Kind) -> None:
        if not self._reads(question.identity, kind):
            raise denied()

    def _reads(self, identity: Identity, kind: Kind) -> bool:
        allowed = self._allowed.get(identity.object_id.lower(), set())
        return not allowed.isdisjoint(_READ_BY[kind])
