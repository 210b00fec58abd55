"""Jinja pages in each language: everything is escaped, a missing value is an error.

Times are the company's, unless a page names the zone of a person.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from database.tables import Policy
from domain.company import Company
from domain.mail.pace import rate_in_words
from domain.materiality.in_words import about, bases, happened, track_record
from domain.places import local_date
from domain.texts.rendering import render_html
from translations.catalogues import Language, speak

PAGES = Path(__file__).parent / "pages"


class Pages:
    """Renders the templates of `pages/` in one language; `name` is what that calls itself."""

    def __init__(self, company: Company, language: Language, *, development: bool) -> None:
        self.language = language
        self.name = sentence(language.name_of(language.tag))
        self._zone = company.zone
        self.zone_of = company.zone_of
        self._environment = Environment(
            loader=FileSystemLoader(PAGES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        language.teach(self._environment)
        self._environment.globals.update(
            company=company,
            development=development,
            kept="",
            spoken=(),
            binding_language=language.name_of(company.language),
        )
        self._environment.filters.update(
            day=self.day,
            moment=self.moment,
            last_day=self.last_day,
            words=words,
            sentence=sentence,
            title=self.title,
            said=language.gettext,
            language_name=language.name_of,
            about=about,
            happened=self.happened,
            rate=rate_in_words,
            track_record=track_record,
            bases=bases,
        )

    def show(self, name: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """A page as a response."""
        return HTMLResponse(self.text(name, values), status_code=status)

    def text(self, name: str, values: Mapping[str, object]) -> str:
        """A template with its values filled in."""
        return self._environment.get_template(name).render(values)

    def title(self, policy: Policy) -> str:
        """A policy's title, in the language of the pages."""
        return self.language.title(policy.title, policy.titles)

    def day(self, when: date | datetime, zone: ZoneInfo | None = None) -> str:
        """A date in words; an instant is taken in the zone, else in the company's."""
        return self.language.day(
            local_date(when, zone or self._zone) if isinstance(when, datetime) else when
        )

    def last_day(self, limit: datetime, zone: ZoneInfo | None = None) -> str:
        """The last day before a limit: one that ends at midnight is met the day before."""
        return self.day(limit - timedelta.resolution, zone)

    def moment(self, when: datetime, zone: ZoneInfo | None = None) -> str:
        """An instant in words, in the zone, else in the company's."""
        return self.language.moment(when, zone or self._zone)

    def happened(self, kind: str, moved: bool) -> str:  # noqa: FBT001 - a filter of the pages
        """What became of a clause, in words."""
        return self.language.gettext(happened(kind, moved))


@lru_cache(maxsize=64)
def pages_of(company: Company, language: str, *, development: bool) -> Pages:
    """The pages of a company: compiled once, however often a website is put together.

    Raises CatalogueMissing.
    """
    return Pages(company, speak(language), development=development)


def words(name: str) -> str:
    """A name of ours as plain words: `in_force` becomes "in force"."""
    return "waits for a decision" if name == "operator" else name.replace("_", " ")


def sentence(text: str) -> str:
    """The same with a capital at its start, and nothing else changed."""
    return text[:1].upper() + text[1:]


@lru_cache(maxsize=64)
def policy_html(text: str) -> Markup:
    """A policy's Markdown as safe HTML; `domain.texts.rendering` has escaped what is not ours."""
    return Markup(render_html(text))  # noqa: S704 - escaped by render_html
