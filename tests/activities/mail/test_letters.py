"""Every mail of every step is written from the database, and no name can break out of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from activities.mail.courier import Courier
from activities.mail.letters import Letters
from activities.requests.requests import RequestActivities, RequestInput
from database.campaigns import freezing, rehearsals
from database.campaigns.reclassifying import Mistake
from database.mail import outbox
from database.mail.mail_rows import Batch
from database.mail.outbox import Queued
from database.mail.steps import OWNERS_REPORT, notice_template
from database.people.accounts import AccountRow
from database.policies.assessments import findings_of
from database.requests import answering, identity, requests
from database.tables import (
    Campaign,
    CampaignAddressee,
    DataSubjectRequest,
    FindingSentence,
    OutboxMail,
    PolicyVersion,
)
from domain.company import Officers
from domain.policies.reviews import VersionClass
from domain.requests.data_subject_requests import Ground, Intake, Kind, Outcome
from domain.requests.identity import IdentityNumbers
from domain.requests.ladder import overdue_rung, request_ladder
from mail.message import Message, Templates
from settings import Settings
from tests.activities.conftest import TEMPLATES
from tests.answers import IN_FULL, INVOICES
from tests.own_settings import CLOSING_PAGE
from tests.people import ALICE, BOB, CAROL, DORA, LANGUAGES
from tests.reclassifying import (
    FOUND,
    followed_by_one_that_asks,
    mend_third,
    what_two_brought,
    wrongly_editorial,
)
from tests.scene import EFFECT, NOW, Scene
from tests.texts import FIRST, SECOND

HOSTILE = AccountRow(
    external_id="mallory",
    email="mallory@people.example",
    name='<b>Mallory</b> {{ personal.link }} "\u202e',
)
NAMELESS = AccountRow(external_id="nobody", email="nobody@people.example")
ESCAPED = "&lt;b&gt;Mallory&lt;/b&gt;"
Written = list[tuple[str, Message]]


@pytest.fixture
def write(scene: Scene, letters: Letters) -> Callable[[], Written]:
    """Writes every mail in the outbox, each as its person reads it, by address."""

    def all_of_them() -> Written:
        written = []
        with scene.database.transaction() as session:
            for mail in session.exec(select(OutboxMail)).all():
                claim = outbox.claim(session, Batch(mail_id=mail.id), limit=1, now=NOW)
                assert claim
                letter = letters.letter(session, claim, NOW)
                message = Templates(TEMPLATES).render(
                    letter.template,
                    language=letter.language,
                    shared=letter.shared,
                    personal=letter.personal,
                )
                (copy,) = letter.copies
                written.append((copy.address, message.personal(copy.fields)))
        return written

    return all_of_them


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """A campaign whose date of effect is fixed."""
    scene.import_accounts(HOSTILE, NAMELESS)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign_id)
        transaction.get_one(PolicyVersion, row.policy_version_id).effective_at = EFFECT
    return campaign_id


def assert_complete(message: Message, *, words: tuple[str, ...] = ()) -> None:
    assert message.subject
    for body in (message.text, message.html):
        assert "None" not in body
        assert "{{" not in body.replace("{{ personal.link }}", "")  # Mallory's own words
        for expected in words:
            assert expected in body, expected


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("first_notice", ("sell", "http://127.0.0.1:8000/approve/")),
        ("reminder_1", ("http://127.0.0.1:8000/approve/", "2 April 2026")),
        ("reminder_2", ("http://127.0.0.1:8000/approve/", "2 April 2026")),
    ],
)
def test_the_mails_of_a_campaign_are_written_to_each_addressee(
    scene: Scene,
    campaign: UUID,
    write: Callable[[], Written],
    step: str,
    words: tuple[str, ...],
) -> None:
    """P4, P5: the change from their version, and a link of their own."""
    scene.queue_step(campaign, step)
    mails = dict(write())
    assert mails.keys() == {HOSTILE.email, NAMELESS.email}
    for message in mails.values():
        assert_complete(message, words=words)
    assert "Hello there" in mails[NAMELESS.email].text
    assert ESCAPED in mails[HOSTILE.email].html
    assert "<b>Mallory" not in mails[HOSTILE.email].html
    assert "\u202e" not in mails[HOSTILE.email].text + mails[HOSTILE.email].html
    links = {mail.text.split("/approve/")[1].split()[0] for mail in mails.values()}
    assert len(links) == 2


@pytest.mark.parametrize("step", ["first_notice", "reminder_1"])
@pytest.mark.parametrize(
    ("language", "until", "offer"),
    [
        ("en", "until 2 June 2026 at least", "you may close your account"),
        ("de", "mindestens bis zum 2. Juni 2026", "können Sie Ihr Konto schließen"),
    ],
)
def test_a_mail_says_what_silence_means(
    scene: Scene,
    campaign: UUID,
    write: Callable[[], Written],
    step: str,
    language: str,
    until: str,
    offer: str,
) -> None:
    """P5: as it was promised, with where to close the account if that is offered."""
    scene.queue_step(campaign, step)
    for what, until_on, words in (
        ("stay_until", date(2026, 6, 2), until),
        ("offer_closing", None, offer),
    ):
        with scene.database.transaction() as transaction:
            for mail in transaction.exec(select(OutboxMail)).all():
                mail.language, mail.state, mail.attempt_id = language, "queued", None
            row = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()
            row.without_approval, row.stay_until_on = what, until_on
        for _, message in write():
            assert_complete(message, words=(words,))
            assert message.html.count(CLOSING_PAGE) == (what == "offer_closing")


@pytest.mark.parametrize("step", ["first_notice", "reminder_1"])
def test_who_is_asked_about_a_version_in_force_reads_of_no_day_to_come(
    scene: Scene, campaign: UUID, write: Callable[[], Written], step: str
) -> None:
    """P2, P4: it was reclassified, and never governed them."""
    scene.queue_step(campaign, step)
    with scene.database.transaction() as transaction:
        version = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()
        version.planned_effective_on = None
        transaction.get_one(Campaign, campaign).asks_until = EFFECT
    scene.put_in_force(version, EFFECT)
    for _, message in write():
        assert_complete(message, words=("in force since 2 April 2026",))
        for words in ("not before", "takes effect", "about to change", "want to change"):
            assert words not in message.subject + message.text + message.html


def test_who_is_asked_again_reads_that_some_of_it_applied_in_error_and_their_yes_counts_no_more(
    scene: Scene, write: Callable[[], Written]
) -> None:
    """P2, P4: Alice approved version 3, and was not shown what version 2 had brought unasked."""
    wrongly_editorial(scene)
    followed_by_one_that_asks(scene)
    with scene.database.session() as session:
        key = what_two_brought(session, scene.version(3)).key
    again = mend_third(scene, Mistake(confirm=[key]))
    freezing.freeze_audience(scene.database, again, FOUND)
    scene.queue_step(again)
    told = dict(write())
    for person in (ALICE, BOB):
        words = ("Some of it has applied to you in error since 2 April 2026", "We are sorry")
        assert_complete(told[person.email], words=(*words, "that does not count any more"))
    assert "in error" not in told[CAROL.email].text, "she joined under it"


def test_who_hears_of_a_later_day_hears_until_when_they_stay(
    scene: Scene, campaign: UUID, write: Callable[[], Written]
) -> None:
    """P5, P7: the two days move together."""
    with scene.database.transaction() as transaction:
        version = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()
        version.without_approval, version.stay_until_on = "stay_until", date(2026, 7, 9)
        first = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 1)).one()
        postponed = Queued(
            subject_kind=outbox.CAMPAIGN,
            subject_id=campaign,
            addressee_kind=outbox.ACCOUNT,
            addressee_id=scene.account(HOSTILE.external_id).id,
            step="postponed_1",
            template="change_postponed",
            variant=first.id,
            language="de",
        )
        outbox.queue(transaction, [postponed], NOW)
    ((_, mail),) = write()
    assert_complete(mail, words=("mindestens bis zum 9. Juli 2026",))


@pytest.mark.parametrize("step", ["first_notice", "reminder_1"])
def test_a_mail_says_that_the_page_has_a_choice_for_each_purpose(
    scene: Scene, campaign: UUID, write: Callable[[], Written], step: str
) -> None:
    """P5: in one sentence, where there is one."""
    scene.queue_step(campaign, step)
    assert not any("a choice of its own" in mail.text for _, mail in write())
    with scene.database.transaction() as transaction:
        for row in transaction.exec(select(OutboxMail)).all():
            row.state, row.attempt_id = "queued", None
        version = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()
        finding = next(f for f in findings_of(transaction, version.id) if f.status == "confirmed")
        finding.consent_key, finding.consent_label = "ads", "May advertisers have your data?"
    for _, mail in write():
        assert_complete(mail, words=("a choice of its own for each purpose",))


def test_a_mail_says_what_changes_in_the_language_of_its_reader(
    scene: Scene, campaign: UUID, write: Callable[[], Written]
) -> None:
    """P4: and in the default one where nobody wrote it."""
    (mail_id, _) = scene.queue_step(campaign)
    with scene.database.transaction() as transaction:
        transaction.get_one(OutboxMail, mail_id).language = "de"
        version = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()
        longer, *_ = (f for f in findings_of(transaction, version.id) if f.status == "confirmed")
        row = FindingSentence(
            finding_id=longer.id,
            language="de",
            sentence="Wir <b>behalten</b> mehr.",
            edited_by=scene.staff["noor"],
            edited_at=NOW,
        )
        transaction.add(row)
    mails = [message for _, message in write()]
    told = {"Wir &lt;b&gt;behalten&lt;/b&gt; mehr." in message.html for message in mails}
    assert told == {True, False}
    assert all("Recordings are kept longer." in message.text for message in mails)


def test_a_test_mail_says_what_people_will_get_and_leads_nowhere(
    scene: Scene, write: Callable[[], Written]
) -> None:
    """P4: to legal's own address, before there is a campaign; the date as if released now (P7)."""
    first = scene.submit(FIRST, now=NOW)
    scene.put_in_force(first, NOW)
    second = scene.submit(SECOND)
    scene.assess(first, version=second)
    scene.confirm_all(second, VersionClass.APPROVAL)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, second.id)
        lena = scene.staff["lena"]
        rehearsals.send_to(transaction, row, lena, languages=LANGUAGES, now=NOW)
    mails = write()
    assert [address for address, _ in mails] == ["lena@staff.example"] * 2
    for _, message in mails:
        words = ("Hello Lena Lindqvist", "3 April 2026", "/approve/only-a-test")
        assert_complete(message, words=words)


