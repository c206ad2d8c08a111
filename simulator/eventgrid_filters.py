"""Which events an event subscription wants: types, subjects, advanced filters.

As Microsoft's page on event filtering has it: strings and keys are compared without case, several
values are alternatives, several filters must all hold. Filtering on arrays is not known here:
events of subscriptions hold none.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from simulator.documents import Document
from simulator.events import Event
from simulator.wire import Refusal, unknown

EVENT_TYPES = tuple(
    f"Microsoft.Resources.Resource{kind}{outcome}"
    for kind in ("Write", "Delete", "Action")
    for outcome in ("Success", "Failure", "Cancel")
)
MOST_FILTERS = 25
MOST_VALUES = 25
"""In all filters of one event subscription together."""
LONGEST_VALUE = 512

_ABSENT = object()
_ALIASES = {"source": "topic", "type": "eventtype", "time": "eventtime"}
"""What the CloudEvents schema calls the fields of the Event Grid schema."""

Test = Callable[[Any, Any], bool]

_TESTS: Mapping[str, tuple[tuple[type, ...], Test]] = {
    "stringcontains": ((str,), lambda held, wanted: wanted.lower() in held.lower()),
    "stringbeginswith": ((str,), lambda held, wanted: held.lower().startswith(wanted.lower())),
    "stringendswith": ((str,), lambda held, wanted: held.lower().endswith(wanted.lower())),
    "stringin": ((str,), lambda held, wanted: held.lower() == wanted.lower()),
    "numberin": ((int, float), operator.eq),
    "numberinrange": ((int, float), lambda held, wanted: wanted[0] <= held <= wanted[1]),
    "numberlessthan": ((int, float), operator.lt),
    "numberlessthanorequals": ((int, float), operator.le),
    "numbergreaterthan": ((int, float), operator.gt),
    "numbergreaterthanorequals": ((int, float), operator.ge),
    "boolequals": ((bool,), operator.eq),
}
_NULLS = ("isnullorundefined", "isnotnull")


def invalid(why: str) -> Refusal:
    """How the provider refuses an event subscription; `why` is in our words."""
    return Refusal(400, "InvalidRequest", f"Invalid event subscription request: {why}")


def completed(given: Mapping[str, Any]) -> Document:
    """A filter as it is stored, with what the provider fills in. Raises the refusal."""
    types = given.get("includedEventTypes") or ["All"]
    if [str(one).lower() for one in types] == ["all"]:
        types = list(EVENT_TYPES)
    known = {one.lower() for one in EVENT_TYPES}
    strangers = [one for one in types if str(one).lower() not in known]
    if strangers:
        raise invalid(f"the topic has no event type {strangers[0]}.")
    if given.get("enableAdvancedFilteringOnArrays"):
        raise unknown("advanced filtering on arrays")
    _check_advanced(given.get("advancedFilters") or [])
    blank = {"subjectBeginsWith": "", "subjectEndsWith": "", "isSubjectCaseSensitive": False}
    return {**blank, **given, "includedEventTypes": list(types)}


def wants(filters: Mapping[str, Any], event: Event) -> bool:
    """Whether an event, in the Event Grid schema, passes."""
    types = filters.get("includedEventTypes") or EVENT_TYPES
    if str(event["eventType"]).lower() not in {str(one).lower() for one in types}:
        return False
    fold = str if filters.get("isSubjectCaseSensitive") else str.lower
    subject = fold(event["subject"])
    if not subject.startswith(fold(filters.get("subjectBeginsWith") or "")):
        return False
    if not subject.endswith(fold(filters.get("subjectEndsWith") or "")):
        return False
    return all(_holds(one, event) for one in filters.get("advancedFilters") or [])


def _check_advanced(filters: list[Mapping[str, Any]]) -> None:
    if len(filters) > MOST_FILTERS:
        raise invalid(f"at most {MOST_FILTERS} advanced filters are allowed.")
    for one in filters:
        if not one.get("key"):
            raise invalid("an advanced filter has no key.")
        if _operator(one)[0] not in {*_TESTS, *_NULLS}:
            raise unknown(f"the filter operator {one.get('operatorType')!r}")
    values = [value for one in filters for value in _values(one)]
    if len(values) > MOST_VALUES:
        raise invalid(f"at most {MOST_VALUES} values of advanced filters are allowed.")
    if any(isinstance(value, str) and len(value) > LONGEST_VALUE for value in values):
        raise invalid(f"a value of an advanced filter is longer than {LONGEST_VALUE} characters.")


def _values(one: Mapping[str, Any]) -> list[Any]:
    return [one["value"]] if "value" in one else list(one.get("values") or [])


def _operator(one: Mapping[str, Any]) -> tuple[str, bool]:
    """The name in lower case and without its `Not`, and whether it had one."""
    name = str(one.get("operatorType", "")).lower()
    plain = name.replace("stringnot", "string").replace("numbernot", "number")
    return plain, plain != name


def _holds(one: Mapping[str, Any], event: Event) -> bool:
    name, negated = _operator(one)
    held = _field(event, str(one["key"]))
    missing = held is _ABSENT or held is None
    if name in _NULLS:
        return missing is (name == _NULLS[0])
    if missing:
        # Of the operators with a Not, only these are taken as matched where the key is not there.
        return negated and name in {"stringin", "numberin"}
    kinds, test = _TESTS[name]
    matched = type(held) in kinds and any(test(held, value) for value in _values(one))
    return matched is not negated


def _field(event: Event, key: str) -> Any:
    """What is at a dotted key, whatever its case; `_ABSENT` where a step is missing."""
    first, *steps = key.lower().split(".")
    held: Any = event
    for step in (_ALIASES.get(first, first), *steps):
        if not isinstance(held, Mapping):
            return _ABSENT
        held = {str(name).lower(): value for name, value in held.items()}.get(step, _ABSENT)
    return held
