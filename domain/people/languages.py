"""Which of the languages we speak somebody reads best: the nearest one to what they named. Pure."""

from collections.abc import Iterator, Sequence

MOST_LISTED = 50
"""Of the languages that a browser lists; the rest is noise or harm."""


def nearest_language(locale: str, spoken: Sequence[str]) -> str:
    """The language nearest to a locale like `de`, `de-AT` or `de_CH`, else the first one spoken.

    A locale is shortened from its end until we speak it (RFC 4647, lookup). Whatever else is
    given stands for the first language: a locale from outside is only ever compared.
    """
    return language_named(locale, spoken) or spoken[0]


def best_language(accept_language: str, spoken: Sequence[str]) -> str:
    """The language a browser's `Accept-Language` likes best of those spoken, else the first one."""
    found = (language_named(tag, spoken) for tag in _liked(accept_language))
    return next((language for language in found if language), spoken[0])


def language_named(locale: str, spoken: Sequence[str]) -> str | None:
    """As `nearest_language`, but None when we do not speak it."""
    ours = {tag.casefold(): tag for tag in spoken}
    parts = locale[:100].replace("_", "-").casefold().split("-")
    shortened = ("-".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((ours[tag] for tag in shortened if tag in ours), None)


def _liked(accept_language: str) -> Iterator[str]:
    """The languages of the header, the best liked first; of equals the first one named."""
    named = [part.partition(";") for part in accept_language.split(",")[:MOST_LISTED]]
    weighed = [(_weight(weight), tag.strip()) for tag, _, weight in named]
    for weight, tag in sorted(weighed, key=lambda one: -one[0]):
        if weight > 0:
            yield tag


def _weight(text: str) -> float:
    """`q=0.8` as a number between 0 and 1; what is no weight counts as none given."""
    name, _, value = text.strip().partition("=")
    try:
        weight = float(value) if name.strip().casefold() == "q" else 1.0
    except ValueError:
        return 1.0
    return weight if 0 <= weight <= 1 else 1.0
