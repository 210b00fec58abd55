"""Nobody is told that nothing is held under their address of whom our own database has anything
beside the very request (P19)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from data_sources.data_map import Description
from data_sources.map_file import read_data_map
from data_sources.opening import OWN_MAP
from data_sources.source import Call, DataSource, SourceUnavailable
from data_sources.tables import SqlDescription
from database.ids import new_id
from database.people.accounts import AccountRow
from database.requests import asked_tasks, identity, source_tasks
from database.requests.answering import Answer, propose_decision
from database.requests.instructions import enter
from database.requests.sendable import DecisionRefused
from database.requests.source_tasks import CAME_SINCE
from database.tables import Account, AccountImport, AccountImportRow, DataSubjectRequest
from domain.people.account_holders import Status
from domain.requests.data_subject_requests import Intake, Kind, Outcome
from domain.requests.personal_data import OWN_SOURCE, Person, Verb
from tests.activities.requests.asked_sources import AskedSources
from tests.activities.requests.instructed_sources import told
from tests.people import import_accounts
from tests.scene import NOW

NOTHING = Answer(outcome=Outcome.NOTHING_HELD, explanation="Nothing is held.")
NUMBERS = count()


@dataclass(frozen=True)
class Silent:
    """A source that does not answer."""

    about: Description

    def locate(self, _person: Person, _call: Call) -> None:
        raise SourceUnavailable("It did not answer.")


def has_an_account(company: AskedSources, address: str) -> str:
    """Its id with the company."""
    row = AccountRow(external_id=f"a-{next(NUMBERS)}", email=address, name="Clara Closed")
    import_accounts(company.scene.database, [row], by=company.scene.staff["omar"], now=NOW)
    return row.external_id


def had_an_account(company: AskedSources, address: str) -> None:
    """Closed: what its holder approved and was mailed is kept."""
    external_id = has_an_account(company, address)
    with company.scene.database.transaction() as transaction:
        row = transaction.exec(select(Account).where(Account.external_id == external_id)).one()
        row.status, row.closed_at = Status.CLOSED, NOW
        transaction.add(row)


def was_erased(company: AskedSources, address: str) -> None:
    """What stays has a pseudonym, by which it is found again."""
    had_an_account(company, address)
    whose = Person(addresses=(address,))
    company.sources[OWN_SOURCE].erase(whose, Call(id=str(new_id()), now=NOW))


def is_being_imported(company: AskedSources, address: str) -> None:
    with company.scene.database.transaction() as transaction:
        run = AccountImport(staged_at=NOW, asserted_by=company.scene.staff["omar"])
        transaction.add(run)
        transaction.flush()
        transaction.add(
            AccountImportRow(
                import_id=run.id, external_id=address, account_id=new_id(), email=address
            )
        )


def asked_before(company: AskedSources, address: str) -> None:
    company.scene.request(address, kinds=("inquiry",))


def was_asked_about(company: AskedSources, address: str) -> None:
    """Somebody who wrote from another address named this one."""
    company.scene.request(f"other-{address}", kinds=("inquiry",), about=address)


def asked_for_somebody(company: AskedSources, address: str) -> None:
    company.scene.taken_in(
        Intake(
            name="Vera Vogel",
            contact_address=f"vera-{address}",
            kinds=("access",),
            agent_name="Anton Agent",
            agent_address=address,
        )
    )


def was_instructed_about(company: AskedSources, address: str) -> None:
    """A company for which we keep data told us something of theirs."""
    with company.scene.database.transaction() as transaction:
        petra = company.scene.staff["petra"]
        enter(transaction, told(Verb.EXPORT, address=address), staff_id=petra, now=NOW)


Way = Callable[[AskedSources, str], object]
KNOWN_BY: Mapping[str, tuple[Way, ...]] = {
    "account": (has_an_account, had_an_account, was_erased),
    "account_import_row": (is_being_imported,),
    "data_subject_request": (asked_before,),
    "request_naming": (was_asked_about,),
    "agent": (asked_for_somebody,),
    "controller_instruction": (was_instructed_about,),
}
"""By each table of our own data map that knows people by an address, how they come into it."""
WAYS = tuple(way for ways in KNOWN_BY.values() for way in ways)


def shows_the_address_to_be_theirs(company: AskedSources, address: str) -> DataSubjectRequest:
    """They ask for a copy and confirm the address; the sources look, and folders have nothing."""
    request = company.scene.request(address, kinds=("access",))
    company.do(identity.confirm_contact, request.id, NOW)
    company.ask(request.id)
    paper = company.tasks(request.id)["paper"]
    if paper.verb == Verb.LOCATE:
        company.do(
            source_tasks.hand_in,
            request.id,
            paper.id,
            asked_tasks.ByHand(receipt={"held": [], "doubtful": 0}, evidence="Looked."),
            staff_id=company.scene.staff["petra"],
            now=NOW,
        )
    return request


def tell_them_nothing_is_held(company: AskedSources, request: DataSubjectRequest) -> None:
    """Raises DecisionRefused."""
    petra = company.scene.staff["petra"]
    company.do(propose_decision, request.id, NOTHING, kind=Kind.ACCESS, decided_by=petra, now=NOW)


def test_every_table_that_knows_people_by_an_address_is_tried_here() -> None:
    """P19: one that comes later is, too."""
    (about,) = read_data_map(OWN_MAP).sources
    assert isinstance(about, SqlDescription)
    assert {table.name for table in about.tables if table.match} == set(KNOWN_BY)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ways=st.sets(st.sampled_from(WAYS), max_size=3), capitals=st.booleans())
def test_whoever_we_hold_anything_of_never_hears_that_nothing_is_held(
    company: AskedSources, ways: set[Way], capitals: bool
) -> None:
    """P19, P10."""
    address = f"somebody{next(NUMBERS)}@elsewhere.example"
    for way in sorted(ways, key=WAYS.index):
        way(company, address)
    request = shows_the_address_to_be_theirs(company, address.upper() if capitals else address)
    if ways:
        with pytest.raises(DecisionRefused):
            tell_them_nothing_is_held(company, request)
    else:
        tell_them_nothing_is_held(company, request)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_whoever_proved_an_address_that_we_know_is_known_and_gets_what_we_have(
    company: AskedSources, way: Way
) -> None:
    """P10, P11, P19: so that nobody is left without any answer that may be given."""
    way(company, "clara@elsewhere.example")
    request = company.scene.request("clara@elsewhere.example", kinds=("access",))
    company.do(identity.confirm_contact, request.id, NOW)
    company.ask(request.id)
    company.ask(request.id)
    assert company.tasks(request.id)[OWN_SOURCE].verb == Verb.EXPORT


def test_whoever_reads_the_mail_of_the_dead_is_not_known_by_it(company: AskedSources) -> None:
    """P19: also where the company closed the account since; nor is it said that nothing is held."""
    had_an_account(company, "hanno@elsewhere.example")
    with company.scene.database.transaction() as transaction:
        hanno = Account.email == "hanno@elsewhere.example"
        transaction.exec(select(Account).where(hanno)).one().death_noted_at = NOW
    request = shows_the_address_to_be_theirs(company, "hanno@elsewhere.example")
    with company.scene.database.session() as session:
        assert session.get_one(DataSubjectRequest, request.id).verified_at is None
    with pytest.raises(DecisionRefused, match="promisekeeper has something"):
        tell_them_nothing_is_held(company, request)


def test_nobody_goes_without_our_own_database(company: AskedSources) -> None:
    """P19: what somebody gave up may be there all the same."""
    request = company.scene.request("nora@elsewhere.example", kinds=("access",))
    company.do(identity.confirm_contact, request.id, NOW)
    company.instead[OWN_SOURCE] = cast("DataSource", Silent(company.sources[OWN_SOURCE].about))
    company.ask(request.id)
    for source in (OWN_SOURCE, "paper"):
        company.do(
            source_tasks.give_up,
            request.id,
            company.tasks(request.id)[source].id,
            reason="It does not answer.",
            staff_id=company.scene.staff["petra"],
            now=NOW,
        )
    with pytest.raises(DecisionRefused, match="promisekeeper"):
        tell_them_nothing_is_held(company, request)


def test_a_request_that_came_after_we_had_looked_is_not_nothing_either(
    company: AskedSources,
) -> None:
    """P19: our own database is asked again, and has it then."""
    request = shows_the_address_to_be_theirs(company, "nora@elsewhere.example")
    was_asked_about(company, "nora@elsewhere.example")
    with pytest.raises(DecisionRefused) as refused:
        tell_them_nothing_is_held(company, request)
    assert str(refused.value) == CAME_SINCE
    company.do(
        source_tasks.ask_again,
        request.id,
        company.tasks(request.id)[OWN_SOURCE].id,
        staff_id=company.scene.staff["petra"],
        now=NOW,
    )
    company.ask(request.id)
    with company.scene.database.session() as session:
        row = session.get_one(DataSubjectRequest, request.id)
        assert row.verified_by == identity.BY_SOURCE


def test_whoever_names_an_address_twice_has_nobody_written_to(company: AskedSources) -> None:
    """P19: that our own database has what anybody typed is no proof that an address is on file."""
    for _ in range(2):
        request = company.scene.request(
            "zoe@elsewhere.example", kinds=("access",), about="nobody@elsewhere.example"
        )
        company.ask(request.id)
        with company.scene.database.session() as session:
            row = session.get_one(DataSubjectRequest, request.id)
            assert not identity.is_on_file(session, row)
