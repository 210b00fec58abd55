"""A restriction begins at once and ends with notice, never before it (P14, P18)."""

from dataclasses import replace
from uuid import UUID

import pytest
from sqlmodel import select

from database.people.restricted import restricted_among
from database.requests import answering, identity, restrictions
from database.requests.restrictions import Lift, RestrictionRefused
from database.tables import DataSubjectRequest, Fact, OutboxMail, Restriction
from domain.people.restrictions import Reason
from domain.requests.data_subject_requests import Kind, Outcome
from tests.people import ALICE, BOB, LANGUAGES
from tests.scene import NOW, ONE_HOUR, Scene

LIFT = Lift(explanation="We have corrected what you disputed.")


@pytest.fixture
def restricted(scene: Scene) -> UUID:
    """Alice's account is restricted; Bob's is not."""
    scene.import_accounts(ALICE, BOB)
    (new,) = restrict(scene)
    return new


def restrict(scene: Scene, reason: Reason = Reason.DISPUTED) -> tuple[UUID, ...]:
    with scene.database.transaction() as transaction:
        alice = scene.account(ALICE.external_id).id
        return restrictions.restrict(
            transaction, [alice], reason, now=NOW, staff_id=scene.staff["petra"]
        )


def ask_to_lift(scene: Scene, restriction_id: UUID, lift: Lift = LIFT) -> tuple[UUID, ...]:
    with scene.database.transaction() as transaction:
        return restrictions.ask_to_lift(
            transaction,
            restriction_id,
            lift,
            staff_id=scene.staff["petra"],
            languages=LANGUAGES,
            now=NOW,
        )


def becomes(scene: Scene, mail_id: UUID, state: str) -> None:
    with scene.database.transaction() as transaction:
        transaction.get_one(OutboxMail, mail_id).state = state


def look_round(scene: Scene) -> int:
    """As the watchdog does."""
    with scene.database.transaction() as transaction:
        return restrictions.lift_what_was_told(transaction, NOW + ONE_HOUR, limit=10)


def is_restricted(scene: Scene) -> bool:
    alice, bob = (scene.account(one.external_id).id for one in (ALICE, BOB))
    with scene.database.session() as session:
        found = restricted_among(session, [alice, bob])
    assert bob not in found
    return alice in found


def facts(scene: Scene) -> list[str]:
    with scene.database.session() as session:
        kinds = session.exec(select(Fact.kind)).all()
    return [kind for kind in kinds if "restrict" in kind]


def test_the_same_reason_restricts_once_and_another_one_besides(
    scene: Scene, restricted: UUID
) -> None:
    """P14: it lasts until every reason is gone."""
    assert restrict(scene) == ()
    (other,) = restrict(scene, Reason.REQUESTED)
    ask_to_lift(scene, restricted, replace(LIFT, told_otherwise="By post, on 2 March."))
    assert is_restricted(scene)
    ask_to_lift(scene, other, replace(LIFT, told_otherwise="By post, on 2 March."))
    assert not is_restricted(scene)
    assert facts(scene).count("account.restricted") == 2


@pytest.mark.parametrize("state", ["queued", "sending", "unknown", "operator", "bounced"])
def test_as_long_as_its_holder_was_not_told_it_lasts(
    scene: Scene, restricted: UUID, state: str
) -> None:
    """P14: lifted only with notice."""
    (mail,) = ask_to_lift(scene, restricted)
    becomes(scene, mail, state)
    assert look_round(scene) == 0
    assert is_restricted(scene)


@pytest.mark.parametrize("state", ["accepted", "delivered"])
def test_once_its_holder_was_told_it_ends_for_good(
    scene: Scene, restricted: UUID, state: str
) -> None:
    """P14: who wanted it, when and since when is on record."""
    (mail,) = ask_to_lift(scene, restricted)
    becomes(scene, mail, state)
    assert (look_round(scene), look_round(scene)) == (1, 0)
    assert not is_restricted(scene)
    with scene.database.session() as session:
        row = session.get_one(Restriction, restricted)
    assert (row.lifted_at, row.lift_asked_by) == (NOW + ONE_HOUR, scene.staff["petra"])
    assert facts(scene) == ["account.restricted", "restriction.lift_asked", "restriction.lifted"]


@pytest.mark.parametrize(
    ("kind", "outcome", "restricts"),
    [
        ("restriction", Outcome.FULFILLED, True),
        ("restriction", Outcome.REDIRECTED, False),
        ("access", Outcome.FULFILLED, False),
    ],
)
def test_a_request_for_it_that_is_granted_restricts_from_the_decision_on(
    scene: Scene, kind: str, outcome: Outcome, restricts: bool
) -> None:
    """P14: what the answer says is true when it goes out."""
    scene.import_accounts(ALICE, BOB)
    made = scene.request(ALICE.email, kinds=(kind, "inquiry"))
    with scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, made.id)
        identity.verify_identity(transaction, request, how="link", now=NOW)
        decision = answering.propose_decision(
            transaction,
            request,
            answering.Answer(outcome=outcome, explanation="As you wished."),
            kind=Kind(kind),
            decided_by=scene.staff["petra"],
            now=NOW,
        )
        transaction.flush()
        for _ in range(2):
            answering.apply_decision(transaction, request, decision.id, NOW)
        assert request.answered_at is None
    assert is_restricted(scene) == restricts


def test_who_cannot_be_mailed_is_told_otherwise(scene: Scene) -> None:
    """P14: without an address it takes what proves that they were told."""
    scene.import_accounts(replace(ALICE, email=""), BOB)
    (restricted,) = restrict(scene)
    with pytest.raises(RestrictionRefused, match="no address"):
        ask_to_lift(scene, restricted)
    assert is_restricted(scene)
    ask_to_lift(scene, restricted, replace(LIFT, told_otherwise="By post, on 2 March."))
    assert not is_restricted(scene)


def test_it_does_not_end_without_a_reason_or_twice(scene: Scene, restricted: UUID) -> None:
    """P14."""
    with pytest.raises(RestrictionRefused, match="Write why it ends"):
        ask_to_lift(scene, restricted, Lift(explanation=" "))
    ask_to_lift(scene, restricted, replace(LIFT, told_otherwise="By post."))
    with pytest.raises(RestrictionRefused, match="no such restriction"):
        ask_to_lift(scene, restricted)


def test_asking_again_sends_no_second_mail(scene: Scene, restricted: UUID) -> None:
    """P14."""
    assert len(ask_to_lift(scene, restricted)) == 1
    assert ask_to_lift(scene, restricted) == ()
