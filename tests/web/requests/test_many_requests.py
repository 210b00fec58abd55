"""Many requests from one address: none is refused or lost, and nobody is flooded (P26)."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, func, select, update

from database.people.restricted import restricted_among
from database.requests.requests import request_by_reference
from database.tables import (
    Account,
    ApiKey,
    DataSubjectRequest,
    JoinedRequest,
    MarketingRefusal,
    OutboxMail,
    RequestedRight,
)
from domain.requests.data_subject_requests import Intake, Kind
from domain.requests.deadlines import deadline
from tests.web.api.test_api import made
from tests.web.world import NOW, World
from workflows.desk import ByKey

FORM = {"name": "Alice", "kinds": "access", "contact_address": "alice@example.org", "country": "DE"}
AN_HOUR = 5


def ask(world: World, **changes: str | list[str]) -> str:
    """Send the form; the reference on the page that it leads to."""
    answer = world.browser.post("/requests/new", data={**FORM, **changes})
    assert answer.status_code == 200
    found = re.search(r"R-[A-Z0-9]{8}", answer.text)
    assert found
    return found[0]


def count(session: Session, table: type[DataSubjectRequest | JoinedRequest | OutboxMail]) -> int:
    return session.exec(select(func.count()).select_from(table)).one()


def test_a_flood_of_three_hundred_loses_nothing_and_sends_no_more_mails(world: World) -> None:
    """P26: each has a reference and is kept whole; five have a life and mails of their own."""
    references = {ask(world, message=f"Letter {number}") for number in range(300)}
    assert len(references) == 300
    assert len(world.messenger.started) == AN_HOUR
    with world.database.session() as session:
        assert count(session, DataSubjectRequest) == AN_HOUR
        assert count(session, JoinedRequest) == 300 - AN_HOUR
        assert count(session, OutboxMail) == 2 * AN_HOUR
        kept = {row.message for row in session.exec(select(JoinedRequest)).all()} | {
            row.message for row in session.exec(select(DataSubjectRequest)).all()
        }
        assert kept == {f"Letter {number}" for number in range(300)}
        assert all(request_by_reference(session, reference) for reference in references)


def test_the_page_says_the_same_of_one_too_many(world: World) -> None:
    """P19: whoever types an address learns nothing about what else came from there."""

    def shown(**changes: str) -> str:
        page = world.browser.post("/requests/new", data={**FORM, **changes}).text
        return re.sub(r"R-[A-Z0-9]{8}", "", page)

    pages = {shown() for _ in range(AN_HOUR + 2)} | {shown(contact_address="eve@example.com")}
    assert len(pages) == 1


def test_staff_see_them_together(world: World) -> None:
    """The case that speaks for them shows how many, and what they say; a joined reference leads
    there."""
    first, *_ = [ask(world) for _ in range(AN_HOUR)]
    joined = ask(world, name="=HYPERLINK(1)", message="<script>alert(1)</script>")
    world.enter_as("priya")
    page = world.browser.get(f"/staff/requests/{joined}").text
    assert f"<h1>{first} " in page
    assert "1 more from this address" in page
    assert joined in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    queue = world.browser.get("/staff/requests").text
    assert joined not in queue


def test_what_asks_for_something_else_is_always_taken_in_by_itself(world: World) -> None:
    """P21: no right is without a clock of its own, and none is due later than its law says."""
    for _ in range(AN_HOUR + 1):
        ask(world)
    erasure, korean = ask(world, kinds="erasure"), ask(world, country="KR")
    ask(world, country="KR")
    with world.database.session() as session:
        rows = session.exec(select(DataSubjectRequest)).all()
        joined = session.exec(select(JoinedRequest)).all()
    assert {erasure, korean} <= {row.reference for row in rows}
    assert len(rows) == AN_HOUR + 2
    [due] = [row for row in rows if row.reference == korean]
    assert [row.request_id for row in joined if row.country == "KR"] == [due.id]


def test_several_rights_are_joined_where_each_is_asked_for_already(world: World) -> None:
    """However they are put together, an address has no more open requests than rights and laws
    allow, beyond the first five."""
    for _ in range(AN_HOUR):
        ask(world)
    ask(world, kinds=["access", "portability"])
    ask(world, kinds=["erasure"])
    with world.database.session() as session:
        alone = count(session, DataSubjectRequest)
    assert alone == AN_HOUR + 2
    for kinds in (["portability"], ["access", "erasure"], ["access", "erasure", "portability"]):
        ask(world, kinds=kinds)
    with world.database.session() as session:
        assert count(session, DataSubjectRequest) == alone
        assert count(session, JoinedRequest) == 3


def test_what_the_machine_answers_floods_nobody_either(world: World) -> None:
    """P15, P17, P26: an objection to marketing is never open, and still five bring mails, each an
    acknowledgement and an answer."""
    for number in range(300):
        ask(world, kinds="marketing_opt_out", message=f"Stop {number}")
    with world.database.session() as session:
        assert count(session, DataSubjectRequest) == AN_HOUR
        assert count(session, JoinedRequest) == 300 - AN_HOUR
        assert count(session, OutboxMail) == 2 * AN_HOUR
    ask(world, kinds=["marketing_opt_out", "access"])
    ask(world, kinds=["marketing_opt_out", "access"])
    with world.database.session() as session:
        assert count(session, DataSubjectRequest) == AN_HOUR + 1
        newest = session.exec(
            select(JoinedRequest).order_by(col(JoinedRequest.id).desc()).limit(1)
        ).one()
        assert session.get_one(DataSubjectRequest, newest.request_id).answered_at is None


def test_what_is_joined_stops_marketing_that_was_allowed_meanwhile(world: World) -> None:
    """P15: the refusal of before may stand no more, and no request is without its effect."""
    for _ in range(AN_HOUR):
        ask(world, kinds="marketing_opt_out")
    with world.database.transaction() as transaction:
        transaction.exec(update(MarketingRefusal).values(taken_back_at=NOW))
    ask(world, kinds="marketing_opt_out")
    with world.database.session() as session:
        assert count(session, JoinedRequest) == 1
        standing = select(MarketingRefusal).where(col(MarketingRefusal.taken_back_at).is_(None))
        assert session.exec(standing).all()


def test_a_joined_report_of_a_minor_restricts_whom_it_names(world: World) -> None:
    """P18: it may name another minor than those before it."""
    for _ in range(AN_HOUR):
        ask(world, kinds="minor", message="I am twelve.")
    ask(world, kinds="minor", message="My brother is ten: bob@example.org")
    with world.database.session() as session:
        assert count(session, JoinedRequest) == 1
        accounts = {row.external_id: row.id for row in session.exec(select(Account)).all()}
        assert accounts["bob"] in restricted_among(session, accounts.values())


def test_nobody_keeps_a_person_from_their_own_request(world: World) -> None:
    """P21, P26: whoever types Alice's address for requests about others fills no place of hers."""
    for number in range(AN_HOUR + 2):
        ask(world, account_address=f"a{number}@evil.example", kinds=["access", "erasure"])
    own = ask(world)
    with world.database.session() as session:
        request = request_by_reference(session, own)
        assert (request.reference, request.account_id) == (own, world.accounts["alice"].id)
        assert {row.account_address for row in session.exec(select(JoinedRequest)).all()} == {
            "a5@evil.example",
            "a6@evil.example",
        }


