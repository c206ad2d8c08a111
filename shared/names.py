"""What a deployment's parts are called in every subscription: by these names they are ours.

The templates of `infra/` give the same.
"""

from __future__ import annotations

import uuid
from typing import Final

APPS: Final = ("gate", "hand")
_NAMESPACE: Final = uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")
_AUTHORIZATION: Final = "providers/Microsoft.Authorization"


def guid(*of: str) -> str:
    """What `guid()` of a template answers (Microsoft Learn, "String functions for Bicep")."""
    return str(uuid.uuid5(_NAMESPACE, "-".join(of)))


def group(deployment: str) -> str:
    """Our resource group."""
    return f"rg-portcullis-{deployment}"


def topic(deployment: str) -> str:
    """The system topic, where we made it."""
    return f"portcullis-{deployment}"


def listener(deployment: str, events: str = "") -> str:
    """An event subscription; without the name of its events what all of them begin with."""
    return f"portcullis-{deployment}-{events}"


def host_storage(state: str, app: str) -> str:
    """The storage account of an app's host and code, by the name of that of the state."""
    return f"st{app}{state.removeprefix('st')}"


def canary(deployment: str) -> str:
    return f"portcullis-canary-{deployment}"


def role(scope: str, deployment: str, which: str) -> str:
    """The id of a custom role that can be assigned in `scope`; `which` is `gate`, say."""
    return f"{scope}/{_AUTHORIZATION}/roleDefinitions/{guid(scope, deployment, which)}"


def canary_role(gate: str, deployment: str) -> str:
    """The name of the role on canaries that a management group has, whichever that is."""
    return guid(gate, deployment, "canary")


def policy(deployment: str) -> str:
    """The assignment of the policy that onboards; at a management group a name has 24 letters.

    Source: Microsoft Learn, "Naming rules and restrictions for Azure resources".
    """
    return f"portcullis-{guid(deployment, 'onboarding')[:13]}"


def grant(scope: str, name: str) -> str:
    """The id of a role assignment."""
    return f"{scope}/{_AUTHORIZATION}/roleAssignments/{name}"
