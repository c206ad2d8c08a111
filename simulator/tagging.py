"""Tags on their own: `{resource}/providers/Microsoft.Resources/tags/default`.

Whoever may write them may write nothing else of the resource; what comes of it is an event of
its own. Source: https://learn.microsoft.com/rest/api/resources/tags (2021-04-01).
"""

from simulator.address import parse
from simulator.call import Call
from simulator.documents import Document, clone
from simulator.drafts import parse_body
from simulator.gates import Gates
from simulator.resources import Report
from simulator.state import State
from simulator.wire import Refusal, Response, answer, unknown

TAGS = "microsoft.resources/tags"
_MOST = 50


class Tagging:
    """Answers what is asked of the tags of a subscription, a group or a resource."""

    def __init__(self, state: State, gates: Gates, report: Report) -> None:
        """`report` is told of writes."""
        self._state = state
        self._gates = gates
        self._report = report

    def answer(self, call: Call) -> Response | None:
        """The answer to a request about tags, once it is authorized; None for any other."""
        if call.address.type_key != TAGS:
            return None
        if call.address.name.lower() != "default":
            raise unknown("tags by another name than default")
        tagged = parse(call.address.scope)
        document = self._state.at(tagged)
        if document is None:
            raise Refusal(404, "ResourceNotFound", f"The resource '{tagged.id}' was not found.")
        if call.method == "GET":
            return answer(200, _shown(call, document))
        if call.method != "PATCH":
            raise unknown(f"{call.method} on tags")
        self._gates.admit(call)
        after = clone(document)
        after["tags"] = _patched(document.get("tags") or {}, parse_body(call))
        if tagged.group:
            self._gates.check_policy(call, after)
        self._state.save(tagged, after)
        self._report(call, created=False, succeeded=True, at=call.now)
        return answer(200, _shown(call, after))


def _patched(held: dict[str, str], body: Document) -> dict[str, str]:
    """What is left of tags; their names are compared without case."""
    given = (body.get("properties") or {}).get("tags") or {}
    operation = str(body.get("operation", "")).lower()
    names = {name.lower() for name in given}
    kept = {name: value for name, value in held.items() if name.lower() not in names}
    if operation == "replace":
        made = dict(given)
    elif operation == "merge":
        made = {**kept, **given}
    elif operation == "delete":
        made = kept
    else:
        raise Refusal(
            400, "InvalidTagsPatchOperation", f"The operation {operation!r} is not known."
        )
    if len(made) > _MOST:
        raise Refusal(400, "InvalidTags", f"A resource has at most {_MOST} tags.")
    return made


def _shown(call: Call, document: Document) -> Document:
    return {
        "id": call.address.id,
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": {"tags": document.get("tags") or {}},
    }
