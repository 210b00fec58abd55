"""From a row of the outbox to what its mail says: shared words, and each person's own fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from activities.mail.personal_links import personal_link
from activities.mail.request_letters import RequestLetters
from database.approvals.approvals import brought_in_error, took_for_clean
from database.approvals.wrong_words import correction_in
from database.campaigns import campaigns, controls, not_reached
from database.campaigns.owed import corrections
from database.campaigns.progress import progress_of, silent_by
from database.mail.outbox import (
    CAMPAIGN,
    INSTRUCTION,
    MINOR_CHECK,
    RESTRICTION,
    STAFF,
    VERSION,
    Addressed,
    Claim,
    addressed,
)
from database.mail.steps import (
    CORRECTION,
    OWNERS_REPORT,
    STOPPED,
    TO_LEGAL,
    WITHDRAWAL,
    is_reminder,
)
from database.people.accounts import minors_among
from database.people.links import PREFERENCES, UNSUBSCRIBE
from database.policies import assessments, law, wording
from database.policies.counting import answers_that_count
from database.policies.policies import replaced_by
from database.policies.purposes import asked_because_of
from database.policies.without_approval import promise_of
from database.tables import (
    Campaign,
    MinorCheck,
    OutboxMail,
    Policy,
    PolicyVersion,
    Reclassification,
    Restriction,
)
from domain.approvals.without_approval import IF_YOU_DO_NOT_APPROVE, NEVER_DEPENDS, WithoutApproval
from domain.campaigns.timetable import not_before
from domain.company import CampaignLeads, Company
from domain.people.languages import nearest_language
from domain.policies.reviews import VersionClass, VersionState
from domain.requests.minors import check_by, heard_by
from mail.sendgrid import Copy, unsubscribe_headers
from translations.catalogues import Language, speak

PERSONAL = ("greeting", "link", "no_reminders_link", "answer")
"""What every copy brings along; empty where its mail does not use it."""
TEST = "[Test] "
OF_NOBODY = "only-a-test"
"""Stands where a personal link has its token: it opens the page that says the link is no good."""
NOT_ASKED = "You need not do anything. The change as it is:"
ANSWERS = {
    True: "The answer that you have given stays as it is. You can look at it, or change it:",
    False: "The answer that you gave does not count any more, because what you read was wrong. "
    "Please read the change and decide again:",
    None: "You have not answered yet. Please read the change and decide:",
}
"""By whether an answer counts; None where there was none."""
SEGMENT_WORDS = {
    "state": "reason",
    "language": "language",
    "kind": "kind",
    "country": "country",
    "governing_version": "governing version",
}


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A mail as it is rendered: once for everybody (`shared`), then copy by copy."""

    template: str
    language: str
    subject_begins: str
    shared: dict[str, object]
    personal: tuple[str, ...]
    copies: tuple[Copy, ...]