def queued(scene: Scene, campaign: UUID, *, step: str, template: str, kind: str, to: UUID) -> None:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign)
        base = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 1)).one()
        mail = Queued(
            subject_kind=outbox.CAMPAIGN,
            subject_id=row.id,
            addressee_kind=kind,
            addressee_id=to,
            step=step,
            template=template,
            variant=base.id,
        )
        outbox.queue(transaction, [mail], NOW)


@pytest.mark.parametrize("step", ["escalation_owner", "escalation_legal"])
def test_an_escalation_tells_the_counts(
    scene: Scene, campaign: UUID, write: Callable[[], Written], step: str
) -> None:
    """P5: to the owner, then to legal, with the way to the page."""
    lena = scene.staff["lena"]
    queued(scene, campaign, step=step, template="campaign_escalation", kind=outbox.STAFF, to=lena)
    ((address, message),) = write()
    assert address == "lena@staff.example"
    console = "http://127.0.0.1:8000/staff/policies/privacy-policy/versions/2"
    assert_complete(message, words=("Silent", console, "by when"))
    assert message.subject.endswith("0 have not answered, 0 were not reached")
    assert ("now it is for all of legal" in message.text) == (step == "escalation_legal")


def test_an_escalation_about_a_version_in_force_says_until_when_people_are_asked(
    scene: Scene, campaign: UUID, write: Callable[[], Written]
) -> None:
    """P2, P5: its date of effect lies in the past, and is no day to decide by."""
    lena = scene.staff["lena"]
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign).asks_until = EFFECT + timedelta(days=40)
    step = "escalation_owner"
    queued(scene, campaign, step=step, template="campaign_escalation", kind=outbox.STAFF, to=lena)
    ((_, message),) = write()
    assert_complete(message, words=("People are asked until 12 May 2026",))


