"""A text as the words that the rules compare, and the phrases found among them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d\u2010\u2011\u2013\u2014", "''\"\"----")
# A semicolon or colon ends a thought, so it is kept; other punctuation says nothing here.
WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[%$\u20ac\u00a3;:]")
LINK = re.compile(
    r"https?://\S+|www\.\S+|(?<![\w.+-])[\w.+-]{1,64}\s?@\s?[\w-]{1,64}\.[\w.]+|\[email\W+protected\]"
)
TAG = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]{0,300})?/?>|&nbsp;", re.IGNORECASE)
NEVER_DOUBLED = ("not", "no", "never")  # by mistake: twice is the opposite of once
ENDINGS = ("ations", "ation", "ings", "ing", "ed", "es", "s", "ly")
SHORTEST_ROOT = 4
LONGEST_PREFIX = 30  # letters of a word in the lexicon before its `*`
MOST_WORDS_KEPT = 50_000


def straightened(text: str) -> str:
    """Typographic quotes and dashes as typed ones, HTML tags blank, character for character."""
    return TAG.sub(lambda tag: " " * len(tag.group()), text).translate(STRAIGHT)


@lru_cache(maxsize=20_000)
def words(text: str) -> tuple[str, ...]:
    """The words in small letters; a hyphen parts words, an apostrophe does not."""
    return tuple(word.casefold() for word in WORD.findall(straightened(text)))


@lru_cache(maxsize=20_000)
def plain_words(text: str) -> tuple[str, ...]:
    """The words without marks; a word that is doubled by mistake counts once."""
    spoken = [word for word in words(text) if word not in ";:"]
    return tuple(
        word
        for place, word in enumerate(spoken)
        if place == 0 or word != spoken[place - 1] or word in NEVER_DOUBLED
    )


@lru_cache(maxsize=20_000)
def roots(text: str) -> tuple[str, ...]:
    """The words without their endings, numbers and marks: `collecting` and `collects` are one."""
    return tuple(root(word) for word in words(text) if word.isalnum() and not word.isdigit())


def root(word: str) -> str:
    """A word without its ending: `collecting` and `collects` are both `collect`."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_ROOT:
            return word[: -len(ending)]
    return word


@dataclass(frozen=True, slots=True)
class Mention:
    """A phrase of the lexicon found in a text, by the positions of its first and last word."""

    label: str
    start: int
    end: int

    def overlaps(self, other: "Mention") -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class _Phrase:
    label: str
    rest: tuple[str, ...]

    def follows(self, text: Sequence[str], position: int) -> bool:
        """Whether the words after the first stand at a position; `*` stands for any ending."""
        if position + len(self.rest) > len(text):
            return False
        return all(
            text[position + step] == word
            or (word[-1] == "*" and text[position + step].startswith(word[:-1]))
            for step, word in enumerate(self.rest)
        )


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What begins with one word: whole phrases, and longer ones by the letter that comes next."""

    whole: tuple[str, ...]
    longer: dict[str, tuple[_Phrase, ...]]


@dataclass(frozen=True)
class Phrasebook:
    """Many labelled phrases, looked for in one pass over a text."""

    _exact: dict[str, list[_Phrase]] = field(default_factory=dict)
    _prefixed: dict[str, list[_Phrase]] = field(default_factory=dict)
    _by_word: dict[str, _Beginning] = field(default_factory=dict)

    @classmethod
    def of(cls, phrases: Iterable[tuple[str, str]]) -> "Phrasebook":
        """Of pairs of a label and a phrase, such as `("data.location", "location*")`."""
        book = cls()
        for label, phrase in phrases:
            first, *rest = (word for word in phrase.replace("-", " ").replace(",", " ").split())
            starts = book._prefixed if first.endswith("*") else book._exact
            starts.setdefault(first.rstrip("*"), []).append(_Phrase(label, tuple(rest)))
        return book

    def mentions(self, text: Sequence[str]) -> Iterator[Mention]:
        """Every phrase in the order of the text; the longer of two with one label and start."""
        for position, word in enumerate(text):
            beginning = self._by_word.get(word) or self._beginning_with(word)
            longest = dict.fromkeys(beginning.whole, position + 1)
            if beginning.longer and position + 1 < len(text):
                for phrase in beginning.longer.get(text[position + 1][0], ()):
                    if phrase.follows(text, position + 1):
                        end = position + 1 + len(phrase.rest)
                        longest[phrase.label] = max(end, longest.get(phrase.label, 0))
            for label, end in longest.items():
                yield Mention(label, position, end)

    def _beginning_with(self, word: str) -> _Beginning:
        lengths = range(1, min(len(word), LONGEST_PREFIX) + 1)
        prefixes = (self._prefixed.get(word[:length], ()) for length in lengths)
        found = (*self._exact.get(word, ()), *(one for many in prefixes for one in many))
        longer: dict[str, tuple[_Phrase, ...]] = {}
        for phrase in found:
            if phrase.rest:
                letter = phrase.rest[0][0]
                longer[letter] = (*longer.get(letter, ()), phrase)
        whole = tuple(phrase.label for phrase in found if not phrase.rest)
        if len(self._by_word) >= MOST_WORDS_KEPT:
            self._by_word.clear()
        self._by_word[word] = beginning = _Beginning(whole, longer)
        return beginning
