"""When a data-subject request speaks up before it is due, and to whom it goes on (P21).

Pure arithmetic on absolute instants. The workflow waits on these moments; pages show them. Not for
workflows to work out, whose sandbox refuses what the calendar of a country loads on its first use.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from domain.company import LadderNumbers, OfficeHours
from domain.places import in_utc, local_date, zone_named
from domain.rungs import ONE_DAY, Role, Rung, RungKind, from_then_on
from domain.working_days import after_working_time, working_day_after, working_day_by

SPREAD_SECONDS = 15 * 60
UNASSIGNED, LATE_REPLY, BREACH = "unassigned", "late_reply", "breach"
ADDED_TO = "request_added_to"
"""The step, and the mail, that tells whoever works on a request of more that its person sent: no
rung."""
OVERDUE = "overdue-"
"""What the key of a daily alarm begins with; the days overdue follow."""
FOR_STAFF = (RungKind.REMINDER, RungKind.ESCALATION)
TO_THE_MINUTE = (RungKind.LATE_REPLY, RungKind.BREACH)
TURNS = (Role.ASSIGNEE, Role.LEAD, Role.PRIVACY_OFFICER, Role.DEPUTY, Role.EXECUTIVE)
"""Whose turn it is, one after the other, while nobody says that they act."""
NEXT_PERSON: Mapping[Role, str] = {
    Role.LEAD: "nobody has said that they act, so the lead is told",
    Role.PRIVACY_OFFICER: "nobody has said that they act, so the privacy officer is told",
    Role.DEPUTY: "nobody has said that they act, so the deputy is told",
    Role.EXECUTIVE: "nobody has said that they act, so the executive is told",
}


WORDS: Mapping[str, str] = {
    UNASSIGNED: "word to the backup, if nobody has been assigned yet",
    LATE_REPLY: "the reply that we are late goes out, if nobody has answered",
    BREACH: "the answer is due; without one, the breach is recorded",
}


@dataclass(frozen=True, kw_only=True)
class Fired:
    """What became of a rung whose time came: when it spoke, or that it was passed over."""

    at: datetime
    passed_over: bool = False
    acknowledged: bool = False


def armed(
    *,
    request_id: UUID,
    received_at: datetime,
    due_at: datetime,
    office: OfficeHours,
    fired: Mapping[str, Fired],
    now: datetime,
    more: int = 0,
) -> tuple[Rung, ...]:
    """Every rung of a request as it stands, earliest first.

    That is its ladder; the next persons of each step that was told and that nobody acknowledged;
    the alarm for the days overdue at `now`, if it has not fired, which counts for every day before
    it; and so many `more` for the days that follow. `fired` are the rungs for this due time, by
    their keys: for another one the whole ladder is armed again.
    """
    ladder = request_ladder(
        request_id=request_id, received_at=received_at, due_at=due_at, office=office
    )
    handed_on = _handed_on(ladder, in_utc(due_at), office, fired)
    told_days = max((_days_overdue(key) for key in fired), default=0)
    days = max((now - due_at).days, told_days)
    first = days if days > told_days else days + 1
    return (
        *from_then_on(received_at, *ladder, *handed_on),
        *(overdue_rung(due_at, number) for number in range(first, days + more + 1)),
    )


def request_ladder(
    *, request_id: UUID, received_at: datetime, due_at: datetime, office: OfficeHours
) -> tuple[Rung, ...]:
    """The ladder of a data-subject request, earliest first (P21).

    Staff rungs fire when the office opens, rolled back to a working day; those before receipt are
    dropped. Each request has its own moment in the quarter of an hour from then on, the same every
    morning, so that not all requests wake at once. The late reply and the breach stand to the
    minute and never roll. Raises ValueError for an unknown zone, or a country whose holidays are
    not known.
    """
    received, due = in_utc(received_at), in_utc(due_at)
    numbers, zone = office.numbers, zone_named(office.time_zone)
    own_moment = timedelta(seconds=request_id.int % SPREAD_SECONDS)
    # A due time of midnight ends the day before it.
    due_on = local_date(due - timedelta.resolution, zone)

    def opens_on(day: date) -> datetime:
        return datetime.combine(day, numbers.hour, zone).astimezone(UTC) + own_moment

    received_on = local_date(received, zone)
    unassigned = Rung(
        key=UNASSIGNED,
        at=opens_on(
            working_day_after(received_on, numbers.unassigned_after_working_days, office.country)
        ),
        kind=RungKind.ESCALATION,
        audience=(Role.BACKUP,),
        summary=WORDS[UNASSIGNED],
    )
    staff = [
        Rung(
            key=f"d-{days}",
            at=opens_on(working_day_by(due_on - timedelta(days=days), office.country)),
            kind=kind,
            audience=audience,
            summary=_days_before(what, days),
        )
        for days, kind, audience, what in _staff_rungs(numbers)
    ]
    late_reply = Rung(
        key=LATE_REPLY,
        at=due - numbers.late_reply_lead,
        kind=RungKind.LATE_REPLY,
        audience=(Role.PERSON,),
        summary=WORDS[LATE_REPLY],
    )
    breach = Rung(
        key=BREACH,
        at=due,
        kind=RungKind.BREACH,
        audience=(Role.PRIVACY_OFFICER, Role.DEPUTY, Role.EXECUTIVE),
        summary=WORDS[BREACH],
    )
    # Where the time is short, others hear of it before the backup would.
    others = from_then_on(received, *staff, breach)
    early = [unassigned] if unassigned.at < others[0].at else []
    return from_then_on(received, *early, *staff, late_reply, breach)


def _staff_rungs(
    numbers: LadderNumbers,
) -> tuple[tuple[int, RungKind, tuple[Role, ...], str], ...]:
    """Days before the due day, what the rung does, whom it speaks to, and what it says.

    Staff who heard of a rung hear of every higher one too: when two roll onto the same morning,
    only the higher one fires.
    """
    reminder, escalation = RungKind.REMINDER, RungKind.ESCALATION
    assignee = (Role.ASSIGNEE,)
    lead = (*assignee, Role.LEAD)
    lead_and_person = (*lead, Role.PERSON)
    officer = (*lead, Role.PRIVACY_OFFICER)
    deputy = (*officer, Role.DEPUTY)
    executive = (*deputy, Role.EXECUTIVE)
    progress = "reminder to assignee and lead, and word of the progress to the person"
    return (
        (numbers.assignee, reminder, assignee, "reminder to the assignee"),
        (numbers.assignee_again, reminder, assignee, "second reminder to the assignee"),
        (numbers.lead, reminder, lead_and_person, progress),
        (numbers.officer, escalation, officer, "escalation to the privacy officer"),
        (numbers.in_review, escalation, officer, "the answer must be in review"),
        (numbers.deputy, escalation, deputy, "escalation to the privacy officer and the deputy"),
        (numbers.executive, escalation, executive, "escalation to the executive"),
    )


def overdue_rung(due_at: datetime, number: int) -> Rung:
    """The daily alarm after the due time; `number` counts the days from one."""
    if number < 1:
        raise ValueError("days overdue are counted from one")
    return Rung(
        key=f"{OVERDUE}{number}",
        at=in_utc(due_at) + number * ONE_DAY,
        kind=RungKind.OVERDUE,
        audience=(Role.PRIVACY_OFFICER, Role.EXECUTIVE),
        summary=f"the answer is {number} {'day' if number == 1 else 'days'} overdue",
    )


def _days_overdue(key: str) -> int:
    """The days that a rung of this key says the answer is overdue; none for every other rung."""
    return int(key.removeprefix(OVERDUE)) if key.startswith(OVERDUE) else 0


def next_persons(key: str, audience: Sequence[Role]) -> tuple[tuple[str, Role], ...]:
    """Keys and roles of those a step for staff goes on to, until somebody acts; the nearest first.

    None where everybody is told at once.
    """
    told = [TURNS.index(role) for role in audience if role in TURNS]
    highest = max(told, default=TURNS.index(Role.LEAD))  # the backup stands beside the lead
    above = TURNS[highest + 1 :]
    return tuple((f"{key}+{number}", role) for number, role in enumerate(above, start=1))


def words_of_rungs(numbers: LadderNumbers) -> Mapping[str, str]:
    """What each rung up to the due time does, by its key, for people."""
    staff = {
        f"d-{days}": (audience, _days_before(what, days))
        for days, _, audience, what in _staff_rungs(numbers)
    }
    steps = {UNASSIGNED: (Role.BACKUP,), **{key: audience for key, (audience, _) in staff.items()}}
    further = {
        key: NEXT_PERSON[role]
        for step, audience in steps.items()
        for key, role in next_persons(step, audience)
    }
    return {**WORDS, **{key: words for key, (_, words) in staff.items()}, **further}


def _days_before(what: str, days: int) -> str:
    return f"{what}, {days} {'day' if days == 1 else 'days'} before the answer is due"


def step_of(key: str) -> str:
    """The key of the rung that a next person's rung belongs to; any other key as it is."""
    return key.partition("+")[0]