class Letters:
    """Knows the company, and writes what each kind of mail says."""

    def __init__(
        self, *, company: Company, leads: CampaignLeads, link_keys: Sequence[bytes]
    ) -> None:
        self._company = company
        self._leads = leads
        self._link_keys = link_keys
        self._requests = RequestLetters(company=company, link_keys=link_keys)

    def letter(self, session: Session, claim: Claim, now: datetime) -> Letter:
        """Write the letter of mails that share template, variant, language and subject."""
        return self.letter_like(session, claim.like, addressed(session, claim), now)

    def letter_like(
        self, session: Session, first: OutboxMail, people: Sequence[Addressed], now: datetime
    ) -> Letter:
        """Write the letter of a mail to these people."""
        language = speak(nearest_language(first.language, self._company.languages))
        fields: dict[str, str] = {}
        answers: Mapping[UUID, str] = {}
        subject_begins = ""
        if first.subject_kind == CAMPAIGN:
            shared = self._of_campaign(session, first, language)
            if first.step.startswith(CORRECTION):
                answers = _answers(session, first, people, language, asks=bool(shared["asked"]))
        elif first.subject_kind == VERSION:
            shared = self._of_version(session, first, language, now)
            fields = self._links_of_nobody()
            base = session.get_one(PolicyVersion, first.variant)
            subject_begins = f"{TEST}(from version {base.number}) "
        elif first.subject_kind == INSTRUCTION:
            shared = self._requests.of_instruction(session, first, language)
        elif first.subject_kind == MINOR_CHECK:
            shared = self._of_minor_check(session, first, language)
        elif first.subject_kind == RESTRICTION:
            restriction = session.get_one(Restriction, first.subject_id)
            shared = {
                "since_on": language.day_of(restriction.restricted_at, self._company.zone),
                "explanation": language.gettext(restriction.explanation),
            }
            fields = {
                "link": personal_link(
                    self._company, PREFERENCES, restriction.account_id.bytes, self._link_keys
                )
            }
        else:
            shared = self._requests.shared(session, first, language, now)
            fields = self._requests.personal(session, first, now)
        courtesy = is_reminder(first.step)
        copies = tuple(
            self._copy(
                copy,
                language,
                {"answer": answers.get(copy.addressee_id, ""), **fields},
                courtesy=courtesy,
            )
            for copy in people
        )
        return Letter(
            template=first.template,
            language=language.tag,
            subject_begins=subject_begins,
            shared={**self._of_company(language), **shared},
            personal=(*PERSONAL, *fields),
            copies=copies,
        )

    def _of_minor_check(
        self, session: Session, mail: OutboxMail, language: Language
    ) -> dict[str, object]:
        """By when somebody looks into it, and until when its holder is waited for (P18)."""
        check, office = session.get_one(MinorCheck, mail.subject_id), self._company.office
        heard = heard_by(check.informed_at or check.opened_at, office)
        return {
            "check_by_on": language.day(check_by(check.opened_at, office)),
            "heard_by_on": language.day(heard),
            "console_url": f"{self._company.base_url}/staff/minors",
        }

    def _links_of_nobody(self) -> dict[str, str]:
        site = self._company.base_url
        return {
            "link": f"{site}/approve/{OF_NOBODY}",
            "no_reminders_link": f"{site}/unsubscribe/{OF_NOBODY}",
        }

    def _of_company(self, language: Language) -> dict[str, object]:
        company = self._company
        return {
            "company_name": company.name,
            "company_address": company.address,
            "contact_url": company.contact_url + self._kept(language),
            "contact_email": company.contact_email,
            "base_url": company.base_url,
        }

    def _kept(self, language: Language) -> str:
        """What a link to a public page ends with, so that it goes on in the mail's language."""
        return "" if language.tag == self._company.language else f"?lang={language.tag}"

    def _of_campaign(
        self, session: Session, mail: OutboxMail, language: Language
    ) -> dict[str, object]:
        campaign = session.get_one(Campaign, mail.subject_id)
        version = session.get_one(PolicyVersion, campaign.policy_version_id)
        policy = session.get_one(Policy, version.policy_id)
        title = language.title(policy.title, policy.titles)
        planned_on = version.planned_effective_on
        shared: dict[str, object] = {
            "policy_title": title,
            "effective_on": language.day_of(version.effective_at, self._company.zone),
            "postponed": version.state == VersionState.POSTPONED,
            "not_before_on": language.day(planned_on) if planned_on else "",
        }
        if mail.addressee_kind == STAFF:
            shared |= self._for_staff(policy, version)
            if mail.step.startswith(STOPPED):
                return {**shared, "reason": _why_stopped(session, mail, version)}
            if mail.step == OWNERS_REPORT:
                page = f"{shared['console_url']}/report"
                counts = [
                    *_counts(session, campaign, language),
                    *_put_right(session, campaign, language),
                ]
                asked = campaigns.asks_anybody(session, campaign.id)
                return {**shared, "counts": counts, "asked": asked, "console_url": page}
            return {**shared, **self._of_escalation(session, mail, campaign, language)}
        change = self._of_change(session, mail, policy, version, language)
        correction = corrections(session, campaign.id).get(mail.step)
        if correction:
            shared["correction"] = correction_in(session, correction, language.tag).words
        return {**shared, **change, "asked_before": _asked_before(session, campaign)}

    def _of_version(
        self, session: Session, mail: OutboxMail, language: Language, now: datetime
    ) -> dict[str, object]:
        """As the campaign would write it if the version were released now."""
        version = session.get_one(PolicyVersion, mail.subject_id)
        policy = session.get_one(Policy, version.policy_id)
        not_before_on = not_before(
            now,
            version.notice_days,
            version.planned_effective_on,
            sending_allowance=self._leads.sending_period,
            time_zone=self._company.time_zone,
        )
        on = language.day(not_before_on)
        return {
            "policy_title": language.title(policy.title, policy.titles),
            "effective_on": on,
            "not_before_on": on,
            **self._of_change(session, mail, policy, version, language),
            "reminder_number": "1",
            "asked_before": False,
        }

    def _of_change(
        self,
        session: Session,
        mail: OutboxMail,
        policy: Policy,
        version: PolicyVersion,
        language: Language,
    ) -> dict[str, object]:
        title = language.title(policy.title, policy.titles)
        page = f"{self._company.base_url}/policies/{policy.slug}"
        base, until_on = session.get_one(PolicyVersion, mail.variant), version.stay_until_on
        findings = assessments.findings_between(session, base.id, version.id)
        laws = law.laws_said(session, base, version, language.tag)
        asked = any(map(assessments.confirmed_adverse, findings)) and not laws
        text = page if mail.step == WITHDRAWAL else f"{page}/versions/{version.number}"
        still_yours = language.gettext(
            "version %(number)s of our %(policy)s, which you have now, stays in force for you.",
            policy=title,
            number=base.number,
        )
        return {
            "summary": wording.summary_in(session, version, language.tag),
            "replaces_on": self._replaces_on(session, version, language),
            **self._in_error(session, base, version, language),
            "in_force_since": language.day_of(version.in_force_at, self._company.zone),
            "policy_url": text + self._kept(language),
            "changes": _sentences(session, base, version, language.tag),
            "redline_url": f"{page}/changes/{base.number}/{version.number}{self._kept(language)}",
            "laws": laws,
            "asked": asked,
            **self._without_approval(base, version, language, by_law=bool(laws)),
            "still_yours": still_yours,
            "stay_until_on": language.day(until_on) if asked and until_on else "",
            "asks_consent": bool(asked_because_of(session, findings, language.tag)),
            "reminder_number": mail.step.removeprefix("reminder_"),
            "reminders_total": len(self._leads.reminder_leads),
        }

    def _without_approval(
        self, base: PolicyVersion, version: PolicyVersion, language: Language, *, by_law: bool
    ) -> dict[str, object]:
        """What silence means, in words, and where to close the account if that is offered, or a law
        leaves no other choice (P5)."""
        promise = promise_of(version)
        words = language.gettext(
            IF_YOU_DO_NOT_APPROVE[promise.what],
            number=base.number,
            day=language.day(promise.until_on) if promise.until_on else "",
        )
        offered = promise.what is WithoutApproval.OFFER_CLOSING
        return {
            "without_approval": f"{words} {language.gettext(NEVER_DEPENDS)}",
            "closing_url": self._company.closing_page if offered or by_law else "",
        }

    def _replaces_on(self, session: Session, version: PolicyVersion, language: Language) -> str:
        """When the version was announced whose place this one took; empty when there is none."""
        announced = [old.announced_at for old in replaced_by(session, version.id)]
        latest = max((at for at in announced if at), default=None)
        return language.day_of(latest, self._company.zone)

    def _in_error(
        self, session: Session, base: PolicyVersion, version: PolicyVersion, language: Language
    ) -> dict[str, object]:
        """Since when it governed whoever has this base version, without their approval; or an
        earlier one did, which brought a part of it (P2)."""
        whole = took_for_clean(session, base, version)
        wrong = version if whole else brought_in_error(session, base, version)
        since = language.day_of(wrong.in_force_at, self._company.zone) if wrong else ""
        return {"in_error_since": since, "in_error_in_part": bool(wrong) and not whole}

    def _for_staff(self, policy: Policy, version: PolicyVersion) -> dict[str, object]:
        page = f"{self._company.base_url}/staff/policies/{policy.slug}/versions/{version.number}"
        return {
            "version_number": version.number,
            "console_url": page,
            "not_reached_url": f"{page}/not-reached",
        }

    def _of_escalation(
        self, session: Session, mail: OutboxMail, campaign: Campaign, language: Language
    ) -> dict[str, object]:
        progress = progress_of(session, campaign)
        return {
            "counts": _counts(session, campaign, language)[:-2],
            "segments": _segments(session, campaign, language),
            "silent": progress.silent,
            "not_reached": progress.not_reached,
            "to_legal": mail.step.startswith(TO_LEGAL),
            "asks_until_on": language.day_of(campaign.asks_until, self._company.zone),
        }

    def _copy(
        self, copy: Addressed, language: Language, fields: dict[str, str], *, courtesy: bool
    ) -> Copy:
        no_reminders = self._link(copy, UNSUBSCRIBE) if courtesy else ""
        return Copy(
            mail_id=copy.mail_id,
            address=copy.address,
            name=copy.name,
            fields={
                "greeting": _greeting(language, copy.name),
                "link": self._link(copy, copy.purpose),
                "no_reminders_link": no_reminders,
                **fields,
            },
            headers=unsubscribe_headers(no_reminders) if no_reminders else {},
        )

    def _link(self, copy: Addressed, purpose: str | None) -> str:
        if not (purpose and copy.nonce):
            return ""
        return personal_link(self._company, purpose, copy.nonce, self._link_keys)


