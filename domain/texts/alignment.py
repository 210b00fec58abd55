"""The clauses of two versions, brought together: what stayed, changed, moved, came and went."""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain, count

from rapidfuzz import fuzz, process

from domain.texts.clauses import Clause, ClauseKind
from domain.texts.matching import common_runs

SAME_SUBJECT = 60.0  # of 100: below this, two clauses are one gone and one new
CANDIDATES = 6
MOST_COMPARED = 100_000  # pairs of clauses, about a second; a policy has hundreds of clauses
NEIGHBOURS = 20
RARE = 30  # clauses; a word in more of them says little of what a clause is about
SHORTLIST = 40
COMPARED_CHARACTERS = 4_000  # enough to tell what a clause is about
CLEARLY_BETTER = 4.0  # how much closer a neighbour must bring two clauses to count as their half


class ChangeKind(StrEnum):
    UNCHANGED = "unchanged"
    AMENDED = "amended"
    MOVED = "moved"
    SPLIT = "split"
    MERGED = "merged"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What became of some clauses: `moved` is also true of a clause amended on the way."""

    kind: ChangeKind
    old: tuple[Clause, ...]
    new: tuple[Clause, ...]
    moved: bool = False


# Positions that nothing has taken yet, in order.
_Free = dict[int, None]


# What a clause is compared with, by its words and how far into the text it stands, from 0 to 1.
_InReach = Callable[[str, float], dict[int, str]]


@dataclass(kw_only=True)
class _Match:
    """Positions that belong together; both sides are runs of neighbours, at least one is single."""

    old: list[int]
    new: list[int]
    moved: bool = False


def align(old: Sequence[Clause], new: Sequence[Clause]) -> tuple[Change, ...]:
    """Put every clause of both versions into exactly one change, in the new version's order."""
    in_place = _longest_common(old, new)
    free_old = _without(range(len(old)), (match.old[0] for match in in_place))
    free_new = _without(range(len(new)), (match.new[0] for match in in_place))
    moved = _same_words_elsewhere(old, new, free_old, free_new)
    alike = _alike(old, new, free_old, free_new)
    _join_halves(old, new, alike, free_old, free_new)
    _mark_moved(alike, in_place)
    matches = [*in_place, *moved, *alike]
    matches += [_Match(old=[], new=[position]) for position in free_new]
    return tuple(_change(old, new, match) for match in _in_reading_order(matches, sorted(free_old)))


def carried(old: Sequence[Clause], new: Sequence[Clause]) -> tuple[Clause, ...]:
    """The new version's clauses, each with the id of the old one that it goes on from.

    Of a split clause the first part has its id, and a merged one has the id of its first part. To
    follow a clause through all versions, carry from the first to the last:
    `reduce(carried, map(read_clauses, texts))`.
    """
    changes = [change for change in align(old, new) if change.new]
    used = {change.old[0].id for change in changes if change.old}
    clauses: list[Clause] = []
    for change in changes:
        first, *others = change.new
        if change.old:
            clauses.append(replace(first, id=change.old[0].id))
        else:
            others.insert(0, first)
        for clause in others:
            clauses.append(replace(clause, id=_unused(clause.id, used)))
            used.add(clauses[-1].id)
    return tuple(clauses)


def _unused(clause_id: str, used: Container[str]) -> str:
    """The id itself, or with the first number behind it that makes it another."""
    numbered = (f"{clause_id}-{number}" for number in count(2))
    return next(name for name in chain((clause_id,), numbered) if name not in used)


def _without(positions: Iterable[int], taken: Iterable[int]) -> _Free:
    used = set(taken)
    return dict.fromkeys(position for position in positions if position not in used)


def _longest_common(old: Sequence[Clause], new: Sequence[Clause]) -> list[_Match]:
    runs = common_runs([_key(clause) for clause in old], [_key(clause) for clause in new])
    return [
        _Match(old=[before + step], new=[after + step])
        for before, after, length in runs
        for step in range(length)
    ]


def _key(clause: Clause) -> tuple[bool, str]:
    return clause.kind is ClauseKind.HEADING, clause.text


def _same_words_elsewhere(
    old: Sequence[Clause], new: Sequence[Clause], free_old: _Free, free_new: _Free
) -> list[_Match]:
    waiting: dict[tuple[bool, str], list[int]] = defaultdict(list)
    for position in free_new:
        waiting[_key(new[position])].append(position)
    moved = []
    for position in list(free_old):
        places = waiting[_key(old[position])]
        if places:
            moved.append(_Match(old=[position], new=[places.pop(0)], moved=True))
            del free_old[position], free_new[moved[-1].new[0]]
    return moved


def _alike(
    old: Sequence[Clause], new: Sequence[Clause], free_old: _Free, free_new: _Free
) -> list[_Match]:
    """Pair what reads alike, the closest first; ties go to the same section, then to order."""
    words = {position: _plain(new[position]) for position in free_new}
    in_reach = _all_of(words) if len(words) * len(free_old) <= MOST_COMPARED else _few_of(words)
    ranked = []
    for place, before in enumerate(free_old):
        spoken = _plain(old[before])
        for after, score in _candidates(spoken, in_reach(spoken, place / len(free_old))):
            if (old[before].kind is ClauseKind.HEADING) == (new[after].kind is ClauseKind.HEADING):
                same_section = old[before].path == new[after].path
                ranked.append((-score - 3 * same_section, abs(before - after), before, after))
    matches = []
    for _, _, before, after in sorted(ranked):
        if before in free_old and after in free_new:
            del free_old[before], free_new[after]
            matches.append(_Match(old=[before], new=[after]))
    return sorted(matches, key=lambda match: match.new)


