"""Which version governs an account, and what proves it (P5, P6): a fold over dated events. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.approvals.approvals import (
    Decided,
    Decision,
    Governing,
    InForce,
    Reclassified,
    Stage,
    Start,
    Step,
    Ways,
    in_force,
)


def governing(
    at: datetime,
    *,
    start: Start,
    timeline: Sequence[InForce],
    decisions: Sequence[Decided],
    ways: Ways,
    frozen: Sequence[Stage] = (),
    reclassified: Sequence[Reclassified] = (),
) -> Governing:
    """Answer for one account and one instant, past or present.

    `ways` are as they were known at the release; what was `reclassified` counts from its own
    instant. The account moves to the version in force if it approved that version, or one since the
    governing one that differs from it cleanly, or if both its governing and its last accepted
    version do; or if all that is adverse on these ways is required by law, which leaves the last
    accepted version where it was. It moves at the later of decision and in force, never backdated,
    and never to a version that was already overtaken. An approval of the version that governs
    already proves it from its own instant on. An approval counts while all was shown with it that
    is adverse since a text its holder had accepted. A decline, or a void, takes an approval given
    before away from its instant: the fold is run again without it, and what governed until then
    stays told. A reclassification does the same with what it was wrong to take for clean, and the
    moves because of that stay told as made in error, also to whoever asks for an instant before
    that was found. While it is frozen nothing moves it.
    """
    state = _started(start)
    past: list[datetime] = []
    for moment in _moments(at, start, timeline, decisions, frozen, reclassified):
        past.append(moment)
        said = _last_words(moment, decisions)
        known = [one for one in reclassified if one.at <= moment]
        found = [one for one in known if one not in state.heeded and _is_behind(one, state)]
        now_known = ways.knowing(known)
        words = _that_count(said, start, now_known)
        late = (_reclassified_in_words(one, one.number) for one in found)
        lost = [*_lost(state, said, words, moment), *late]
        if lost:
            again = _fold(start, past, timeline, words, now_known)
            state = _fall_back(_in_error(state, found), again, moment, lost)
        else:
            state = _move(state, moment, timeline, words, now_known)
        state = replace(state, heeded=tuple(known))
    return _in_error(state, [one for one in reclassified if one.at > at])


def needs_approval(state: Governing, number: int, ways: Ways) -> bool:
    """Whether version `number`, if it came into force, would not govern an account in this state
    until its holder approves (P5)."""
    return state.number != number and _reason_to_move(state, number, ways) is None


def asks_from(state: Governing, number: int, ways: Ways) -> int | None:
    """The version from which the change to `number` is shown to whoever has to approve it, whatever
    they said of it so far; None where it takes no approval (P5, P6).

    That is the version that governs them, unless something else is adverse since the text that they
    accepted last.
    """
    before = [word for word in state.words if word.number != number]
    unheard = _having_heard(replace(state, accepted=state.steps[0].number), before)
    if not needs_approval(unheard, number, ways):
        return None
    governs, accepted = unheard.number, unheard.accepted
    is_all = ways.shows(accepted, number) <= ways.shows(governs, number)
    return governs if is_all else accepted


def approved_by(state: Governing, number: int, ways: Ways) -> Decided | None:
    """The approval because of which version `number` governs an account in this state, or would if
    it came into force (P6); None where it takes none, or there is none."""
    if state.number == number:
        return state.steps[-1].approval
    reason = _reason_to_move(state, number, ways)
    return reason.approval if reason else None


def _started(start: Start) -> Governing:
    return Governing(
        number=start.number,
        since=start.at,
        accepted=start.number,
        steps=(Step(number=start.number, since=start.at, because=start.proof),),
    )


def _moments(
    at: datetime,
    start: Start,
    timeline: Sequence[InForce],
    decisions: Sequence[Decided],
    frozen: Sequence[Stage],
    reclassified: Sequence[Reclassified],
) -> list[datetime]:
    """The instants at which anything may change, the start among them."""
    voids = (decided.voided.at for decided in decisions if decided.voided)
    moments = {start.at, *(e.at for e in timeline), *(d.at for d in decisions), *voids}
    moments |= {one.at for one in reclassified}
    moments |= {stage.until for stage in frozen if stage.until}
    moments = {one for one in moments if not any(stage.holds(one) for stage in frozen)}
    return sorted(moment for moment in moments if start.at <= moment <= at)


def _last_words(at: datetime, decisions: Sequence[Decided]) -> tuple[Decided, ...]:
    """What stands of each version at an instant: the last word, with its repetitions before.

    Of an approval and a decline of the same instant the decline counts.
    """
    words: dict[int, list[Decided]] = {}
    standing = (decided for decided in decisions if decided.stands(at))
    for decided in sorted(standing, key=lambda one: (one.at, _says_no(one), one.number)):
        run = words.get(decided.number, [])
        same = bool(run) and run[-1].decision is decided.decision
        words[decided.number] = [*run, decided] if same else [decided]
    return tuple(word for run in words.values() for word in run)


def _that_count(words: Sequence[Decided], start: Start, ways: Ways) -> tuple[Decided, ...]:
    """Without approvals that were given in ignorance of something: of what became adverse between a
    text that their holder had accepted and the version itself, not all was shown (P6)."""
    accepted, ignorant = {start.number}, set[int]()
    for place, word in sorted(enumerate(words), key=lambda one: one[1].number):
        if _says_no(word):
            continue
        if _was_shown_all(word, accepted, ways):
            accepted.add(word.number)
        else:
            ignorant.add(place)
    return tuple(word for place, word in enumerate(words) if place not in ignorant)


def _was_shown_all(word: Decided, accepted: Iterable[int], ways: Ways) -> bool:
    if word.base is None or word.base in (word.number, *accepted):
        return True
    shown = ways.shows(word.base, word.number)
    return any(ways.shows(text, word.number) <= shown for text in accepted)


def _says_no(word: Decided) -> bool:
    return word.decision is Decision.DECLINED


def _fold(
    start: Start,
    moments: Sequence[datetime],
    timeline: Sequence[InForce],
    words: Sequence[Decided],
    ways: Ways,
) -> Governing:
    """As if what was taken back had never been said: a decline counts from the beginning on."""
    state = _started(start)
    for moment in moments:
        said = [word for word in words if _says_no(word) or word.at <= moment]
        state = _move(state, moment, timeline, _that_count(said, start, ways), ways)
    return state


def _lost(
    state: Governing, said: Sequence[Decided], words: Sequence[Decided], moment: datetime
) -> list[str]:
    """What counted until this moment and does not any more, in words; of what was `said` only the
    `words` count."""
    yes = {word.number for word in words if not _says_no(word)}
    gone = {word.number: word for word in reversed(state.approved) if word.number not in yes}
    declined = {
        word.number
        for word in words
        if _says_no(word) and word not in state.words and word.number not in gone
    }
    return [
        *(_lost_in_words(gone[number], said, moment) for number in sorted(gone)),
        *(f"version {number} was declined" for number in sorted(declined)),
    ]


def _lost_in_words(approval: Decided, said: Sequence[Decided], moment: datetime) -> str:
    of = f"the approval of version {approval.number}"
    if approval in said:
        return f"{of} was of what changes since version {approval.base}, which counts no more"
    if approval.voided and approval.voided.at == moment:
        return f"{of} was voided ({approval.voided.proof})"
    return f"{of} was taken back"


def _reclassified_in_words(found: Reclassified, number: int) -> str:
    return f"version {number} had been released without asking for approval ({found.proof})"


def _is_behind(found: Reclassified, state: Governing) -> bool:
    """Whether a move of the account took for clean what was not."""
    return any(step.clean_by & found.changes for step in state.steps)


def _in_error(state: Governing, found: Sequence[Reclassified]) -> Governing:
    """The same, with the moves marked that should not have been."""
    steps = list(state.steps)
    for one in found:
        for place, step in enumerate(steps):
            if step.clean_by & one.changes:
                steps[place] = replace(step, in_error=_reclassified_in_words(one, step.number))
    return replace(state, steps=tuple(steps))


def _fall_back(
    state: Governing, again: Governing, moment: datetime, lost: Sequence[str]
) -> Governing:
    """From what governed until this moment to what governs without what was lost in it."""
    before, last = state.steps[-1], again.steps[-1]
    stays = again.number == state.number
    if stays and not before.in_error and _is_proven(before, again):
        return replace(again, since=state.since, steps=state.steps)
    step = replace(last, since=moment, because=f"{' and '.join(lost)}: {last.because}")
    since = state.since if stays else moment
    return replace(again, since=since, steps=(*state.steps, step))


def _is_proven(step: Step, state: Governing) -> bool:
    """Whether the approval counts still because of which a step was allowed, if it took one."""
    return step.approval is None or step.approval in state.words


def _move(
    state: Governing,
    moment: datetime,
    timeline: Sequence[InForce],
    words: Sequence[Decided],
    ways: Ways,
) -> Governing:
    state = _having_heard(state, words)
    current = in_force(moment, timeline)
    number, since = state.number, state.since
    reason = _better_proof(state)
    if current is not None and current.number != state.number:
        moves = _reason_to_move(state, current.number, ways)
        if moves is not None:
            number, since, reason = current.number, moment, moves
    if reason is None:
        return state
    step = Step(
        number=number,
        since=moment,
        because=reason.because,
        approval=reason.approval,
        required_by=reason.required_by,
        clean_by=reason.clean_by,
    )
    return replace(state, number=number, since=since, steps=(*state.steps, step))


def _having_heard(state: Governing, words: Sequence[Decided]) -> Governing:
    heard = replace(state, words=tuple(words))
    return replace(heard, accepted=heard.approved[0].number) if heard.approved else heard


@dataclass(frozen=True, kw_only=True)
class _Reason:
    because: str
    approval: Decided | None = None
    required_by: tuple[str, ...] = ()
    clean_by: frozenset[tuple[int, int]] = frozenset()


def _better_proof(state: Governing) -> _Reason | None:
    """What proves the version that governs already, where its last step does not say so: its
    holder's own approval of it, or one like that of the last step, which counts no more."""
    last = state.steps[-1]
    proven = _is_proven(last, state)
    if last.approval and last.approval.number == state.number and proven:
        return None
    own = _approval_of(state.number, state)
    if own:
        return _by_approval(own)
    like = None if proven or last.approval is None else _approval_of(last.approval.number, state)
    return _by_carrying(like, state.number) if like else None