def _answers(
    session: Session,
    mail: OutboxMail,
    people: Sequence[Addressed],
    language: Language,
    *,
    asks: bool,
) -> Mapping[UUID, str]:
    """What a correction says to each of what they answered: it may have been voided earlier, or
    given anew since (P8)."""
    about = session.get_one(Campaign, mail.subject_id).policy_version_id
    accounts = [copy.addressee_id for copy in people]
    counts = answers_that_count(session, about, accounts)
    asked = set(accounts) - minors_among(session, accounts) if asks else set()
    return {
        account: language.gettext(ANSWERS[counts.get(account)] if account in asked else NOT_ASKED)
        for account in accounts
    }


def _counts(session: Session, campaign: Campaign, language: Language) -> list[tuple[str, int]]:
    progress = progress_of(session, campaign)
    seldom = [
        (language.gettext("Told only"), progress.told_only),
        (language.gettext("Not mailed yet"), progress.not_mailed),
        (language.gettext("Account closed since"), progress.left),
    ]
    return [
        (language.gettext("Addressed"), progress.addressees),
        (language.gettext("Approved"), progress.approved),
        (language.gettext("Declined"), progress.declined),
        (language.gettext("Silent"), progress.silent),
        *((label, number) for label, number in seldom if number),
        (language.gettext("Not reached"), progress.not_reached),
        (language.gettext("Reached otherwise"), progress.reached_otherwise),
    ]


