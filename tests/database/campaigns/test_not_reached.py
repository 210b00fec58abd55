"""Whom the first notice did not reach: named, with a reason, an owner and a due date (P4)."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from unittest.mock import Mock
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import col, select

from database.campaigns import freezing, not_reached
from database.campaigns.controls import ControlRefused
from database.campaigns.not_reached import NotReached
from database.campaigns.progress import progress_of
from database.mail import outcomes
from database.mail.delivery import Event, record_events
from database.mail.mail_rows import Batch
from database.mail.outbox import claim
from database.mail.steps import FIRST_NOTICE
from database.people.accounts import AccountRow
from database.tables import Account, Campaign, Link, OutboxMail, PolicyVersion, Staff
from tests.deciding import DECLINED
from tests.people import ALICE, BOB, CAROL, DORA
from tests.scene import EFFECT, NOW, ONE_HOUR, Scene

BERLIN = ZoneInfo("Europe/Berlin")
NOBODY = AccountRow(external_id="004-emil", email="", name="Emil Eriksen", locale="de")
TWO_WEEKS = timedelta(days=14)


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """Alice's mail bounced, Bob's is of unknown outcome, Carol has hers, Emil has no address, and
    Dora joined later."""
    scene.import_accounts(ALICE, BOB, CAROL, NOBODY)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    becomes(scene, ALICE, "bounced")
    becomes(scene, BOB, "operator")
    becomes(scene, CAROL, "delivered")
    scene.import_accounts(DORA, now=NOW + ONE_HOUR)
    return campaign


def becomes(scene: Scene, who: AccountRow, state: str) -> None:
    with scene.database.transaction() as transaction:
        mail = mail_of(scene, who)
        row = transaction.get_one(OutboxMail, mail.id)
        row.state, row.claimed_at, row.settled_at = state, NOW, NOW


def mail_of(scene: Scene, who: AccountRow) -> OutboxMail:
    with scene.database.session() as session:
        return session.exec(
            select(OutboxMail)
            .join(Account, col(Account.id) == col(OutboxMail.addressee_id))
            .where(Account.external_id == who.external_id, OutboxMail.step == FIRST_NOTICE)
        ).one()


def listed(scene: Scene, campaign: UUID) -> dict[str, NotReached]:
    with scene.database.session() as session:
        rows = not_reached.not_reached(session, session.get_one(Campaign, campaign), BERLIN)
    return {row.account: row for row in rows}


def counted(scene: Scene, campaign: UUID) -> tuple[int, int]:
    with scene.database.session() as session:
        progress = progress_of(session, session.get_one(Campaign, campaign))
    return progress.not_reached, progress.reached_otherwise


def assign(scene: Scene, campaign: UUID, to: str, state: str | None = None, *who: str) -> int:
    with scene.database.transaction() as transaction:
        return not_reached.assign(
            transaction,
            transaction.get_one(Campaign, campaign),
            owner=transaction.get_one(Staff, scene.staff[to]),
            state=state,
            accounts=who,
            by=scene.staff["lena"],
            now=NOW,
        )


def mark(scene: Scene, campaign: UUID, who: AccountRow, how: str, reason: str = "a letter") -> None:
    with scene.database.transaction() as transaction:
        account = transaction.get_one(Account, scene.account(who.external_id).id)
        not_reached.mark_reached(
            transaction,
            transaction.get_one(Campaign, campaign),
            account,
            how=how,
            reason=reason,
            by=scene.staff["petra"],
            now=NOW,
        )


def fix_effect(scene: Scene, campaign: UUID, at: datetime) -> None:
    with scene.database.transaction() as transaction:
        version = transaction.get_one(Campaign, campaign).policy_version_id
        transaction.get_one(PolicyVersion, version).effective_at = at


def test_everybody_missed_is_listed_with_the_reason_and_nobody_else(
    scene: Scene, campaign: UUID
) -> None:
    found = listed(scene, campaign)
    assert {name: row.state for name, row in found.items()} == {
        ALICE.external_id: "bounced",
        BOB.external_id: "unknown",
        NOBODY.external_id: "no_address",
        DORA.external_id: "joined_later",
    }
    assert {row.owner for row in found.values()} == {"lena"}
    assert {row.governing_version for row in found.values()} == {1}
    assert counted(scene, campaign) == (4, 0)
    assert not_reached.segments([*found.values()])["language"] == {"de": 1, "en": 3}


@pytest.mark.parametrize("at_once", [1, 2, 1000])
def test_a_long_list_is_counted_a_few_at_a_time(
    scene: Scene, campaign: UUID, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """P4: the counts of the report and of escalations are those of the list."""
    monkeypatch.setattr(not_reached, "LISTED_AT_ONCE", at_once)
    rows = [*listed(scene, campaign).values()]
    with scene.database.session() as session:
        row = session.get_one(Campaign, campaign)
        assert not_reached.segments_of(session, row) == not_reached.segments(rows)


def test_a_long_list_is_read_as_it_is_written_out(
    scene: Scene, campaign: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4: whoever asks for a line has read no more than a page, and nobody is left out."""
    monkeypatch.setattr(not_reached, "LISTED_AT_ONCE", 1)
    whole = list(listed(scene, campaign).values())
    pages = Mock(wraps=not_reached._missed)
    monkeypatch.setattr(not_reached, "_missed", pages)
    with scene.database.session() as session:
        row = session.get_one(Campaign, campaign)
        each = not_reached.each_not_reached(session, row, BERLIN)
        first = next(each)
        assert pages.call_count == 1
        assert sorted([first, *each], key=lambda one: one.account) == whole
    assert len(whole) == 4


