"""The company's own systems hear that something changed of an account (P14, P15, P17)."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, delete, select
from temporalio.testing import ActivityEnvironment

from activities.mail import courier as couriers
from activities.mail.courier import Courier, Round, RoundInput
from database.approvals.approvals import Shown, decide
from database.campaigns import controls, corrections, freezing
from database.engine import Database
from database.mail import outbox, outcomes
from database.mail.mail_rows import Batch
from database.mail.suppressions import not_theirs
from database.people.accounts import account_by_external_id
from database.policies import policies
from database.requests import marketing, restrictions
from database.requests.answering import Answer, apply_decision, propose_decision
from database.requests.restrictions import Lift
from database.tables import Account, DataSubjectRequest, Event, Link
from database.webhooks import alarms, posts
from database.webhooks.alarms import AlarmKind
from domain.approvals.approvals import Decision
from domain.mail.suppressions import address_key, keys_of
from domain.people.marketing import Choices
from domain.people.restrictions import Reason
from domain.policies.reviews import Decisions
from domain.requests.data_subject_requests import Outcome
from mail.webhooks import Webhook
from tests import correcting
from tests.activities.conftest import SUPPRESSION_KEY
from tests.people import ALICE, BOB, LANGUAGES
from tests.scene import EFFECT, NOW, Scene
from tests.webhook_receiver import SECRET, Receiver, receiving

A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A program of the company that keeps its own list."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def courier(scene: Scene, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Courier:
    monkeypatch.setattr(couriers, "LEFT_ALONE_SECONDS", 0.0)
    scene.import_accounts(ALICE)
    return Courier(
        database=scene.database,
        webhook=None,
        base_url="https://privacy.example",
        events_webhook=Webhook(receiver.url, SECRET),
    )


def post(courier: Courier, at: datetime = NOW) -> Round:
    return ActivityEnvironment().run(courier.deliver_alarms, RoundInput(now=at))


def chooses(scene: Scene, *allowed: str) -> None:
    """Alice, of two purposes."""
    with scene.database.transaction() as transaction:
        account = account_by_external_id(transaction, ALICE.external_id)
        choices = Choices(shown=("newsletter", "offers"), allowed=frozenset(allowed))
        marketing.choose(transaction, account, choices, SUPPRESSION_KEY, now=NOW)


def told(receiver: Receiver) -> list[tuple[str, object]]:
    """Type and account of each message, in order; the next look begins anew."""
    messages = [(one["type"], one["data"]) for one in receiver.messages()]
    receiver.taken.clear()
    return messages


def of_alice(kind: str) -> tuple[str, object]:
    return kind, {"account": ALICE.external_id}


def test_a_choice_is_told_and_the_same_again_is_not(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P17: which account, by the company's own id, and nothing else."""
    chooses(scene, "newsletter")
    assert post(courier) == Round(waiting=0)
    assert set(map(str, told(receiver))) == {str(of_alice("suppression.changed"))}
    chooses(scene, "newsletter")
    assert post(courier) == Round(waiting=0)
    assert told(receiver) == []
    chooses(scene, "newsletter", "offers")
    post(courier)
    assert told(receiver) == [of_alice("suppression.changed")]


