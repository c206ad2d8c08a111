"""Checks whether a deployment is set up right, each by itself, and says what mends it.

A check is a function of the `Patient`. Nothing is changed but this: a row of state is written and
removed, and a record `doctor` is sent to the log.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from shared.doctor.granted import Granted
from shared.errors import PortcullisError, Refused
from shared.model import Control, ResourceId
from shared.observing import SUBSCRIPTION
from shared.outbox import Sink
from shared.settings import App, Settings

if TYPE_CHECKING:
    from shared.azure.arm import Arm
    from shared.cloud import Reader
    from shared.hierarchy import Hierarchy
    from shared.observing import Observer
    from shared.policy import Policy
    from shared.state import State
    from shared.vital_signs import VitalSigns


class Is(enum.StrEnum):
    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Found:
    """What a check says of a subject; `mend` is what to run or to do, empty where nothing is."""

    subject: str
    state: Is
    message: str
    mend: str = ""


def ok(subject: str, message: str) -> Found:
    return Found(subject, Is.OK, message)


def wrong(subject: str, message: str, mend: str) -> Found:
    return Found(subject, Is.WRONG, message, mend)


def unknown(subject: str, message: str, mend: str = "") -> Found:
    return Found(subject, Is.UNKNOWN, message, mend)


@dataclass(frozen=True, slots=True)
class Told:
    """A line of the report."""

    check: str
    found: Found

    def to_json(self) -> dict[str, str]:
        one = self.found
        return {
            "check": self.check,
            "subject": one.subject,
            "state": one.state.value,
            "message": one.message,
            "mend": one.mend,
        }


@dataclass(kw_only=True)
class Patient:
    """What is looked at. `environment` is that of this process.

    `apps` are the object ids of gate and hand, in lower case, as far as is known which is whose;
    `rights_above` says that both have theirs from a management group.
    """

    settings: Settings
    environment: Mapping[str, str]
    state: State
    policy: Policy
    controls: Mapping[str, Control]
    arm: Arm
    observer: Observer
    hierarchy: Hierarchy
    directory: Reader | None
    sinks: Sequence[Sink]
    signs: Callable[[], VitalSigns]
    apps: Mapping[App, str] = field(default_factory=dict)
    rights_above: bool = False
    _held: dict[ResourceId, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    @cached_property
    def subscriptions(self) -> dict[ResourceId, bool]:
        """Every subscription that is to be watched, and whether ARM shows it.

        Raises:
            Transient: come again. Refused: not even the list of subscriptions can be read.
        """
        visible = {one.id.name.casefold() for one in self.arm.list("/subscriptions", _LISTED_WITH)}
        expected = set(self.policy.subscriptions)
        for name in self.policy.groups:
            # That a group cannot be listed is said of the policy.
            with suppress(Refused):
                expected |= self.hierarchy.below(name).subscriptions
        ids = {one: ResourceId(f"/subscriptions/{one}") for one in sorted(visible | expected)}
        return {
            scope: name in visible
            for name, scope in ids.items()
            if name in self.policy.subscriptions or self.policy.watches(scope)
        }

    @property
    def watched(self) -> list[ResourceId]:
        """Those that ARM shows."""
        return [scope for scope, shown in self.subscriptions.items() if shown]

    def permissions(self, scope: ResourceId) -> Sequence[Mapping[str, Any]]:
        """What who asks may do at a scope, as `Arm.permissions` tells it; asked once."""
        if scope not in self._held:
            self._held[scope] = self.arm.permissions(scope)
        return self._held[scope]

    @cached_property
    def granted(self) -> Granted:
        """What others are granted, as far as who asks may see it."""
        return Granted(self.arm)

    @cached_property
    def vital(self) -> VitalSigns:
        """The gate's vital signs, taken once."""
        return self.signs()

    @cached_property
    def principal(self) -> str:
        """The object id that our tokens are for, empty where they do not say."""
        return self.arm.principal()

    @property
    def who(self) -> str:
        """The same for a command that a person runs, who fills in what cannot be told."""
        try:
            return self.principal or _SOMEBODY
        except PortcullisError:
            return _SOMEBODY

    @property
    def is_somebody_else(self) -> bool:
        """Whether who asks is not the identity that the app runs under."""
        ours = {one.casefold() for one in self.settings.identities}
        apart = self.settings.app is not App.ALL
        return apart and bool(ours) and self.principal not in ours


_SOMEBODY = "<object id>"
_LISTED_WITH = SUBSCRIPTION.api_version
Check = Callable[[Patient], Iterable[Found]]


def examined(patient: Patient, checks: Mapping[str, Check]) -> Iterator[Told]:
    """What each check says, in order; what one cannot tell holds up no other."""
    for name, check in checks.items():
        for found in _safely(check, patient):
            yield Told(name, found)


def _safely(check: Check, patient: Patient) -> Iterator[Found]:
    try:
        yield from check(patient)
    except PortcullisError as error:
        yield unknown("", str(error))
    except Exception as error:  # noqa: BLE001  one that breaks must not hide what others see
        yield unknown("", f"{type(error).__name__}: {' '.join(str(error).split())}")


_T = TypeVar("_T")


def of_each(subjects: Iterable[_T], look: Callable[[_T], Iterable[Found]]) -> Iterator[Found]:
    """What is said of each subject, whatever cannot be told of another."""
    for one in subjects:
        try:
            yield from look(one)
        except PortcullisError as error:
            yield unknown(str(one), str(error))


def worst(told: Iterable[Told]) -> Is:
    """What all of it comes to."""
    states = {one.found.state for one in told}
    return next((one for one in (Is.WRONG, Is.UNKNOWN) if one in states), Is.OK)
