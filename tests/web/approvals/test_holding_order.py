"""Whoever writes holds the rows of one table after the other in one order, so that no two writers
wait for each other in a circle (decision 24)."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from database.campaigns.campaigns import campaign_of
from database.mail import outbox, outcomes
from database.mail.mail_rows import Batch
from database.policies.policies import policy_by_slug
from database.tables import Campaign, OutboxMail, Policy, PolicyVersion
from database.writing import HELD_UNDER, HOLDING_ORDER, held
from settings import Settings
from tests.databases import POSTGRESQL
from tests.holding_order import held_by, holdings, in_order
from tests.web.approvals.test_owed_again import bounce, mailed, put, says_of_second
from tests.web.test_webhooks import PUBLIC
from tests.web.world import NOW, World, version

pytestmark = pytest.mark.postgresql
ON_POSTGRESQL = pytest.mark.parametrize("database_kind", [POSTGRESQL])
SLUG = "privacy-policy"


@pytest.fixture
def settings() -> Settings:
    return Settings(
        _env_file=None, sendgrid_webhook_public_keys=tuple(one.decode() for one in PUBLIC)
    )


def campaign_id(world: World) -> UUID:
    with world.database.session() as session:
        campaign = campaign_of(session, version(world, 2).id)
    assert campaign
    mailed(world, campaign)
    return campaign.id


def alices_mail(world: World) -> OutboxMail:
    with world.database.session() as session:
        of_alice = OutboxMail.addressee_id == world.accounts["alice"].id
        return session.exec(select(OutboxMail).where(of_alice)).one()


def bounces_and_gets_another_address(world: World) -> None:
    mail = alices_mail(world)
    assert mail.attempt_id
    bounce(world, mail.attempt_id, mail.id)
    put(world)


def sends(world: World, campaign: UUID) -> None:
    with world.database.transaction() as transaction:
        claim = outbox.claim(
            transaction, Batch(subject_id=campaign), limit=9, now=NOW, per_minute=600
        )
        assert claim
        outcomes.accept(transaction, claim.attempt_id, "x", NOW)


def legal_controls(world: World) -> None:
    lena = world.staff["lena"].id
    world.desk.pause(SLUG, 2, lena, "a wrong word")
    world.desk.resume(SLUG, 2, lena, "it is right")
    world.desk.set_rate(SLUG, 2, lena, "new addresses", 600)
    world.desk.postpone(SLUG, 2, lena, "more time", None)
    world.desk.withdraw(SLUG, 2, lena, "the wrong text")


@ON_POSTGRESQL
def test_websites_senders_and_legal_hold_in_one_order(world: World) -> None:
    """P4, P8: a decision, a bounce, a mended address, a sender, and every control."""
    campaign = campaign_id(world)
    with holdings(world.database.engine) as found:
        bounces_and_gets_another_address(world)
        sends(world, campaign)
        says_of_second(world, "approved")
        says_of_second(world, "declined")
        legal_controls(world)
    wrong = [held for held in found if not in_order(held)]
    assert not wrong
    tables = {table for held in found for table in held}
    assert {"policy", "policy_version", "campaign", "account", "outbox_mail", "link"} <= tables


@ON_POSTGRESQL
def test_whoever_held_in_another_order_is_found_out(world: World) -> None:
    with holdings(world.database.engine) as found, world.database.transaction() as transaction:
        row = held(transaction, PolicyVersion, version(world, 2).id)
        held(transaction, Policy, row.policy_id)
    assert [held for held in found if not in_order(held)] == [["policy_version", "policy"]]


@ON_POSTGRESQL
def test_two_hands_in_opposite_orders_wait_for_each_other_for_ever(world: World) -> None:
    """Which is why there is one order: the database has to turn one of the two away."""
    campaign = campaign_id(world)
    with world.database.session() as session:
        policy = policy_by_slug(session, SLUG).id
    both_hold_one = Barrier(2)

    def hold(first: tuple[type, UUID], second: tuple[type, UUID]) -> bool:
        try:
            with world.database.transaction() as transaction:
                held(transaction, *first)
                both_hold_one.wait(timeout=20)
                held(transaction, *second)
        except OperationalError:
            return False
        return True

    one, other = (Policy, policy), (Campaign, campaign)
    with ThreadPoolExecutor(2) as hands:
        through = list(hands.map(hold, (one, other), (other, one)))
    assert sorted(through) == [False, True]


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("SELECT link.id FROM link WHERE link.id = %(id)s FOR NO KEY UPDATE", ["link"]),
        ("SELECT a.x FROM a JOIN b ON a.x = b.x FOR NO KEY UPDATE OF b", ["b"]),
        ("SELECT EXISTS (SELECT 1 FROM pace) FROM mail WHERE 1 FOR UPDATE SKIP LOCKED", ["mail"]),
        ("WITH o AS (SELECT mail.id FROM mail FOR UPDATE) UPDATE mail SET x = 1", ["mail"]),
        ("SELECT count(*) FROM (SELECT mail.id FROM mail FOR UPDATE) AS held", ["mail"]),
        ("SELECT substring(a FROM 2) FROM mail", []),
    ],
)
def test_what_a_statement_holds_is_read_off_it(statement: str, tables: list[str]) -> None:
    assert held_by(statement) == tables


def test_each_table_has_one_place_in_the_order() -> None:
    assert len(set(HOLDING_ORDER)) == len(HOLDING_ORDER)
    assert not {*HELD_UNDER} & {*HOLDING_ORDER}


@pytest.mark.parametrize(
    ("held", "right"),
    [
        (["data_subject_request", "requested_right", "account"], True),
        (["data_subject_request", "account", "requested_right"], True),
        (["requested_right", "data_subject_request"], False),
        (["account", "data_subject_request", "requested_right"], False),
    ],
)
def test_what_belongs_to_a_row_is_held_once_that_one_is(held: list[str], *, right: bool) -> None:
    assert in_order(held) is right