@pytest.mark.parametrize("asked", [True, False])
def test_who_asked_nobody_hears_nothing_of_approving_when_a_campaign_is_finished(
    scene: Scene, campaign: UUID, write: Callable[[], Written], *, asked: bool
) -> None:
    """P2, P4: a version of class notice governs everybody who was told of it."""
    with scene.database.transaction() as transaction:
        for addressee in transaction.exec(select(CampaignAddressee)).all():
            addressee.asks_approval = asked
    lena = scene.staff["lena"]
    template = "campaign_finished"
    queued(scene, campaign, step=OWNERS_REPORT, template=template, kind=outbox.STAFF, to=lena)
    ((_, message),) = write()
    assert_complete(message, words=("listed by name",))
    for body in (message.text, message.html):
        assert ("Whoever has not approved keeps the version" in body) == asked


@pytest.mark.parametrize("template", ["notice_first_notice", "approval_link_again"])
def test_a_notice_and_a_link_asked_for_again_are_written(
    scene: Scene, campaign: UUID, write: Callable[[], Written], template: str
) -> None:
    """P4."""
    mallory = scene.account("mallory").id
    queued(scene, campaign, step="any", template=template, kind=outbox.ACCOUNT, to=mallory)
    ((_, message),) = write()
    assert_complete(message, words=("privacy policy",))
    assert ESCAPED in message.html


