"""Each mail in the language of whoever reads it, and each request in one language."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.mail.outbox import OutboxActivities, Sender, SendInput
from database.campaigns import freezing
from database.campaigns.controls import acting
from database.campaigns.corrections import Right, RightWords
from database.people.accounts import AccountRow
from database.tables import DataSubjectRequest, MailAttempt, OutboxMail, PolicyVersion
from domain.policies.reviews import Decisions
from tests import correcting
from tests.activities.mail.test_outbox import send
from tests.people import ALICE, BOB, CAROL, DORA
from tests.sandbox_server import RunningSandbox
from tests.scene import NOW, Scene

MakeSender = Callable[..., Sender]
ENGLISH = replace(ALICE, locale="en-GB")
GERMAN = replace(BOB, locale="de-AT")
SWISS = replace(CAROL, locale="de_CH")
LATER = NOW + timedelta(hours=1)
HOSTILE = ("../../etc", "x" * 300, "xx", "de/../../de", "%s", "{{ personal.link }}")


def campaign(scene: Scene, *people: AccountRow) -> UUID:
    """First notices that wait to be sent."""
    scene.import_accounts(*people)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    scene.queue_step(campaign_id)
    return campaign_id


def test_a_campaign_speaks_to_each_in_their_language_and_each_request_in_one(
    scene: Scene, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P4: one message for a request; the nearest language to a locale counts, not its region."""
    assert send(sender(), campaign(scene, ENGLISH, GERMAN, SWISS)).accepted == 3
    with scene.database.session() as session:
        attempts = session.exec(select(MailAttempt.copies)).all()
    assert sorted(attempts) == [1, 2]
    english, german, swiss = (sandbox.message_to(one.email) for one in (ENGLISH, GERMAN, SWISS))
    assert english["subject"] == "Please decide: we want to change our privacy policy"
    assert "takes effect not before 2 April 2026" in str(english["text"])
    for mail in (german, swiss):
        assert mail["subject"] == (
            "Bitte entscheiden Sie: Wir möchten unsere Datenschutzerklärung ändern"
        )
        assert "tritt nicht vor dem 2. April 2026 in Kraft" in str(mail["text"])
        assert '<html lang="de">' in str(mail["html"])
        assert "Wenn Sie nichts tun: Sie bleiben bei Version 1." in str(mail["text"])
        assert "/policies/privacy-policy/changes/1/2?lang=de\n" in str(mail["text"])
    assert "Guten Tag Carol Castro," in str(swiss["text"])
    assert "Hello Alice Abel," in str(english["text"])
    assert "/policies/privacy-policy/changes/1/2\n" in str(english["text"])


def test_a_correction_is_read_in_the_language_of_the_mail_that_was_wrong(
    scene: Scene, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P4, P8: what was wrong, and the words that are right from then on."""
    campaign_id = campaign(scene, ENGLISH, GERMAN)
    send(sender(), campaign_id)
    sandbox.empty()
    words = (
        RightWords(language="en", mail="It is a year.", summary="Kept for a year."),
        RightWords(language="de", mail="Es ist ein Jahr.", summary="Ein Jahr lang behalten."),
    )
    with scene.database.transaction() as transaction:
        version = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()
        act = acting(transaction, scene.staff["lena"], "legal", reason="a wrong period", now=LATER)
        right = Right(decisions=Decisions.KEEP, words=words)
        correcting.propose(transaction, version, act, right)
        correcting.confirm(transaction, version, scene.staff["noor"], LATER)
    scene.queue_step(campaign_id, "correction_1")
    send(sender(), campaign_id)
    english, german = (str(sandbox.message_to(one.email)["text"]) for one in (ENGLISH, GERMAN))
    assert "It is a year." in english
    assert "Kept for a year." in english
    assert "Es ist ein Jahr." in german
    assert "Ein Jahr lang behalten." in german
    assert "It is a year." not in german


def test_a_person_without_a_name_is_greeted_all_the_same(
    scene: Scene, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    nameless = replace(GERMAN, name=None)
    send(sender(), campaign(scene, nameless))
    assert str(sandbox.message_to(nameless.email)["text"]).startswith("Guten Tag,\n")


@pytest.mark.parametrize("locale", HOSTILE)
def test_a_locale_that_is_none_gets_the_first_language(
    scene: Scene, sender: MakeSender, sandbox: RunningSandbox, locale: str
) -> None:
    """Whatever found its way into an account names no file and stops no campaign."""
    odd = replace(DORA, locale=locale)
    assert send(sender(), campaign(scene, odd)).accepted == 1
    assert str(sandbox.message_to(odd.email)["subject"]).startswith("Please decide")


def test_the_mails_of_a_request_do_not_tell_whether_we_know_who_asks(
    scene: Scene, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P19: what goes to the address typed in speaks the language of the page it was typed on; the
    holder of the account is asked in theirs."""
    scene.import_accounts(GERMAN)
    request = scene.request(GERMAN.email)
    with scene.database.session() as session:
        languages = {mail.step: mail.language for mail in session.exec(select(OutboxMail)).all()}
    assert languages == {"acknowledgement": "", "verification": "de"}
    what = SendInput(subject_id=request.id, now=NOW)
    ActivityEnvironment().run(OutboxActivities(sender()).send_mail, what)
    subjects = sorted(str(mail["subject"]) for mail in sandbox.messages(to=GERMAN.email))
    assert subjects == [
        f"Bitte bestätigen Sie: Kommt die Anfrage {request.reference} von Ihnen?",
        f"We have your request {request.reference}",
    ]


@pytest.mark.parametrize(("kind", "waits"), [("access", True), ("marketing_opt_out", False)])
def test_an_acknowledgement_asks_who_it_is_only_where_something_waits_for_that(
    scene: Scene, sender: MakeSender, sandbox: RunningSandbox, kind: str, *, waits: bool
) -> None:
    """P17, P19: to stop marketing nobody has to show who they are, nor is told that they must."""
    request = scene.request("eve@example.com", kinds=(kind,))
    what = SendInput(subject_id=request.id, now=NOW)
    ActivityEnvironment().run(OutboxActivities(sender()).send_mail, what)
    text = str(sandbox.message_to("eve@example.com")["text"])
    assert ("we have to know that it is you who asks" in text) is waits


def test_a_request_made_in_german_is_acknowledged_in_german(
    scene: Scene, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P26."""
    request = scene.request("eve@example.com", language="de")
    what = SendInput(subject_id=request.id, now=NOW)
    ActivityEnvironment().run(OutboxActivities(sender()).send_mail, what)
    text = str(sandbox.message_to("eve@example.com")["text"])
    assert "Ihre Anfrage ist bei uns eingegangen." in text
    assert "Worum Sie bitten: eine Kopie Ihrer personenbezogenen Daten" in text
    assert "Wir antworten bis zum: 1. April 2026" in text
    with scene.database.session() as session:
        assert session.get_one(DataSubjectRequest, request.id).language == "de"
