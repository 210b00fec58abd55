"""What happens after an erasure was granted can stop it, and what happens at a source is told as it
was (P11, P13, P19)."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from activities.mail.courier import Courier
from activities.mail.done_words import told_of
from data_sources.source import Call, SourceUnavailable
from database.people.accounts import AccountRow
from database.requests import deferred_erasures, erasures, estates, identity, own_erasure, packages
from database.requests.answering import Answer
from database.requests.asked_tasks import ByHand, TaskRefused, give_to_staff
from database.requests.deferred_erasures import NotToErase
from database.requests.holds import HoldRefused
from database.requests.requested_rights import rights_of
from database.requests.sendable import DecisionRefused
from database.requests.source_tasks import hand_in
from database.tables import Account, DataSubjectRequest, OutboxMail, Package
from domain.requests.data_subject_requests import Kind, Outcome
from domain.requests.legal_holds import EVERYWHERE
from domain.requests.personal_data import OWN_SOURCE, Exported, Person, Verb
from domain.requests.source_tasks import TaskState
from tests.activities.requests.asked_sources import COMPANY
from tests.activities.requests.erasing_lives import ALICE, BY_LAW, UNDER_HOLD, Life, a_life
from tests.data_sources.conftest import fernhill
from tests.data_sources.fernhill import Fernhill
from tests.scene import Scene
from translations.catalogues import speak
from workflows.acting import TO_ASK, TO_BEGIN

__all__ = ("fernhill",)
Begin = Callable[..., Life]
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
TWIN = AccountRow(external_id="a-alice-2", email=ALICE.email, name="Alice Abel")
COPY = Answer(outcome=Outcome.FULFILLED, explanation="Here is your copy.")


@pytest.fixture
def begin(scene: Scene, fernhill: Fernhill, courier: Courier, tmp_path: Path) -> Begin:
    """Alice asks to be erased, and whatever else is named."""
    return lambda *besides: a_life(
        scene, fernhill, courier, tmp_path / "storage", kinds=(*besides, "erasure")
    )


@pytest.fixture
def life(begin: Begin) -> Life:
    """Alice asks to be erased."""
    return begin()


def of_ours(life: Life) -> set[str]:
    """Where Alice is known that keeps nothing of her by law."""
    return life.where_known() & {"sessions", "marketing"}


def dies(life: Life) -> None:
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        estates.freeze(transaction, request, staff_id=life.scene.staff["petra"], now=life.now)


def heirs_may(life: Life) -> None:
    """Petra notes it, and Paul agrees."""
    staff = life.scene.staff
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        found = estates.record_authority(
            transaction,
            request,
            who="Her son",
            proof="A will",
            staff_id=staff["petra"],
            now=life.now,
        )
        transaction.flush()
        estates.confirm_authority(
            transaction, request, found.id, staff_id=staff["paul"], now=life.now
        )


def disputes(life: Life) -> None:
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        assert identity.dispute(transaction, request, by="address on file", now=life.now)


def is_found_out(life: Life) -> None:
    """Two of staff found out that it was her."""
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        request.disputed_at = None
        transaction.add(request)


def hold_the_twin(life: Life, source: str = EVERYWHERE) -> UUID:
    """The hold stands on another account with her address."""
    scene = life.scene
    scene.import_accounts(ALICE, TWIN)
    return life.place(source, scene.account(TWIN.external_id).id)


def test_who_dies_while_it_is_thought_over_is_not_erased_before_two_found_who_may(
    life: Life,
) -> None:
    """P13, P19."""
    life.pass_time()
    life.decide(BY_LAW)
    dies(life)
    life.pass_time(3 * DAY)
    assert of_ours(life) == {"sessions", "marketing"}
    heirs_may(life)
    life.pass_time(MINUTE)
    assert not of_ours(life)


def test_who_dies_half_way_is_erased_no_further(life: Life) -> None:
    """P13, P19: and the page says why."""
    life.sources["sessions"].silent = 3
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(2 * DAY + MINUTE)
    dies(life)
    life.pass_time(DAY)
    assert "sessions" in life.where_known()
    assert "has died" in life.tasks()["sessions"].problem
    assert life.request.answered_at is None
    heirs_may(life)
    life.pass_time(2 * HOUR)
    assert life.request.answered_at is not None


def test_who_dies_after_the_answer_keeps_what_a_hold_kept_until_two_found_who_may(
    life: Life,
) -> None:
    """P13, P19: though the request is answered, that can still be noted."""
    hold = life.place()
    life.pass_time()
    life.decide(UNDER_HOLD)
    life.pass_time(3 * DAY)
    life.send_mails()
    dies(life)
    life.release(hold)
    life.pass_time(DAY)
    assert of_ours(life) == {"sessions", "marketing"}
    heirs_may(life)
    life.pass_time(2 * HOUR)
    assert not of_ours(life)


def test_what_somebody_at_the_address_disputes_half_way_is_erased_no_further(life: Life) -> None:
    """P19: until two found out; then it goes on by itself."""
    life.sources["sessions"].silent = 3
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(2 * DAY + MINUTE)
    disputes(life)
    life.pass_time(DAY)
    assert "sessions" in life.where_known()
    is_found_out(life)
    life.pass_time(2 * HOUR)
    assert not of_ours(life)


def test_what_is_disputed_is_not_erased_by_hand_either(life: Life) -> None:
    """P13, P19: nor noted as erased, before it is settled."""
    life.sources["sessions"].silent = 30
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(2 * DAY + MINUTE)
    task = life.tasks()["sessions"]
    with life.scene.database.transaction() as transaction:
        assert give_to_staff(
            transaction, task, life.now.date(), role="task", office=COMPANY.office, now=life.now
        )
    disputes(life)
    done = ByHand(receipt={"done": [], "retained": [], "failed": []}, evidence="Folder 7, burnt")

    def say_so() -> None:
        with life.scene.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, life.request_id)
            petra = life.scene.staff["petra"]
            hand_in(transaction, request, task.id, done, staff_id=petra, now=life.now)

    with pytest.raises(TaskRefused, match=r"must not be erased yet.*hand that in once"):
        say_so()
    is_found_out(life)
    say_so()
    assert life.tasks()["sessions"].state == TaskState.DONE


def silent_export(life: Life, source: str) -> Callable[[], None]:
    """A source that does not give its copy, until what is returned is called."""
    moody = life.sources[source]
    real = moody.export

    def export(person: Person, call: Call) -> Exported:
        raise SourceUnavailable("no answer")

    moody.export = export  # type: ignore[method-assign]

    def speaks() -> None:
        moody.export = real  # type: ignore[method-assign]

    return speaks


def test_what_she_wants_a_copy_of_is_copied_first(begin: Begin) -> None:
    """P11, P13: where one source is silent, the others go on."""
    life = begin("access")
    speaks = silent_export(life, "marketing")
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(3 * DAY, at_most=200)
    assert life.tasks()["marketing"].state == TaskState.WAITING
    assert "is made first" in life.tasks()["marketing"].problem
    assert life.tasks()["sessions"].state == TaskState.DONE
    speaks()
    life.pass_time(8 * HOUR, at_most=200)
    receipt = life.tasks(Verb.EXPORT)["marketing"].receipt
    assert receipt is not None
    assert any(one["rows"] for one in receipt["held"])  # type: ignore[attr-defined]
    assert life.tasks()["marketing"].state == TaskState.DONE


@pytest.mark.parametrize("who", [ALICE, TWIN])
def test_the_copy_that_another_request_of_hers_asks_for_is_made_first(
    life: Life, who: AccountRow
) -> None:
    """P11, P13: also where that is about another account with her address."""
    scene = life.scene
    scene.import_accounts(ALICE, TWIN)
    other = scene.request(ALICE.email, kinds=("access",))
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, other.id)
        row.account_id = scene.account(who.external_id).id
        identity.verify_identity(transaction, row, how="link", now=life.now)
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(2 * DAY + HOUR)
    assert of_ours(life) == {"sessions", "marketing"}
    life.step(other.id)
    life.pass_time(2 * HOUR)
    assert not of_ours(life)


def test_a_copy_that_anybody_asks_for_in_her_name_puts_nothing_off(life: Life) -> None:
    """P19: nobody has shown to be her."""
    life.scene.request("mallory@people.example", kinds=("access",), about=ALICE.email)
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(2 * DAY + HOUR)
    assert not of_ours(life)


@pytest.mark.parametrize("ends", ["fetched", "deleted"])
def test_our_own_database_waits_until_her_copy_is_fetched_or_deleted(
    begin: Begin, ends: str
) -> None:
    """P11, P13: the code to fetch it with goes to the address that is on file there."""
    life = begin("access")
    life.pass_time()
    life.decide(BY_LAW)
    with life.scene.database.transaction() as transaction:
        seen = packages.seen_in(packages.parts_of(transaction, life.request_id))
        petra, paul = life.scene.staff["petra"], life.scene.staff["paul"]
        transaction.add(
            Package(
                request_id=life.request_id,
                seen=seen,
                proposed_by=petra,
                proposed_at=life.now,
                released_by=paul,
                released_at=life.now,
            )
        )
    life.decide(COPY, Kind.ACCESS)
    life.pass_time(3 * DAY)
    life.send_mails()
    life.pass_time(MINUTE)
    assert not of_ours(life)
    with life.scene.database.session() as session:
        account = session.get_one(Account, life.request.account_id)
        assert account.email == ALICE.email
        assert own_erasure.due_in_our_own(session) == []
        right = next(one for one in rights_of(session, life.request_id) if one.kind == "erasure")
        assert "until you have fetched it" in "\n".join(told_of(session, right, speak("en")))
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        link = packages.copy_link(transaction, request.id)
        assert link is not None
        code = packages.new_copy_code(transaction, request, link, life.now)
        assert code is not None
        assert code.addressee_kind == "account"
        if ends == "fetched":
            packages.note_fetched(transaction, request, life.now)
        else:
            for part in packages.parts_of(transaction, request.id):
                packages.forget_file(transaction, part.task.id, life.now)
    with life.scene.database.session() as session:
        assert own_erasure.due_in_our_own(session) == [life.request_id]
    life.pass_time(MINUTE)
    assert OWN_SOURCE in life.tasks()


def test_a_hold_on_another_account_with_her_address_keeps_what_only_knows_the_address(
    life: Life,
) -> None:
    """P13: of two accounts with one address nobody can say whose it is."""
    hold = hold_the_twin(life)
    life.pass_time()
    with pytest.raises(DecisionRefused, match="legal hold stands"):
        life.decide(BY_LAW)
    life.decide(UNDER_HOLD)
    life.pass_time(3 * DAY)
    assert of_ours(life) == {"sessions", "marketing"}
    life.send_mails()
    life.release(hold)
    life.pass_time(MINUTE)
    assert not of_ours(life)


def test_a_hold_that_comes_upon_another_account_with_her_address_stops_what_has_begun(
    life: Life,
) -> None:
    """P13."""
    life.sources["sessions"].silent = 3
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(2 * DAY + MINUTE)
    hold_the_twin(life)
    life.pass_time(DAY)
    assert "sessions" in life.where_known()
    assert life.tasks()["sessions"].state == TaskState.DROPPED


def test_who_is_known_by_the_address_alone_is_not_erased_under_a_hold_on_it(life: Life) -> None:
    """P13: no account of the request is known, and yet there is one."""
    life.place()
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        request.account_id = None
        transaction.add(request)
    life.pass_time()
    with pytest.raises(DecisionRefused, match="legal hold stands"):
        life.decide(BY_LAW)
    life.decide(UNDER_HOLD)
    life.pass_time(3 * DAY)
    assert of_ours(life) == {"sessions", "marketing"}


def mark(life: Life, state: str) -> None:
    """What became of the mail that announces it."""
    with life.scene.database.transaction() as transaction:
        mail = transaction.get_one(OutboxMail, life.mails()["erasure_announced"].id)
        mail.state, mail.accepted_at, mail.settled_at = state, life.now, life.now
        transaction.add(mail)


@pytest.mark.parametrize("state", ["accepted", "posted"])
def test_she_has_two_days_from_when_the_mail_is_out_that_says_how_to_keep_her_data(
    life: Life, state: str
) -> None:
    """P13: mail was down for a day; or it went by post, which somebody took a day for."""
    life.mail_is_down = True
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(DAY)
    mark(life, state)
    life.pass_time(2 * DAY - MINUTE)
    assert of_ours(life) == {"sessions", "marketing"}
    life.pass_time(2 * MINUTE)
    assert not of_ours(life)


@pytest.mark.parametrize("state", ["queued", "bounced", "by_post"])
def test_where_no_mail_reaches_her_it_begins_as_late_as_the_due_time_allows(
    life: Life, state: str
) -> None:
    """P13, P21: she may never have had the link; and yet it is done in time."""
    life.mail_is_down = True
    life.pass_time()
    life.decide(BY_LAW)
    mark(life, state)
    life.pass_time(life.request.due_at - life.now - 2 * DAY - MINUTE)
    assert of_ours(life) == {"sessions", "marketing"}
    life.pass_time(2 * MINUTE)
    assert not of_ours(life)
    assert life.request.answered_at is not None
    assert life.request.answered_at < life.request.due_at


def test_of_two_holds_the_release_of_one_erases_what_the_other_does_not_cover(life: Life) -> None:
    """P13."""
    on_marketing, on_billing = life.place("marketing"), life.place("billing")
    life.pass_time()
    life.decide(UNDER_HOLD)
    life.pass_time(3 * DAY)
    life.send_mails()
    life.release(on_marketing)
    life.pass_time(MINUTE)
    assert "marketing" not in life.where_known()
    assert "marketing" not in life.erasure.held_back
    assert not is_noted(life)
    life.release(on_billing)
    life.pass_time(HOUR)
    life.send_mails()
    life.pass_time(MINUTE)
    assert is_noted(life)


def note_erased(life: Life) -> None:
    """Petra says so."""
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        petra = life.scene.staff["petra"]
        deferred_erasures.note_erased(transaction, request, staff_id=petra, now=life.now)


def is_noted(life: Life) -> bool:
    with life.scene.database.session() as session:
        deferred = deferred_erasures.erasure_of(session, life.request_id)
    return deferred is not None and deferred.erased_at is not None


def test_nobody_notes_as_erased_what_a_source_has_still_to_erase(life: Life) -> None:
    """P13: whether it is silent, or somebody has to look at what it says."""
    hold = life.place()
    life.pass_time()
    life.decide(UNDER_HOLD)
    life.pass_time(3 * DAY)
    life.send_mails()
    life.release(hold)
    life.sources["marketing"].lies = True
    for period in (timedelta(), MINUTE):
        life.pass_time(period)
        with pytest.raises(NotToErase, match="marketing"):
            note_erased(life)
    assert life.tasks()["marketing"].state == TaskState.NEEDS_PERSON


def test_what_went_before_the_source_s_answer_was_lost_is_told_as_erased(life: Life) -> None:
    """P13: it was asked again, and had nothing left to erase."""
    life.sources["marketing"].silent_after = 1
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(3 * DAY)
    receipt = life.tasks()["marketing"].receipt
    assert receipt is not None
    gone = {one["category"] for one in receipt["done"] if one["rows"]}  # type: ignore[attr-defined]
    assert gone
    with life.scene.database.session() as session:
        (right,) = rights_of(session, life.request_id)
        (erased,) = [one for one in told_of(session, right, speak("en")) if "Erased: " in one]
    assert all(category in erased for category in gone)


def test_a_try_that_hangs_keeps_every_other_and_every_hold_away_until_it_is_over(
    life: Life,
) -> None:
    """P13: one source is asked at a time; and what comes back late gives back no later claim."""
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(2 * DAY - MINUTE)
    hung_at = life.now + MINUTE
    life.now = hung_at
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        roles = {name: one.about.role for name, one in life.sources.items()}
        erasures.begin_if_due(transaction, request, roles, life.now)
    task = life.tasks()["billing"]

    def claim() -> bool:
        with life.scene.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, life.request_id)
            return erasures.claim(transaction, request, task, (), life.now)

    assert claim()
    life.now += 5 * MINUTE
    assert not claim()
    assert life.tasks()["billing"].next_try_at == hung_at + erasures.ONE_CALL
    assert of_ours(life) == {"sessions", "marketing"}
    life.now = hung_at + erasures.ONE_CALL
    assert claim()
    with life.scene.database.transaction() as transaction:
        erasures.give_back(transaction, task.right_id, hung_at)
    assert life.erasure.claimed_until == life.now + erasures.ONE_CALL


def test_no_hold_comes_while_a_try_that_began_late_erases(life: Life) -> None:
    """P13: a worker took it up ten minutes after it was asked for, and the source took three."""
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(2 * DAY - MINUTE)
    asked_at = life.now + MINUTE
    refused: list[str] = []

    def a_hold_is_wanted() -> None:
        life.now = asked_at + TO_BEGIN + 3 * MINUTE
        with pytest.raises(HoldRefused) as refusal:
            life.place("billing")
        refused.append(str(refusal.value))
        life.now = asked_at

    for source in life.sources.values():
        source.meanwhile = a_hold_is_wanted
    life.pass_time(2 * MINUTE)
    assert set(refused) == {erasures.DATA_GOES}
    assert TO_BEGIN + TO_ASK <= erasures.ONE_CALL


def test_each_source_is_asked_to_erase_with_the_time_of_that_very_moment(life: Life) -> None:
    """P13: a step of the workflow asks one."""
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(2 * DAY - MINUTE)
    life.now += MINUTE
    done = []
    for _ in range(3):
        life.step()
        done.append(sum(task.state == TaskState.DONE for task in life.tasks().values()))
    assert done == [1, 2, 3]