def test_what_a_system_says_of_one_account_is_not_joined_to_another(world: World) -> None:
    """P26: two accounts may share a mailbox, and each holder has an answer of their own."""
    with world.database.transaction() as transaction:
        bob = transaction.get_one(Account, world.accounts["bob"].id)
        bob.email = FORM["contact_address"]
        transaction.add(bob)
    intake = Intake(name="", contact_address=FORM["contact_address"], kinds=("access",))
    for who in ["alice"] * AN_HOUR + ["bob"] * 2:
        world.desk.take_in(intake, channel="api", account_id=world.accounts[who].id)
    with world.database.session() as session:
        accounts = [row.account_id for row in session.exec(select(DataSubjectRequest)).all()]
        assert count(session, JoinedRequest) == 1
    assert accounts.count(world.accounts["bob"].id) == 1


def test_staff_take_out_what_was_joined(world: World) -> None:
    """P21, P26: under the reference that its person knows, and due from the moment it came."""
    for _ in range(AN_HOUR):
        ask(world)
    joined = ask(world, message="This one is Bob's.", name="Bob")
    with world.database.session() as session:
        row = session.exec(select(JoinedRequest)).one()
    world.desk.clock.advance(timedelta(days=2))
    world.enter_as("priya")
    path = f"/staff/requests/{joined}"
    assert f"Take {joined} out" in world.browser.get(path).text
    answer = world.post(path, f"{path}/take-out", joined=str(row.id))
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    with world.database.session() as session:
        assert count(session, JoinedRequest) == 0
        own = request_by_reference(session, joined)
    assert (own.reference, own.name, own.message) == (joined, "Bob", "This one is Bob's.")
    assert (own.received_at, own.due_at) == (NOW, NOW + timedelta(days=30))
    assert f"data-subject-request/{own.id}" in world.messenger.started
    again = world.post(path, f"{path}/take-out", joined=str(row.id))
    assert again.status_code == 409
    assert "not joined" in again.text


