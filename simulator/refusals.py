"""Refusals that several parts of the tenant share."""

import re

from simulator.address import Address
from simulator.wire import Refusal, Target

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview|-alpha|-beta|-privatepreview)?", re.IGNORECASE)


def subscription_not_found(subscription: str) -> Refusal:
    return Refusal(
        404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found."
    )


def group_not_found(group: str) -> Refusal:
    return Refusal(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def precondition_failed(address: Address, wanted: str, present: str) -> Refusal:
    mismatch = f"Etag provided in if-match header {wanted} does not match etag {present}"
    if address.namespace.lower() != "microsoft.network":
        return Refusal(412, "PreconditionFailed", f"{mismatch} of resource.")
    return Refusal(
        412,
        "PreconditionFailed",
        "Precondition failed.",
        extra={
            "details": [
                {
                    "code": "PreconditionFailedEtagMismatch",
                    "message": f"{mismatch} of resource {address.id} in NRP data store.",
                }
            ]
        },
    )


def check_version(target: Target) -> None:
    """Refuse what names no api-version, or none of the form that they have."""
    if not target.api_version:
        raise Refusal(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if not _VERSION.fullmatch(target.api_version):
        raise Refusal(
            400,
            "InvalidApiVersionParameter",
            f"The api-version '{target.api_version}' is invalid. The supported versions are "
            "dates such as '2024-01-01', optionally followed by '-preview'.",
        )
