"""Whether an answer is one that ``openapi.json`` tells of: its status, its media type, and every member of it.

A small reading of JSON Schema, of the words that Lucy's schema uses; it shares no code with what writes the schema.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import httpx

_SCHEMA = Path(__file__).parents[2] / "openapi.json"
_KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_SCHEMA.read_bytes())
    return document


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    paths = sorted(_document()["paths"], key=lambda path: path.count("{"))  # a fixed word before a parameter
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "/?"), path) for path in paths]


async def check_answer(response: httpx.Response) -> None:
    """A hook for a client: an answer of a known route that the schema does not tell of fails the test."""
    path = next((template for pattern, template in _templates() if pattern.fullmatch(response.request.url.path)), None)
    operation = path and _document()["paths"][path].get(response.request.method.lower())
    if not operation or response.status_code == 405:
        return
    name = f"{response.request.method} {path} → {response.status_code}"
    declared = operation["responses"].get(str(response.status_code))
    assert declared is not None, f"{name} is not declared, only {sorted(operation['responses'])}"
    if response.status_code == 204:
        return
    media_type = response.headers["content-type"].split(";")[0]
    assert media_type in declared["content"], f"{name} as {media_type} is not declared, only {sorted(declared['content'])}"
    if media_type.endswith("json"):
        _check(json.loads(await response.aread()), declared["content"][media_type]["schema"], name)


def _check(value: Any, schema: dict[str, Any], where: str) -> None:
    if "$ref" in schema:
        _check(value, _document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]], where)
    for choices in (schema.get("anyOf"), schema.get("oneOf")):
        assert choices is None or any(_fits(value, choice) for choice in choices), f"{where}: {value!r} fits none of {choices}"
    assert value in schema.get("enum", [value]), f"{where}: {value!r} is none of {schema['enum']}"
    kind = schema.get("type")
    if kind is None:
        return
    is_right = isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))
    assert is_right, f"{where}: {value!r} is no {kind}"
    if kind == "object":
        missing = set(schema.get("required", ())) - value.keys()
        assert not missing, f"{where}: {sorted(missing)} missing"
        known = schema.get("properties", {})
        if known and not schema.get("additionalProperties"):
            assert value.keys() <= known.keys(), f"{where}: {sorted(value.keys() - known.keys())} not declared"
        for member in value.keys() & known.keys():
            _check(value[member], known[member], f"{where}.{member}")
    elif kind == "array":
        for number, item in enumerate(value):
            _check(item, schema.get("items", {}), f"{where}[{number}]")


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    try:
        _check(value, schema, "")
    except AssertionError:
        return False
    return True
