"""Jinja pages: everything is escaped, a missing value is an error, times are the company's."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from domain.company import Company
from domain.materiality.in_words import about, bases, happened, track_record
from domain.rendering import render_html

PAGES = Path(__file__).parent / "pages"


class Pages:
    """Renders the templates of `pages/`."""

    def __init__(self, company: Company, *, development: bool) -> None:
        self._zone = company.zone
        self._environment = Environment(
            loader=FileSystemLoader(PAGES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(company=company, development=development)
        self._environment.filters.update(
            day=self.day,
            moment=self.moment,
            last_day=self.last_day,
            words=words,
            sentence=sentence,
            about=about,
            happened=happened,
            track_record=track_record,
            bases=bases,
        )

    def show(self, name: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """A page as a response."""
        return HTMLResponse(self.text(name, values), status_code=status)

    def text(self, name: str, values: Mapping[str, object]) -> str:
        """A template with its values filled in."""
        return self._environment.get_template(name).render(values)

    def day(self, when: date | datetime) -> str:
        """A date in words; an instant is taken in the company's zone."""
        day = when.astimezone(self._zone).date() if isinstance(when, datetime) else when
        return f"{day.day} {day:%B %Y}"

    def last_day(self, limit: datetime) -> str:
        """The last day before a limit: one that ends at midnight is met the day before."""
        return self.day(limit - timedelta.resolution)

    def moment(self, when: datetime) -> str:
        """An instant in words, in the company's zone."""
        local = when.astimezone(self._zone)
        return f"{local.day} {local:%B %Y, %H:%M} ({self._zone.key})"


@lru_cache(maxsize=8)
def pages_of(company: Company, *, development: bool) -> Pages:
    """The pages of a company: compiled once, however often a website is put together."""
    return Pages(company, development=development)


def words(name: str) -> str:
    """A name of ours as plain words: `in_force` becomes "in force"."""
    return "waits for a decision" if name == "operator" else name.replace("_", " ")


def sentence(text: str) -> str:
    """The same with a capital at its start, and nothing else changed."""
    return text[:1].upper() + text[1:]


@lru_cache(maxsize=64)
def policy_html(text: str) -> Markup:
    """A policy's Markdown as safe HTML; `domain.rendering` has escaped what is not ours."""
    return Markup(render_html(text))  # noqa: S704 - escaped by render_html
