"""The engine's own database is a source like any other, described by a map of its own (P33)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel, select

from data_sources.map_file import read_data_map
from data_sources.opening import OWN_MAP
from data_sources.pseudonyms import is_pseudonym
from data_sources.sql import SqlSource
from data_sources.tables import SqlDescription
from database.approvals import approvals
from database.ids import new_id
from database.mail import outbox
from database.people.accounts import AccountRow
from database.people.restricted import restricted_among
from database.policies import policies
from database.requests import holds
from database.requests.marketing import PAGE, refuse
from database.requests.requested_rights import rights_of
from database.requests.restrictions import restrict
from database.tables import (
    Account,
    Approval,
    DataSubjectRequest,
    DeliveryEvent,
    FiredRung,
    JoinedRequest,
    LegalHold,
    MarketingRefusal,
    OutboxMail,
    PostedLetter,
    ReceiptCorrection,
    RequestAgent,
    RequestDecision,
    Restriction,
)
from database.writing import held
from domain.approvals.approvals import Decision
from domain.company import OfficeHours
from domain.mail.suppressions import keys_of
from domain.people.restrictions import Reason
from domain.requests.data_subject_requests import Outcome
from domain.requests.personal_data import OWN_SOURCE, Person
from tests.data_sources.fernhill import CALL, KEY, done, located, retained, values
from tests.databases import POSTGRESQL
from tests.eventually import eventually
from tests.people import ALICE, BOB, DORA, POLICY
from tests.scene import NOW, Scene

PERSONAL = {
    *("account_id", "addressee_id", "contact_email", "email", "mail_id", "request_id", "right_id"),
    *("address_key", "subject_key"),
}
NOT_FOUND_BY_PERSON = {"staff", "version_test_mail", "mail_suppression", "marketing_refusal"}
ANN = Person(addresses=("ann@law.example",))


def own_source(scene: Scene) -> SqlSource:
    """The source that is this database."""
    (about,) = read_data_map(OWN_MAP).sources
    assert isinstance(about, SqlDescription)
    assert about.name == OWN_SOURCE
    url = scene.database.engine.url.render_as_string(hide_password=False)
    return SqlSource(about, url, pseudonym_key=KEY)


def person(row: AccountRow) -> Person:
    """Whom an account belongs to."""
    return Person(addresses=(row.email,), external_ids=(row.external_id,))


@pytest.fixture
def campaign(scene: Scene) -> Scene:
    """Alice approved the version that is announced, Bob declined it."""
    scene.campaign()
    scene.import_accounts(ALICE, BOB)
    scene.decide(ALICE, Decision.APPROVED)
    scene.decide(BOB, Decision.DECLINED)
    return scene


def test_every_table_that_knows_people_is_in_the_map() -> None:
    """P33: a table that comes later is described, or it cannot be added."""
    (about,) = read_data_map(OWN_MAP).sources
    assert isinstance(about, SqlDescription)
    knows_people = {
        table.name
        for table in SQLModel.metadata.sorted_tables
        if PERSONAL.intersection(column.name for column in table.columns)
    }
    assert knows_people - {table.place for table in about.tables} == NOT_FOUND_BY_PERSON


def test_the_map_describes_every_column_as_it_is(scene: Scene) -> None:
    """P10: nobody known to the engine, and no column unknown to the map."""
    assert located(own_source(scene).locate(person(DORA), CALL)) == {}


def test_an_account_holder_gets_what_the_engine_keeps_of_them(campaign: Scene) -> None:
    """P11."""
    exported = own_source(campaign).export(person(ALICE), CALL)
    assert values(exported, "name") == [ALICE.name]
    assert values(exported, "decision") == ["approved"]
    assert BOB.email not in values(exported, "email")


def test_an_erasure_leaves_the_proof_under_a_pseudonym(campaign: Scene) -> None:
    """P13, P33, P6: and which version governs the account is answered as before."""
    before = campaign.governs(ALICE, NOW)
    receipt = own_source(campaign).erase(person(ALICE), CALL)
    until = {one.until for one in receipt.retained}
    assert until == {
        "6 years after the version last governed the account",
        "30 days after they heard of it",
    }
    assert retained(receipt)["Approvals and consent"] == 2  # what was asserted, and decided
    with campaign.database.session() as session:
        account = session.exec(select(Account).where(Account.name == "")).one()
        assert is_pseudonym(account.external_id)
        assert is_pseudonym(account.email)
        policy = policies.policy_by_slug(session, POLICY)
        proven = approvals.proven_version(approvals.PolicyHistory(session, policy), account, NOW)
        assert proven.state == before
        (decision,) = session.exec(select(Approval).where(Approval.account_id == account.id))
        assert decision.decision == Decision.APPROVED
    assert campaign.account(BOB.external_id).email == BOB.email


def test_asked_again_the_receipt_says_the_same(campaign: Scene) -> None:
    """P13: the second time the account is found by what took the place of its id."""
    own = own_source(campaign)
    first, again = (own.erase(person(ALICE), CALL) for _ in range(2))
    assert again.retained == first.retained
    assert not done(again)
    assert located(own.locate(person(ALICE), CALL)) == retained(first)


def test_a_request_stays_until_it_was_answered_and_for_three_years_after(scene: Scene) -> None:
    """P13, P22, P33: who asked must hear, even when they asked for an erasure."""
    scene.import_accounts(DORA)
    request = scene.request(DORA.email)
    own = own_source(scene)
    before = own.erase(person(DORA), CALL)
    (kept,) = [one for one in before.retained if one.category == "Requests"]
    assert (kept.until, kept.until_on) == ("3 years after the request was answered", None)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        assert row.contact_email == DORA.email
        row.answered_at = NOW
        row.outcome = Outcome.FULFILLED
    own.erase(person(DORA), replace(CALL, now=datetime(2029, 3, 1, 23, tzinfo=UTC)))
    assert located(own.locate(person(DORA), CALL))["Requests"]
    after = own.erase(person(DORA), replace(CALL, now=datetime(2029, 3, 2, tzinfo=UTC)))
    assert done(after)["Requests"]
    with scene.database.session() as session:
        assert session.exec(select(DataSubjectRequest)).all() == []


@pytest.mark.parametrize(("source", "keeps"), [("", True), (OWN_SOURCE, True), ("billing", False)])
def test_under_a_hold_everything_is_kept_until_its_release(
    scene: Scene, source: str, keeps: bool
) -> None:
    """P13: with the reason, which names no secret; a hold on another source keeps nothing here."""
    scene.import_accounts(DORA)
    scene.request(DORA.email)
    own, now = own_source(scene), NOW
    office = OfficeHours(time_zone="Europe/Berlin", country="DE")
    with scene.database.transaction() as transaction:
        account_id = scene.account(DORA.external_id).id
        lena, petra = scene.staff["lena"], scene.staff["petra"]
        hold_id = holds.place(
            transaction, account_id, reason="Secret.", source=source, staff_id=lena, now=now
        ).hold_id
    before = located(own.locate(person(DORA), CALL))
    receipt = own.erase(person(DORA), CALL)
    with scene.database.session() as session:
        assert session.exec(select(Account.name)).one() == (DORA.name if keeps else "")
        assert session.exec(select(LegalHold)).one().released_at is None
    because = "The data is needed for legal claims or proceedings"
    assert {one.reason == because for one in receipt.retained} == {keeps}
    if keeps:
        assert retained(receipt) == before == located(own.locate(person(DORA), CALL))
        assert {one.until for one in receipt.retained} == {"the hold is released"}
    assert "Secret." not in values(own.export(person(DORA), CALL), "reason")
    with scene.database.transaction() as transaction:
        holds.release(transaction, hold_id, reason="Over.", staff_id=petra, office=office, now=now)
    after = own.erase(person(DORA), CALL)
    with scene.database.session() as session:
        assert session.exec(select(Account.name)).one() == ""
    assert retained(after)["Legal holds"] == 1
    own.erase(person(DORA), replace(CALL, now=datetime(2029, 3, 3, tzinfo=UTC)))
    with scene.database.session() as session:
        assert session.exec(select(LegalHold)).all() == []


def hang_everything_on(scene: Scene, request: DataSubjectRequest) -> None:
    """What can hang on a request: its agent, what was joined, letters, corrections, decisions."""
    petra = scene.staff["petra"]
    with scene.database.transaction() as transaction:
        agent = RequestAgent(
            request_id=request.id, name="Ann", email=ANN.addresses[0], contact_key=ANN.addresses[0]
        )
        transaction.add(agent)
        transaction.add(
            JoinedRequest(
                reference="R-JOINED00",
                request_id=request.id,
                name="Dora",
                kinds=["access"],
                message="Once more",
                channel="web",
                received_at=NOW,
            )
        )
        transaction.add(
            ReceiptCorrection(
                request_id=request.id,
                received_at=NOW,
                proof="The postmark",
                proposed_by=petra,
                proposed_at=NOW,
            )
        )
        (right,) = rights_of(transaction, request.id)
        transaction.add(
            RequestDecision(
                right_id=right.id, outcome="fulfilled", explanation="Here it is.", decided_at=NOW
            )
        )
        transaction.add(
            FiredRung(request_id=request.id, rung="D-8", due_at=NOW, stood_at=NOW, fired_at=NOW)
        )
        queued = (
            (outbox.AGENT, agent.id, "agent_told"),
            (outbox.REQUESTER, request.id, "on_paper"),
        )
        mails = outbox.queue(
            transaction,
            [
                outbox.Queued(
                    subject_kind=outbox.REQUEST,
                    subject_id=request.id,
                    addressee_kind=kind,
                    addressee_id=addressee_id,
                    step=step,
                    template="request_acknowledgement",
                    variant=request.id,
                )
                for kind, addressee_id, step in queued
            ],
            NOW,
        )
        for mail_id in mails:
            transaction.add(
                DeliveryEvent(
                    mail_id=mail_id,
                    attempt_id=new_id(),
                    event="delivered",
                    occurred_at=NOW,
                    recorded_at=NOW,
                )
            )
        on_paper = transaction.exec(
            select(OutboxMail.id).where(OutboxMail.step == "on_paper")
        ).one()
        transaction.add(
            PostedLetter(
                mail_id=on_paper,
                posted_on=NOW.date(),
                proof="RR 1",
                recorded_by=petra,
                recorded_at=NOW,
            )
        )


def test_all_that_hangs_on_a_request_stays_and_goes_with_it(scene: Scene) -> None:
    """P13, P33: and the restriction that it brought about outlives it."""
    scene.import_accounts(DORA)
    request = scene.request(DORA.email)
    hang_everything_on(scene, request)
    with scene.database.transaction() as transaction:
        restrict(
            transaction,
            [scene.account(DORA.external_id).id],
            Reason.DISPUTED,
            now=NOW,
            request_id=request.id,
        )
        row = transaction.get_one(DataSubjectRequest, request.id)
        row.answered_at = NOW
        transaction.add(row)
    own = own_source(scene)
    told = own.export(person(DORA), CALL)
    assert {"Ann", "Once more", "The postmark", "Here it is.", "RR 1"} <= {
        one.value for one in told.records
    }
    before = located(own.locate(person(DORA), CALL))["Requests"]
    own.erase(person(DORA), CALL)
    assert located(own.locate(person(DORA), CALL))["Requests"] == before
    gone = own.erase(person(DORA), replace(CALL, now=datetime(2029, 3, 2, tzinfo=UTC)))
    assert done(gone)["Requests"] == before
    with scene.database.session() as session:
        for table in (RequestAgent, JoinedRequest, DeliveryEvent, PostedLetter):
            assert session.exec(select(table)).all() == []
        mails = session.exec(select(OutboxMail)).all()
        assert [mail.addressee_kind for mail in mails] == [outbox.ACCOUNT]  # kept with the account
        assert [one.lifted_at for one in session.exec(select(Restriction)).all()] == [None]


def test_who_asked_for_somebody_else_finds_that_and_nothing_of_whom_they_asked_for(
    scene: Scene,
) -> None:
    """P11, P13: theirs stays as long as the request does."""
    request = scene.request(DORA.email)
    hang_everything_on(scene, request)
    own = own_source(scene)
    told = own.export(ANN, CALL)
    assert values(told, "name") == ["Ann"]
    assert DORA.email not in {one.value for one in told.records}
    own.erase(ANN, CALL)
    assert located(own.locate(ANN, CALL)) == {"Requests made for others": 1}


def test_a_restriction_stands_until_it_is_lifted_and_a_refusal_of_marketing_for_ever(
    scene: Scene,
) -> None:
    """P14, P17, P33: an erasure ends neither, and the refusal is found by nobody's name."""
    scene.import_accounts(DORA)
    account_id = scene.account(DORA.external_id).id
    with scene.database.transaction() as transaction:
        restrict(transaction, [account_id], Reason.REQUESTED, now=NOW)
        refuse(transaction, keys_of(DORA.email, [account_id], KEY), ["news"], how=PAGE, now=NOW)
    own = own_source(scene)
    receipt = own.erase(person(DORA), CALL)
    kept = {one.until: one for one in receipt.retained if one.category.startswith("Restrictions")}
    assert kept["3 years after the restriction ended"].until_on is None
    with scene.database.session() as session:
        assert restricted_among(session, [account_id])
        assert len(session.exec(select(MarketingRefusal)).all()) == 2  # of address and account


@pytest.mark.postgresql
@pytest.mark.parametrize("database_kind", [POSTGRESQL])
def test_who_shows_who_they_are_waits_in_no_circle_for_what_is_done_here(scene: Scene) -> None:
    """P15, P19: the source has Dora's account and waits for her request, which is altered twice;
    the second time PostgreSQL looks at the account that it refers to."""
    scene.import_accounts(DORA)
    request_id = scene.request(DORA.email).id
    source = own_source(scene)

    def somebody_waits() -> bool:
        with scene.database.session() as session:
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            return bool(session.execute(text(waiting)).scalar_one())

    with ThreadPoolExecutor(1) as threads:
        with scene.database.transaction() as transaction:
            request = held(transaction, DataSubjectRequest, request_id)
            request.verified_by = "link to the address on file"
            transaction.flush()
            stopped = threads.submit(source.suppress, person(DORA), CALL)
            eventually(somebody_waits)
            request.verified_at = NOW
            transaction.flush()
        assert stopped.result().source == OWN_SOURCE