def _all_of(words: dict[int, str]) -> _InReach:
    return lambda _spoken, _share: words


def _few_of(words: dict[int, str]) -> _InReach:
    """Of very many, those that share rare words, and those about as far into the text."""
    places = list(words)
    having: dict[str, list[int]] = defaultdict(list)
    for position, text in words.items():
        for word in set(text.split()):
            having[word].append(position)

    def in_reach(spoken: str, share: float) -> dict[int, str]:
        shared: Counter[int] = Counter()
        for word in set(spoken.split()):
            if len(having[word]) <= RARE:
                shared.update(having[word])
        middle = int(share * len(places))
        near = places[max(0, middle - NEIGHBOURS) : middle + NEIGHBOURS]
        # Ties go to the order of the text: a set of words has none.
        likely = sorted(shared, key=lambda position: (-shared[position], position))[:SHORTLIST]
        return {position: words[position] for position in dict.fromkeys((*likely, *near))}

    return in_reach


def _plain(clause: Clause) -> str:
    return " ".join(re.findall(r"\w+", clause.text[:COMPARED_CHARACTERS].casefold()))


def _candidates(words: str, choices: dict[int, str]) -> list[tuple[int, float]]:
    best: dict[int, float] = {}
    scorers: tuple[Callable[..., float], ...] = (fuzz.ratio, fuzz.token_sort_ratio)
    for scorer in scorers:
        found = process.extract(
            words, choices, scorer=scorer, score_cutoff=SAME_SUBJECT, limit=CANDIDATES
        )
        for _, score, position in found:
            best[position] = max(score, best.get(position, 0.0))
    return sorted(best.items())


def _join_halves(
    old: Sequence[Clause],
    new: Sequence[Clause],
    matches: list[_Match],
    free_old: _Free,
    free_new: _Free,
) -> None:
    """A clause cut in two, or two made one: take in the free neighbour that completes the match."""
    for match in matches:
        if len(match.old) == 1:
            _take_in(match.new, free_new, new, _plain(old[match.old[0]]))
        if len(match.new) == 1:
            _take_in(match.old, free_old, old, _plain(new[match.new[0]]))


def _take_in(run: list[int], free: _Free, side: Sequence[Clause], whole: str) -> None:
    def closeness(positions: list[int]) -> float:
        return fuzz.ratio(whole, " ".join(_plain(side[position]) for position in positions))

    while True:
        longer = [
            candidate
            for candidate in ([run[0] - 1, *run], [*run, run[-1] + 1])
            for neighbour in [candidate[0] if candidate[0] != run[0] else candidate[-1]]
            if neighbour in free and side[neighbour].kind is not ClauseKind.HEADING
        ]
        if side[run[0]].kind is ClauseKind.HEADING or not longer:
            return
        best = max(longer, key=closeness)
        if closeness(best) < closeness(run) + CLEARLY_BETTER:
            return
        del free[best[0] if best[0] != run[0] else best[-1]]
        run[:] = best


def _mark_moved(matches: list[_Match], in_place: list[_Match]) -> None:
    """A match has moved when the unchanged clauses before it are not the same on both sides."""
    old_places = [match.old[0] for match in in_place]
    new_places = [match.new[0] for match in in_place]
    for match in matches:
        before = bisect_left(old_places, match.old[0])
        match.moved = before != bisect_left(new_places, match.new[0])


def _in_reading_order(matches: list[_Match], gone: list[int]) -> list[_Match]:
    """By place in the new version; what is gone stands after the clause it used to follow."""
    place_of = {
        position: match.new[-1] for match in matches if not match.moved for position in match.old
    }
    placed = [((match.new[0], 0, 0), match) for match in matches]
    place = -1
    waiting = set(gone)
    for position in range(max([*place_of, *gone], default=-1) + 1):
        place = place_of.get(position, place)
        if position in waiting:
            placed.append(((place, 1, position), _Match(old=[position], new=[])))
    return [match for _, match in sorted(placed, key=lambda pair: pair[0])]


def _change(old: Sequence[Clause], new: Sequence[Clause], match: _Match) -> Change:
    before = tuple(old[position] for position in match.old)
    after = tuple(new[position] for position in match.new)
    return Change(
        kind=_kind(before, after, moved=match.moved), old=before, new=after, moved=match.moved
    )


def _kind(old: tuple[Clause, ...], new: tuple[Clause, ...], *, moved: bool) -> ChangeKind:
    match len(old), len(new):
        case 0, _:
            return ChangeKind.ADDED
        case _, 0:
            return ChangeKind.REMOVED
        case 1, 1 if old[0].text != new[0].text:
            return ChangeKind.AMENDED
        case 1, 1:
            return ChangeKind.MOVED if moved else ChangeKind.UNCHANGED
        case 1, _:
            return ChangeKind.SPLIT
    return ChangeKind.MERGED
