"""The schema as one plain page, for people. No script and nothing from elsewhere, so it works where only Lucy is reachable."""

from collections.abc import Iterator
from html import escape
from typing import Any

from litestar import Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.6 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}
h2{border-bottom:1px solid #8888;margin-top:2.5rem} h3{margin:1.6rem 0 .2rem;font-size:1rem}
code{font-family:ui-monospace,monospace} .m{display:inline-block;min-width:4.5rem;font-weight:700} td{padding:0 1rem 0 0;vertical-align:top}
.p{opacity:.75}
"""


class DocsPage(OpenAPIRenderPlugin):
    """Lists every operation with its parameters and answers."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page."""
        info = openapi_schema["info"]
        title = escape(f"{info['title']} {info['version']}")
        body = "".join(_sections(openapi_schema))
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1><p>{escape(info['description'])}</p>"
            f'<p>For tools: <a href="/api/v1/openapi.json">openapi.json</a></p>{body}</body></html>'
        ).encode()


def _sections(schema: dict[str, Any]) -> Iterator[str]:
    operations = [
        (method, path, operation)
        for path, item in sorted(schema["paths"].items())
        for method, operation in item.items()
        if isinstance(operation, dict) and "operationId" in operation
    ]
    for tag in schema["tags"]:
        found = [entry for entry in operations if tag["name"] in entry[2].get("tags", ())]
        if found:
            yield f"<h2>{escape(tag['name'])}</h2><p>{escape(tag.get('description', ''))}</p>"
            yield from (_operation(*entry) for entry in found)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parameters = "".join(
        f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{escape(parameter['in'])}</td>"
        f"<td>{escape(parameter.get('description') or '')}</td></tr>"
        for parameter in operation.get("parameters") or ()
    )
    body = _reference(operation.get("requestBody") or {})
    answers = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(answer.get('description') or '')}</td><td><code>{_reference(answer)}</code></td></tr>"
        for status, answer in sorted(operation["responses"].items())
    )
    return (
        f'<h3 id="{escape(operation["operationId"])}"><span class="m">{method.upper()}</span> <code>{escape(path)}</code></h3>'
        f"<p>{escape(operation.get('summary') or '')}. {escape(operation.get('description') or '')}</p>"
        + (f"<p>Body: <code>{body}</code></p>" if body else "")
        + (f'<table class="p">{parameters}</table>' if parameters else "")
        + f"<table>{answers}</table>"
    )


def _reference(container: dict[str, Any]) -> str:
    for content in (container.get("content") or {}).values():
        reference = (content.get("schema") or {}).get("$ref", "")
        if reference:
            return escape(reference.rsplit("/", 1)[-1])
    return ""
