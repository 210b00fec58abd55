"""Refusals of marketing follow the address and the account, and outlive both (P15, P17)."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlmodel import col, delete, select

from database.mail.suppressions import Failed, suppress
from database.people.accounts import account_by_external_id
from database.requests.marketing import check, choose, offer, refuse
from database.requests.restrictions import restrict
from database.tables import Account, Fact, MarketingRefusal, OutboxMail
from domain.mail.suppressions import Cause, address_key, keys_of
from domain.people.marketing import MARKETING, OBJECTION, Choices, Use, read_purposes, use_named
from domain.people.restrictions import Reason
from tests.people import ALICE, BOB
from tests.scene import NOW, ONE_HOUR, Scene

KEY = b"k" * 32
PURPOSES = read_purposes(
    """
[newsletter]
en = "News"
[offers]
en = "Offers"
[partners]
offered_from = 2026-01-01
en = "Offers of others"
""",
    ("en",),
)
STRANGER = "stranger@example.org"


@pytest.fixture
def company(scene: Scene) -> Scene:
    """Alice and Bob have accounts."""
    scene.import_accounts(ALICE, BOB)
    return scene


def use(name: str) -> Use:
    return use_named(name, PURPOSES, NOW.date())


def reasons(scene: Scene, name: str = "newsletter", *addresses: str) -> Mapping[str, str | None]:
    """Why mail for a purpose must not go to these addresses."""
    asked = addresses or (ALICE.email, BOB.email, STRANGER)
    with scene.database.session() as session:
        return {one.address: one.reason for one in check(session, asked, use(name), KEY)}


def opts_out(scene: Scene, address: str, *purposes: str) -> None:
    """As a request does, from an address that may be nobody's."""
    with scene.database.transaction() as transaction:
        at = [
            row.id
            for row in transaction.exec(select(Account)).all()
            if row.email.lower() == address.lower()
        ]
        refuse(transaction, keys_of(address, at, KEY), purposes, how="request", now=NOW)


def chooses(scene: Scene, external_id: str, *allowed: str) -> None:
    """On the page, which shows the first two purposes."""
    with scene.database.transaction() as transaction:
        choices = Choices(shown=("newsletter", "offers"), allowed=frozenset(allowed))
        account = account_by_external_id(transaction, external_id)
        choose(transaction, account, choices, KEY, now=NOW)


def test_who_refused_nothing_may_be_mailed(company: Scene) -> None:
    assert reasons(company) == {ALICE.email: None, BOB.email: None, STRANGER: None}


def test_a_refusal_stops_its_purpose_in_any_spelling_and_no_other(company: Scene) -> None:
    """P17."""
    opts_out(company, ALICE.email.upper(), "newsletter")
    assert reasons(company)[ALICE.email] == "refused"
    assert reasons(company)[BOB.email] is None
    assert reasons(company, "offers")[ALICE.email] is None


def test_refusing_all_marketing_stops_every_purpose_and_an_objection_more(company: Scene) -> None:
    """P15, P17."""
    opts_out(company, ALICE.email, MARKETING)
    opts_out(company, BOB.email, *OBJECTION)
    for name in ("newsletter", "offers", "marketing"):
        assert reasons(company, name)[ALICE.email] == "refused"
        assert reasons(company, name)[BOB.email] == "refused"
    for name in OBJECTION[1:]:
        assert reasons(company, name) == {ALICE.email: None, BOB.email: "refused", STRANGER: None}


def test_a_refusal_follows_the_account_to_another_address(company: Scene) -> None:
    """P17: the person refused, not their mailbox."""
    opts_out(company, ALICE.email, MARKETING)
    company.import_accounts(replace(ALICE, email="new@people.example"), now=NOW + ONE_HOUR)
    assert reasons(company, "newsletter", "new@people.example", ALICE.email) == {
        "new@people.example": "refused",
        ALICE.email: "refused",
    }


