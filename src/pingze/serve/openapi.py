"""Describe the API as OpenAPI: FastAPI's schema of the routes, with names to choose from, examples and problems."""

from typing import Any

from fastapi import FastAPI

from pingze.network import checkpoint
from pingze.serve.problems import MEDIA_TYPE
from pingze.verse.forms import FORMS
from pingze.verse.patterns import STRICTNESSES
from pingze.verse.rhyme_groups import GROUPS

NAMES: dict[str, list[str]] = {
    "form": list(FORMS),
    "level": list(STRICTNESSES),
    "rhyme": list(GROUPS),
    "model": list(checkpoint.SHIPPED),
}
"""The names to choose from; other spellings of a form or a group, as Simplified ones, are read too."""

_LINES = ["春月紅芳碧", "風流夜漏深", "此心何必住", "金草與山陰"]
_POEM = {"lines": _LINES}
_ASKED = {"form": "七絕", "rhyme": "庚", "pattern": "＿＿明月＿＿＿", "include": "雁", "seed": 1}
EXAMPLES: dict[str, dict[str, Any]] = {
    "/v1/compose": _ASKED,
    "/v1/conflicts": {"form": "五絕", "rhyme": "陽", "pattern": "＿＿＿＿＿ ＿＿＿＿天"},
    "/v1/revise": {"poem": _POEM, "targets": [{"line": 2, "position": 3}]},
    "/v1/mend": {"text": "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴天。", "keep": "琴"},
    "/v1/alternatives": {"poem": _POEM, "line": 2, "position": 3, "limit": 5},
    "/v1/explain": {"poem": _POEM},
    "/v1/check": {"text": "，".join(_LINES)},
    "/v1/originality": {"poem": _POEM},
    "/v1/reach": {"poem": _POEM, "layer": 1, "line": 2, "position": 1},
    "/v1/units": {"poem": _POEM, "layer": 1},
    "/v1/next": {"poem": _POEM, "line": 2, "position": 1},
}
"""A body for each route that reads one."""


def described(app: FastAPI) -> dict[str, Any]:
    """Describe what the API reads and answers; problems have a media type of their own."""
    schema = app.openapi()
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            _describe(operation, EXAMPLES.get(path))
    for shape in schema["components"]["schemas"].values():
        if shape.get("additionalProperties") is False:  # a request, not an answer
            _name_choices(shape["properties"])
    return schema


def _describe(operation: dict[str, Any], example: dict[str, Any] | None) -> None:
    if example:
        operation["requestBody"]["content"]["application/json"]["example"] = example
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}
        if status == "405":
            response["headers"] = {"Allow": {"schema": {"type": "string"}}}


def _name_choices(properties: dict[str, Any]) -> None:
    for name in properties.keys() & NAMES.keys():
        nullable = "anyOf" in properties[name]
        properties[name]["enum"] = [*NAMES[name], *([None] if nullable else [])]