def test_a_notice_is_not_a_request_for_approval() -> None:
    """P2."""
    assert notice_template("first_notice", asks_approval=False) == "notice_first_notice"
    assert notice_template("first_notice", asks_approval=True) == "approval_first_notice"
    assert notice_template("reminder_2", asks_approval=True) == "approval_reminder"


@pytest.fixture
def request_made(scene: Scene) -> DataSubjectRequest:
    scene.import_accounts(HOSTILE)
    return scene.request(HOSTILE.email, name=HOSTILE.name or "")


def test_the_first_mails_of_a_request_carry_their_links(
    scene: Scene, request_made: DataSubjectRequest, write: Callable[[], Written]
) -> None:
    """P19, P26: the mail to the address typed in does not tell whether we know it."""
    mails = write()
    assert len(mails) == 2
    for _, message in mails:
        assert_complete(message, words=(request_made.reference, "/requests/"))
    assert sorted(ESCAPED in message.html for _, message in mails) == [False, True]


def test_every_rung_of_the_ladder_is_written_with_its_own_words(
    scene: Scene,
    request_made: DataSubjectRequest,
    write: Callable[[], Written],
    courier: Courier,
) -> None:
    """P21: to staff, to the person, on the last day, on the due day and long after."""
    climbing = activities_of(scene, courier)
    ladder = request_ladder(
        request_id=request_made.id,
        received_at=request_made.received_at,
        due_at=request_made.due_at,
        office=Settings(_env_file=None).company.office,
    )
    rungs = (*ladder, *(overdue_rung(request_made.due_at, number) for number in (1, 2)))
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request_made.id)
        identity.confirm_contact(transaction, row, NOW)
    for rung in rungs:
        climbing.climb(RequestInput(request_id=request_made.id, now=rung.at))
    with scene.database.session() as session:
        steps = {mail.step for mail in requests.mails_of(session, request_made.id)}
    # Of rungs that roll onto the same morning only the highest fires.
    for_staff = {rung.at: rung.key for rung in rungs if rung.key != "late_reply"}.values()
    assert steps >= {*for_staff, "progress", "late_reply"}
    mails = write()
    for _, message in mails:
        assert_complete(message, words=(request_made.reference,))
    everything = "\n".join(message.text for _, message in mails)
    for rung in rungs:
        if rung.key in for_staff and rung.key.startswith("d-"):
            assert rung.summary in everything
    assert "The fault is ours" in everything


def activities_of(scene: Scene, courier: Courier) -> RequestActivities:
    return RequestActivities(
        database=scene.database,
        company=Settings(_env_file=None).company,
        officers=Officers(privacy_officer="", deputy="", executive=""),
        courier=courier,
        identity=IdentityNumbers(),
        sources={},
    )


