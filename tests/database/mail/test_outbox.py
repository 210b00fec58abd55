"""The outbox: claimed once, and in doubt rather than doubled (P4)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event as sql_event
from sqlmodel import func, select

from database.engine import Database
from database.mail import delivery, doubts, outbox, outcomes, senders
from database.mail.delivery import Event
from database.mail.mail_rows import Batch
from database.tables import DataSubjectRequest, OutboxMail
from tests.in_two_processes import in_two_processes
from tests.scene import NOW, ONE_HOUR, Scene, loose_mails, mails_of

SECOND = timedelta(seconds=1)
TEN_SECONDS = 10 * SECOND
LATER = NOW + ONE_HOUR


def queue(scene: Scene, mails: list[outbox.Queued]) -> tuple[UUID, ...]:
    with scene.database.transaction() as transaction:
        return outbox.queue(transaction, mails, NOW)


def claim(
    database: Database, batch: Batch, *, limit: int = 1000, now: datetime = NOW
) -> outbox.Claim | None:
    with database.transaction() as transaction:
        return outbox.claim(transaction, batch, limit=limit, now=now)


def must_claim(scene: Scene, mail_id: UUID, now: datetime = NOW) -> outbox.Claim:
    claimed = claim(scene.database, Batch(mail_id=mail_id), now=now)
    assert claimed is not None
    return claimed


def tell(scene: Scene, *events: Event, now: datetime = NOW) -> int:
    with scene.database.transaction() as transaction:
        return delivery.record_events(transaction, events, now)


def event(mail_id: UUID, attempt_id: UUID, name: str, at: datetime = NOW) -> Event:
    return Event(mail_id=mail_id, attempt_id=attempt_id, event=name, occurred_at=at)


# Queued and claimed


def test_a_mail_is_queued_once_for_each_person_and_step(scene: Scene) -> None:
    """P4: one row per subject, person and step."""
    (first, second) = loose_mails(2)
    assert len(queue(scene, [first, second, first])) == 2
    assert queue(scene, [second, first]) == ()
    with scene.database.session() as session:
        assert session.exec(select(func.count()).select_from(OutboxMail)).one() == 2


def test_a_claim_takes_only_mails_that_read_alike(scene: Scene) -> None:
    """P21: two rungs that waited out an outage each keep their own words."""
    subject = uuid4()
    queue(scene, loose_mails(2, subject_id=subject, step="due-10"))
    queue(scene, loose_mails(3, subject_id=subject, step="due-7"))
    taken = []
    while claimed := claim(scene.database, Batch(subject_id=subject)):
        taken.append({mail.step for mail in mails_of(scene.database, claimed.attempt_id)})
    assert sorted(taken, key=len) == taken
    assert sorted(map(str, taken)) == ["{'due-10'}", "{'due-7'}"]


def test_a_claim_keeps_its_limit(scene: Scene) -> None:
    subject = uuid4()
    queue(scene, loose_mails(5, subject_id=subject))
    sizes = []
    while claimed := claim(scene.database, Batch(subject_id=subject), limit=2):
        sizes.append(claimed.copies)
    assert sizes == [2, 2, 1]


def take_all(database: Database, subject_id: UUID) -> list[UUID]:
    taken: list[UUID] = []
    while claimed := claim(database, Batch(subject_id=subject_id), limit=3):
        taken += [mail.id for mail in mails_of(database, claimed.attempt_id)]
    return taken


def take_all_elsewhere(url: str, subject_id: UUID) -> list[UUID]:
    with closing(Database(url)) as database:
        return take_all(database, subject_id)


def test_threads_never_take_the_same_mail(scene: Scene) -> None:
    """P4."""
    subject = uuid4()
    queued = queue(scene, loose_mails(60, subject_id=subject))
    with ThreadPoolExecutor(4) as threads:
        taken = threads.map(partial(take_all, scene.database), [subject] * 4)
    everything = [mail for of_one in taken for mail in of_one]
    assert sorted(everything) == sorted(queued)


@pytest.mark.slow
def test_processes_never_take_the_same_mail(scene: Scene) -> None:
    """P4: SQLite knows no SKIP LOCKED, so this is shown and not believed."""
    subject = uuid4()
    queued = queue(scene, loose_mails(300, subject_id=subject))
    taken = in_two_processes(take_all_elsewhere, scene.database.url, subject)
    everything = [mail for of_one in taken for mail in of_one]
    assert sorted(everything) == sorted(queued)


# In doubt


def test_what_a_dead_sender_left_is_in_doubt_and_not_queued(scene: Scene, mail: UUID) -> None:
    """P4: nobody can prove that it did not go out."""
    must_claim(scene, mail)
    with scene.database.transaction() as transaction:
        assert outcomes.doubt_abandoned(transaction, Batch(mail_id=mail), NOW) == 1
    assert scene.mail(mail).state == "unknown"
    assert claim(scene.database, Batch(mail_id=mail)) is None


def test_a_late_acknowledgement_of_a_doubted_attempt_still_counts(scene: Scene, mail: UUID) -> None:
    """P4: the sender was slow, not dead."""
    attempt = must_claim(scene, mail).attempt_id
    with scene.database.transaction() as transaction:
        outcomes.doubt_abandoned(transaction, Batch(mail_id=mail), NOW)
        outcomes.accept(transaction, attempt, "provider-1", NOW)
    assert scene.mail(mail).state == "accepted"


def test_an_acknowledgement_is_fenced_by_its_attempt(scene: Scene, mail: UUID) -> None:
    """P4: an attempt that was given back cannot speak for the next one."""
    first = must_claim(scene, mail).attempt_id
    with scene.database.transaction() as transaction:
        outcomes.give_back(transaction, first, "429", NOW)
    second = must_claim(scene, mail).attempt_id
    with scene.database.transaction() as transaction:
        outcomes.accept(transaction, first, "provider-1", NOW)
    assert (scene.mail(mail).state, scene.mail(mail).attempt_id) == ("sending", second)
    assert scene.mail(mail).attempts == 2


def settle(scene: Scene, mail: UUID, now: datetime) -> str:
    with scene.database.transaction() as transaction:
        outcomes.settle(transaction, Batch(mail_id=mail), settle_after=TEN_SECONDS, now=now)
    return scene.mail(mail).state


def doubtful(scene: Scene, mail: UUID) -> UUID:
    """The attempt of which nobody knows; later ones are heard of as the test says."""
    attempt = must_claim(scene, mail).attempt_id
    with scene.database.transaction() as transaction:
        outcomes.doubt(transaction, attempt, "the line broke", NOW)
    return attempt


def heard_of_later(scene: Scene, attempts: int) -> None:
    for number, other in enumerate(queue(scene, loose_mails(attempts)), start=1):
        later = must_claim(scene, other, NOW + number * SECOND)
        tell(scene, event(other, later.attempt_id, "processed"))


@pytest.mark.parametrize(("attempts", "state"), [(0, "operator"), (2, "operator"), (3, "queued")])
def test_silence_is_evidence_only_beside_three_later_attempts(
    scene: Scene, mail: UUID, attempts: int, state: str
) -> None:
    """P4: repeated by the machine only on evidence that the first try did not go out."""
    doubtful(scene, mail)
    heard_of_later(scene, attempts)
    assert settle(scene, mail, NOW + TEN_SECONDS - SECOND) == "unknown"
    waiting = "queued" if state == "queued" else "unknown"
    assert settle(scene, mail, NOW + TEN_SECONDS) == waiting
    assert settle(scene, mail, NOW + 3 * TEN_SECONDS - SECOND) == waiting
    assert settle(scene, mail, NOW + 3 * TEN_SECONDS) == state


def test_a_lost_request_is_settled_by_as_many_statements_however_many_copies_it_had(
    scene: Scene,
) -> None:
    """P4: a thousand copies keep no other writer waiting."""
    statements = []
    for copies in (1, 300):
        subject = uuid4()
        queue(scene, loose_mails(copies, subject_id=subject))
        lost = claim(scene.database, Batch(subject_id=subject))
        assert lost
        with scene.database.transaction() as transaction:
            outcomes.doubt(transaction, lost.attempt_id, "the line broke", NOW)
        heard_of_later(scene, 3)
        with counted(scene.database) as said, scene.database.transaction() as transaction:
            outcomes.settle(
                transaction, Batch(subject_id=subject), settle_after=TEN_SECONDS, now=LATER
            )
        statements.append(len(said))
        with scene.database.session() as session:
            assert outbox.states(session, Batch(subject_id=subject)) == {"queued": copies}
    assert statements[0] == statements[1]


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that a database is told meanwhile."""
    said: list[str] = []

    def hear(*told: object) -> None:
        said.append(str(told[2]))

    sql_event.listen(database.engine, "before_cursor_execute", hear)
    yield said
    sql_event.remove(database.engine, "before_cursor_execute", hear)


