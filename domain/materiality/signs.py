"""Signs that can change a meaning though every word stays: figures, ticks, stops, hidden words."""

import re

from domain.materiality.words import straightened

TOKEN = re.compile(r"\d+(?:[.,:-]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*|\S")
# Dashes, bullets, marks of code: how words are set out, not what they say.
IDLE = frozenset("'`[]{}-|\u2022\u00b7\u25aa\u25e6\u2212\u200b\ufeff")
QUOTES = frozenset('"\u00ab\u00bb\u201e\u201a')
STOPS = frozenset(".;:!?\u2026")
PARTING = frozenset(",()")
JOINING = frozenset({"and", "or", "und", "oder"})
HIDES = re.compile(
    r"</?(?!(?:a|b|br|div|em|i|li|mark|ol|p|span|strong|table|tbody|td|th|thead|tr|u|ul)\b)[a-z][^<>]*>"
    r"|<!--|<[a-z]+\s[^<>]*\b(?:style|class|color|hidden)\b[^<>]*>",
    re.IGNORECASE,
)
# Marks that turn the direction of writing round, and markup in the middle of a number.
UNREADABLE = re.compile(r"[\u202a-\u202e\u2066-\u2069]|\d</?[a-z][^<>]*>\s*\d", re.IGNORECASE)
UNLIKE_IN_CAPITALS = frozenset({"us", "it", "who"})  # the country, the trade, the organisation


def signs(text: str) -> tuple[tuple[int, str], ...]:
    """All that decides beside the words, each with the number of words before it.

    Commas before "and" are a matter of taste, and so is how a text ends.
    """
    tokens = TOKEN.findall(straightened(text))
    last = max((place for place, token in enumerate(tokens) if token[0].isalnum()), default=-1)
    found: list[tuple[int, str]] = []
    spoken = 0
    for place, token in enumerate(tokens):
        spoken += token[0].isalnum()
        if token[0].isdigit() or (token.casefold() in UNLIKE_IN_CAPITALS and not text.isupper()):
            found.append((spoken, token))
        elif token in STOPS:
            if place < last:
                found.append((spoken, "stop"))
        elif token in PARTING:
            if place < last and tokens[place + 1].casefold() not in JOINING:
                found.append((spoken, token))
        elif token in QUOTES:
            found.append((spoken, "quote"))
        elif not token[0].isalnum() and token not in IDLE:
            found.append((spoken, token))
    return (*found, *((spoken, sign) for sign in hidden(text)))


def hidden(text: str) -> tuple[str, ...]:
    """Markup in the text that may hide words from who reads it in a browser."""
    return tuple(sorted(map(str.casefold, HIDES.findall(text))))


def unreadable(text: str) -> tuple[str, ...]:
    """What makes people see other figures or another order of words than stand there."""
    return tuple(UNREADABLE.findall(text))