def test_every_mail_of_a_request_names_all_that_was_asked_for(
    scene: Scene, write: Callable[[], Written], courier: Courier
) -> None:
    """P10-P18, P21, P26: to the person and to staff, from the first mail to the last."""
    scene.import_accounts(DORA)
    request = scene.request(DORA.email, kinds=("marketing_opt_out", "erasure", "access"))
    climbing = activities_of(scene, courier)
    for days in (1, 10, 20, 25, 29, 31):
        at = request.received_at + timedelta(days=days)
        climbing.climb(RequestInput(request_id=request.id, now=at))
    mails = write()
    assert len(mails) >= 8
    for _, message in mails:
        for words in ("a copy of your", "the erasure of your", "no more marketing messages"):
            assert words in message.text, message.subject
            assert words in message.html, message.subject


def test_an_answer_says_of_each_right_what_became_of_it(
    scene: Scene, write: Callable[[], Written]
) -> None:
    """P20, P22, P23: outcome, ground and explanation, in the person's language."""
    scene.import_accounts(DORA)
    made = scene.request(DORA.email, kinds=("erasure", "access"), language="de")
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, made.id)
        identity.verify_identity(transaction, row, how="link", now=NOW)
        for kind, answer in ((Kind.ACCESS, IN_FULL), (Kind.ERASURE, INVOICES)):
            decision = answering.propose_decision(
                transaction, row, answer, kind=kind, decided_by=scene.staff["petra"], now=NOW
            )
            transaction.flush()
            answering.apply_decision(transaction, row, decision.id, NOW)
        answering.confirm_decision(
            transaction, row, decision.id, staff_id=scene.staff["paul"], now=NOW
        )
    (text,) = [one.text for _, one in write() if "Wir haben einen Teil dessen getan" in one.text]
    copy, _, erasure = text.partition("die Löschung Ihrer personenbezogenen Daten")
    assert "Wir haben getan, worum Sie gebeten haben." in copy
    assert IN_FULL.explanation in copy
    assert "Der Grund:" not in copy
    assert "Der Grund:" in erasure
    assert INVOICES.explanation in erasure


@pytest.mark.parametrize(
    ("outcome", "ground"),
    [
        (Outcome.FULFILLED, None),
        (Outcome.PARTIAL, Ground.RIGHTS_OF_OTHERS),
        (Outcome.REFUSED, Ground.MANIFESTLY_UNFOUNDED_OR_EXCESSIVE),
    ],
)
def test_an_answer_explains_itself_whatever_it_says(
    scene: Scene,
    request_made: DataSubjectRequest,
    write: Callable[[], Written],
    outcome: Outcome,
    ground: Ground | None,
) -> None:
    """P22, P23: explanation, ground and where to complain; what staff write is escaped too."""
    answer = answering.Answer(
        outcome=outcome, explanation="First <i>this</i>.\n\nThen that.", ground=ground, evidence="x"
    )
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request_made.id)
        identity.verify_identity(transaction, row, how="link", now=NOW)
        decision = answering.propose_decision(
            transaction, row, answer, decided_by=scene.staff["petra"], now=NOW
        )
        transaction.flush()
        answering.apply_decision(transaction, row, decision.id, NOW)
        if ground:
            answering.confirm_decision(
                transaction, row, decision.id, staff_id=scene.staff["paul"], now=NOW
            )
    (message,) = [one for _, one in write() if "Then that." in one.text]
    assert_complete(message, words=(request_made.reference, "complain"))
    assert "First <i>this</i>.\n\nThen that." in message.text
    assert "First &lt;i&gt;this&lt;/i&gt;." in message.html


def test_nobody_has_us_write_their_words_to_others(
    scene: Scene, write: Callable[[], Written]
) -> None:
    """P19: the name that was typed is in no mail before whoever reads the address said that the
    request is theirs."""
    bait = "You won: www.evil.example"
    asked = Intake(
        name=bait,
        contact_address="victim@people.example",
        agent_name=bait,
        agent_address="other@people.example",
        kinds=("marketing_opt_out",),
    )
    scene.taken_in(asked)
    theirs = scene.taken_in(replace(asked, contact_address="theirs@people.example"))
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, theirs.id)
        identity.confirm_contact(transaction, row, NOW)
    mails = write()
    greeted = {address for address, mail in mails if "evil" in f"{mail}"}
    assert {address for address, _ in mails} - greeted == {
        "victim@people.example",
        "other@people.example",
    }
    assert greeted == {"theirs@people.example"}
