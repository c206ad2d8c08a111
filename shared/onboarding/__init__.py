"""Taking a subscription under watch, and out of it again: what it takes, planned before it is done.

`parts` says what belongs into a subscription, as data; `Onboarding` reads what is there, writes
what lacks, and takes away what is ours. Nothing is remembered beside Azure: the names of the parts
say whose they are, so that what was begun goes on wherever it is called again.
"""

from shared.onboarding.onboarding import Fate, Onboarding, Step, Taken, Told, taken
from shared.onboarding.parts import CANARY, Deployment, Part, Place, canary_in, parts
from shared.onboarding.places import listed, place

__all__ = [
    "CANARY",
    "Deployment",
    "Fate",
    "Onboarding",
    "Part",
    "Place",
    "Step",
    "Taken",
    "Told",
    "canary_in",
    "listed",
    "parts",
    "place",
    "taken",
]