def test_naming_an_agent_is_no_way_round(world: World) -> None:
    """P19, P26: neither the person nor whoever is named as agent is flooded; the person's own
    request never waits behind what another asks for them."""
    ann = {"agent_name": "Ann", "agent_address": "Ann@law.example"}
    for _ in range(AN_HOUR + 3):
        ask(world, **ann)
    with world.database.session() as session:
        assert count(session, DataSubjectRequest) == AN_HOUR
        joined = session.exec(select(JoinedRequest)).all()
    assert [row.agent_email for row in joined] == ["Ann@law.example"] * 3
    own = ask(world)
    with world.database.session() as session:
        assert own in [row.reference for row in session.exec(select(DataSubjectRequest)).all()]
    for number in range(3):
        ask(world, contact_address=f"person{number}@example.com", **ann)
    with world.database.session() as session:
        told = session.exec(select(OutboxMail).where(OutboxMail.addressee_kind == "agent")).all()
        assert count(session, DataSubjectRequest) == AN_HOUR + 4
    assert len(told) == AN_HOUR


def test_no_right_is_without_an_answer_in_time(world: World) -> None:
    """P21, P26: whatever comes in whatever order, each right that was asked for is asked for by an
    open request whose answer is due no later; and their number has a bound."""

    @settings(max_examples=30)
    @given(
        st.lists(
            st.tuples(
                st.sets(st.sampled_from(Kind), min_size=1, max_size=3),
                st.sampled_from(["DE", "KR", "BR", "US-CA", None]),
            ),
            max_size=14,
        )
    )
    def holds(asked: list[tuple[set[Kind], str | None]]) -> None:
        address = f"{uuid4()}@example.com"
        limits = set()
        for kinds, country in asked:
            intake = Intake(
                name="", contact_address=address, kinds=tuple(sorted(kinds)), country=country
            )
            world.desk.take_in(intake, channel="web")
            rights = rights_from(world, address)
            for kind in kinds:
                due = deadline(
                    received_at=NOW,
                    time_zone=None,
                    country=country,
                    company_time_zone=world.settings.time_zone,
                    right=kind,
                )
                limits.add((kind, due.due_at))
                assert any(
                    right.kind == kind and (right.decided_at or right.due_at <= due.due_at)
                    for right in rights
                )
        requests = {right.request_id for right in rights_from(world, address)}
        assert len(requests) <= AN_HOUR + len(limits)

    holds()


def rights_from(world: World, address: str) -> Sequence[RequestedRight]:
    with world.database.session() as session:
        return session.exec(
            select(RequestedRight)
            .join(DataSubjectRequest, col(DataSubjectRequest.id) == RequestedRight.request_id)
            .where(DataSubjectRequest.contact_email == address)
        ).all()


def test_the_same_call_at_the_same_moment_makes_one_request(world: World) -> None:
    """P26: a system that lost patience sends again while we are still at it."""
    made(world, "portal")
    with world.database.session() as session:
        key = session.exec(select(ApiKey)).one().id
    intake = Intake(name="", contact_address="alice@example.org", kinds=("access",))
    call = ByKey(api_key_id=key, key="7", content_sha256="0" * 64)

    def send(_number: int) -> tuple[str, bool]:
        receipt, is_new = world.desk.take_in(intake, channel="api", by_key=call)
        return receipt.reference, is_new

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(send, range(6)))
    assert len({reference for reference, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1
    with world.database.session() as session:
        assert count(session, DataSubjectRequest) == 1


def test_who_asks_later_or_from_elsewhere_or_after_the_answer_is_taken_in(world: World) -> None:
    for _ in range(AN_HOUR):
        ask(world, contact_address="Alice@Example.org")
    ask(world, contact_address="bob@example.org")
    world.desk.clock.advance(timedelta(minutes=61))
    ask(world)
    with world.database.session() as session:
        assert count(session, DataSubjectRequest) == AN_HOUR + 2
        assert count(session, JoinedRequest) == 0
    with world.database.transaction() as transaction:
        for row in transaction.exec(select(DataSubjectRequest)).all():
            row.received_at, row.state = world.desk.clock.now(), "answered"
            transaction.add(row)
    ask(world)
    with world.database.session() as session:
        assert count(session, DataSubjectRequest) == AN_HOUR + 3


def test_a_system_of_ours_is_treated_alike(world: World) -> None:
    """P26: and sent again with its key, even one too many is one."""
    key = made(world, "portal")
    body = {"kinds": ["access"], "contact_address": "alice@example.org"}
    for _ in range(AN_HOUR):
        world.browser.post("/api/v1/requests", json=body, headers=key)
    again = {**key, "Idempotency-Key": "7"}
    first, second = (
        world.browser.post("/api/v1/requests", json=body, headers=again) for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    with world.database.session() as session:
        assert count(session, JoinedRequest) == 1


def test_what_staff_enter_is_never_joined(world: World) -> None:
    """Somebody has read it, and decided that it is a request."""
    for _ in range(AN_HOUR):
        ask(world)
    world.enter_as("priya")
    letter = {**FORM, "channel": "mail", "received_on": "2026-03-02", "received_time": "09:00"}
    world.post("/staff/requests/new", "/staff/requests/new", **letter)
    with world.database.session() as session:
        assert count(session, DataSubjectRequest) == AN_HOUR + 1