def test_an_account_without_an_address_is_never_claimed(scene: Scene, campaign: UUID) -> None:
    with scene.database.transaction() as transaction:
        assert claim(transaction, Batch(subject_id=campaign), limit=1000, now=NOW) is None
    assert mail_of(scene, NOBODY).reason == "the account has no address"


def test_the_due_date_leaves_them_time_to_decide(scene: Scene, campaign: UUID) -> None:
    """Two weeks after it failed, or a week before the effect when that comes first."""
    assert listed(scene, campaign)[ALICE.external_id].due_on == date(2026, 3, 16)
    fix_effect(scene, campaign, NOW + TWO_WEEKS)
    assert listed(scene, campaign)[ALICE.external_id].due_on == date(2026, 3, 9)
    fix_effect(scene, campaign, NOW + ONE_HOUR)
    assert listed(scene, campaign)[ALICE.external_id].due_on == date(2026, 3, 2)


def test_those_of_one_reason_or_named_are_given_to_somebody_else(
    scene: Scene, campaign: UUID
) -> None:
    assert assign(scene, campaign, "petra", "bounced") == 1
    assert assign(scene, campaign, "petra", "bounced") == 0
    assert assign(scene, campaign, "paul", None, DORA.external_id) == 1
    owners = {name: row.owner for name, row in listed(scene, campaign).items()}
    assert owners == {
        ALICE.external_id: "petra",
        BOB.external_id: "lena",
        NOBODY.external_id: "lena",
        DORA.external_id: "paul",
    }
    with pytest.raises(ControlRefused, match="1 of these accounts are not on the list"):
        assign(scene, campaign, "paul", None, CAROL.external_id)
    with pytest.raises(ControlRefused, match="Nobody like that"):
        assign(scene, campaign, "paul", "dropped")


