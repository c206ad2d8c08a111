"""Puts rules, policy, state and Azure together; only the entry points import it."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from shared.model import Control, Detector, Remediation


def _modules(package: str) -> Iterator[tuple[str, ModuleType]]:
    """Every rule module below `package`, with the service folder it lies in."""
    root = importlib.import_module(package)
    for service in pkgutil.iter_modules(root.__path__):
        folder = importlib.import_module(f"{package}.{service.name}")
        for module in pkgutil.iter_modules(folder.__path__):
            path = f"{package}.{service.name}.{module.name}"
            yield service.name, importlib.import_module(path)


def controls() -> dict[str, Control]:
    """Every control by id."""
    cures: dict[str, Remediation] = {}
    for _, module in _modules("remediations"):
        cure: Remediation = module.REMEDIATION
        cures[cure.control] = cure
    found: dict[str, Control] = {}
    for service, module in _modules("detectors"):
        detector: Detector = module.DETECTOR
        found[detector.id] = Control(detector, cures.get(detector.id), service)
    return found