def test_a_refusal_outlives_the_account_and_names_nobody(company: Scene) -> None:
    """P17: what is left is a hash under a key, and whoever comes back is not mailed."""
    opts_out(company, ALICE.email, MARKETING)
    with company.database.transaction() as transaction:
        transaction.execute(delete(Account).where(col(Account.external_id) == ALICE.external_id))
    assert reasons(company)[ALICE.email] == "refused"
    with company.database.session() as session:
        rows = session.exec(select(MarketingRefusal)).all()
        facts = session.exec(select(Fact).where(Fact.kind == "marketing.refused")).all()
    assert len(rows) == len(facts) == 2
    kept = f"{[row.model_dump() for row in rows]}{[fact.payload for fact in facts]}"
    assert ALICE.email not in kept
    assert ALICE.external_id not in kept


def test_people_without_an_address_do_not_answer_for_each_other(scene: Scene) -> None:
    nobody = [replace(one, email="") for one in (ALICE, BOB)]
    scene.import_accounts(*nobody)
    chooses(scene, ALICE.external_id)
    with scene.database.session() as session:
        kept = {row.subject_key for row in session.exec(select(MarketingRefusal)).all()}
        bob = account_by_external_id(session, BOB.external_id)
    assert kept.isdisjoint(keys_of("", [bob.id], KEY))


def test_refusing_twice_is_one_refusal_and_allowing_ends_it(company: Scene) -> None:
    """P17: what somebody chooses on their page holds at once, and each choice is on record."""
    chooses(company, ALICE.external_id)
    chooses(company, ALICE.external_id)
    assert reasons(company)[ALICE.email] == "refused"
    with company.database.session() as session:
        assert len(session.exec(select(MarketingRefusal)).all()) == 6  # two hashes, three purposes
    chooses(company, ALICE.external_id, "newsletter")
    assert reasons(company)[ALICE.email] is None
    assert reasons(company, "offers")[ALICE.email] == "refused"
    chooses(company, ALICE.external_id)
    assert reasons(company)[ALICE.email] == "refused"


def test_a_choice_on_the_page_takes_no_objection_back(company: Scene) -> None:
    """P15: it said more than no mail."""
    opts_out(company, ALICE.email, *OBJECTION)
    chooses(company, ALICE.external_id, "newsletter")
    assert reasons(company)[ALICE.email] is None
    assert reasons(company, "profiling")[ALICE.email] == "refused"


def test_a_purpose_that_came_later_is_closed_for_whoever_was_not_offered_it(
    company: Scene,
) -> None:
    """P17: also for whoever we do not know, as nobody offered them anything."""
    closed = dict.fromkeys((ALICE.email, BOB.email, STRANGER), "not_offered")
    assert reasons(company, "partners") == closed
    alice = company.account(ALICE.external_id).id
    for expected in (1, 0):
        with company.database.transaction() as transaction:
            assert offer(transaction, [alice], "partners", how="company", now=NOW) == expected
    assert reasons(company, "partners") == {**closed, ALICE.email: None}
    opts_out(company, ALICE.email, "partners")
    assert reasons(company, "partners")[ALICE.email] == "refused"


@pytest.mark.parametrize("cause", list(Cause))
def test_an_address_that_failed_is_not_for_marketing_either(company: Scene, cause: Cause) -> None:
    """P4, P17: and whether somebody is profiled has nothing to do with their mailbox."""
    request = company.request(STRANGER)
    with company.database.transaction() as transaction:
        first = OutboxMail.subject_id == request.id, OutboxMail.step == "acknowledgement"
        mail = transaction.exec(select(OutboxMail).where(*first)).one()
        failed = Failed(
            mail_id=mail.id,
            attempt_id=mail.id,
            address_key=address_key(ALICE.email, KEY),
            cause=cause,
        )
        suppress(transaction, [failed], NOW)
    assert reasons(company) == {ALICE.email: cause.value, BOB.email: None, STRANGER: None}
    assert reasons(company, "profiling")[ALICE.email] is None


def test_a_restricted_account_a_minor_and_the_dead_are_mailed_for_nothing(scene: Scene) -> None:
    """P14, P18."""
    scene.import_accounts(replace(ALICE, kind="minor"), replace(BOB, status="deceased"))
    assert reasons(scene) == {ALICE.email: "minor", BOB.email: "deceased", STRANGER: None}
    with scene.database.transaction() as transaction:
        alice = scene.account(ALICE.external_id).id
        restrict(transaction, [alice], Reason.MINOR_REPORT, now=NOW)
    assert reasons(scene)[ALICE.email] == "restricted"
    assert reasons(scene, "sharing")[ALICE.email] == "restricted"
