"""Kusto's values: how it converts, compares and orders them. Null is None; strings are never null.

Comparing with a null is null, except that null and a value are known to differ. A condition that
is null lets nothing through.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from simulator.wire import encode

Type = Literal["string", "dynamic", "bool", "long", "real", "datetime", "timespan"]

_NUMBERS = {"long", "real"}
_MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,6})\d*)?)?"
    r"\s*(Z|[+-]\d{2}:\d{2})?",
    re.IGNORECASE,
)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(d|h|ms|m|s)")
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def text(value: Any) -> str:
    """`tostring`: null is empty, objects and lists are JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return shown(value)  # type: ignore[no-any-return]
    return encode(value).decode() if isinstance(value, dict | list) else str(value)


def moment(value: Any) -> datetime | None:
    """`todatetime`: a time without an offset is UTC; what is none is null."""
    if isinstance(value, datetime):
        return value
    found = _MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    day, hour, fraction, offset = found.groups()
    stamp = f"{day}T{hour or '00:00'}" + (":00" if len(hour or "00:00") < 6 else "")
    try:
        known = datetime.fromisoformat(f"{stamp}.{(fraction or '0').ljust(6, '0')}{offset or 'Z'}")
    except ValueError:
        return None
    return known.astimezone(UTC)


def span(literal: str) -> timedelta | None:
    """A timespan literal such as `1d`, `2.5h`, `30m`, `10s`, `100ms`; None for what is none."""
    found = _SPAN.fullmatch(literal)
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]]) if found else None


def whole(value: Any) -> int | None:
    """`tolong`."""
    if isinstance(value, bool | int | float):
        return int(value)
    return int(value) if isinstance(value, str) and re.fullmatch(r"\s*-?\d+\s*", value) else None


def truth(value: Any) -> bool | None:
    """`tobool`."""
    if isinstance(value, bool | int | float):
        return bool(value)
    return {"true": True, "1": True, "false": False, "0": False}.get(text(value).strip().lower())


def shown(value: Any) -> Any:
    """A value as JSON carries it in an answer."""
    if isinstance(value, datetime):
        stamp = value.strftime("%Y-%m-%dT%H:%M:%S")
        fraction = f".{value.microsecond:06d}".rstrip("0") if value.microsecond else ""
        return f"{stamp}{fraction}Z"
    if isinstance(value, timedelta):
        hours, rest = divmod(int(value.total_seconds()) % 86400, 3600)
        days = f"{value.days}." if value.days else ""
        return f"{days}{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
    return value


def equatable(left: Type, right: Type) -> bool:
    """Whether `==` is defined; Kusto knows some more, and wants casts for the rest."""
    sides = {left, right}
    if len(sides) == 1 or sides <= _NUMBERS:
        return True
    return "dynamic" in sides and sides <= {"dynamic", "string", "bool", "long", "real"}


def orderable(left: Type, right: Type) -> bool:
    """Whether `<` is defined: not for strings, nor for a dynamic beside a datetime."""
    sides = {left, right}
    if sides <= _NUMBERS | {"dynamic"}:
        return True
    return sides in ({"datetime"}, {"timespan"})


def equal(left: Any, right: Any) -> bool | None:
    if left is None and right is None:
        return None
    return _same_sort(left, right) and bool(left == right)


def unequal(left: Any, right: Any) -> bool | None:
    found = equal(left, right)
    return None if found is None else not found


def ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | None]:
    """`<` and its kin: null where either side is, or where a dynamic holds no number."""

    def compare(left: Any, right: Any) -> bool | None:
        usable = all(
            isinstance(one, int | float | datetime | timedelta) and not isinstance(one, bool)
            for one in (left, right)
        )
        return test(left, right) if usable else None

    return compare


def both(left: bool | None, right: bool | None) -> bool | None:  # noqa: FBT001 - a value
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: bool | None, right: bool | None) -> bool | None:  # noqa: FBT001 - a value
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def _same_sort(left: Any, right: Any) -> bool:
    """Python takes 1 and true for equal, and Kusto does not."""
    return isinstance(left, bool) is isinstance(right, bool)
