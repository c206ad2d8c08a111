"""The JSON Schema of a policy file, for editors and for the page about it."""

from __future__ import annotations

import ast
import inspect
from datetime import timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from shared.decision import words
from shared.policy import Policy
from shared.policy_parts import Strict

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The schema; every key says what it means and, where it may be left out, what holds then."""
    made: dict[str, Any] = Policy.model_json_schema(schema_generator=_Schema)
    for model in Strict.__subclasses__():
        described = made if model is Policy else made["$defs"][model.__name__]
        for name, meaning in _meanings(model).items():
            key = model.model_fields[name].alias or name
            described["properties"][key]["description"] = meaning
    return {"$schema": _DIALECT, **made, "title": "Portcullis policy"}


class _Schema(GenerateJsonSchema):
    """Defaults as a policy writes them, also those that are made anew each time."""

    def get_default_value(self, schema: core_schema.WithDefaultSchema) -> Any:
        made: Any = schema.get("default_factory")
        return made() if made else super().get_default_value(schema)

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return words(dft)
        if isinstance(dft, ZoneInfo):
            return str(dft)
        if isinstance(dft, Strict):
            return {name: self.encode_default(value) for name, value in dft}
        return super().encode_default(dft)


def _meanings(model: type[Strict]) -> dict[str, str]:
    """The docstrings of a model's attributes, by name."""
    (made,) = ast.parse(inspect.getsource(model)).body
    assert isinstance(made, ast.ClassDef)  # noqa: S101  the source of a class
    found: dict[str, str] = {}
    for attribute, words_below in pairwise(made.body):
        if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name):
            if isinstance(words_below, ast.Expr) and isinstance(words_below.value, ast.Constant):
                found[attribute.target.id] = " ".join(str(words_below.value.value).split())
    return found
