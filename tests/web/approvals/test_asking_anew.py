"""Requests that are taken up again, or looked at again: what was hidden stays hidden, and what was
disputed stays disputed (P19)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from database.people.links import REQUEST_STATUS, REQUEST_VERIFY
from database.requests.requests import follower_of
from database.tables import Account, OutboxMail
from domain.requests.identity import DISPUTED
from tests.web.requests.test_identity import (
    ALICE,
    ELSEWHERE,
    FULFILLED,
    NOBODY,
    UNVERIFIED,
    Asked,
    asks,
    neutral,
)
from tests.web.requests.test_identity_at_every_door import found_out
from tests.web.world import World


def next_of(asked: Asked, *, is_appeal: bool = False) -> Asked:
    """The request that came of it."""
    with asked.world.database.session() as session:
        found = follower_of(session, asked.request, is_appeal=is_appeal)
    assert found is not None
    return Asked(world=asked.world, request=found)


def again(asked: Asked) -> Asked:
    """Eve takes her request back, and asks anew."""
    asked.press(REQUEST_STATUS, "withdraw")
    asked.press(REQUEST_STATUS, "again")
    return next_of(asked)


def appealed(asked: Asked) -> Asked:
    """Eve was refused for want of a proof, and does not agree."""
    asked.answer(UNVERIFIED)
    asked.press(REQUEST_STATUS, "appeal", words="I am Alice.")
    return next_of(asked, is_appeal=True)


@pytest.mark.parametrize("anew", [again, appealed])
@pytest.mark.parametrize("disowned", [False, True])
def test_asking_anew_does_not_tell_either_whether_there_is_an_account(
    world: World, anew: Callable[[Asked], Asked], disowned: bool
) -> None:
    """P19: byte for byte, before and after the click; also where its holder had disowned it."""
    first = asks(world, ELSEWHERE, about=ALICE)
    if disowned:
        first.press(REQUEST_VERIFY, "not-mine")
    both = [anew(first), anew(asks(world, ELSEWHERE, about=NOBODY))]
    assert [one.request.account_address for one in both] == [ALICE, NOBODY]
    pages = [neutral(one.get(), one) for one in both]
    assert pages[0] == pages[1]
    pages = [neutral(one.press(), one) for one in both]
    assert pages[0] == pages[1]
    assert "The code" in pages[0][1]
    assert {one.now().state for one in both} == {both[0].request.state}


def takes_over(session: Session, account: Account) -> None:
    """An intruder gives Alice's account an address of their own."""
    account.email, account.address_changed_at = ELSEWHERE, account.recorded_at
    session.add(account)


def told_of_dispute(asked: Asked) -> set[str]:
    with asked.world.database.session() as session:
        of_request = select(OutboxMail).where(
            OutboxMail.subject_id == asked.request.id, OutboxMail.step == DISPUTED
        )
        return {mail.addressee_kind for mail in session.exec(of_request)}


def test_what_was_disputed_is_disputed_when_it_is_taken_up_again(world: World) -> None:
    """P19: whoever changed the address of an account, and waited until nobody is warned of it any
    more, proves nothing with a link to that address. The team is told, as the first time."""
    with world.database.transaction() as transaction:
        takes_over(transaction, transaction.get_one(Account, world.accounts["alice"].id))
    asked = asks(world, ELSEWHERE)
    asked.press(REQUEST_VERIFY)
    world.desk.dispute(asked.request.id, by="former address")
    asked.answer(UNVERIFIED)
    world.desk.clock.advance(timedelta(days=15))
    asked.press(REQUEST_VERIFY, "again")
    anew = next_of(asked).now()
    assert anew.disputed_at == asked.now().disputed_at
    assert anew.verified_at is None
    assert told_of_dispute(next_of(asked)) == {"staff"}
    next_of(asked).press(REQUEST_STATUS)
    assert next_of(asked).now().verified_at is None


def test_what_was_disputed_is_disputed_in_the_appeal(world: World) -> None:
    """P19."""
    asked = asks(world, ALICE)
    asked.press(REQUEST_VERIFY)
    world.desk.dispute(asked.request.id, by="former address")
    asked.answer(UNVERIFIED)
    asked.press(REQUEST_STATUS, "appeal")
    anew = next_of(asked, is_appeal=True).now()
    assert (anew.disputed_at, anew.verified_at) == (asked.now().disputed_at, None)


def test_a_dispute_that_two_of_the_team_settled_is_over(world: World) -> None:
    """P19: they found out that it is Alice, so her appeal is hers."""
    asked = asks(world, ALICE)
    asked.press(REQUEST_VERIFY, "not-mine")
    found_out(asked)
    asked.answer(FULFILLED)
    asked.press(REQUEST_STATUS, "appeal")
    anew = next_of(asked, is_appeal=True).now()
    assert anew.disputed_at is None
    assert anew.verified_at is not None
