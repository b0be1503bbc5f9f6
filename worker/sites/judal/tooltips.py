"""Tooltips: text that the site keeps in an attribute, HTML escaped twice."""

import html
import re

from worker.sites.html import Node, attribute, parse_html, text_of
from worker.sites.text import normalise

_ATTRIBUTES = ("title", "data-bs-title", "data-bs-original-title")  # Bootstrap moves the first into the last when it takes over
_BREAK = re.compile(r"<(?:br|/p|/div|/li)\b[^>]*>", re.IGNORECASE)
_LONGEST = 2_000


def tooltip_of(cell: Node) -> str | None:
    """The tooltip in a cell as plain text: unescaped once more than a parser does, and without the markup that appears then."""
    for holder in cell.css("button, [data-bs-toggle], [data-bs-title], [data-bs-original-title]"):
        for name in _ATTRIBUTES:
            if text := normalise(html.unescape(attribute(holder, name))):
                plain = text_of(parse_html(_BREAK.sub(" ", text))) if "<" in text else text
                return plain[:_LONGEST] or None
    return None
