"""Another version takes the place of the one that was announced; a correction carries over (P8)."""

from datetime import date, timedelta

import pytest
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.campaigns.publication import VersionInput
from database.campaigns.progress import progress_of
from database.policies import policies
from database.tables import Fact, OutboxMail, PolicyVersion
from domain.policies.reviews import VersionClass
from tests.activities.campaigns.succession import LATER, WORSE, Story
from tests.deciding import APPROVED, DECLINED
from tests.people import ALICE, BOB, CAROL
from tests.scene import FIRST_DAY, Scene
from tests.texts import FIRST, SECOND, THIRD


def test_a_draft_gives_way_at_once_and_its_reviews_count_no_more(scene: Scene) -> None:
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    draft = scene.submit(SECOND)
    scene.assess(first, version=draft)
    scene.confirm_all(draft, VersionClass.APPROVAL)
    new = scene.submit(WORSE)
    with scene.database.session() as session:
        row = session.get_one(PolicyVersion, draft.id)
        assert (row.state, row.replaced_by_id) == ("replaced", new.id)
        assert not policies.is_public(row), "nobody outside had heard of it"
        assert session.get_one(PolicyVersion, new.id).version_class is None
        assert session.exec(select(Fact).where(Fact.kind == "policy_version.replaced")).one()


def test_an_announced_version_runs_on_until_the_new_one_is_announced(story: Story) -> None:
    version = story.scene.submit(WORSE, now=LATER)
    assert story.version(2).state == "announced"
    assert story.campaign(2).state == "running"
    story.scene.assess(story.version(1), story.version(2), version=version)
    assert story.version(2).state == "announced"


def test_the_new_version_takes_its_place_and_its_mail_says_so(story: Story) -> None:
    """P8: whoever was mailed is told by the first notice of the new one, and by nothing else."""
    story.scene.decide(ALICE, APPROVED)
    story.scene.queue_step(story.campaign(2).id, "reminder_1")
    number = story.announce(WORSE)
    assert (story.version(2).state, story.version(number).state) == ("replaced", "announced")
    assert story.version(2).replaced_by_id == story.version(number).id
    assert story.version(2).corrected_by_id is None
    story.finish(2)
    assert story.states(2, "reminder_1") == {"cancelled": 1}
    story.sandbox.empty()
    story.send(number)
    mails = story.sandbox.messages()
    assert story.told() == [ALICE.email, BOB.email, CAROL.email]
    said = "This takes the place of the change that we announced on 2 March 2026"
    assert all(said in str(mail["text"]) for mail in mails)
    case = story.finish(2)
    assert (case.state, case.called_off, case.tells_the_end) == ("replaced", True, False)
    story.fix_date(number)
    effect = story.version(number).effective_at
    assert effect
    assert story.scene.governs(ALICE, effect).number == 1, "what she approved is another change"


def test_nothing_of_a_replaced_campaign_is_claimed(story: Story) -> None:
    number = story.announce(WORSE)
    story.sandbox.empty()
    story.send(2, "reminder_1")
    assert story.mailed() == []
    assert story.campaign(number).state == "running"


def test_a_correction_mails_only_those_who_had_no_mail_and_have_not_decided(story: Story) -> None:
    """P6, P8: nobody is told twice, and nobody is left out."""
    story.sandbox.empty()
    number = story.announce(THIRD)
    story.send(number)
    assert story.states(number) == {"accepted": 1, "carried": 2}
    assert story.told() == [CAROL.email]


def test_a_correction_carries_decisions_over(story: Story) -> None:
    """P6: they count in numbers and reminders, and at the effect."""
    story.scene.decide(ALICE, APPROVED)
    number = story.announce(THIRD)
    story.send(number)
    case = story.fix_date(number)
    with story.scene.database.session() as session:
        stands = progress_of(session, story.campaign(number))
    assert (stands.addressees, stands.approved, stands.silent) == (3, 1, 2)
    story.sandbox.empty()
    reminder = case.to_come[0]
    story.send(number, reminder.key, reminder.at)
    assert story.told() == [BOB.email, CAROL.email]
    effect = story.version(number).effective_at
    assert effect
    assert [story.scene.governs(who, effect).number for who in (ALICE, BOB)] == [number, 1]


def test_who_takes_back_what_was_carried_is_back_where_they_were(story: Story) -> None:
    """P5."""
    story.scene.decide(ALICE, APPROVED)
    number = story.announce(THIRD)
    story.send(number)
    story.fix_date(number)
    story.scene.decide(ALICE, DECLINED, number=number, at=LATER)
    effect = story.version(number).effective_at
    assert effect
    assert story.scene.governs(ALICE, effect).number == 1
    with story.scene.database.session() as session:
        stands = progress_of(session, story.campaign(number))
    assert (stands.approved, stands.declined) == (0, 1)


def test_the_day_that_was_said_stays_where_everybody_was_told(story: Story) -> None:
    """P7: a correction moves no date earlier, and none later than the last mail asks for."""
    story.close(CAROL)
    said = story.version(2).effective_at
    number = story.announce(THIRD)
    story.send(number)
    assert story.states(number) == {"carried": 2}
    story.fix_date(number)
    assert story.version(number).effective_at == said


def test_who_joined_late_moves_nobodys_day(story: Story) -> None:
    """P7: Carol is late for the corrected version, and not reached in time for either."""
    said = story.version(2).effective_at
    number = story.announce(THIRD)
    story.send(number)
    assert story.states(number) == {"carried": 2, "accepted": 1}
    case = story.fix_date(number)
    assert story.version(number).effective_at == said
    assert case.owed == ()


