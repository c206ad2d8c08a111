"""Refusals that several parts of the tenant share."""

from simulator.address import Address
from simulator.wire import Refusal


def subscription_not_found(subscription: str) -> Refusal:
    return Refusal(
        404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found."
    )


def group_not_found(group: str) -> Refusal:
    return Refusal(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def precondition_failed(address: Address, wanted: str, present: str) -> Refusal:
    return Refusal(
        412,
        "PreconditionFailed",
        "Precondition failed.",
        extra={
            "details": [
                {
                    "code": "PreconditionFailedEtagMismatch",
                    "message": f"Etag provided in if-match header {wanted} does not match etag "
                    f"{present} of resource {address.id} in NRP data store.",
                }
            ]
        },
    )
