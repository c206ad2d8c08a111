"""What a handler is given: the desk, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from console.desk import Desk
from console.entrance import Person, Role, Shut


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk()
    return desk


Desked = Annotated[Desk, Depends(_desk)]


def person_of(request: Request) -> Person:
    """Who asks; the entrance has made sure of it."""
    person: Person = request.state.person
    return person


def may(role: Role) -> Callable[[Request], Person]:
    """The person, who must have this role.

    Raises:
        Shut: they have not.
    """

    def checked(request: Request) -> Person:
        person = person_of(request)
        if role not in person.roles:
            raise Shut(403, f"This needs the role {role}; you have {_roles(person)}.")
        return person

    return checked


Approver = Annotated[Person, Depends(may(Role.APPROVER))]
"""Somebody who may approve and reject."""
Operator = Annotated[Person, Depends(may(Role.OPERATOR))]
"""Somebody who may undo, stop and resume."""


def _roles(person: Person) -> str:
    return ", ".join(sorted(person.roles)) or "none"
