"""What stands above a statement, as far as it decides what the statement means.

"Your location" under "We never share:" and under "We share:" are two statements.
"""

from functools import lru_cache

from rapidfuzz import fuzz

from domain.materiality.lexicon import LEXICON
from domain.materiality.periods import PERIOD
from domain.materiality.words import plain_words, straightened, words
from domain.texts.clauses import Clause, ClauseKind

CHARGES = frozenset(
    f"words.{mark}"
    for mark in (
        "negation",
        "consent",
        "opt_out",
        "limits",
        "by_default",
        "hurdle",
        "law",
        "parent",
    )
)
CONDITIONS = frozenset({"if", "when", "unless", "except", "without", "while", "until", "optional"})
LONGEST_ANSWER = 3  # words
SHORT = 8  # words, such as `We ask for your consent first`, that need not say for what
NEARLY = 80.0  # of 100
STILL_THE_SAME = 60.0  # of 100, as for clauses that are brought together
POINTS_BACK = frozenset(
    {"it", "its", "them", "they", "their", "this", "that", "these", "those", "such", "here"}
    | {"following", "below", "above"}
)

WORDS_OF_ORDER = (
    "earlier following former first last latter later order precedence prevail prevails priority "
    "respective respectively second sequence turn"
)
ORDERLY = frozenset(WORDS_OF_ORDER.split())
"""Words by which the order of what they speak of counts."""

Above = tuple[frozenset[str], tuple[str, ...]]


def above(clause: Clause) -> Above:
    """What charges a statement, and the words above it that it needs to be understood at all."""
    if clause.kind is ClauseKind.HEADING:
        return frozenset(), ()
    leans_on = nearest(clause) if _leans(clause) else ""
    spoken_of = clause.follows if _points_back(clause) else ""
    return _charges_above(clause), _content(f"{leans_on} {spoken_of}")


def context_differs(old: Clause, new: Clause) -> bool:
    """Whether the same words would mean something else under what stands above them now.

    A stem or heading that was amended in its place is judged itself, with all that it changes.
    """
    if ClauseKind.HEADING in (old.kind, new.kind):
        return False
    if _charges_above(old) != _charges_above(new):
        return True
    stands_alike = _alike(nearest(old), nearest(new))
    if _points_back(new) and not (stands_alike and _alike(old.follows, new.follows, NEARLY)):
        return True
    return is_a_part(new) and not stands_alike


def _alike(one: str, other: str, enough: float = STILL_THE_SAME) -> bool:
    return fuzz.token_sort_ratio(one, other) >= enough


def counts_in_order(clause: Clause) -> bool:
    """Whether the sentence that an item completes says that the order of the items counts."""
    return not ORDERLY.isdisjoint(plain_words(clause.stem))


def moved_elsewhere(old: Clause, new: Clause) -> bool:
    """Whether words that moved now stand under others that matter to them."""
    return above(old) != above(new)


def same_place(old: Clause, new: Clause) -> bool:
    """Whether they stand under the same words, where neither their order nor what stood before
    them can matter: enough in any language."""
    under = (old.path, old.stem) == (new.path, new.stem)
    return under and not (_points_back(new) or counts_in_order(new))


def _charges_above(clause: Clause) -> frozenset[str]:
    return charges(" ".join((*clause.path, clause.stem)))


def nearest(clause: Clause) -> str:
    """The words that stand right above: the sentence that an item completes, or the heading."""
    return clause.stem or (clause.path[-1] if clause.path else "")


def is_a_part(clause: Clause) -> bool:
    """Whether it is no sentence of its own; `No.` answers what stands above it."""
    listed = clause.kind in (ClauseKind.ITEM, ClauseKind.ROW)
    return listed or len(plain_words(clause.text)) <= LONGEST_ANSWER


def _leans(clause: Clause) -> bool:
    """Whether it may need what stands above it: it is short, or speaks of what was named before."""
    spoken = plain_words(clause.text)
    return is_a_part(clause) or len(spoken) <= SHORT or not POINTS_BACK.isdisjoint(spoken)


def _points_back(clause: Clause) -> bool:
    """Whether it speaks of what was named before it: `This needs your consent.`"""
    spoken = plain_words(clause.text)
    return not POINTS_BACK.isdisjoint(spoken if len(spoken) <= SHORT else spoken[:1])


@lru_cache(maxsize=2_000)
def charges(text: str) -> frozenset[str]:
    """What in these words can turn a meaning: denials, conditions, limits, lengths of time."""
    spoken = words(text)
    found = {one.label for one in LEXICON.mentions(spoken) if one.label in CHARGES}
    found |= CONDITIONS.intersection(spoken)
    found |= {period.group().casefold() for period in PERIOD.finditer(straightened(text))}
    return frozenset(found)


@lru_cache(maxsize=2_000)
def _content(text: str) -> tuple[str, ...]:
    return tuple(word for word in plain_words(text) if word not in LEXICON.grammar)
