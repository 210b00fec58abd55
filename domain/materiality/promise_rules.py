"""Rules about promises and choices: what was promised, consent, opt-out, rights, notice."""

from collections.abc import Iterator

from rapidfuzz import fuzz

from domain.materiality.assessment import Practice
from domain.materiality.lexicon import LEXICON
from domain.materiality.reading import BURDENS, Reading, read
from domain.materiality.rules import (
    Comparison,
    Found,
    adverse,
    favourable,
    listed,
    named,
    personal,
    rule,
)
from domain.materiality.words import words
from domain.texts.clauses import Clause

UNDERTAKINGS = frozenset({"notify", "protect", "respond", "delete"})
CHANGE_PROMISES = {
    "told_by_mail": "an e-mail",
    "asked_for_approval": "to be asked for approval",
    "told_ahead": "to hear of it beforehand",
}
CLEARLY_THE_SAME = 75.0  # of 100
PRACTICE_OF = {
    "sell": Practice.SHARING_SALE,
    "share": Practice.SHARING_SALE,
    "keep": Practice.RETENTION,
    "collect": Practice.DATA_COLLECTION,
    "use": Practice.PURPOSE,
}


@rule("promise.reversed")
def reversed_promise(comparison: Comparison) -> Iterator[Found]:
    """What the old statement says is not done, the new one allows."""
    if not comparison.amended:
        return
    before, after = comparison.before, comparison.after
    turned = (before.denied & after.allowed & BURDENS) - after.denied
    if turned:
        yield adverse(
            "allowed",
            _practice(turned),
            f"The company could {listed(turned)} data{_with_whom(after)}, "
            "which the old text says it does not do.",
            "colorado.6.04.sharing" if turned & {"share", "sell"} else "colorado.6.04.purposes",
            "wp260.impact",
            sure=_similarity(comparison) >= CLEARLY_THE_SAME and turned != {"use"},
        )
    kept = (before.allowed & after.denied & BURDENS) - before.denied - after.allowed
    if kept:
        yield favourable(
            "promised", _practice(kept), f"The company now says that it does not {listed(kept)}."
        )


@rule("promise.dropped")
def dropped_promise(comparison: Comparison) -> Iterator[Found]:
    """A statement of what is not done is gone, and nothing in the new text stands in for it."""
    before = comparison.before
    gone = (before.denied & BURDENS) - comparison.after.denied - comparison.after.allowed
    if gone == {"use"} and not before.of("data") and not before.of("purposes"):
        return
    if not gone or not personal(comparison.old_text):
        return
    covered = comparison.new_version.covering(
        comparison.old_text, lambda reading: bool(reading.denied & gone)
    )
    yield adverse(
        "gone",
        _practice(gone),
        f"The promise not to {listed(gone)}{_with_whom(before)} is no longer made in these words.",
        "colorado.6.04.sharing" if gone & {"share", "sell"} else "wp260.impact",
        counter_evidence=covered,
    )


@rule("promise.added")
def added_promise(comparison: Comparison) -> Iterator[Found]:
    """The new text says of something that it is not done, and allows nothing beside it."""
    made = comparison.after.denied & BURDENS
    if comparison.new and not comparison.old and made and not comparison.after.burdens:
        yield favourable(
            "new", _practice(made), f"The company now says that it does not {listed(made)}."
        )


@rule("promise.weaker")
def weaker_promise(comparison: Comparison) -> Iterator[Found]:
    """A firm undertaking ("we will") became a loose one ("we may", "where possible")."""
    if not comparison.amended or _similarity(comparison) < 70:
        return
    before, after = comparison.before, comparison.after
    kept_up = before.allowed & after.allowed & UNDERTAKINGS
    softened = before.says("firm") and after.says("loose") and not before.says("loose")
    if kept_up and softened:
        yield adverse(
            "loose",
            Practice.SECURITY if "protect" in kept_up else Practice.USER_RIGHTS,
            f"The firm undertaking to {listed(kept_up)} became one that leaves the company a way "
            f'out ("{_first("loose", comparison.new_text)}").',
            "wp260.impact",
        )


@rule("limit")
def limit(comparison: Comparison) -> Iterator[Found]:
    """Words that kept a practice narrow ("only", "strictly") were taken out of a statement."""
    if not comparison.amended or _similarity(comparison) < 70:
        return
    if (
        comparison.before.says("limits")
        and not comparison.after.says("limits")
        and comparison.after.burdens
    ):
        yield adverse(
            "removed",
            Practice.PURPOSE,
            f'The limit "{_first("limits", comparison.old_text)}" is gone from this statement.',
            "colorado.6.04.purposes",
        )


