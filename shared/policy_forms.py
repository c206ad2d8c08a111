"""The forms that values of a policy are written in: text that says one thing, or is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, PlainSerializer

from shared.model import Json, ResourceId
from shared.policy_scopes import MANAGEMENT_GROUPS

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
# Five digits keep every sum of an instant and a duration inside the calendar.
_DURATION = r"([0-9]{1,5})([smhd])"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TAG = r"[^*]+\*?"
_HOUR = r"([01][0-9]|2[0-3]):[0-5][0-9]"


def _duration(value: Any) -> Any:
    if isinstance(value, str) and (found := re.fullmatch(_DURATION, value)):
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    if isinstance(value, timedelta):
        return value
    raise ValueError(
        "a duration is a number of up to five digits and one of s, m, h, d: 30m, 24h, 7d"
    )


def _window(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("a window of no length counts nothing")
    return value


def _written(pattern: str, form: str) -> BeforeValidator:
    """Only text of that form: numbers would pass as seconds since 1970."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            raise ValueError(f"it is written as {form}")
        if isinstance(value, (str, date)):
            return value
        raise ValueError(f"it is written as {form}")

    as_json = Field(pattern=f"^{pattern}$")
    return BeforeValidator(check, json_schema_input_type=Annotated[str, as_json])


def _one(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("the version of the format is 1")


def _tag(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(_TAG, value):
        return value
    raise ValueError(
        "a tag is its key, or 'key: value' in quotes; a * at the end begins more: 'hidden-link:*'"
    )


def _scope(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError("a scope is an ARM id and begins with a slash")
    if ResourceId(value) == ResourceId(MANAGEMENT_GROUPS):
        raise ValueError(f"a management group has a name: {MANAGEMENT_GROUPS}/<name>")
    return value


def _hour(value: Any) -> Any:
    # YAML takes an unquoted 22:00 for a number.
    if isinstance(value, str) and re.fullmatch(_HOUR, value):
        return time.fromisoformat(value)
    raise ValueError("a time of day is written as '22:00', in quotes")


def _zone(value: Any) -> Any:
    try:
        return ZoneInfo(value)
    except (OSError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError("a time zone is one of the IANA names: Europe/Berlin") from error


Duration = Annotated[
    timedelta,
    BeforeValidator(
        _duration, json_schema_input_type=Annotated[str, Field(pattern=f"^{_DURATION}$")]
    ),
]
Window = Annotated[
    timedelta,
    AfterValidator(_window),
    BeforeValidator(
        _duration,
        json_schema_input_type=Annotated[str, Field(pattern=f"^(?!0+[smhd]){_DURATION}$")],
    ),
]
Day = Annotated[date, _written(_DAY, "2026-12-31")]
Instant = Annotated[
    AwareDatetime,
    _written(rf"{_DAY}[T ]\S+(Z|[+-]\d\d:?\d\d)", "2026-12-31T18:00:00Z, with its time zone"),
]
Scope = Annotated[
    str, BeforeValidator(_scope, json_schema_input_type=Annotated[str, Field(pattern="^/")])
]
Tag = Annotated[
    str, BeforeValidator(_tag, json_schema_input_type=Annotated[str, Field(pattern=f"^{_TAG}$")])
]
Hour = Annotated[
    time,
    BeforeValidator(_hour, json_schema_input_type=Annotated[str, Field(pattern=f"^{_HOUR}$")]),
]
Zone = Annotated[
    ZoneInfo,
    BeforeValidator(_zone, json_schema_input_type=Annotated[str, Field(min_length=1)]),
    PlainSerializer(str),
]
Words = Annotated[str, Field(min_length=1)]
Flag = Annotated[bool, Field(strict=True)]
Version = Annotated[Literal[1], BeforeValidator(_one, json_schema_input_type=Literal[1])]


def fits(value: Json, schema: Mapping[str, Json]) -> bool:
    """Whether `value` has the form of a parameter's schema.

    Read are `type`, `items`, `minItems`, `pattern`, `minLength`, `not`.
    """
    kinds = {"array": list, "string": str, "boolean": bool, "integer": int, "object": dict}
    kind = kinds.get(str(schema.get("type")))
    if kind is not None and not isinstance(value, kind):
        return False
    if kind is int and isinstance(value, bool):
        return False
    if "not" in schema and fits(value, schema["not"]):
        return False
    if isinstance(value, list):
        enough = len(value) >= int(schema.get("minItems", 0))
        return enough and all(fits(item, schema.get("items", {})) for item in value)
    return not isinstance(value, str) or _text_fits(value, schema)


def _text_fits(value: str, schema: Mapping[str, Json]) -> bool:
    long_enough = len(value) >= int(schema.get("minLength", 0))
    return long_enough and bool(re.search(str(schema.get("pattern", "")), value))
