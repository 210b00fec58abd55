"""A policy is shown as safe HTML: what looks like markup is shown as characters."""

import pytest

from domain.texts.rendering import render_html


def test_raw_html_is_escaped() -> None:
    html = render_html("Hello <script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n")
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize(
    "url", ["https://example.com/a", "mailto:alice@example.com", "/policies/a"]
)
def test_ordinary_links_are_links(url: str) -> None:
    assert f'<a href="{url}">' in render_html(f"[here]({url})")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//example.com"]
)
def test_other_links_are_not(url: str) -> None:
    assert "<a " not in render_html(f"[here]({url})")


def test_pictures_call_nobody() -> None:
    assert "<img" not in render_html("![a cat](https://example.com/cat.png)")


def test_plain_text_is_laid_out_as_meant() -> None:
    html = render_html("Our Promise\nWe note this.\n1) a gnome;\n2) a bill.\nWe sell nothing.\n")
    assert html.startswith("<h1>Our Promise</h1>")
    assert html.count("<li>") == 2
    assert "<p>We sell nothing.</p>" in html