def test_a_restriction_is_told_when_it_begins_and_when_it_ends(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P14."""
    with scene.database.transaction() as transaction:
        alice = scene.account(ALICE.external_id).id
        (restricted,) = restrictions.restrict(transaction, [alice], Reason.REQUESTED, now=NOW)
        assert restrictions.restrict(transaction, [alice], Reason.REQUESTED, now=NOW) == ()
    post(courier)
    assert told(receiver) == [of_alice("restriction.changed")]
    with scene.database.transaction() as transaction:
        restrictions.ask_to_lift(
            transaction,
            restricted,
            Lift(explanation="Mended.", told_otherwise="By post."),
            staff_id=scene.staff["petra"],
            languages=LANGUAGES,
            now=NOW,
        )
    post(courier)
    assert told(receiver) == [of_alice("restriction.changed")]


def test_a_request_is_told_when_it_comes_and_when_it_is_answered(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P22, P26, P31: by our own id and its states; nothing about who asks, and no reference."""
    request = scene.request(ALICE.email, kinds=("access",))
    post(courier)
    about = {"request": str(request.id), "outcome": None}
    assert told(receiver) == [("request.received", {**about, "state": "received"})]
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        unverified = Answer(outcome=Outcome.UNVERIFIED, explanation="Nobody confirmed it.")
        decision = propose_decision(
            transaction, row, unverified, decided_by=scene.staff["petra"], now=NOW
        )
        transaction.flush()
        apply_decision(transaction, row, decision.id, NOW)
    post(courier)
    assert told(receiver) == [
        ("request.answered", {**about, "state": "answered", "outcome": "unverified"})
    ]


def test_every_decision_is_told_once_and_not_what_it_was(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P5, P6: an approval, a decline and an approval taken back alike; the same again is none."""
    scene.campaign()
    post(courier)
    told(receiver)
    of_version_2 = {"account": ALICE.external_id, "policy": "privacy-policy", "version": 2}
    for minute, decision in enumerate(
        (Decision.APPROVED, Decision.APPROVED, Decision.DECLINED, Decision.APPROVED)
    ):
        scene.decide(ALICE, decision, at=NOW + minute * A_MINUTE)
    assert post(courier) == Round(waiting=0)
    assert told(receiver) == [("approval.recorded", of_version_2)] * 3


def test_a_version_in_force_is_told_once(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P6: which one, and no account, however many it governs from then on."""
    scene.campaign()
    post(courier)
    assert told(receiver) == [("version.in_force", {"policy": "privacy-policy", "version": 1})]
    with scene.database.transaction() as transaction:
        second = policies.version_by_slug(transaction, "privacy-policy", 2)
        second.effective_at = EFFECT
        assert policies.put_in_force(transaction, second, EFFECT)
        assert not policies.put_in_force(transaction, second, EFFECT)
    post(courier)
    assert told(receiver) == [("version.in_force", {"policy": "privacy-policy", "version": 2})]


def test_what_was_decided_with_a_link_that_was_not_theirs_is_told_anew(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P4, P5: it counts no more, and the company asks what governs her."""
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    with scene.database.transaction() as transaction:
        account = account_by_external_id(transaction, ALICE.external_id)
        link = transaction.exec(select(Link).where(Link.account_id == account.id)).one()
        shown = Shown(
            version=scene.version(2),
            base=scene.version(1),
            how="link",
            language="en",
            link_id=link.id,
        )
        decide(transaction, account, shown, Decision.APPROVED, NOW)
    post(courier)
    receiver.taken.clear()
    with scene.database.transaction() as transaction:
        key = address_key(ALICE.email, SUPPRESSION_KEY)
        not_theirs(transaction, ALICE.email, transaction.get_one(Link, link.id), key, NOW)
    post(courier)
    about = {"account": ALICE.external_id, "policy": "privacy-policy", "version": 2}
    assert told(receiver) == [("approval.recorded", about)]


def test_answers_that_are_void_are_told_by_one_event_of_the_version_in_force(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P6, P8: as when it came into force, the company asks for all."""
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, Batch(subject_id=campaign), limit=9, now=NOW)
        assert claim
        outcomes.accept(transaction, claim.attempt_id, "x", NOW)
    scene.put_in_force(scene.version(2), EFFECT)
    lena, noor = scene.staff["lena"], scene.staff["noor"]
    words = corrections.RightWords(language="en", mail="It was wrong.")
    right = corrections.Right(decisions=Decisions.VOID, words=[words])
    with scene.database.transaction() as transaction:
        transaction.exec(delete(Event))
        act = controls.acting(transaction, lena, "legal", reason="a wrong period", now=EFFECT)
        version = scene.version(2)
        correcting.propose(transaction, version, act, right)
    with scene.database.transaction() as transaction:
        correcting.confirm(transaction, scene.version(2), noor, EFFECT)
    post(courier)
    assert told(receiver) == [("version.in_force", {"policy": "privacy-policy", "version": 2})]


def test_events_are_posted_in_the_order_in_which_they_happened(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P6: Bob decided before Alice, whichever row was written first."""
    scene.import_accounts(BOB)
    scene.campaign()
    scene.decide(ALICE, Decision.APPROVED, at=NOW + A_MINUTE)
    scene.decide(BOB, Decision.APPROVED, at=NOW)
    post(courier)
    assert [one["data"].get("account") for one in receiver.messages()] == [
        None,
        BOB.external_id,
        ALICE.external_id,
    ]


def test_what_was_posted_is_deleted_in_time_and_what_waits_stays(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P33: thirty days after it was taken; a hundred days are nothing to one that was not."""
    chooses(scene)
    post(courier)
    receiver.down = True
    chooses(scene, "newsletter", "offers")
    post(courier)

    def purge(before: datetime) -> int:
        with scene.database.transaction() as transaction:
            return posts.purge(transaction, Event, before, limit=1)

    with scene.database.session() as session:
        states = [event.state for event in session.exec(select(Event)).all()]
    posted, waiting = states.count("delivered"), states.count("urgent")
    assert posted
    assert waiting
    assert purge(NOW) == 0
    assert [purge(NOW + A_MINUTE) for _ in range(posted + 1)] == [1] * posted + [0]
    with scene.database.session() as session:
        assert {event.state for event in session.exec(select(Event)).all()} == {"urgent"}


def test_where_nobody_is_told_nothing_is_kept(scene: Scene) -> None:
    """P6: a million decisions leave no rows behind for a webhook that is not there."""
    with closing(Database(scene.database.url, told_events=False)) as database:
        deaf = replace(scene, database=database)
        deaf.import_accounts(ALICE)
        deaf.campaign()
        deaf.decide(ALICE, Decision.APPROVED)
        chooses(deaf)
        with database.session() as session:
            assert session.exec(select(Event)).all() == []


def test_who_has_no_account_is_nothing_to_tell_of(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P31, P32: no address and no hash leaves us."""
    with scene.database.transaction() as transaction:
        keys = keys_of("eve@example.com", (), SUPPRESSION_KEY)
        marketing.refuse(transaction, keys, ["marketing"], how="request", now=NOW)
    post(courier)
    assert told(receiver) == []


def test_an_account_that_is_gone_is_told_without_a_name(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P13: an event keeps nothing of whom it is about."""
    with scene.database.transaction() as transaction:
        alice = scene.account(ALICE.external_id).id
        keys = keys_of(ALICE.email, [alice], SUPPRESSION_KEY)
        marketing.refuse(
            transaction, keys, ["marketing"], how="request", now=NOW, account_ids=[alice]
        )
        transaction.execute(delete(Account).where(col(Account.id) == alice))
    post(courier)
    assert told(receiver) == [("suppression.changed", {"account": None})]


def test_one_webhook_that_is_down_holds_up_no_other(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P21: alarms arrive whatever becomes of events; both wait until they are taken."""
    with receiving() as of_alarms:
        both = Courier(
            database=scene.database,
            webhook=Webhook(of_alarms.url, SECRET),
            base_url="https://privacy.example",
            events_webhook=Webhook(receiver.url, SECRET),
        )
        chooses(scene)
        with scene.database.transaction() as transaction:
            alarms.sound(transaction, AlarmKind.MAILS_UNSETTLED, "today", NOW, page="/", mails=1)
        receiver.down = True
        stuck = post(both)
        assert stuck.problem == "the webhook of events: it answers 503"
        assert not stuck.alarms_stuck
        assert stuck.waiting > 0
        assert len(of_alarms.taken) == 1
        receiver.taken.clear()
        receiver.down = False
        assert post(both) == Round(waiting=0)
        assert {kind for kind, _ in told(receiver)} == {"suppression.changed"}


def test_a_type_that_is_refused_holds_up_no_other(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P14, P17: a receiver that knows two types hears of those in the same round, whatever else
    waits."""
    scene.import_accounts(BOB)
    scene.campaign()
    for person in (ALICE, BOB):
        scene.decide(person, Decision.APPROVED)
    receiver.unknown = {"approval.recorded", "version.in_force"}
    refused = post(courier)
    assert refused == Round(waiting=3, problem="the webhook of events: it answers 422")
    told(receiver)
    chooses(scene)
    post(courier)
    assert {kind for kind, _ in told(receiver)} == {"suppression.changed"}


def test_one_that_is_refused_waits_twice_as_long_each_time_and_an_hour_at_most(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P5, P6: it is there when the receiver has learned its type, be that months later."""
    scene.campaign()
    receiver.unknown = {"version.in_force"}
    post(courier)
    told(receiver)
    at, a_moment = NOW, timedelta(seconds=20)
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        at += minutes * A_MINUTE
        assert post(courier, at - a_moment) == Round(waiting=1)
        assert told(receiver) == []
        at += a_moment
        assert post(courier, at).waiting == 1
        assert len(told(receiver)) == 1
    receiver.unknown = ()
    assert post(courier, at + 60 * A_MINUTE + a_moment) == Round(waiting=0)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_who_takes_none_at_the_moment_is_asked_once_in_a_round(
    scene: Scene, courier: Courier, receiver: Receiver, status: int
) -> None:
    chooses(scene)
    chooses(scene, "newsletter")
    receiver.answers = [status]
    stuck = post(courier)
    assert stuck.problem == f"the webhook of events: it answers {status}"
    assert len(receiver.taken) == 1
    assert post(courier) == Round(waiting=0)


def test_who_may_not_be_mailed_is_told_before_all_else(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P14, P17: however many decided before, and however often it was tried in vain."""
    scene.import_accounts(BOB)
    scene.campaign()
    for person in (ALICE, BOB):
        scene.decide(person, Decision.APPROVED)
    with scene.database.transaction() as transaction:
        bob = scene.account(BOB.external_id).id
        later = NOW + A_MINUTE
        restrictions.restrict(transaction, [bob], Reason.REQUESTED, now=later)
    receiver.answers = [503, 503]
    post(courier)
    post(courier)
    told(receiver)
    post(courier)
    kinds = [kind for kind, _ in told(receiver)]
    assert kinds[0] == "restriction.changed"
    assert sorted(kinds[1:]) == ["approval.recorded"] * 2 + ["version.in_force"]


def test_no_step_of_a_workflow_waits_for_the_webhook_of_events(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    """P21: events are for the watchdog's rounds, so one that hangs delays no escalation."""
    chooses(scene)
    courier.tell(NOW)
    assert receiver.taken == []
    assert courier.owes(NOW)


def test_without_a_webhook_none_is_posted_later(
    scene: Scene, courier: Courier, receiver: Receiver
) -> None:
    chooses(scene)
    none = Courier(database=scene.database, webhook=None, base_url="")
    assert not none.owes(NOW)
    post(courier)
    assert told(receiver) == []
    with scene.database.session() as session:
        assert {event.state for event in session.exec(select(Event)).all()} == {"unsent"}