def test_several_events_of_one_later_attempt_are_one_witness(scene: Scene, mail: UUID) -> None:
    """P4."""
    doubtful(scene, mail)
    subject = uuid4()
    others = queue(scene, loose_mails(3, subject_id=subject))
    later = claim(scene.database, Batch(subject_id=subject), now=NOW + SECOND)
    assert later
    tell(scene, *(event(other, later.attempt_id, "processed") for other in others))
    assert settle(scene, mail, NOW + ONE_HOUR) == "operator"


def test_events_of_earlier_attempts_prove_nothing(scene: Scene, mail: UUID) -> None:
    """P4."""
    for other in queue(scene, loose_mails(3)):
        earlier = must_claim(scene, other, NOW - SECOND)
        tell(scene, event(other, earlier.attempt_id, "delivered"))
    doubtful(scene, mail)
    assert settle(scene, mail, NOW + ONE_HOUR) == "operator"


def test_an_event_that_comes_after_all_stops_the_repetition(scene: Scene, mail: UUID) -> None:
    """P4: requeued on silence, then heard of before it was sent again."""
    attempt = doubtful(scene, mail)
    heard_of_later(scene, 3)
    assert settle(scene, mail, NOW + ONE_HOUR) == "queued"
    tell(scene, event(mail, attempt, "delivered"))
    assert scene.mail(mail).state == "delivered"
    assert claim(scene.database, Batch(mail_id=mail)) is None


