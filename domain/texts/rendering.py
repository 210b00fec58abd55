"""A policy as safe HTML: outside text is hostile until escaped."""

import re
from collections.abc import MutableMapping
from typing import Any

from markdown_it import MarkdownIt

from domain.texts.layout import read_layout

SAFE_LINK = re.compile(r"(?:https?://|mailto:|#|/(?!/))", re.IGNORECASE)


def render_html(markdown: str) -> str:
    """HTML in which raw HTML stands escaped and links lead to http, https, mailto or the same site.

    Pictures become links to them, so that reading a policy calls nobody else.
    """
    environment: MutableMapping[str, Any] = {}
    rendered: str = _RENDERER.render(read_layout(markdown).markdown, environment)
    return rendered


def _renderer() -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": False, "maxNesting": 100})
    renderer.enable("table").disable("image")
    renderer.validateLink = lambda url: bool(SAFE_LINK.match(url.strip()))  # type: ignore[method-assign]
    return renderer


_RENDERER = _renderer()
