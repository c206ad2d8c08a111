"""The documents of what is made in a subscription, as Azure wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

CATEGORIES: Final = ("Administrative", "Security", "Alert", "Policy")
"""What of the activity log is sent to the workspace (CIS Azure Foundations, 6.1.1)."""
TOPIC_TYPE: Final = "Microsoft.Resources.Subscriptions"


def role(name: str, description: str, actions: Sequence[str], scope: str) -> dict[str, Any]:
    """A custom role of `actions` alone, that can be assigned in `scope`."""
    blocks = {"actions": list(actions), "notActions": [], "dataActions": [], "notDataActions": []}
    return {
        "properties": {
            "roleName": name,
            "description": description,
            "type": "CustomRole",
            "permissions": [blocks],
            "assignableScopes": [scope],
        }
    }


def topic(environment: str, subscription: str) -> dict[str, Any]:
    """The system topic of a subscription, which delivers as itself."""
    return {
        "location": "global",
        "tags": {"azd-env-name": environment},
        "identity": {"type": "SystemAssigned"},
        "properties": {"source": subscription, "topicType": TOPIC_TYPE},
    }


def listener(
    filtered: Mapping[str, Any], account: str, queue: str, container: str
) -> dict[str, Any]:
    """An event subscription: `filtered` events into the queue, what fails into the container."""
    identity = {"type": "SystemAssigned"}
    return {
        "properties": {
            "eventDeliverySchema": "EventGridSchema",
            "filter": dict(filtered),
            "retryPolicy": {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440},
            "deliveryWithResourceIdentity": {
                "identity": identity,
                "destination": {
                    "endpointType": "StorageQueue",
                    "properties": {
                        "resourceId": account,
                        "queueName": queue,
                        "queueMessageTimeToLiveInSeconds": 604800,
                    },
                },
            },
            "deadLetterWithResourceIdentity": {
                "identity": identity,
                "deadLetterDestination": {
                    "endpointType": "StorageBlob",
                    "properties": {"resourceId": account, "blobContainerName": container},
                },
            },
        }
    }


def canary(location: str, environment: str) -> dict[str, Any]:
    """A template spec without a version."""
    return {
        "location": location,
        "tags": {"azd-env-name": environment},
        "properties": {
            "displayName": "Portcullis canary",
            "description": "Its tag is changed to see whether events arrive. It deploys nothing.",
        },
    }


def activity_log(workspace: str) -> dict[str, Any]:
    """A diagnostic setting of a subscription."""
    logs = [{"category": one, "enabled": True} for one in CATEGORIES]
    return {"properties": {"workspaceId": workspace, "logs": logs}}


def contact(mail: str) -> dict[str, Any]:
    """Whom Defender for Cloud tells of alerts of high severity, beside the owners."""
    return {
        "properties": {
            "emails": mail,
            "isEnabled": True,
            "notificationsByRole": {"state": "On", "roles": ["Owner"]},
            "notificationsSources": [{"sourceType": "Alert", "minimalSeverity": "High"}],
        }
    }
