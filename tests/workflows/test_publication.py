"""From submission to the date of effect, on Temporal's own server with time skipping."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from sqlmodel import Session, select
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from activities.campaigns import publication
from database.campaigns import campaigns, reviews
from database.campaigns.reviews import ReviewContent
from database.policies.assessments import findings_of
from database.tables import PolicyVersion, Review
from domain.policies.reviews import VersionClass
from tests.deciding import APPROVED, DECLINED
from tests.eventually import eventually
from tests.people import ALICE, BOB, CAROL, LANGUAGES, POLICY
from tests.rehearsed import rehearse
from tests.texts import FIRST, SECOND, THIRD
from tests.workflows.conftest import Town
from tests.workflows.living import in_a_while
from tests.workflows.test_campaign import steps_of
from workflows.messenger import Refused, TemporalUnreachable

pytestmark = pytest.mark.temporal


def test_a_version_goes_from_submission_to_the_people_it_governs(running_town: Town) -> None:
    """P2-P7: reviewed by two, mailed to all, in force for those who approve, not for the others."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB, CAROL)

    number = town.submit(SECOND)
    with town.database.session() as session:
        adverse = [f for f in findings_of(session, town.version(number).id) if f.status == "open"]
    assert any("one year" in (finding.after or "") for finding in adverse)
    town.confirm_all(number, VersionClass.APPROVAL)
    town.release(number)

    eventually(lambda: town.version(number).effective_at)
    assert {mail["to"] for mail in town.mails()} == {ALICE.email, BOB.email, CAROL.email}
    town.decide(ALICE, APPROVED, number)
    town.decide(BOB, DECLINED, number)
    assert town.governs(ALICE) == 1

    town.advance(days=33)
    eventually(lambda: town.version(number).state == "in_force")
    assert [town.governs(p) for p in (ALICE, BOB, CAROL)] == [2, 1, 1]
    eventually(lambda: len(town.mails(to=CAROL.email)) == 3)  # first notice and two reminders
    assert len(town.mails(to=ALICE.email)) == 1
    assert len(town.mails(to=BOB.email)) == 1
    eventually(lambda: town.mails(to="lena@staff.example"))  # the owner of the campaign
    effective_at = town.version(number).effective_at
    assert effective_at is not None
    local = effective_at.astimezone(town.settings.zone)
    assert (local.hour, local.minute, local.second) == (0, 0, 0)

    third = town.publish(THIRD, VersionClass.EDITORIAL)
    eventually(lambda: town.version(third).state == "in_force")
    assert [town.governs(p) for p in (ALICE, BOB, CAROL)] == [3, 1, 1]
    with town.database.session() as session:
        assert campaigns.campaign_of(session, town.version(third).id) is None
    town.advance(days=8)
    assert len(town.mails(to=ALICE.email)) == 1


def test_one_person_alone_cannot_submit_and_release(running_town: Town) -> None:
    """P2: the class and the release are for somebody other than the submitter."""
    town = running_town
    town.put_in_force(FIRST)
    number = town.submit(SECOND, by="lena")
    with pytest.raises(Refused, match="someone other than the person who submitted"):
        town.confirm_all(number, VersionClass.APPROVAL, by="lena")
    town.confirm_all(number, VersionClass.APPROVAL, by="noor")
    with pytest.raises(Refused, match="One person alone cannot submit and release"):
        town.release(number, by="lena")
    assert town.version(number).state == "in_review"