def test_one_event_of_an_attempt_proves_all_its_copies(scene: Scene) -> None:
    """P4: a request is taken whole."""
    subject = uuid4()
    heard, silent = queue(scene, loose_mails(2, subject_id=subject))
    claimed = claim(scene.database, Batch(subject_id=subject))
    assert claimed
    with scene.database.transaction() as transaction:
        outcomes.doubt(transaction, claimed.attempt_id, "the line broke", NOW)
    tell(scene, event(heard, claimed.attempt_id, "bounce"))
    assert (scene.mail(heard).state, scene.mail(silent).state) == ("bounced", "accepted")


def test_ops_send_again_only_what_is_in_doubt(scene: Scene, mail: UUID) -> None:
    """P4."""

    def resent() -> bool:
        with scene.database.transaction() as transaction:
            return doubts.resend(transaction, mail, NOW)

    assert not resent()
    doubtful(scene, mail)
    assert settle(scene, mail, NOW + ONE_HOUR) == "operator"
    with scene.database.session() as session:
        assert [waiting.mails for waiting in doubts.doubts(session)] == [1]
    assert resent()
    assert not resent()
    assert scene.mail(mail).state == "queued"


def test_a_rejected_copy_takes_nobody_with_it(scene: Scene) -> None:
    """P4: the rest of its request did not go out, and is queued."""
    subject = uuid4()
    bad, good = queue(scene, loose_mails(2, subject_id=subject))
    claimed = claim(scene.database, Batch(subject_id=subject))
    assert claimed
    with scene.database.transaction() as transaction:
        outcomes.reject(transaction, claimed.attempt_id, [bad], "SendGrid answered 400", NOW)
    assert (scene.mail(bad).state, scene.mail(good).state) == ("rejected", "queued")
    with scene.database.session() as session:
        assert outbox.states(session, Batch(subject_id=subject)) == {"rejected": 1, "queued": 1}


def test_the_mails_of_an_answered_request_get_a_delivery_of_their_own(scene: Scene) -> None:
    """P22: its workflow may have ended, or been terminated, before the answer went out."""
    request = scene.request("dora@example.org")
    with scene.database.transaction() as transaction:
        assert senders.without_sender(transaction) == []
        transaction.get_one(DataSubjectRequest, request.id).answered_at = NOW
        transaction.flush()
        assert len(senders.without_sender(transaction)) == 1
