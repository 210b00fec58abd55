"""A language that we speak: its words out of a catalogue, its dates, times and names of places.

English is what the texts themselves are written in; every other language is a file `<tag>.po` in
this folder, read when it is first spoken. One catalogue serves mails and pages alike.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import Environment

FOLDER = Path(__file__).parent
SOURCE = "en"
OF_STAFF = SOURCE
"""The language of the console and of commands."""
CLDR_NAMES = {SOURCE: "en_GB"}
"""Our English is British: 3 April, not April 3."""
POLICY_TITLES = ("privacy policy", "cookie policy", "terms of service", "terms of use")
"""What policies are usually called, so that catalogues have a word for it."""


def is_usual_title(title: str) -> bool:
    """Whether every catalogue has a word for a policy of this title."""
    return title.casefold() in POLICY_TITLES


class CatalogueMissing(Exception):
    """There is no catalogue for a language, or nobody knows how it writes its dates."""


class Language:
    """What is said in one language. `tag` is its name in settings and pages, like `de`."""

    def __init__(self, tag: str, translations: NullTranslations) -> None:
        self.tag = tag
        self._translations = translations
        self._locale = Locale.parse(CLDR_NAMES.get(tag, tag.replace("-", "_")))

    def gettext(self, message: str, **values: object) -> str:
        """A message in this language, its `%(name)s` filled in; empty stays empty."""
        return (self._translations.gettext(message) if message else "") % values

    def ngettext(self, one: str, many: str, number: int) -> str:
        """A message that counts; `%(num)s` is the number."""
        return self._translations.ngettext(one, many, number) % {"num": number}

    def listed(self, messages: Iterable[str]) -> str:
        """Messages in this language, as a sentence lists them: `one, two and three`."""
        words: str = format_list([self.gettext(one) for one in messages], locale=self._locale)
        return words

    def title(self, title: str, titles: Mapping[str, str]) -> str:
        """A policy's title: as legal wrote it in this language, else the catalogue's when it is one
        of the usual ones, else as it stands. `titles`: what legal wrote, by language."""
        written = titles.get(self.tag)
        return written or (self.gettext(title.casefold()) if is_usual_title(title) else title)

    def day(self, day: date) -> str:
        """A date: `3 March 2027`, `3. März 2027`."""
        return format_date(day, format="long", locale=self._locale)

    def day_of(self, instant: datetime | None, zone: ZoneInfo) -> str:
        """The date of an instant in a zone; empty for none."""
        return self.day(instant.astimezone(zone).date()) if instant else ""

    def moment(self, instant: datetime, zone: ZoneInfo) -> str:
        """An instant in a zone, which is named: `3 March 2027, 10:00 (Europe/Berlin)`."""
        return self.gettext(
            "%(day)s, %(time)s (%(zone)s)",
            day=self.day(instant.astimezone(zone).date()),
            time=format_time(instant, format="short", tzinfo=zone, locale=self._locale),
            zone=zone.key,
        )

    def country(self, code: str) -> str:
        """A country's name; its code when it has none."""
        name: str = self._locale.territories.get(code, code)
        return name

    def name_of(self, tag: str) -> str:
        """What a language, or a locale, is called in this one: `German`, `Deutsch`; what is none,
        such as nothing that was said, keeps its name."""
        try:
            locale = Locale.parse(tag, sep="-")
        except (ValueError, UnknownLocaleError):
            return tag
        return locale.get_display_name(self._locale) or tag

    def teach(self, environment: Environment) -> None:
        """Let templates speak this language: `{% trans %}` and `_()`, and `language` for its tag.

        Before any template is loaded: what is compiled once keeps its language.
        """
        environment.add_extension("jinja2.ext.i18n")
        environment.policies["ext.i18n.trimmed"] = True
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            self._translations.gettext, self._translations.ngettext, newstyle=True
        )
        environment.globals["language"] = self.tag


@lru_cache(maxsize=64)
def speak(tag: str) -> Language:
    """The language called `tag`. Raises CatalogueMissing."""
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag):
        raise CatalogueMissing(f"{tag!r} is not the name of a language, like de or pt-BR")
    try:
        return Language(tag, NullTranslations() if tag == SOURCE else _read(tag))
    except OSError:
        raise CatalogueMissing(f"there is no catalogue translations/{tag}.po") from None
    except UnknownLocaleError:
        raise CatalogueMissing(f"nobody has told Babel how {tag} writes its dates") from None


def for_staff(tag: str) -> str:
    """A language as staff read of it: `German (de)`, by its name and as commands take it."""
    return f"{speak(OF_STAFF).name_of(tag)} ({tag})"


def _read(tag: str) -> GNUTranslations:
    """A catalogue, compiled in memory: what is missing or fuzzy in it is said in English."""
    with (FOLDER / f"{tag}.po").open("rb") as file:
        catalogue = read_po(file, locale=tag.replace("-", "_"))
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