def may_page(rung: Rung, numbers: LadderNumbers) -> bool:
    """Whether a rung may get people out of bed: from that of the deputy on, with its next persons,
    and whatever is due. All others are mailed alone."""
    near = {f"d-{numbers.deputy}", f"d-{numbers.executive}"}
    return rung.kind not in FOR_STAFF or step_of(rung.key) in near


def roles_told(ladder: Sequence[Rung], key: str) -> tuple[Role, ...]:
    """The roles of staff that a step has spoken to when the rung called `key` has fired."""
    step = next((rung for rung in ladder if rung.key == step_of(key)), None)
    if step is None:
        return ()
    further = next_persons(step.key, step.audience) if key != step.key else ()
    reached = [role for other, role in further if other <= key]
    return (*(role for role in step.audience if role is not Role.PERSON), *reached)


def _handed_on(
    ladder: Sequence[Rung], due: datetime, office: OfficeHours, fired: Mapping[str, Fired]
) -> Iterator[Rung]:
    steps = [rung for rung in ladder if rung.kind in FOR_STAFF]
    ends = [*(following.at for following in steps[1:]), due]
    for rung, ends_at in zip(steps, ends, strict=True):
        yield from _of_step(rung, ends_at, office, fired)


def _of_step(
    rung: Rung, ends_at: datetime, office: OfficeHours, fired: Mapping[str, Fired]
) -> Iterator[Rung]:
    """The next persons of one step, each so long after the one before was told.

    Until somebody says that they act, or the next step of the ladder takes over.
    """
    numbers, told = office.numbers, fired.get(rung.key)
    last = rung.key in (f"d-{numbers.deputy}", f"d-{numbers.executive}")
    patience = numbers.acknowledge_within_at_the_end if last else numbers.acknowledge_within
    if told is None or told.passed_over:
        return
    told_at = told.at
    for key, role in next_persons(rung.key, rung.audience):
        if told is not None and told.acknowledged:
            return
        at = after_working_time(
            told_at,
            patience,
            opens=numbers.hour,
            zone=zone_named(office.time_zone),
            country=office.country,
        )
        if at >= ends_at:
            return
        yield Rung(
            key=key,
            at=at,
            kind=RungKind.ESCALATION,
            audience=(role,),
            summary=NEXT_PERSON[role],
        )
        told = fired.get(key)
        told_at = told.at if told and not told.passed_over else at


@dataclass(frozen=True, kw_only=True)
class Missed:
    """What to do about rungs whose time has come: fire some, and mark the others as passed over."""

    fire: tuple[Rung, ...] = ()
    skipped: tuple[Rung, ...] = ()


def highest_missed(rungs: Sequence[Rung], now: datetime, fired: Collection[str]) -> Missed:
    """Sort out the rungs (earliest first) due at `now` whose keys are not in `fired`.

    Of several rungs for staff only the highest fires, and none under one that fired already. The
    late reply and the breach always fire, however late: an outage must not keep from the person
    that we owe them word. After the breach's time no lower rung for staff does.
    """
    come = [rung for rung in rungs if rung.at <= now]
    missed = [rung for rung in come if rung.key not in fired]
    overdue = any(rung.kind is RungKind.BREACH for rung in come)
    highest = next((rung for rung in reversed(come) if rung.kind not in TO_THE_MINUTE), None)

    def fires(rung: Rung) -> bool:
        if rung.kind in TO_THE_MINUTE:
            return True
        return rung is highest and (rung.kind is RungKind.OVERDUE or not overdue)

    return Missed(
        fire=tuple(rung for rung in missed if fires(rung)),
        skipped=tuple(rung for rung in missed if not fires(rung)),
    )
