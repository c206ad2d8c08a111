"""The document that a write would leave behind, drawn up from what the client sent."""

import json
from collections.abc import Mapping
from typing import Any

from simulator.address import Address
from simulator.call import Call
from simulator.documents import Document, clone, dig, drop, fill, merge, put, without_nulls
from simulator.state import State
from simulator.types import ResourceType
from simulator.wire import Refusal

_TYPED_SINCE = "2018-06-01"
_OWN_KEYS = ("id", "name", "type", "etag", "systemData")


def replacement(
    call: Call, state: State, row: ResourceType, body: Document, before: Document | None
) -> Document:
    """What a PUT leaves: the body, what only the provider may set, and its defaults."""
    address = call.address
    # Providers deserialise a null to "not given".
    given = without_nulls({k: v for k, v in body.items() if k not in _OWN_KEYS})
    for path in (*row.read_only, *row.secrets):
        drop(given, path)
    _check_location(row, address, given, before)
    kept = before or {}
    after: Document = {
        "id": kept.get("id", address.id),
        "name": kept.get("name", address.name),
        "type": kept.get("type", row.name or address.type),
        **given,
    }
    for path in row.read_only:
        value = dig(kept, path)
        if value is not None:
            put(after, path, clone(value))
    _compute(call, state, row, after)
    give_identity(state, after, kept)
    version = call.target.api_version
    fill(after, filled_in(row, row.defaults, version))
    if before is None:
        fill(after, filled_in(row, row.initial, version))
    else:
        _keep(after, before, row.initial)
    return after


def filled_in(row: ResourceType, defaults: Mapping[str, Any], version: str) -> Document:
    """What of a row's defaults the provider fills in at an api-version."""
    known: Document = clone(defaults)
    for path in row.versions:
        if not _knows(row, path, version):
            drop(known, path)
    return known


def _knows(row: ResourceType, path: str, version: str) -> bool:
    first, last = row.versions.get(path, ("", ""))
    return first <= version and (not last or version <= last)


def give_identity(state: State, after: Document, before: Document) -> None:
    """A system-assigned identity has a principal in the tenant, the same for life."""
    identity = after.get("identity")
    if isinstance(identity, dict) and "systemassigned" in str(identity.get("type")).lower():
        held = dig(before, "identity.principalId")
        identity["principalId"] = held or state.guid()
        identity["tenantId"] = state.tenant_id


def _keep(after: Document, before: Document, initial: Mapping[str, Any]) -> None:
    """What only creation fills in stays as it was where a PUT does not say it."""
    for name, value in initial.items():
        held = before.get(name)
        if isinstance(value, dict) and isinstance(held, dict):
            _keep(after.setdefault(name, {}), held, value)
        elif held is not None:
            after.setdefault(name, clone(held))


def _compute(call: Call, state: State, row: ResourceType, after: Document) -> None:
    for path, template in row.computed.items():
        if dig(after, path) is None and _knows(row, path, call.target.api_version):
            text = template.format(
                name=call.address.name,
                guid=state.guid(),
                now=call.now.isoformat().replace("+00:00", "Z"),
                location=after.get("location", ""),
                sku=dig(after, "sku.name", ""),
            )
            put(after, path, text)


def stamp(state: State, row: ResourceType, document: Document, provisioning: str) -> None:
    """Move the etag of a document and of everything embedded in it, in place.

    `provisioning` is the embedded objects' new state; empty keeps theirs.
    """
    if not row.etag:
        return
    etag = f'W/"{state.guid()}"' if row.etag == "weak" else f'"{state.number()}"'
    document["etag"] = etag
    for embedded in row.embedded:
        for item in dig(document, f"properties.{embedded.path}", None) or []:
            item["etag"] = etag
            if provisioning:
                put(item, "properties.provisioningState", provisioning)


def complete_embedded(document: Document, row: ResourceType) -> None:
    """Give embedded objects the defaults that the provider gives them."""
    for embedded in row.embedded:
        for item in dig(document, f"properties.{embedded.path}", None) or []:
            fill(item, embedded.defaults)


def describe_embedded(
    document: Document, row: ResourceType, version: str, *, keep: bool = False
) -> None:
    """Give embedded objects the id and type that the provider gives them at an api-version.

    With `keep` only those that have none: recorded documents are taken as they are.
    """
    typed = version >= _TYPED_SINCE
    for embedded in row.embedded:
        for item in dig(document, f"properties.{embedded.path}", None) or []:
            own = {"id": f"{document['id']}/{embedded.path}/{item.get('name')}"}
            own |= {"type": embedded.type} if typed else {}
            item.update({k: v for k, v in own.items() if not (keep and item.get(k))})


def patched(row: ResourceType, body: Document, before: Document) -> Document:
    if row.patch == "tags":
        strangers = [name for name in body if name not in {"tags", *_OWN_KEYS}]
        if strangers:
            raise Refusal(
                400,
                "InvalidRequestContent",
                f"The request content was invalid and could not be deserialized: 'Could not find "
                f"member '{strangers[0]}' on object of type 'TagsObject'.'",
            )
    given = {name: value for name, value in body.items() if name not in _OWN_KEYS}
    for path in (*row.read_only, *row.secrets):
        if dig(given, path) is not None:
            given = clone(given)
            drop(given, path)
    after: Document = merge(before, given, whole=row.whole | {"tags"})
    return clone(after)  # type: ignore[no-any-return]


def _check_location(
    row: ResourceType, address: Address, given: Document, before: Document | None
) -> None:
    if before is None:
        if row.located and not given.get("location"):
            raise Refusal(
                400, "LocationRequired", "The location property is required for this definition."
            )
        return
    held = before.get("location")
    if held is None:
        return
    asked = given.setdefault("location", held)
    if _normal(asked) != _normal(held):
        raise Refusal(
            409,
            "InvalidResourceLocation",
            f"The resource '{address.name}' already exists in location '{held}' in resource group "
            f"'{address.group}'. A resource with the same name cannot be created in location "
            f"'{asked}'. Please select a new resource name.",
        )
    given["location"] = held


def _normal(location: Any) -> str:
    return str(location).replace(" ", "").lower()


def parse_body(call: Call) -> Document:
    """The JSON object that a client sent. Raises the refusal for anything else."""
    try:
        body = json.loads(call.request.body or b"null")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(
            400,
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: a JSON object is "
            "expected.",
        )
    return body
