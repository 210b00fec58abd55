"""Rules for what no more particular rule speaks of: a practice that widened, a promise that went.

They are never sure by themselves: the weights decide whether what they tell is adverse.
"""

from collections.abc import Iterator

from domain.materiality.assessment import Practice
from domain.materiality.lexicon import KINDS, LEXICON
from domain.materiality.reading import BURDENS, Reading
from domain.materiality.rules import Comparison, Found, adverse, in_a_row, listed, named, rule
from domain.materiality.words import words

BURDENING = ("data", "purposes", "recipients")
ASSURING = {
    "limits": "a limit",
    "consent": "that people are asked",
    "opt_out": "a way to say no",
    "choice": "a choice",
    "told_ahead": "to hear of it beforehand",
    "framework": "the rules of a framework for transfers",
    "answerable": "that somebody answers for it",
    "parent": "a say of parents",
}
UNDERTAKINGS = frozenset({"delete", "notify", "protect", "respond"})
PRACTICES = {
    "data": Practice.DATA_COLLECTION,
    "purposes": Practice.PURPOSE,
    "recipients": Practice.SHARING_SALE,
}


@rule("practice")
def widened(comparison: Comparison) -> Iterator[Found]:
    """More may be done with data than this statement said before."""
    before, after = comparison.before, comparison.after
    acts = (after.allowed - before.allowed) & BURDENS
    fresh = {kind: after.of(kind) - before.of(kind) for kind in BURDENING}
    if after.denied and not after.allowed:
        return
    if not comparison.new or not (acts or any(fresh.values())):
        return
    about = next((kind for kind in reversed(BURDENING) if fresh[kind]), "purposes")
    yield adverse(
        "widened",
        PRACTICES[about],
        _widened(acts or after.burdens, fresh),
        f"colorado.6.04.{'categories' if about == 'data' else about}",
    )


@rule("assurance")
def narrowed(comparison: Comparison) -> Iterator[Found]:
    """Something that protected people is no longer said in this statement."""
    lost = list(_lost(comparison.before, comparison.after))
    if comparison.old and lost:
        yield adverse(
            "narrowed",
            Practice.OTHER,
            f"This is no longer said here: {in_a_row(lost)}.",
            "wp260.impact",
        )


@rule("wording")
def reworded(comparison: Comparison) -> Iterator[Found]:
    """Words that bear on people came into a statement or left it."""
    gone = _phrases(comparison.old_text, comparison.new_text)
    come = _phrases(comparison.new_text, comparison.old_text)
    if comparison.amended and (gone or come):
        told = [f"gone: {_quoted(gone)}"] if gone else []
        told += [f"new: {_quoted(come)}"] if come else []
        yield adverse(
            "changed",
            Practice.OTHER,
            f"Words that bear on people changed in this statement ({'; '.join(told)}).",
            "wp260.impact",
        )


def _widened(acts: frozenset[str], fresh: dict[str, frozenset[str]]) -> str:
    what = named("data", fresh["data"]) if fresh["data"] else "data"
    why = f" for {named('purposes', fresh['purposes'])}" if fresh["purposes"] else ""
    whom = f", also with {named('recipients', fresh['recipients'])}" if fresh["recipients"] else ""
    does = listed(acts & BURDENS) if acts & BURDENS else "deal with"
    return f"The company could {does} {what}{why}{whom}; this statement did not say so before."


def _lost(before: Reading, after: Reading) -> Iterator[str]:
    denied = (before.denied & BURDENS) - after.denied
    if denied:
        yield f"a promise not to {listed(denied)} data"
    kept_up = (before.allowed & UNDERTAKINGS) - after.allowed
    if kept_up:
        yield f"an undertaking to {listed(kept_up)}"
    for kind in ("rights", "safeguards"):
        gone = before.of(kind) - after.of(kind)
        if gone:
            yield named(kind, gone)
    yield from (name for mark, name in ASSURING.items() if before.says(mark) > after.says(mark))


def _phrases(text: str, other: str) -> list[str]:
    """The phrases of the lexicon in a text that the other text does not have."""
    spoken, there = words(text), set(LEXICON.mentioned(words(other)))
    kinds = (*(f"{kind}." for kind in KINDS), "acts.", "words.")
    idle = ("words.grammar", "words.english", "words.personal", "words.contact", "words.pointer")
    found = (
        " ".join(spoken[mention.start : mention.end])
        for mention in LEXICON.mentions(spoken)
        if mention.label.startswith(kinds) and mention.label not in idle
    )
    return [phrase for phrase in dict.fromkeys(found) if phrase not in there]


def _quoted(phrases: list[str]) -> str:
    shown = ", ".join(f'"{phrase}"' for phrase in phrases[:5])
    return shown + (" and more" if len(phrases) > 5 else "")
