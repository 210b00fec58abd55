"""Which of the languages we speak somebody reads best: the nearest one to what they named. Pure."""

from collections.abc import Sequence


def nearest_language(locale: str, spoken: Sequence[str]) -> str:
    """The language nearest to a locale like `de`, `de-AT` or `de_CH`, else the first one spoken.

    A locale is shortened from its end until we speak it (RFC 4647, lookup). Whatever else is
    given stands for the first language: a locale from outside is only ever compared.
    """
    return language_named(locale, spoken) or spoken[0]


def language_named(locale: str, spoken: Sequence[str]) -> str | None:
    """As `nearest_language`, but None when we do not speak it."""
    ours = {tag.casefold(): tag for tag in spoken}
    parts = locale[:100].replace("_", "-").casefold().split("-")
    shortened = ("-".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((ours[tag] for tag in shortened if tag in ours), None)
