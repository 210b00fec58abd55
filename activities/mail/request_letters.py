"""What the mails of requests, and of instructions about other companies' data, say."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from activities.mail import instructed, redirections
from activities.mail.done_words import foretold, ground_of, outcome_of, told_of
from activities.mail.personal_links import personal_link
from database.mail.outbox import AFTER_HOLD
from database.people.links import REQUEST_CODE, REQUEST_COPY, REQUEST_COPY_CODE, REQUEST_VERIFY
from database.requests import codes, ends, erasures, manual_tasks, packages
from database.requests.instructed_tasks import tasks_of as tasks_of_instruction
from database.requests.redirections import sent_elsewhere
from database.requests.requested_rights import decisions_of, rights_of
from database.requests.rungs import rung_of
from database.tables import (
    AddressWarning,
    ControllerInstruction,
    DataSubjectRequest,
    OutboxMail,
    RequestedRight,
)
from domain.company import Company
from domain.requests.controller_instructions import INSTRUCTED, INSTRUCTION_WORDS
from domain.requests.data_subject_requests import (
    KIND_WORDS,
    STAGE_WORDS,
    Kind,
    Outcome,
    State,
)
from domain.requests.deadlines import Authority, authority_for, court_remedy
from domain.requests.decisions import in_our_words, words_of_outcome
from domain.requests.erasures import begins_at
from domain.requests.identity import WORDS_FOR_STAFF
from domain.requests.ladder import words_of_rungs
from domain.requests.minors import BY_CHECK
from domain.requests.personal_data import Verb
from domain.requests.source_tasks import SOURCE_WORDS
from mail.links import make_code
from translations.catalogues import Language


class RequestLetters:
    """Shared words and personal fields of mails about a request; part of `letters.py`."""

    def __init__(self, *, company: Company, link_keys: Sequence[bytes]) -> None:
        self._company = company
        self._link_keys = link_keys

    def shared(
        self, session: Session, mail: OutboxMail, language: Language, now: datetime
    ) -> dict[str, object]:
        request = session.get_one(DataSubjectRequest, mail.subject_id)
        zone = self._company.zone_of(request.time_zone)
        lead = Authority(name=self._company.authority_name, url=self._company.authority_url)
        authority = authority_for(request.country, lead=lead)
        rights = rights_of(session, request.id)
        answered = _answered(session, rights, language, zone) if request.answered_at else []
        return {
            **self._of_erasure(session, request, mail, language, now),
            "reference": request.reference,
            "by_us": request.verified_by == BY_CHECK,
            "kind": language.listed(KIND_WORDS[Kind(right.kind)] for right in rights),
            "rights": answered,
            "elsewhere": redirections.in_words(language, sent_elsewhere(session, request))
            if request.answered_at
            else redirections.in_words(language, None),
            **_first_words(session, request, mail),
            "received_on": language.day_of(request.received_at, zone),
            # A limit that ends at midnight is met until the end of the day before.
            "answer_by_on": language.day_of(request.due_at - timedelta.resolution, zone),
            "stage_words": language.gettext(
                STAGE_WORDS.get(State(request.state), STAGE_WORDS[State.WORK])
            ),
            "authority_name": authority.name,
            "authority_url": authority.url,
            "court": language.gettext(court_remedy(request.regime)),
            **_of_twin(session, request, language, zone),
            "may_appeal": bool(ends.may_be_appealed(session, request, REQUEST_VERIFY)),
            "outcome_words": _outcome_of_all(request, rights, answered, language),
            "rung": self._rung_words(mail.step, language),
            "due_at": language.moment(request.due_at, self._company.zone),
            "days_left": max((request.due_at - now).days, 0),
            "console_url": f"{self._company.base_url}/staff/requests/{request.reference}",
            **self._of_identity(session, request, mail, language, now),
            **self._of_copy(session, request, language, now),
            **self._of_task(session, mail, language),
        }

    def _of_task(self, session: Session, mail: OutboxMail, language: Language) -> dict[str, object]:
        """What whoever does something by hand reads of it; nothing about the person (P30)."""
        if mail.template != manual_tasks.FOR_YOU:
            return {}
        task = manual_tasks.asked_task(session, mail.variant)
        return {
            "source": task.source,
            "step": language.gettext(SOURCE_WORDS[rung_of(mail.step)]),
            "due_on": language.day(task.due_on) if task.due_on else "",
            "console_url": f"{self._company.base_url}/staff/tasks/{task.id}",
        }

    def _of_erasure(
        self,
        session: Session,
        request: DataSubjectRequest,
        mail: OutboxMail,
        language: Language,
        now: datetime,
    ) -> dict[str, object]:
        """When an erasure begins, and what goes and stays as far as is known (P13)."""
        erasure = erasures.of_request(session, request.id)
        if erasure is None:
            return {"begins_at": "", "erased": []}
        right = session.get_one(RequestedRight, erasure.right_id)
        if mail.template == AFTER_HOLD:
            return {"begins_at": "", "erased": told_of(session, right, language)}
        if mail.template != erasures.ANNOUNCED or erasure.begins_at is None:
            return {"begins_at": "", "erased": []}
        if_told_now = begins_at(erasure.granted_at, now, request.due_at)
        return {
            "begins_at": language.moment(if_told_now, self._company.zone),
            "erased": foretold(session, right, language),
        }

    def of_instruction(
        self, session: Session, mail: OutboxMail, language: Language
    ) -> dict[str, object]:
        """What a controller told us and what became of it, in counts; nothing about the person."""
        row = session.get_one(ControllerInstruction, mail.subject_id)
        words = {**SOURCE_WORDS, **INSTRUCTION_WORDS}
        return {
            "reference": row.reference,
            "instructed": language.gettext(INSTRUCTED[Verb(row.verb)]),
            "received_on": language.day_of(row.received_at, self._company.zone),
            "step": language.gettext(words.get(rung_of(mail.step), mail.step)),
            "state": mail.step,
            "counts": instructed.in_words(language, tasks_of_instruction(session, row.id)),
            "console_url": f"{self._company.base_url}/staff/instructions/{row.id}",
            **self._of_task(session, mail, language),
        }

    def _of_identity(
        self,
        session: Session,
        request: DataSubjectRequest,
        mail: OutboxMail,
        language: Language,
        now: datetime,
    ) -> dict[str, object]:
        """Until when a code is good, and what a warning to an old address tells (P19)."""
        code, zone = codes.live_code(session, request, now), self._company.zone
        until = language.moment(codes.value_of(code).good_until, zone) if code else ""
        warning = session.get(AddressWarning, mail.addressee_id)
        held_until = request.disclosure_held_until
        return {
            "code_until": until,
            "changed_on": language.day_of(warning.changed_at if warning else None, zone),
            "held_until": language.moment(held_until, zone) if held_until else "",
        }

    def _of_copy(
        self, session: Session, request: DataSubjectRequest, language: Language, now: datetime
    ) -> dict[str, object]:
        """Until when a copy can be fetched, and the code for it; empty where there is none."""
        link = packages.copy_link(session, request.id) if request.contact_email else None
        until = request.answered_at + self._company.package_period if request.answered_at else None
        code = packages.live_copy_code(session, request, now)
        good_until = packages.value_of(code).good_until if code else None
        zone = self._company.zone_of(request.time_zone)
        return {
            "copy_until_on": language.day_of(until - timedelta.resolution, zone)
            if link and until
            else "",
            "copy_code_until": language.moment(good_until, zone) if good_until else "",
        }

    def _rung_words(self, step: str, language: Language) -> str:
        rung = rung_of(step)
        if rung.startswith("overdue-"):
            return language.ngettext(
                "the answer is %(num)s day overdue",
                "the answer is %(num)s days overdue",
                int(rung.removeprefix("overdue-")),
            )
        words = {**words_of_rungs(self._company.ladder), **WORDS_FOR_STAFF, **SOURCE_WORDS}
        return language.gettext(words.get(rung, rung))

    def personal(self, session: Session, mail: OutboxMail, now: datetime) -> dict[str, str]:
        request = session.get_one(DataSubjectRequest, mail.subject_id)
        if mail.template == "request_answer":
            link = packages.copy_link(session, request.id)
            return {
                "copy_link": personal_link(self._company, REQUEST_COPY, link.nonce, self._link_keys)
                if link
                else ""
            }
        if mail.template == "request_copy_code":
            copy_code = packages.live_copy_code(session, request, now)
            nonce = copy_code.nonce if copy_code else None
            made = make_code(REQUEST_COPY_CODE, nonce, self._link_keys) if nonce else ""
            return {"code": made}
        if mail.template != "request_verification":
            return {}
        code = codes.live_code(session, request, now)
        return {"code": make_code(REQUEST_CODE, code.nonce, self._link_keys) if code else ""}


def _answered(
    session: Session, rights: Sequence[RequestedRight], language: Language, zone: ZoneInfo
) -> list[dict[str, object]]:
    """What is answered to each right (P22)."""
    decisions = decisions_of(session, rights)
    return [
        {
            "asked_for": language.gettext(KIND_WORDS[Kind(right.kind)]),
            "outcome": outcome_of(session, right, decision, language),
            "ground": ground_of(session, right, decision, language, zone),
            "explanation": language.gettext(decision.explanation)
            if in_our_words(Outcome(decision.outcome), decision.decided_by)
            else decision.explanation,
            "done": told_of(session, right, language),
        }
        for right in rights
        if (decision := decisions.get(right.id))
    ]


def _outcome_of_all(
    request: DataSubjectRequest,
    rights: Sequence[RequestedRight],
    answered: Sequence[Mapping[str, object]],
    language: Language,
) -> str:
    """How a request ended: as its only right did, or as all of them together."""
    if len(rights) == 1 and answered:
        return str(answered[0]["outcome"])
    if request.outcome is None:
        return ""
    return language.gettext(words_of_outcome(Kind.ACCESS, Outcome(request.outcome), None))


def _first_words(
    session: Session, request: DataSubjectRequest, mail: OutboxMail
) -> dict[str, object]:
    """What is left to do for whoever asks: as it stood when the mail was queued, as what is proved
    since would tell a stranger that we know the person (P19)."""

    def was(at: datetime | None) -> bool:
        return at is not None and at <= mail.queued_at

    before = session.get(DataSubjectRequest, request.follows_id) if request.is_appeal else None
    return {
        "is_confirmed": was(request.contact_confirmed_at),
        "needs_identity": request.needs_identity and not was(request.verified_at),
        "appeal_against": before.reference if before else "",
    }


def _of_twin(
    session: Session, request: DataSubjectRequest, language: Language, zone: ZoneInfo
) -> dict[str, str]:
    """The request that answers this one too, and until when it does."""
    other = session.get_one(DataSubjectRequest, request.duplicate_of_id or request.id)
    return {
        "answered_with": other.reference,
        "answered_with_by_on": language.day_of(other.due_at - timedelta.resolution, zone),
    }