def test_many_are_assigned_a_part_at_a_time(
    scene: Scene, campaign: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(not_reached, "ASSIGNED_AT_ONCE", 3)
    assert [assign(scene, campaign, "paul") for _ in range(3)] == [3, 1, 0]


def test_who_was_told_by_post_counts_as_reached_and_stays_listed_with_how_and_by_whom(
    scene: Scene, campaign: UUID
) -> None:
    mark(scene, campaign, ALICE, "post", "registered letter of 2 March")
    row = listed(scene, campaign)[ALICE.external_id]
    assert (row.reached_how, row.reached_by) == ("post", "petra")
    assert row.reached_reason == "registered letter of 2 March"
    assert counted(scene, campaign) == (3, 1)
    assert "bounced" not in not_reached.segments([row])["state"]
    with pytest.raises(ControlRefused, match="not on the list"):
        mark(scene, campaign, ALICE, "phone")


@pytest.mark.parametrize(
    ("who", "how", "reason", "words"),
    [
        (CAROL, "post", "a letter", "not on the list"),
        (ALICE, "pigeon", "a letter", "'pigeon' is no way"),
        (ALICE, "post", " ", "A reason is needed"),
    ],
)
def test_what_makes_no_sense_is_refused(
    scene: Scene, campaign: UUID, who: AccountRow, how: str, reason: str, words: str
) -> None:
    with pytest.raises(ControlRefused, match=words):
        mark(scene, campaign, who, how, reason)
    assert counted(scene, campaign) == (4, 0)


def mend(scene: Scene, who: AccountRow, email: str) -> None:
    scene.import_accounts(AccountRow(external_id=who.external_id, email=email), now=NOW + ONE_HOUR)


def links_of(scene: Scene, who: AccountRow) -> list[Link]:
    with scene.database.session() as session:
        account = scene.account(who.external_id).id
        query = select(Link).where(Link.account_id == account).order_by(col(Link.created_at))
        return list(session.exec(query).all())


@pytest.mark.parametrize("who", [ALICE, NOBODY])
def test_a_mended_address_gets_the_first_notice_with_a_new_link(
    scene: Scene, campaign: UUID, who: AccountRow
) -> None:
    """P4, P32: as a new attempt; the old link is replaced by the new one."""
    fix_effect(scene, campaign, EFFECT)
    mend(scene, who, "new@people.example")
    mail = mail_of(scene, who)
    old, new = links_of(scene, who)
    assert (mail.state, mail.link_id, mail.attempt_id) == ("queued", new.id, None)
    assert (old.successor_id, new.successor_id) == (new.id, None)
    assert counted(scene, campaign)[0] == 3
    with scene.database.transaction() as transaction:
        assert claim(transaction, Batch(subject_id=campaign), limit=1000, now=NOW)


def test_a_bounce_of_the_old_address_that_is_told_twice_does_not_stop_the_new_mail(
    scene: Scene, campaign: UUID
) -> None:
    attempt = scene.staff["lena"]  # any id
    mail = mail_of(scene, CAROL).id
    with scene.database.transaction() as transaction:
        transaction.get_one(OutboxMail, mail).attempt_id = attempt
    bounce = Event(mail_id=mail, attempt_id=attempt, event="bounce", occurred_at=NOW)
    with scene.database.transaction() as transaction:
        record_events(transaction, [bounce], NOW)
    assert mail_of(scene, CAROL).state == "bounced"
    mend(scene, CAROL, "new@people.example")
    with scene.database.transaction() as transaction:
        assert record_events(transaction, [bounce], NOW) == 0
    assert mail_of(scene, CAROL).state == "queued"


@pytest.mark.parametrize("case", ["same", "empty", "answered", "in effect", "unknown", "delivered"])
def test_nobody_else_is_mailed_again(scene: Scene, campaign: UUID, case: str) -> None:
    """The same address, none, who has answered, after the effect, of unknown outcome, delivered."""
    who = {"unknown": BOB, "delivered": CAROL}.get(case, ALICE)
    before = mail_of(scene, who).state
    if case == "answered":
        scene.decide(ALICE, DECLINED)
    fix_effect(scene, campaign, NOW if case == "in effect" else EFFECT)
    mend(scene, who, {"same": ALICE.email, "empty": ""}.get(case, "new@people.example"))
    assert mail_of(scene, who).state == before
    assert len(links_of(scene, who)) == (1 if case in ("same", "empty") else 2)
    if case == "empty":
        assert scene.account(ALICE.external_id).email == ALICE.email


CLOSED_FRANK = AccountRow(external_id="005-frank", email="frank@people.example", status="closed")
OPEN_FRANK = replace(CLOSED_FRANK, status="open")
SERVICE = AccountRow(
    external_id="006-bot", email="bot@people.example", kind="service", exempt_reason="a robot"
)


@pytest.fixture
def closed(scene: Scene, request: pytest.FixtureRequest) -> UUID:
    """A campaign whose audience Frank belongs to; he was closed before his mail was queued, or
    before it went out."""
    scene.import_accounts(ALICE, OPEN_FRANK)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    fix_effect(scene, campaign, EFFECT)
    if request.param == "while it waited":
        scene.queue_step(campaign)
    scene.import_accounts(CLOSED_FRANK, now=NOW + ONE_HOUR)
    scene.queue_step(campaign)
    send_all(scene, campaign)
    return campaign


def send_all(scene: Scene, campaign: UUID) -> int:
    """How many mails of a campaign go out now."""
    with scene.database.transaction() as transaction:
        claimed = claim(transaction, Batch(subject_id=campaign), limit=9, now=NOW + ONE_HOUR)
        if claimed:
            outcomes.accept(transaction, claimed.attempt_id, "x", NOW + ONE_HOUR)
        return claimed.copies if claimed else 0


either_time = pytest.mark.parametrize(
    "closed", ["before it was queued", "while it waited"], indirect=True
)


@either_time
def test_who_was_closed_when_notices_went_out_gets_theirs_once_open_again(
    scene: Scene, closed: UUID
) -> None:
    """P4: and is on no list as long as nobody is behind the account."""
    assert mail_of(scene, OPEN_FRANK).state == "cancelled"
    assert listed(scene, closed) == {}
    scene.import_accounts(OPEN_FRANK, now=NOW + 2 * ONE_HOUR)
    assert send_all(scene, closed) == 1
    assert mail_of(scene, OPEN_FRANK).state == "accepted"
    assert counted(scene, closed) == (0, 0)


@either_time
def test_who_comes_back_too_late_for_a_notice_is_on_the_list(scene: Scene, closed: UUID) -> None:
    """P4: no mail announces what is past, so somebody has to tell them."""
    fix_effect(scene, closed, NOW)
    scene.import_accounts(OPEN_FRANK, now=NOW + 2 * ONE_HOUR)
    assert send_all(scene, closed) == 0
    assert listed(scene, closed)[OPEN_FRANK.external_id].state == "cancelled"
    assert counted(scene, closed) == (1, 0)


@pytest.mark.parametrize(
    ("kinds", "template"),
    [
        (("minor", "person"), "approval_first_notice"),
        (("person", "minor"), "minor_first_notice"),
        (("service", "minor"), "minor_first_notice"),
    ],
)
def test_the_notice_of_who_comes_back_as_somebody_else_is_theirs(
    scene: Scene, kinds: tuple[str, str], template: str
) -> None:
    """P4, P5: it was kept back when it was queued; only who can approve is asked."""
    before, after = kinds
    scene.import_accounts(OPEN_FRANK)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    fix_effect(scene, campaign, EFFECT)
    exempt = "a robot" if before == "service" else None
    gone = replace(CLOSED_FRANK, kind=before, exempt_reason=exempt)
    scene.import_accounts(gone, now=NOW + ONE_HOUR)
    scene.queue_step(campaign)
    assert mail_of(scene, OPEN_FRANK).state == "cancelled"
    scene.import_accounts(replace(OPEN_FRANK, kind=after), now=NOW + 2 * ONE_HOUR)
    mail = mail_of(scene, OPEN_FRANK)
    assert (mail.state, mail.template) == ("queued", template)


def test_nobody_is_to_reach_an_account_that_was_closed(scene: Scene, campaign: UUID) -> None:
    """P4: there is nothing left to tell its holder of."""
    scene.import_accounts(AccountRow(external_id=ALICE.external_id, email="", status="closed"))
    assert ALICE.external_id not in listed(scene, campaign)
    assert counted(scene, campaign) == (3, 0)


def test_who_turns_out_to_be_a_person_after_the_freeze_is_on_the_list(scene: Scene) -> None:
    """P4: they were not addressed as what they were taken for, and the change concerns them."""
    scene.import_accounts(ALICE, SERVICE)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    assert listed(scene, campaign) == {}
    scene.import_accounts(
        AccountRow(external_id=SERVICE.external_id, email="", kind="person"), now=NOW + ONE_HOUR
    )
    assert listed(scene, campaign)[SERVICE.external_id].state == "joined_later"
    assert counted(scene, campaign) == (1, 0)


def test_what_a_campaign_that_was_called_off_did_not_send_is_on_no_list(
    scene: Scene, campaign: UUID
) -> None:
    """P8: nothing comes of it, so nobody has to hear of it."""
    becomes(scene, CAROL, "cancelled")
    assert listed(scene, campaign)[CAROL.external_id].state == "cancelled"
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign).state = "replaced"
    assert CAROL.external_id not in listed(scene, campaign)


def test_who_has_answered_is_not_to_be_reached(scene: Scene, campaign: UUID) -> None:
    """P4: she read it and declined, and then her mail program called it spam."""
    assert ALICE.external_id in listed(scene, campaign)
    before, _ = counted(scene, campaign)
    scene.decide(ALICE, DECLINED, at=NOW + ONE_HOUR)
    assert ALICE.external_id not in listed(scene, campaign)
    assert counted(scene, campaign) == (before - 1, 0)


@pytest.mark.parametrize("state", ["withdrawn", "replaced"])
def test_of_a_version_that_never_comes_nobody_who_joins_is_owed_word(
    scene: Scene, campaign: UUID, state: str
) -> None:
    """P7, P8: else the list would grow with every new account, for ever."""
    assert DORA.external_id in listed(scene, campaign)
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign).state = state
    assert DORA.external_id not in listed(scene, campaign)
