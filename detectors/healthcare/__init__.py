"""FHIR services of Azure Health Data Services."""

from detectors.exposure import Store
from shared.model import ResourceType

FHIR = ResourceType("Microsoft.HealthcareApis/workspaces/fhirservices", api_version="2024-03-31")
STORE = Store(type=FHIR)
