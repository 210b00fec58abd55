"""Who reads a page: in which language, and how its links keep to it.

The address comes first (`?lang=de`), then what we know of the person, then what their browser
likes. Nothing is remembered: the links of a page carry on what its address said.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from domain.people.languages import best_language, language_named
from web.rendering import Pages
from web.site import Site, site_of

VARIES = {"Vary": "Accept-Language"}


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A reader of our pages. `liked` is the language their browser likes best of ours, `named` the
    one that the address names, `known` the one we know to be theirs."""

    site: Site
    liked: str
    named: str | None = None
    known: str | None = None

    @property
    def language(self) -> str:
        """The one to speak."""
        return self.named or self.known or self.liked

    @property
    def pages(self) -> Pages:
        """The pages in their language."""
        return self.site.pages_in(self.language)

    @property
    def kept(self) -> str:
        """What a link of ours ends with, so that the next page speaks the same language."""
        goes_without_saying = self.named is None and self.language == self.liked
        return "" if goes_without_saying else f"?lang={self.language}"

    def known_as(self, locale: str) -> "Reader":
        """The same reader, of whom we know the locale; one that we do not speak says nothing."""
        return replace(self, known=language_named(locale, self.site.company.languages))

    def gettext(self, message: str, **values: object) -> str:
        """A message in their language."""
        return self.pages.language.gettext(message, **values)

    def show(self, name: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """A page as a response, with the way to the other languages."""
        spoken = [(tag, self.site.pages_in(tag).name) for tag in self.site.company.languages]
        values = {**values, "kept": self.kept, "spoken": spoken}
        answer = self.pages.show(name, status=status, **values)
        answer.headers.update(VARIES)
        return answer


def reader_of(request: Request) -> Reader:
    """Whoever asks for a page."""
    site = site_of(request)
    spoken = site.company.languages
    named = language_named(request.query_params.get("lang", ""), spoken)
    liked = best_language(request.headers.get("accept-language", ""), spoken)
    return Reader(site=site, liked=liked, named=named)


async def _of_request(request: Request) -> Reader:
    return reader_of(request)  # async: takes no thread


OnReader = Annotated[Reader, Depends(_of_request)]
