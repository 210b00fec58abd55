"""Nobody gets a mail of a version that legal has not had themselves, as it is now (P2, P4)."""

from collections.abc import Callable

import pytest
from sqlmodel import select

from database.campaigns import rehearsals, reviews
from database.campaigns.rehearsals import RehearsalRefused
from database.campaigns.reviews import ReviewContent, ReviewRefused
from database.people.accounts import AccountRow
from database.policies import wording
from database.policies.wording import Words
from database.tables import OutboxMail, PolicyVersion
from domain.policies.reviews import VersionClass, release_refusal
from tests.people import ALICE, LANGUAGES
from tests.scene import FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND

HANNA = AccountRow(external_id="hanna", email="hanna@people.example", locale="de-AT")
ASKED = ["approval_first_notice", "approval_reminder"]


@pytest.fixture
def second(scene: Scene) -> PolicyVersion:
    """Version 2, confirmed, of class approval; Alice reads of it."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(ALICE)
    version = scene.submit(SECOND)
    scene.assess(first, version=version)
    scene.confirm_all(version, VersionClass.APPROVAL)
    return version


def send(scene: Scene, version: PolicyVersion, *, state: str = "accepted") -> list[OutboxMail]:
    """Lena sends herself the test mails, which come to stand like this; all that she had."""
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version.id)
        sent = rehearsals.send_to(
            transaction, row, scene.staff["lena"], languages=LANGUAGES, now=NOW
        )
        for mail_id in sent:
            transaction.get_one(OutboxMail, mail_id).state = state
    with scene.database.session() as session:
        return list(session.exec(select(OutboxMail)).all())


def refusal(scene: Scene, version: PolicyVersion) -> str:
    with scene.database.session() as session:
        row = session.get_one(PolicyVersion, version.id)
        prepared = reviews.preparation(session, row, LANGUAGES)
        return str(
            release_refusal(reviews.under_review(session, row), scene.staff["noor"], prepared)
        )


def test_a_release_waits_for_a_test_mail_that_went_out(scene: Scene, second: PolicyVersion) -> None:
    """P4: first notice and reminder, to whoever of legal asks for them."""
    assert "Nobody has had a test mail" in refusal(scene, second)
    mails = send(scene, second, state="queued")
    assert [(mail.template, mail.addressee_id) for mail in mails] == [
        (template, scene.staff["lena"]) for template in ASKED
    ]
    assert "on its way" in refusal(scene, second)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, second.id)
        with pytest.raises(ReviewRefused, match="on its way"):
            reviews.release(transaction, row, scene.staff["noor"], NOW, languages=LANGUAGES)
        for mail in transaction.exec(select(OutboxMail)).all():
            mail.state = "delivered"
    assert refusal(scene, second) == "None"


@pytest.mark.parametrize("state", ["bounced", "dropped", "rejected", "operator", "cancelled"])
def test_a_test_mail_that_nobody_got_is_none(
    scene: Scene, second: PolicyVersion, state: str
) -> None:
    """P4."""
    send(scene, second, state=state)
    assert "Nobody has had a test mail" in refusal(scene, second)


def words_are_mended(scene: Scene, version: PolicyVersion) -> None:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version.id)
        words = Words(language="en", sentences={"F1": "We sell your data."})
        wording.write_words(
            transaction, row, words, languages=LANGUAGES, by=scene.staff["lena"], now=NOW
        )


def a_finding_is_dismissed(scene: Scene, version: PolicyVersion) -> None:
    for by in ("noor", "omar"):
        scene.review(version, ReviewContent(dismiss=("F1",)), by=by)


def somebody_joins_who_reads_german(scene: Scene, version: PolicyVersion) -> None:
    scene.import_accounts(HANNA)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version.id)
        told = wording.wording_of(transaction, row, LANGUAGES)
        keys = [words.of for words in told if words.language == "en" and words.of != "summary"]
        words = Words(language="de", summary="Neu.", sentences=dict.fromkeys(keys, "Neu."))
        wording.write_words(
            transaction, row, words, languages=LANGUAGES, by=scene.staff["lena"], now=NOW
        )


@pytest.mark.parametrize(
    ("change", "mails"),
    [
        (words_are_mended, 2),
        (a_finding_is_dismissed, 2),
        (somebody_joins_who_reads_german, 4),
    ],
)
def test_whatever_changes_what_people_read_asks_for_another(
    scene: Scene,
    second: PolicyVersion,
    change: Callable[[Scene, PolicyVersion], None],
    mails: int,
) -> None:
    """P4: in each language that somebody reads."""
    send(scene, second)
    change(scene, second)
    assert "Nobody has had a test mail of this version as it is now" in refusal(scene, second)
    assert len(send(scene, second)) == 2 + mails
    assert refusal(scene, second) == "None"


def test_a_notice_tells_some_and_may_ask_those_who_are_further_behind(scene: Scene) -> None:
    """P4, P6: whoever still is on version 1 would be asked by version 3 for what 2 took."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    second = scene.submit(SECOND)
    scene.assess(first, version=second)
    scene.confirm_all(second, VersionClass.APPROVAL)
    scene.put_in_force(second, NOW)
    third = scene.submit(SECOND.replace("disadvantge", "disadvantage"))
    scene.assess(second, version=third)
    scene.review(third, ReviewContent(version_class=VersionClass.NOTICE))
    with scene.database.session() as session:
        row = session.get_one(PolicyVersion, third.id)
        assert [(s.template, s.base.number) for s in rehearsals.samples_of(session, row)] == [
            ("notice_first_notice", 2)
        ]
    scene.assess(first, second, version=third)
    with scene.database.session() as session:
        row = session.get_one(PolicyVersion, third.id)
        assert [(s.template, s.base.number) for s in rehearsals.samples_of(session, row)] == [
            ("notice_first_notice", 2),
            *((template, 1) for template in ASKED),
        ]


def test_each_version_that_somebody_stands_on_has_its_own_mail(
    scene: Scene, second: PolicyVersion
) -> None:
    """P4, P6: who stayed on version 1 reads of another change than who has version 2; a release
    waits for both mails, and a test mail from one is none from the other."""
    scene.put_in_force(second, NOW)
    third = scene.submit(SECOND.replace("for one year", "for ten years"))
    scene.assess(second, version=third)
    scene.confirm_all(third, VersionClass.APPROVAL)
    send(scene, third)
    assert refusal(scene, third) == "None"
    scene.assess(scene.version(1), version=third)
    scene.confirm_all(third, VersionClass.APPROVAL)
    assert "Nobody has had a test mail" in refusal(scene, third)
    send(scene, third, state="queued")
    with scene.database.transaction() as transaction:
        queued = transaction.exec(select(OutboxMail).where(OutboxMail.state == "queued")).all()
        bases = {mail.id: transaction.get_one(PolicyVersion, mail.variant) for mail in queued}
        told = sorted((mail.template, bases[mail.id].number) for mail in queued)
        assert told == [(ASKED[0], 1), (ASKED[0], 2), (ASKED[1], 2)]
        for mail in queued:
            if bases[mail.id].number == 2:
                mail.state = "delivered"
    assert "on its way" in refusal(scene, third)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"version_class": None}, "Give the class first"),
        ({"version_class": "editorial"}, "Nobody gets a mail"),
        ({"state": "rejected"}, "not in review"),
    ],
)
def test_where_there_is_nothing_to_test_it_is_said(
    scene: Scene, second: PolicyVersion, changes: dict[str, str | None], why: str
) -> None:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, second.id)
        for name, value in changes.items():
            setattr(row, name, value)
    with pytest.raises(RehearsalRefused, match=why):
        send(scene, second)