def test_a_look_that_began_before_a_review_does_not_undo_it(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P2: the workflow looks at the database once a day, and legal reviews at that very moment."""
    town = running_town
    town.put_in_force(FIRST)
    number = town.submit(SECOND)
    has_read, may_answer = Event(), Event()
    real_case = publication._case

    def answers_late(session: Session, version: PolicyVersion) -> publication.PublicationCase:
        case = real_case(session, version)
        if activity.info().activity_type == "load_publication":
            has_read.set()
            may_answer.wait()
        return case

    monkeypatch.setattr(publication, "_case", answers_late)
    with ThreadPoolExecutor() as thread:
        a_day_passes = thread.submit(town.advance, days=1, minutes=1)
        has_read.wait()
        town.confirm_all(number, VersionClass.APPROVAL)
        may_answer.set()
        a_day_passes.result()
    town.release(number)
    assert eventually(lambda: town.version(number).announced_at)


def test_a_dismissal_takes_a_second_person(running_town: Town) -> None:
    """P2: a flag is dismissed by two people, with a reason."""
    town = running_town
    town.put_in_force(FIRST)
    number = town.submit(SECOND)
    dismiss = ReviewContent(dismiss=("F1",))
    town.desk.review(POLICY, number, town.staff["noor"], dismiss, "only wording")
    with pytest.raises(Refused, match="takes a second person"):
        town.desk.review(POLICY, number, town.staff["noor"], dismiss, "only wording")
    town.desk.review(POLICY, number, town.staff["lena"], dismiss, "I agree")
    with town.database.session() as session:
        assert findings_of(session, town.version(number).id)[0].status == "dismissed"


def test_a_confirmed_adverse_change_cannot_be_called_editorial(running_town: Town) -> None:
    """P2: people can only raise the class that the machine asks for."""
    town = running_town
    town.put_in_force(FIRST)
    number = town.submit(SECOND)
    with pytest.raises(Refused, match="class cannot be editorial"):
        town.confirm_all(number, VersionClass.EDITORIAL)


def test_a_date_inside_the_notice_period_is_refused(running_town: Town) -> None:
    """P7: at least the notice period lies between the last mail and the effect."""
    town = running_town
    town.put_in_force(FIRST)
    soon = (town.now() + timedelta(days=5)).date()
    with pytest.raises(Refused, match="inside the notice period"):
        town.submit(SECOND, effective_on=soon)
    past = (town.now() - timedelta(days=1)).date()
    with pytest.raises(Refused, match="in the past"):
        town.submit(SECOND, effective_on=past)


def test_mails_wait_while_the_mail_service_is_down(running_town: Town) -> None:
    """P4, P7: an outage delays the date of effect, and nobody is forgotten or mailed twice."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB, CAROL)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.mail.misbehave("401", times=2)
    town.release(number)
    eventually(lambda: town.version(number).state == "announced")
    town.advance(days=2)
    in_a_while(town, lambda: town.version(number).effective_at)  # the campaign may begin only now
    assert sorted(mail["to"] for mail in town.mails()) == [ALICE.email, BOB.email, CAROL.email]


def test_a_rejected_version_makes_room_for_another(running_town: Town) -> None:
    """P2: legal takes a draft back, with a reason, before anybody heard of it."""
    town = running_town
    town.put_in_force(FIRST)
    number = town.submit(SECOND)
    with pytest.raises(Refused, match="needs a reason"):
        town.desk.reject(POLICY, number, town.staff["lena"], " ")
    town.desk.reject(POLICY, number, town.staff["lena"], "sent in by mistake")
    assert town.version(number).state == "rejected"
    assert town.submit(THIRD) == number + 1
    with pytest.raises(Refused, match="This version is rejected: there is nothing left to"):
        town.desk.release(POLICY, number, town.staff["noor"])
    content = ReviewContent(version_class=VersionClass.APPROVAL)
    with pytest.raises(Refused, match="This version is rejected: there is nothing left to"):
        town.desk.review(POLICY, number, town.staff["noor"], content, "adverse after all")
    with town.database.session() as session:
        kept = session.exec(
            select(Review).where(Review.policy_version_id == town.version(number).id)
        ).all()
    assert [review.reason for review in kept] == ["sent in by mistake"]


def test_a_notice_does_not_bind_those_who_have_not_approved_what_came_before(
    running_town: Town,
) -> None:
    """P5, P6: who is still on version 1 is asked about version 3, although others are only told."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, CAROL)
    second = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(second).effective_at)
    town.decide(ALICE, APPROVED, second)
    town.advance(days=45)
    eventually(lambda: town.version(second).state == "in_force")
    asked = len(town.mails(to=CAROL.email))

    third = town.publish(THIRD, VersionClass.NOTICE)
    eventually(lambda: town.version(third).effective_at)
    told, reminded = (town.mails(to=person.email)[0] for person in (ALICE, CAROL))
    assert len(town.mails(to=CAROL.email)) == asked + 1
    assert not [link for link in told["links"] if "/approve/" in link]
    assert [link for link in reminded["links"] if "/approve/" in link]
    town.advance(days=45)
    eventually(lambda: town.version(third).state == "in_force")
    assert [town.governs(person) for person in (ALICE, CAROL)] == [third, 1]


def test_a_decision_that_nobody_takes_up_is_answered_in_words(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P2: a worker that does not answer leaves nobody with a traceback, and decides nothing."""
    town = running_town
    town.put_in_force(FIRST)
    number = town.submit(SECOND)
    monkeypatch.setattr("workflows.messenger.ANSWER_WITHIN_SECONDS", 0.0001)
    with pytest.raises(TemporalUnreachable, match="not decided yet"):
        town.desk.reject(POLICY, number, town.staff["noor"], "the wrong text")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (RPCStatusCode.UNAVAILABLE, "not decided yet"),
        (RPCStatusCode.PERMISSION_DENIED, "turns us away .permission denied."),
        (RPCStatusCode.INVALID_ARGUMENT, "turns us away .invalid argument."),
    ],
)
def test_a_temporal_that_refuses_is_not_taken_for_one_that_is_down(
    status: RPCStatusCode, words: str, running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P2: ops look at its settings, and need not look for an outage."""

    async def fails(*_: object) -> None:
        raise RPCError("no", status, b"")

    town = running_town
    town.put_in_force(FIRST)
    number = town.submit(SECOND)
    monkeypatch.setattr(WorkflowHandle, "execute_update", fails)
    with pytest.raises(TemporalUnreachable, match=words):
        town.desk.reject(POLICY, number, town.staff["noor"], "the wrong text")


def test_a_release_that_only_the_database_knows_is_found_within_a_day(running_town: Town) -> None:
    """P2: the workflow was not told, or the database was restored from a copy."""
    town = running_town
    town.put_in_force(FIRST)
    number = town.submit(SECOND)
    town.confirm_all(number, VersionClass.APPROVAL)
    with town.database.transaction() as transaction:
        version = transaction.get_one(PolicyVersion, town.version(number).id)
        rehearse(transaction, version, town.staff["noor"], town.now())
        reviews.release(transaction, version, town.staff["noor"], town.now(), languages=LANGUAGES)
    town.advance(hours=25)
    assert eventually(lambda: town.version(number).announced_at)


def test_a_date_of_effect_that_moved_later_is_waited_for(running_town: Town) -> None:
    """P7: the date only ever moves later, and the database knows it."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    with town.database.transaction() as transaction:
        version = transaction.get_one(PolicyVersion, town.version(number).id)
        assert version.effective_at is not None
        version.effective_at += timedelta(days=5)
    town.advance(days=35)
    assert town.version(number).state == "announced"
    town.advance(days=5)
    eventually(lambda: town.version(number).state == "in_force")


def says_that_the_date_is_fixed(town: Town, number: int) -> None:
    """What anybody can press in the Temporal UI, here with a date that is long past."""
    handle = town.client.get_workflow_handle(f"publication/{POLICY}/{number}")
    past = town.now() - timedelta(days=100)
    town.portal.call(lambda: handle.signal("effective_date_fixed", past))


def looks(town: Town, number: int) -> int:
    """How often the workflow has asked the database how the version stands."""
    steps = town.portal.call(steps_of, town, f"publication/{POLICY}/{number}")
    return steps.count("load_publication")


@pytest.mark.parametrize("said_in", ["in_review", "announced"])
def test_nobody_is_bound_because_somebody_says_that_the_date_has_come(
    said_in: str, running_town: Town
) -> None:
    """P7: while no first notice has gone out, there is no date, and a signal makes none."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.mail.misbehave("401", times=None)
    if said_in == "in_review":
        says_that_the_date_is_fixed(town, number)
    town.release(number)
    eventually(lambda: town.version(number).state == "announced")
    if said_in == "announced":
        says_that_the_date_is_fixed(town, number)
    eventually(lambda: looks(town, number) == 1)
    says_that_the_date_is_fixed(town, number)
    eventually(lambda: looks(town, number) == 2)
    steps = town.portal.call(steps_of, town, f"publication/{POLICY}/{number}")
    assert "put_in_force" not in steps
    assert town.version(number).state == "announced"
    town.mail.misbehave("off")
    in_a_while(town, lambda: town.version(number).effective_at)
    town.advance(days=33)
    eventually(lambda: town.version(number).state == "in_force")
