"""Security perimeter does not protect a data store yet: the association only learns.

Why it matters: until it is enforced, what the perimeter's rules do not let in falls back on the
store's own firewall, however wide that is.
Limits: the portal calls the mode Transition, the interface Learning or Audit; absent means that
too. A store whose own switch says `SecuredByPerimeter` obeys the rules in every mode. Says nothing
of how wide the rules are: see datastore-public-exposure.
Source: Microsoft Learn, "Transition to a network security perimeter in Azure".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.datastores import ASSOCIATION
from shared.model import Detector, Evidence, Resource, Severity, Undecided

MODE = "/properties/accessMode"


def check(association: Resource) -> Iterator[Evidence]:
    mode = seen(association).text(MODE)
    if mode not in ("", "learning", "audit", "transition", "enforced"):
        raise Undecided(f"{MODE} is {mode!r}")
    if mode != "enforced":
        yield Evidence(MODE, association.get(MODE), "Enforced")


DETECTOR = Detector(
    id="datastore-perimeter-not-enforced",
    title="Network security perimeter association only learns (transition mode)",
    resource_type=ASSOCIATION,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=check,
)