def _reason_to_move(state: Governing, number: int, ways: Ways) -> _Reason | None:
    own = _approval_of(number, state)
    if own:
        return _by_approval(own)
    changing_nothing = Ways(clean=ways.clean)
    carried = _carried(state, number, changing_nothing)
    if carried:
        return _by_carrying(carried, number)
    both = frozenset({(state.number, number), (state.accepted, number)})
    if changing_nothing.are_open(both):
        because = f"version {number} changes nothing to the account holder's disadvantage"
        return _Reason(because=because, clean_by=both)
    return _required_by_law(state, number, ways)


def _approval_of(number: int, state: Governing) -> Decided | None:
    return next((word for word in state.approved if word.number == number), None)


def _by_approval(approval: Decided) -> _Reason:
    because = f"approved version {approval.number}: {approval.proof}"
    return _Reason(because=because, approval=approval)


def _by_carrying(approval: Decided, number: int) -> _Reason:
    because = (
        f"approved version {approval.number} ({approval.proof}), and version {number} "
        f"changes nothing in it to the account holder's disadvantage"
    )
    clean_by = frozenset({(approval.number, number)})
    return _Reason(because=because, approval=approval, clean_by=clean_by)


def _required_by_law(state: Governing, number: int, ways: Ways) -> _Reason | None:
    """Because a law requires all that is adverse: that is no approval, whoever approved what is
    before it (P5)."""
    begins, pairs = "", frozenset({(state.number, number), (state.accepted, number)})
    if not ways.are_open(pairs):
        carried = _carried(state, number, ways)
        if carried is None:
            return None
        begins = f"approved version {carried.number} ({carried.proof}), and what changes in it is "
        pairs = frozenset({(carried.number, number)})
    laws = (law for pair in sorted(pairs, reverse=True) for law in ways.required(*pair))
    required_by = tuple(dict.fromkeys(laws))
    because = f"{begins}required by law: {'; '.join(required_by)} (departure from P5)"
    return _Reason(because=because, required_by=required_by, clean_by=pairs)


def _carried(state: Governing, number: int, ways: Ways) -> Decided | None:
    """The approval of a version since the governing one from which the way takes none."""
    for approval in state.approved:
        since = state.number <= approval.number < number
        pair = (approval.number, number)
        if since and ways.are_open([pair]) and not _overruled(approval, state, ways):
            return approval
    return None


def _overruled(approval: Decided, state: Governing, ways: Ways) -> bool:
    """Whether its holder later declined a version that is no worse, or only as far as this approval
    is carried: then it carries no further."""
    return any(
        _says_no(word)
        and word.at >= approval.at
        and word.number > approval.number
        and ways.are_open([(approval.number, word.number)])
        for word in state.words
    )
