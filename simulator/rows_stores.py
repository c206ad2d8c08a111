"""Managed Redis, Elastic SAN, FHIR services, Purview."""

from simulator.types import Long, ResourceType

_SLOW = Long(style="location", status=202, seconds=30, retry_after=10)
_GONE = Long(style="location", status=202, seconds=30, body="none", retry_after=10)
_ENDPOINTS = "properties.privateEndpointConnections"

ROWS = (
    ResourceType(
        "Microsoft.Cache/redisEnterprise",
        api_version="2025-07-01",
        read_only=("properties.provisioningState", "properties.hostName", _ENDPOINTS),
        create=Long(status=201, seconds=60, state="Creating", retry_after=30),
        update=Long(status=200, seconds=30, retry_after=30),
        patched=Long(status=202, seconds=30, retry_after=30),
        delete=Long(status=202, seconds=60, body="none", retry_after=30),
    ),
    ResourceType(
        "Microsoft.ElasticSan/elasticSans",
        api_version="2024-05-01",
        read_only=("properties.provisioningState", "properties.volumeGroupCount", _ENDPOINTS),
        create=_SLOW,
        update=_SLOW,
        patched=_SLOW,
        delete=_GONE,
    ),
    ResourceType(
        "Microsoft.HealthcareApis/workspaces/fhirservices",
        api_version="2024-03-31",
        etag="weak",
        patch="tags",
        read_only=("properties.provisioningState", _ENDPOINTS),
        create=_SLOW,
        update=_SLOW,
        patched=_SLOW,
        delete=_GONE,
    ),
    ResourceType(
        "Microsoft.Purview/accounts",
        api_version="2021-12-01",
        read_only=("properties.provisioningState", _ENDPOINTS),
        create=_SLOW,
        update=_SLOW,
        patched=_SLOW,
        delete=_GONE,
    ),
)
