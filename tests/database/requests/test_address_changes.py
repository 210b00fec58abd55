"""After a change of address the earlier ones are warned, and nothing is disclosed soon (P19)."""

from datetime import timedelta

import pytest
from sqlmodel import select

from database.requests import (
    identity,
)
from database.requests.answering import Answer
from database.requests.sendable import DecisionRefused
from database.tables import (
    AddressChange,
    AddressWarning,
    DataSubjectRequest,
    Link,
)
from domain.requests.data_subject_requests import Kind, Outcome
from tests.database.requests.test_identity import (
    ELSEWHERE,
    FULFILLED,
    answer,
    ask_again,
    asked,
    guess,
    hold,
    look,
    mails,
    moves,
    verify,
)
from tests.people import ALICE, DORA
from tests.scene import NOW, ONE_HOUR, Scene

__all__ = ("asked",)


def test_a_code_and_a_link_that_went_to_an_earlier_address_open_nothing(
    scene: Scene, asked: DataSubjectRequest
) -> None:
    """P19, P32: the next mail carries others."""
    moves(scene, "dora@new.example", NOW + ONE_HOUR / 4)
    with scene.database.session() as session:
        old = session.exec(
            select(Link).where(Link.subject_id == asked.id, Link.purpose == "request-verify")
        ).one()
        assert not identity.link_is_current(session, old)
    assert not guess(scene, asked, lambda _: True, NOW + ONE_HOUR / 3)
    assert ask_again(scene, asked, NOW + ONE_HOUR)
    with scene.database.session() as session:
        old = session.get_one(Link, old.id)
        new = session.get_one(Link, old.successor_id)
        assert identity.link_is_current(session, new)
    assert guess(scene, asked, lambda _: True, NOW + ONE_HOUR)


def warnings(scene: Scene) -> list[str]:
    with scene.database.session() as session:
        return [warning.address for warning in session.exec(select(AddressWarning)).all()]


def test_after_a_recent_change_the_old_address_is_warned_and_disclosure_held(
    scene: Scene,
) -> None:
    """P19, P21: 48 hours, inside the clock; once, and not for who changed long ago."""
    scene.import_accounts(DORA, ALICE)
    moves(scene, "dora@new.example", NOW - timedelta(days=13))
    request = scene.request("dora@new.example")
    verify(scene, request)
    assert warnings(scene) == [DORA.email]
    assert mails(scene, request, "address_warning") == {"former": "request_address_warning"}
    with pytest.raises(DecisionRefused, match="its old one was warned"):
        answer(scene, request, FULFILLED, NOW + 47 * ONE_HOUR)
    assert look(scene, request).due_at == request.due_at
    assert not hold(scene, request, NOW + ONE_HOUR)
    answer(scene, request, FULFILLED, NOW + 48 * ONE_HOUR)
    assert len(warnings(scene)) == 1


def test_every_address_that_was_replaced_lately_is_warned(scene: Scene) -> None:
    """P19: two changes, one behind the other, hide nothing; whose was replaced a fortnight ago, and
    what the account has again, is not written to."""
    scene.import_accounts(DORA, ALICE)
    for days, address in enumerate(("b@x.example", "c@x.example", "d@x.example", "c@x.example")):
        moves(scene, address, NOW - timedelta(days=14 - days))
    request = scene.request("c@x.example")
    verify(scene, request)
    assert warnings(scene) == ["b@x.example", "d@x.example"]
    assert look(scene, request).disclosure_held_until == NOW + 48 * ONE_HOUR
    assert not hold(scene, request, NOW + ONE_HOUR)
    moves(scene, "e@x.example", NOW + ONE_HOUR)
    assert hold(scene, request, NOW + 2 * ONE_HOUR)
    assert warnings(scene) == ["b@x.example", "d@x.example", "c@x.example"]
    assert look(scene, request).disclosure_held_until == NOW + 50 * ONE_HOUR


def test_an_address_changed_long_ago_holds_nothing(scene: Scene) -> None:
    """P19."""
    scene.import_accounts(DORA)
    moves(scene, "dora@new.example", NOW - timedelta(days=14))
    request = scene.request("dora@new.example")
    verify(scene, request)
    assert warnings(scene) == []
    answer(scene, request, FULFILLED)


def test_an_address_changed_after_the_proof_holds_disclosure_too(
    scene: Scene, asked: DataSubjectRequest
) -> None:
    """P19: the answer would go to the new one."""
    verify(scene, asked)
    assert not hold(scene, asked)
    moves(scene, "dora@new.example", NOW + ONE_HOUR)
    assert hold(scene, asked, NOW + 2 * ONE_HOUR)
    with pytest.raises(DecisionRefused, match="its old one was warned"):
        answer(scene, asked, FULFILLED, NOW + 3 * ONE_HOUR)


def test_what_was_decided_before_an_address_changed_waits_with_the_others(scene: Scene) -> None:
    """P19: one mail answers all rights, and the last decision lets none of them slip through."""
    scene.import_accounts(DORA)
    request = scene.request(ELSEWHERE, about=DORA.email, kinds=("access", "marketing_opt_out"))
    verify(scene, request)
    answer(scene, request, FULFILLED, kind=Kind.ACCESS)
    moves(scene, "dora@new.example", NOW + ONE_HOUR)
    assert hold(scene, request, NOW + 2 * ONE_HOUR)
    stopped = Answer(outcome=Outcome.FULFILLED, explanation="No more of it.")
    with pytest.raises(DecisionRefused, match="its old one was warned"):
        answer(scene, request, stopped, NOW + 3 * ONE_HOUR, Kind.MARKETING_OPT_OUT)
    answer(scene, request, stopped, NOW + 50 * ONE_HOUR, Kind.MARKETING_OPT_OUT)
    assert look(scene, request).outcome == "fulfilled"


def test_an_import_that_says_the_same_address_changes_nothing(scene: Scene) -> None:
    """P19: nor does another case of its letters, or none given."""
    scene.import_accounts(DORA)
    for same in (DORA.email, DORA.email.upper(), ""):
        moves(scene, same, NOW)
    assert scene.account(DORA.external_id).address_changed_at is None
    moves(scene, "dora@new.example", NOW)
    assert scene.account(DORA.external_id).address_changed_at == NOW
    with scene.database.session() as session:
        kept = session.exec(select(AddressChange)).one()
    assert (kept.address.lower(), kept.changed_at) == (DORA.email, NOW)
