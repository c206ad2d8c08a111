"""Whole estates from files: ARM documents in a folder become a tenant's resources."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.tenant import Tenant


@dataclass
class LoadReport:
    """What became of a folder.

    `loaded` are ids as stored, in the order of loading (an id may come twice: the last wins);
    `made_parents` are ids of resources that only exist because a document needed a parent;
    `skipped` are file and reason.
    """

    loaded: list[str] = field(default_factory=list)
    made_parents: list[str] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)


def load_folder(tenant: Tenant, folder: Path) -> LoadReport:
    """Load every `*.json` below `folder`, in order of path, one ARM document a file.

    Raises NotADirectoryError for a folder that is none; a file that cannot be loaded is skipped
    and named in the report.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder")
    report = LoadReport()
    known = len(tenant.made_parents)
    for file in sorted(folder.rglob("*.json")):
        try:
            report.loaded.append(tenant.load(_document(file)))
        except ValueError as error:
            report.skipped.append((file, str(error)))
    report.made_parents = tenant.made_parents[known:]
    return report


def _document(file: Path) -> dict[str, Any]:
    document = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise ValueError("the file holds no JSON object")  # noqa: TRY004 - one kind of bad file
    return document
