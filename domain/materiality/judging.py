"""One comparison judged: shown harmless, found adverse or favourable, or left to a person."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from domain.materiality import general_rules, period_rules, practice_rules, promise_rules
from domain.materiality.assessment import Direction, Practice
from domain.materiality.context import charges
from domain.materiality.differing import changed_words, turns_on_few_words
from domain.materiality.evidence import evidence
from domain.materiality.harmless import same_but_for_periods, shown_harmless
from domain.materiality.rules import REGISTRY, Comparison, Found
from domain.materiality.signs import unreadable
from domain.materiality.surface import turns_on_a_name
from domain.materiality.weighing import WEIGHTS
from domain.materiality.words import plain_words, root

# Importing them registers the rules.
RULE_MODULES = (period_rules, practice_rules, promise_rules, general_rules)
GENERAL = frozenset({"practice.widened", "assurance.narrowed", "wording.changed"})
IN_ANY_LANGUAGE = ("formatting", "spacing")
MOSTLY_MET = 0.3  # of the words that differ
SHORT_STATEMENT = 12  # words
A_RULE_COUNTS = 0.5  # how much a particular rule adds to what the words weigh

Named = tuple[str, Found]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What shows a comparison harmless, or what was found in it; one of the two is empty."""

    cleared_as: str | None = None
    found: tuple[Named, ...] = ()


def judge(comparison: Comparison, *, english: bool) -> Judgement:
    """Judge what differs; whatever is not shown harmless is found, if only as unexplained."""
    if unreadable(comparison.old_text) != unreadable(comparison.new_text):
        return Judgement(found=(unexplained(),))
    shown = shown_harmless(comparison)
    if shown and (english or shown in IN_ANY_LANGUAGE):
        return Judgement(cleared_as=shown)
    if not english:
        return Judgement(found=(not_english(),))
    raised = tuple(findings_in(comparison))
    names = names_of(comparison, raised)
    return _weighed(comparison, raised, weigh(names, raised))


def findings_in(comparison: Comparison) -> Iterator[Named]:
    """What each rule has to say, in the order of the rules."""
    for rule in REGISTRY.values():
        for found in rule.find(comparison):
            yield f"{rule.name}.{found.aspect}", found


def names_of(comparison: Comparison, raised: tuple[Named, ...]) -> frozenset[str]:
    """The names of all that speaks for or against in a comparison."""
    return evidence(comparison, (name for name, _ in raised if name not in GENERAL))


def weigh(names: frozenset[str], raised: tuple[Named, ...]) -> float:
    """What words and rules weigh together."""
    return WEIGHTS.weigh(names) + A_RULE_COUNTS * any(is_particular(named) for named in raised)


def is_particular(named: Named) -> bool:
    """Whether it is an adverse finding of a rule that speaks of one thing only."""
    name, found = named
    return found.direction is Direction.ADVERSE and name not in GENERAL


def most_particular(raised: tuple[Named, ...]) -> tuple[Named, ...]:
    """The general rules speak only where no particular one does."""
    adverse = tuple(named for named in raised if named[1].direction is Direction.ADVERSE)
    return tuple(named for named in adverse if is_particular(named)) or adverse


def not_english() -> Named:
    return "language.not_english", _unclear(
        "The rules read English only, and this text is in another language; "
        "a person has to compare the two."
    )


def unexplained() -> Named:
    return "change.unexplained", _unclear(
        "No rule explains this change and nothing shows it harmless; a person has to read it."
    )


def _unclear(explanation: str) -> Found:
    return Found(
        aspect="",
        direction=Direction.UNCLEAR,
        practice=Practice.OTHER,
        explanation=explanation,
    )


def _can_be_cleared(comparison: Comparison, weight: float) -> bool:
    """Words never met show nothing; nor is a sentence cleared that stayed but for a few words.

    There a single word can turn what all the others say ("where we can"), however little it weighs.
    Nor is a sentence whose denials, conditions or limits are others now, a short statement that
    came or went ("we read faces"), nor anything new that gives data to others, or a promise or
    length of time that is gone.
    """
    return (
        weight < WEIGHTS.harmless_below
        and WEIGHTS.knows(root(word) for word in changed_words(comparison)) >= MOSTLY_MET
        and not turns_on_few_words(comparison)
        and not turns_on_a_name(comparison)
        and not (
            comparison.amended and charges(comparison.old_text) != charges(comparison.new_text)
        )
        and not _is_short(comparison)
        and not _gives_or_takes_away(comparison)
    )


def _is_short(comparison: Comparison) -> bool:
    """Of a few words nobody can tell by their weights what they bring or take."""
    words_said = len(plain_words(comparison.old_text)) + len(plain_words(comparison.new_text))
    return not comparison.amended and words_said <= SHORT_STATEMENT


def _gives_or_takes_away(comparison: Comparison) -> bool:
    """Something new that gives data to others; a promise or a length of time that is gone."""
    if not comparison.old:
        return bool(comparison.after.mentioned & {"share", "sell"})
    return not comparison.new and bool(comparison.before.denied or comparison.before.periods)


def _weighed(comparison: Comparison, raised: tuple[Named, ...], weight: float) -> Judgement:
    adverse = most_particular(raised)
    favourable = tuple(n for n in raised if n[1].direction is Direction.FAVOURABLE)
    covered = any(found.counter_evidence for _, found in adverse)
    if weight >= WEIGHTS.adverse_from and adverse and not covered:
        return Judgement(found=(*adverse, *favourable))
    doubted = tuple(named if named[1].sure else _doubted(named) for named in adverse)
    if not _can_be_cleared(comparison, weight):
        explained = doubted or (favourable and same_but_for_periods(comparison))
        found = (*doubted, *favourable)
        return Judgement(found=found if explained else (*found, unexplained()))
    # What a particular rule found is never cleared by weights, unless it is covered elsewhere.
    held = tuple(n for n in doubted if n[0] not in GENERAL and not n[1].counter_evidence)
    if held or favourable:
        return Judgement(found=(*held, *favourable))
    return Judgement(cleared_as="weighed")


def _doubted(named: Named) -> Named:
    name, found = named
    return name, replace(found, direction=Direction.UNCLEAR)