def _put_right(session: Session, campaign: Campaign, language: Language) -> list[tuple[str, int]]:
    """How many had wrong words, and how many decisions on them were voided; nothing where none
    were."""
    confirmed = corrections(session, campaign.id).values()
    people = sum(one.people or 0 for one in confirmed)
    voided = sum(one.voided or 0 for one in confirmed)
    return [
        *([(language.gettext("Told that something was wrong"), people)] if people else []),
        *([(language.gettext("Answers voided with it"), voided)] if voided else []),
    ]


def _segments(session: Session, campaign: Campaign, language: Language) -> list[tuple[str, int]]:
    """The silent and the not reached by segment, those segments that tell something apart."""
    silent = silent_by(session, campaign)
    missed = not_reached.segments_of(session, campaign)
    return [
        (f"{who}, {language.gettext(SEGMENT_WORDS[segment])} {name.replace('_', ' ')}", count)
        for who, segments in (
            (language.gettext("Silent"), silent),
            (language.gettext("Not reached"), missed),
        )
        for segment, counts in segments.items()
        for name, count in counts.items()
        if len(counts) > 1 or segment == "state"
    ]


def _asked_before(session: Session, campaign: Campaign) -> bool:
    """Whether an earlier campaign asked for approval of the version, and showed less of it (P2)."""
    found = campaign.reclassified_id
    return bool(found and session.get_one(Reclassification, found).was == VersionClass.APPROVAL)


def _why_stopped(session: Session, mail: OutboxMail, version: PolicyVersion) -> str:
    """Why the machine paused the campaign, the first time, the second ..."""
    stops = controls.stops_by_machine(session, version.id)
    return stops[int(mail.step.removeprefix(STOPPED)) - 1].reason


def _sentences(
    session: Session, base: PolicyVersion, version: PolicyVersion, language: str
) -> list[str]:
    """What legal confirmed of the change from one version to another, a sentence for each."""
    confirmed = [
        finding
        for finding in assessments.findings_between(session, base.id, version.id)
        if finding.status == "confirmed"
    ]
    told = wording.sentences_in(session, confirmed, language)
    return [told[finding.id] for finding in confirmed]


def _greeting(language: Language, name: str) -> str:
    if not name:
        return language.gettext("Hello there")
    return language.gettext("Hello %(name)s", name=name)
