"""Two texts in, an assessment out: pure, and the same for the same words every time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from itertools import chain

from domain.materiality.assessment import (
    SAYS_SOMETHING_NEW,
    AssessedChange,
    Assessment,
    Direction,
    Finding,
    Lines,
    Severity,
    Verdict,
)
from domain.materiality.context import (
    context_differs,
    counts_in_order,
    is_a_part,
    moved_elsewhere,
    nearest,
    same_place,
)
from domain.materiality.judging import Judgement, judge, not_english, unexplained
from domain.materiality.lexicon import LEXICON
from domain.materiality.links import LINK_RULE, led_elsewhere, links_differ
from domain.materiality.reading import sentences
from domain.materiality.rebroken import in_other_lines
from domain.materiality.rules import REGISTRY, Comparison, Found, Version
from domain.materiality.weighing import WEIGHTS
from domain.materiality.words import words
from domain.texts.alignment import Change, ChangeKind, align
from domain.texts.clauses import Clause, ClauseKind, read_clauses

ENGINE_VERSION = 3
ENGLISH_SHARE = 0.12

Quotes = tuple[tuple[Clause, ...], tuple[Clause, ...]]


def assess(old_markdown: str, new_markdown: str) -> Assessment:
    """Assess the change from one text of a policy to another (P2).

    Never raises for text: what the rules cannot explain becomes a finding of direction `unclear`.
    """
    cases = _assessed(changes_between(old_markdown, new_markdown))
    findings = _numbered(cases)
    cleared_as = {reason for case in cases for reason in case.cleared}
    verdict = _verdict(findings, cleared_as, identical=old_markdown == new_markdown)
    return Assessment(
        verdict=verdict,
        material_adverse=verdict is Verdict.MATERIAL_ADVERSE,
        needs_review=any(finding.direction is Direction.UNCLEAR for finding in findings.values()),
        findings=tuple(findings.values()),
        changes=tuple(
            _assessed_change(case, [findings[raised.key].id for raised in case.raised])
            for case in cases
            if case.change.kind is not ChangeKind.UNCHANGED
        ),
        engine=engine_version(),
    )


def changes_between(old_markdown: str, new_markdown: str) -> tuple[Change, ...]:
    """What became of every clause; words that stayed under what turns them have moved.

    Words that stayed while a link in them leads elsewhere were amended.
    """
    old, new = read_clauses(old_markdown), read_clauses(new_markdown)
    in_both = frozenset(map(nearest, old)) & frozenset(map(nearest, new))
    changes = align(old, new)
    return tuple(_with_its_links(_in_its_context(change, in_both)) for change in changes)


@cache
def engine_version() -> str:
    """Changes whenever the engine, a rule, a word of the lexicon or a weight does."""
    rules = " ".join(f"{rule.name}@{rule.version}" for rule in REGISTRY.values())
    fingerprints = (
        sha256(rules.encode()).hexdigest()[:8],
        LEXICON.fingerprint,
        WEIGHTS.fingerprint,
    )
    return ".".join((str(ENGINE_VERSION), *fingerprints))


def comparisons(old_markdown: str, new_markdown: str) -> tuple[bool, tuple[Comparison, ...]]:
    """Whether both texts are in English, and every comparison `assess` judges, to learn from."""
    cases = [_Case(change=change) for change in changes_between(old_markdown, new_markdown)]
    old_version, new_version = _versions(cases)
    english = _is_english(old_version) and _is_english(new_version)
    return english, tuple(
        Comparison(old=old, new=new, old_version=old_version, new_version=new_version)
        for _, old, new in _statements(cases)
    )


@dataclass(frozen=True, kw_only=True)
class _Raised:
    """A finding before it has its number."""

    rule: str
    found: Found
    old: tuple[Clause, ...]
    new: tuple[Clause, ...]

    @property
    def key(self) -> tuple[str, str | None, str | None]:
        return self.rule, _quote(self.old), _quote(self.new)


@dataclass(kw_only=True, eq=False)
class _Case:
    """A change, what was found in it, what showed its parts harmless, and what nothing explains."""

    change: Change
    raised: list[_Raised] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    unexplained: list[Quotes] = field(default_factory=list)

    @property
    def says_nothing_of_its_change(self) -> bool:
        differs = self.change.kind is not ChangeKind.UNCHANGED
        return differs and not (self.raised or self.cleared or self.unexplained)


def _assessed(changes: tuple[Change, ...]) -> list[_Case]:
    cases = [_Case(change=change) for change in changes]
    old_version, new_version = _versions(cases)
    english = _is_english(old_version) and _is_english(new_version)
    for owners, old, new in _statements(cases):
        comparison = Comparison(old=old, new=new, old_version=old_version, new_version=new_version)
        judgement = judge(comparison, english=english)
        for case in dict.fromkeys(owners):
            _record(case, judgement, comparison)
    for case in cases:
        _judge_move(case, english=english)
        _judge_links(case, english=english)
        if case.says_nothing_of_its_change:
            case.unexplained.append((case.change.old, case.change.new))
        _raise_unexplained(case, english=english)
    return cases


def _in_its_context(change: Change, in_both: frozenset[str] = frozenset()) -> Change:
    """The same words under what turns them, or under another stem that both texts have, have moved.

    The second is true in any language: a stem that went to other items left these behind.
    """
    if change.kind is not ChangeKind.UNCHANGED:
        return change
    old, new = change.old[0], change.new[0]
    left = (
        is_a_part(new)
        and nearest(old) != nearest(new)
        and not in_both.isdisjoint((nearest(old), nearest(new)))
    )
    if left or context_differs(old, new):
        return replace(change, kind=ChangeKind.MOVED, moved=True)
    return change


def _with_its_links(change: Change) -> Change:
    unchanged = change.kind is ChangeKind.UNCHANGED
    amended = unchanged and links_differ(change.old, change.new)
    return replace(change, kind=ChangeKind.AMENDED) if amended else change


def _versions(cases: Iterable[_Case]) -> tuple[Version, Version]:
    """All statements of the old text, and all of the new one."""
    changes = [case.change for case in cases]
    return (
        Version(tuple(_sentences(clause for change in changes for clause in change.old))),
        Version(tuple(_sentences(clause for change in changes for clause in change.new))),
    )


def _statements(
    cases: list[_Case],
) -> Iterator[tuple[list[_Case], tuple[Clause, ...], tuple[Clause, ...]]]:
    """The sentences that differ, brought together within a change first, then across changes."""
    open_cases = [
        case for case in cases if case.change.kind not in (ChangeKind.UNCHANGED, ChangeKind.MOVED)
    ]
    same_old, same_new = in_other_lines(
        [one for case in open_cases for one in _sentences(case.change.old)],
        [one for case in open_cases for one in _sentences(case.change.new)],
    )
    left_old: dict[Clause, _Case] = {}
    left_new: dict[Clause, _Case] = {}
    for case in open_cases:
        old = [one for one in _sentences(case.change.old) if one not in same_old]
        new = [one for one in _sentences(case.change.new) if one not in same_new]
        if not old and not new and _quote(case.change.old) != _quote(case.change.new):
            case.cleared.append("formatting")
        for part in align(old, new):
            if part.old and part.new and _in_its_context(part).kind is not ChangeKind.UNCHANGED:
                yield [case], part.old, part.new
            left_old |= dict.fromkeys(part.old if not part.new else (), case)
            left_new |= dict.fromkeys(part.new if not part.old else (), case)
    for part in align(list(left_old), list(left_new)):
        owners = [left_old[one] for one in part.old] + [left_new[one] for one in part.new]
        yield owners, part.old, part.new


def _sentences(clauses: Iterable[Clause]) -> list[Clause]:
    return [sentence for clause in clauses for sentence in sentences(clause)]


def _record(case: _Case, judgement: Judgement, comparison: Comparison) -> None:
    if judgement.cleared_as:
        case.cleared.append(judgement.cleared_as)
    for name, found in judgement.found:
        if found == unexplained()[1] or found == not_english()[1]:
            case.unexplained.append((comparison.old, comparison.new))
        else:
            case.raised.append(
                _Raised(rule=name, found=found, old=comparison.old, new=comparison.new)
            )


def _judge_move(case: _Case, *, english: bool) -> None:
    """In a language that is not read, only what stands under the same words has merely moved."""
    change = case.change
    if change.moved and counts_in_order(change.new[0]):
        case.unexplained.append((change.old, change.new))
    if change.kind is not ChangeKind.MOVED:
        return
    old, new = change.old[0], change.new[0]
    stayed = same_place(old, new)
    if not stayed and (moved_elsewhere(old, new) or not english):
        case.unexplained.append((change.old, change.new))
    else:
        case.cleared.append("moved")


def _judge_links(case: _Case, *, english: bool) -> None:
    old, new = case.change.old, case.change.new
    if not new or not links_differ(old, new):
        return
    found = led_elsewhere(old, new, english=english)
    if found:
        case.raised.append(_Raised(rule=LINK_RULE, found=found, old=old, new=new))
    else:
        case.cleared.append("link or address")


def _raise_unexplained(case: _Case, *, english: bool) -> None:
    """One finding for all that nothing explains in a change, quoting as little as will do."""
    if not case.unexplained:
        return
    one = case.unexplained[0] if len(case.unexplained) == 1 else None
    old, new = one or (case.change.old, case.change.new)
    rule, found = unexplained() if english else not_english()
    case.raised.append(_Raised(rule=rule, found=found, old=old, new=new))


def _is_english(version: Version) -> bool:
    spoken = [
        word
        for statement in version.statements
        if statement.kind is not ClauseKind.HEADING
        for word in words(statement.text)
    ]
    common = sum(word in LEXICON.english for word in spoken)
    return not spoken or common >= ENGLISH_SHARE * len(spoken)


def _numbered(cases: list[_Case]) -> dict[tuple[str, str | None, str | None], Finding]:
    """Findings in the order of the document; one rule says one thing about one pair of quotes."""
    findings: dict[tuple[str, str | None, str | None], Finding] = {}
    for raised in chain.from_iterable(case.raised for case in cases):
        if raised.key not in findings:
            findings[raised.key] = _finding(f"F{len(findings) + 1}", raised)
    return findings


def _finding(number: str, raised: _Raised) -> Finding:
    found = raised.found
    return Finding(
        id=number,
        direction=found.direction,
        severity=(Severity.UNCLEAR if found.direction is Direction.UNCLEAR else Severity.MATERIAL),
        # Counted where the engine was sure of it; of a doubt it says nothing.
        right=WEIGHTS.records.get(raised.rule) if found.direction is Direction.ADVERSE else None,
        practice=found.practice,
        rule=raised.rule,
        explanation=found.explanation,
        section=(raised.new or raised.old)[0].path,
        before=_quote(raised.old),
        after=_quote(raised.new),
        lines=Lines(before=_lines(raised.old), after=_lines(raised.new)),
        basis=found.basis,
        counter_evidence=found.counter_evidence,
    )


def _assessed_change(case: _Case, findings: list[str]) -> AssessedChange:
    change = case.change
    return AssessedChange(
        kind=str(change.kind),
        moved=change.moved,
        section=(change.new or change.old)[0].path,
        before=_quote(change.old),
        after=_quote(change.new),
        findings=tuple(dict.fromkeys(findings)),
        cleared_as=None if findings else _cleared_as(case),
    )


def _cleared_as(case: _Case) -> str:
    moved = ["moved"] if case.change.moved else []
    return ", ".join(dict.fromkeys(case.cleared + moved))


def _quote(clauses: Iterable[Clause]) -> str | None:
    return " ".join(clause.text for clause in clauses) or None


def _lines(clauses: tuple[Clause, ...]) -> tuple[int, int] | None:
    if not clauses:
        return None
    return clauses[0].lines[0], clauses[-1].lines[1]


def _verdict(
    findings: dict[tuple[str, str | None, str | None], Finding],
    cleared_as: set[str],
    *,
    identical: bool,
) -> Verdict:
    """The worst finding decides: what is favourable never makes up for what is adverse (P2)."""
    directions = {finding.direction for finding in findings.values()}
    if Direction.ADVERSE in directions:
        return Verdict.MATERIAL_ADVERSE
    if Direction.UNCLEAR in directions:
        return Verdict.NEEDS_REVIEW
    if directions:
        return Verdict.FAVOURABLE
    if cleared_as & SAYS_SOMETHING_NEW:
        return Verdict.NEUTRAL
    return Verdict.IDENTICAL if identical else Verdict.EDITORIAL