def test_the_day_moves_later_when_somebody_is_told_later_and_the_others_hear_of_it(
    story: Story,
) -> None:
    """P7, P8: Bob's first mail came back, and he has the notice period that everybody has. He and
    Carol, who joined since, have read of it just now, and get no second mail."""
    said = story.version(2).effective_at
    bob = story.scene.account(BOB.external_id).id
    with story.scene.database.transaction() as transaction:
        of_bob = select(OutboxMail).where(OutboxMail.addressee_id == bob)
        transaction.exec(of_bob).one().state = "bounced"
    number = story.announce(THIRD)
    story.send(number)
    case = story.fix_date(number)
    assert said
    assert story.version(number).effective_at == said + timedelta(days=2)
    assert case.owed == ("postponement_1",)
    story.sandbox.empty()
    story.send(number, "postponement_1")
    assert story.told() == [ALICE.email]


def test_a_date_that_passed_meanwhile_is_never_backdated(story: Story) -> None:
    """P7: the correction was announced in time, but its campaign stood still past that day."""
    story.close(CAROL)
    said = story.version(2).effective_at
    assert said
    number = story.announce(THIRD)
    story.send(number)
    late = said + timedelta(days=3)
    story.fix_date(number, late)
    fixed = story.version(number).effective_at
    assert fixed
    assert late < fixed <= late + timedelta(days=1)


def test_a_version_whose_date_has_come_is_followed_and_not_replaced(story: Story) -> None:
    """P6: it rules from its date on, also while nobody has written it down."""
    effect = story.version(2).effective_at
    assert effect
    number = story.announce(WORSE, now=effect + timedelta(hours=1))
    assert (story.version(2).state, story.version(number).state) == ("in_force", "announced")
    assert story.version(2).replaced_by_id is None


def test_where_the_new_one_is_only_posted_whoever_was_mailed_hears_that_it_is_off(
    story: Story,
) -> None:
    """P8: a version of class editorial writes to nobody, so the old campaign does."""
    number = story.announce(FIRST.replace("disadvantge", "disadvantage"), VersionClass.EDITORIAL)
    assert (story.version(2).state, story.campaign(2).state) == ("replaced", "withdrawn")
    story.sandbox.empty()
    story.send(2, "withdrawal")
    withdrawn = "We have withdrawn the change of our privacy policy"
    assert story.mailed() == [(ALICE.email, withdrawn), (BOB.email, withdrawn)]
    assert story.version(number).state == "announced"


def test_who_need_not_decide_any_more_is_told(story: Story) -> None:
    """P4, P8: version 3 asks nothing of anybody, and Carol never heard of version 2."""
    number = story.announce(FIRST.replace("disadvantge", "disadvantage"))
    story.sandbox.empty()
    story.send(number)
    told = "We are about to change our privacy policy"
    assert story.mailed() == [(who.email, told) for who in (ALICE, BOB, CAROL)]


def test_a_correction_of_a_correction_carries_on(story: Story) -> None:
    """P6, P8: as long as nothing worsens on the whole way."""
    story.scene.decide(ALICE, APPROVED)
    story.announce(THIRD)
    story.send(3)
    version = story.scene.submit(THIRD.replace("write to you and", "write to you\nand"))
    story.scene.assess(story.version(1), story.version(2), story.version(3), version=version)
    story.scene.confirm_all(version, VersionClass.APPROVAL)
    what = VersionInput(version_id=version.id, now=LATER)
    ActivityEnvironment().run(story.publication.announce, what)
    assert story.version(2).corrected_by_id == version.id
    assert story.version(3).corrected_by_id == version.id
    story.send(4)
    assert story.states(4) == {"carried": 3}
    with story.scene.database.session() as session:
        assert progress_of(session, story.campaign(4)).approved == 1


def test_what_takes_the_place_of_a_postponed_version_tells_everybody_its_day(story: Story) -> None:
    """P7, P8: they heard that it comes later, so also a correction is told to everybody."""
    with story.scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, story.version(2).id)
        row.state, row.effective_at = "postponed", None
        row.planned_effective_on = date(2027, 6, 1)
    number = story.announce(THIRD)
    assert story.version(2).replaced_by_id == story.version(number).id
    assert story.version(number).planned_effective_on == date(2027, 6, 1), "never an earlier day"
    story.sandbox.empty()
    story.send(number)
    assert story.told() == [ALICE.email, BOB.email, CAROL.email]


def test_the_same_text_as_the_announced_one_makes_no_version(story: Story) -> None:
    story.scene.submit(WORSE, now=LATER)
    with pytest.raises(policies.SubmissionRefused, match="word for word version 2"):
        story.scene.submit(SECOND, now=LATER)


def test_the_text_in_force_is_kept_by_withdrawing_what_is_announced(story: Story) -> None:
    """P1, P8: handing it in again would make a version that changes nothing."""
    with pytest.raises(policies.SubmissionRefused, match="Withdraw the announced one"):
        story.scene.submit(FIRST, now=LATER)


def test_what_is_just_being_announced_is_not_replaced(story: Story) -> None:
    version = story.scene.submit(WORSE, now=LATER)
    with story.scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, version.id).released_by = story.scene.staff["noor"]
    with pytest.raises(policies.SubmissionRefused, match="just being announced"):
        story.scene.submit(THIRD, now=LATER)