@rule("consent")
def consent(comparison: Comparison) -> Iterator[Found]:
    """What needed the person's consent is done without it, or unless the person objects."""
    before, after = comparison.before, comparison.after
    if not before.says("consent") or after.says("consent"):
        return
    if comparison.new and after.burdens:
        how = "unless people object" if after.says("opt_out") else "without being asked for"
        yield adverse(
            "dropped",
            Practice.CONSENT_OPTOUT,
            f"What needed consent before could now happen {how}.",
            "colorado.6.04.secondary_use",
            "wp260.impact",
        )
    elif not comparison.new and (before.allowed | before.denied) & BURDENS:
        covered = comparison.new_version.covering(
            comparison.old_text, lambda reading: reading.says("consent")
        )
        yield adverse(
            "gone",
            Practice.CONSENT_OPTOUT,
            "The statement that made this depend on consent is gone.",
            "colorado.6.04.secondary_use",
            counter_evidence=covered,
        )


@rule("opt_out")
def opt_out(comparison: Comparison) -> Iterator[Found]:
    """P17: a way to say no was taken away, or a new one was given."""
    before, after = comparison.before, comparison.after
    if before.says("opt_out") and not after.says("opt_out"):
        covered = comparison.new_version.covering(
            comparison.old_text, lambda reading: reading.says("opt_out")
        )
        yield adverse(
            "removed",
            Practice.CONSENT_OPTOUT,
            f'The way to say no ("{_first("opt_out", comparison.old_text)}") is gone from here.',
            "colorado.6.04.rights",
            "wp260.rights",
            counter_evidence=covered,
        )
    elif (
        comparison.amended
        and after.says("opt_out")
        and not before.says("opt_out")
        and not before.says("consent")
        and not after.says("negation")
    ):
        yield favourable("added", Practice.CONSENT_OPTOUT, "People are given a way to say no.")


@rule("right")
def rights(comparison: Comparison) -> Iterator[Found]:
    """P10-P16, P23: a right is no longer named anywhere in the new text, or is named for once."""
    gone = comparison.before.of("rights") - comparison.new_version.names("rights")
    if gone:
        yield adverse(
            "removed",
            Practice.USER_RIGHTS,
            f"The new text no longer gives: {named('rights', gone)}.",
            "colorado.6.04.rights",
            "wp260.rights",
        )
    fresh = comparison.after.of("rights") - comparison.old_version.names("rights")
    if fresh and not comparison.after.says("negation"):
        sentence = f"The new text gives: {named('rights', fresh)}."
        yield favourable("added", Practice.USER_RIGHTS, sentence)


@rule("notice_of_change")
def notice_of_change(comparison: Comparison) -> Iterator[Found]:
    """P4, P5: e-mail, approval or warning ahead of a policy change is no longer promised."""
    promised = _promised_of_changes(comparison.old)
    gone = promised - _promised_of_changes(comparison.new)
    if not gone:
        return
    elsewhere = [
        statement
        for statement in comparison.new_version.statements
        if statement not in comparison.new and _promised_of_changes((statement,)) & gone
    ]
    covered = gone <= _promised_of_changes(tuple(elsewhere))
    yield adverse(
        "weaker",
        Practice.NOTICE_OF_CHANGE,
        f"When the policy changes, people were promised {' and '.join(sorted(gone))}; "
        "the new statement does not promise it.",
        "wp260.notice_of_change",
        counter_evidence=elsewhere[0].text if covered else None,
    )


def _practice(acts: frozenset[str]) -> Practice:
    return next(practice for act, practice in PRACTICE_OF.items() if act in acts)


def _with_whom(reading: Reading) -> str:
    recipients = reading.of("recipients")
    return f" with {named('recipients', recipients)}" if recipients else ""


def _similarity(comparison: Comparison) -> float:
    return fuzz.ratio(comparison.old_text[:4_000], comparison.new_text[:4_000])


def _first(mark: str, text: str) -> str:
    spoken = words(text)
    found = (m for m in LEXICON.mentions(spoken) if m.label == f"words.{mark}")
    first = next(found, None)
    return " ".join(spoken[first.start : first.end]) if first else ""


def _promised_of_changes(statements: tuple[Clause, ...]) -> frozenset[str]:
    """What is promised for changes of the policy: an e-mail, the approval, a warning ahead."""
    found: set[str] = set()
    for statement in statements:
        promised = [n for mark, n in CHANGE_PROMISES.items() if read(statement.text).says(mark)]
        if not promised:
            continue
        around = read(" ".join((*statement.path, statement.stem, statement.text)))
        if around.says("policy") and around.says("change"):
            found |= {*promised}
    return frozenset(found)
