"""The mail about a change that a law requires: told and not asked, with what people can do (P5)."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.campaigns.campaigns import CampaignActivities
from activities.campaigns.case import CampaignInput
from activities.mail.letters import Letters
from database.campaigns import freezing
from database.campaigns.reviews import ReviewContent
from database.mail import outbox
from database.mail.mail_rows import Batch
from database.people.accounts import AccountRow
from database.policies.wording import Words, write_words
from database.tables import Campaign, ControlAct, OutboxMail, PolicyVersion
from domain.policies.reviews import VersionClass
from mail.message import Message, Templates
from tests.activities.conftest import TEMPLATES
from tests.people import ALICE, LANGUAGES
from tests.scene import EFFECT, FIRST_DAY, NOW, Scene
from tests.texts import FIRST

HANNA = AccountRow(external_id="hanna", email="hanna@people.example", name="Hanna", locale="de-AT")
LAW = "Telecommunications Act <1>, section 176"
KEPT_LONGER = FIRST.replace("for 30 days and", "for one year and")
WORDS = (
    Words(language="en", sentences={"F1": "Kept a year.", "F1-law": "The law wants them kept."}),
    Words(
        language="de",
        summary="Länger.",
        sentences={"F1": "Ein Jahr.", "F1-law": "Das Gesetz will es so."},
    ),
)


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """Version 2 is announced; a law requires what it changes, for Alice and for Hanna."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(ALICE, HANNA)
    version = scene.submit(KEPT_LONGER)
    scene.assess(first, version=version)
    scene.review(version, ReviewContent(confirm=("F1",)))
    scene.review(version, ReviewContent(law={"F1": LAW}), by="lena")
    agreed = ReviewContent(agree_to_law={"F1": LAW}, version_class=VersionClass.NOTICE)
    scene.review(version, agreed)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version.id)
        for words in WORDS:
            write_words(
                transaction, row, words, languages=LANGUAGES, by=scene.staff["noor"], now=NOW
            )
    campaign_id = scene.announce(version)
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    return campaign_id


@pytest.fixture
def write(scene: Scene, letters: Letters) -> Callable[[], dict[str, Message]]:
    """Writes every mail that waits, each as its person reads it, by address."""

    def all_of_them() -> dict[str, Message]:
        written = {}
        with scene.database.transaction() as session:
            for mail in session.exec(select(OutboxMail).where(OutboxMail.state == "queued")).all():
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
                written[copy.address] = message.personal(copy.fields)
        return written

    return all_of_them


def test_the_first_notice_says_why_it_applies_and_what_people_can_do(
    scene: Scene, campaign: UUID, write: Callable[[], dict[str, Message]]
) -> None:
    """P4, P5: in the language of each, and no word about approving it."""
    scene.queue_step(campaign)
    mails = write()
    english, german = mails[ALICE.email], mails[HANNA.email]
    assert "because the law requires it" in english.subject
    assert "weil ein Gesetz es verlangt" in german.subject
    for body, law in ((english.text, LAW), (english.html, LAW.replace("<1>", "&lt;1&gt;"))):
        assert "it applies to you without your approval" in body
        assert f"{law}: The law wants them kept." in body
        assert "Kept a year." in body
        assert "not before" in body
        assert "http://127.0.0.1:8000/approve/" in body
        assert "http://127.0.0.1:8000/requests/new" in body
        assert "Close your account" in body
        assert "If you do nothing" not in body
        assert "stays" not in body
    assert "Sie gilt für Sie ohne Ihre Zustimmung" in german.text
    assert "Das Gesetz will es so." in german.text


def test_nobody_is_reminded_and_nothing_escalates(
    scene: Scene, campaign: UUID, steps: CampaignActivities
) -> None:
    """P5: as nobody has to answer."""
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign)
        row.notified_at = NOW
        transaction.get_one(PolicyVersion, row.policy_version_id).effective_at = EFFECT
    what = CampaignInput(campaign_id=campaign, now=NOW)
    assert ActivityEnvironment().run(steps.load_campaign, what).to_come == ()


def test_a_later_day_says_nothing_of_an_answer(
    scene: Scene, campaign: UUID, write: Callable[[], dict[str, Message]]
) -> None:
    """P7, P8: there was none to give, nor a day until which anybody stays."""
    mails = scene.queue_step(campaign)
    write()
    with scene.database.transaction() as transaction:
        for mail in mails:
            transaction.get_one(OutboxMail, mail).state = "delivered"
        row = transaction.get_one(Campaign, campaign)
        version = transaction.get_one(PolicyVersion, row.policy_version_id)
        version.effective_at = EFFECT
        later = ControlAct(
            policy_version_id=version.id,
            act="postpone",
            reason="-",
            staff_id=scene.staff["lena"],
            acted_at=NOW,
        )
        transaction.add(later)
    scene.queue_step(campaign, "postponement_1")
    message = write()[ALICE.email]
    for body in (message.text, message.html):
        assert "You need not do anything. You can read the change again:" in body
        assert "answer" not in body
