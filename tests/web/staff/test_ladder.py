"""What staff do about a request's ladder: say that they act, put its receipt right (P21, P26)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import select

from database.requests.rungs import fire
from database.tables import DataSubjectRequest, FiredRung, ReceiptCorrection
from domain.rungs import Role, Rung, RungKind
from tests.web.world import NOW, World

DAY = timedelta(days=1)
A_REMINDER = Rung(
    key="d-20", at=NOW, kind=RungKind.REMINDER, audience=(Role.ASSIGNEE,), summary="a reminder"
)


@pytest.fixture
def request_made(world: World) -> str:
    """The page of Alice's request, from Germany."""
    form = {"kinds": "access", "contact_address": "alice@example.org", "country": "DE"}
    world.browser.post("/requests/new", data=form)
    return f"/staff/requests/{look(world).reference}"


def look(world: World) -> DataSubjectRequest:
    with world.database.session() as session:
        return session.exec(select(DataSubjectRequest)).one()


def local(world: World, by: timedelta) -> str:
    received = look(world).received_at + by
    return received.astimezone(world.settings.zone).strftime("%Y-%m-%dT%H:%M")


def test_priya_has_seen_it_and_acts(world: World, request_made: str) -> None:
    """P21: the button is there while somebody is waited for; then the page says who acts."""
    world.enter_as("priya")
    assert "I have seen this and act" not in world.browser.get(request_made).text
    with world.database.transaction() as transaction:
        fire(transaction, transaction.exec(select(DataSubjectRequest)).one(), A_REMINDER, now=NOW)
    page = world.browser.get(request_made).text
    assert "I have seen this and act" in page
    assert "reminder to the assignee, 20 days before the answer is due" in page
    told = world.messenger.told
    assert world.post(request_made, f"{request_made}/acknowledge").status_code == 303
    assert world.messenger.told == told + 1
    page = world.browser.get(request_made).text
    assert "I have seen this and act" not in page
    assert "acknowledged by Priya" in page
    with world.database.session() as session:
        assert session.exec(select(FiredRung)).one().acknowledged_by == world.staff["priya"].id


def test_nothing_is_acknowledged_before_anybody_was_told(world: World, request_made: str) -> None:
    world.enter_as("priya")
    answer = world.post(request_made, f"{request_made}/acknowledge")
    assert answer.status_code == 409
    assert "has not spoken yet" in answer.text


def test_a_letter_that_came_earlier_is_due_earlier_at_once(world: World, request_made: str) -> None:
    """P26."""
    world.enter_as("priya")
    before = look(world)
    answer = world.post(
        request_made,
        f"{request_made}/receipt",
        received_at=local(world, -3 * DAY),
        country="DE",
    )
    assert answer.status_code == 303
    after = look(world)
    assert after.received_at <= before.received_at - 3 * DAY
    assert after.due_at < before.due_at


def test_a_country_learned_later_leaves_the_receipt_as_it_was(
    world: World, request_made: str
) -> None:
    """P21: to the microsecond, although the form has minutes."""
    world.enter_as("priya")
    before = look(world)
    answer = world.post(
        request_made, f"{request_made}/receipt", received_at=local(world, 0 * DAY), country="kr"
    )
    assert answer.status_code == 303
    after = look(world)
    assert after.received_at == before.received_at
    assert (after.country, after.rule) == ("KR", "statute.korea")
    assert "statute.korea" in world.browser.get(request_made).text


def test_a_later_receipt_waits_for_a_colleague(world: World, request_made: str) -> None:
    """P26: with its proof, and not by the one who says so."""
    with world.database.transaction() as transaction:
        transaction.exec(select(DataSubjectRequest)).one().received_at -= 5 * DAY
    world.enter_as("priya")
    later = {"received_at": local(world, DAY), "country": "DE"}
    refused = world.post(request_made, f"{request_made}/receipt", **later)
    assert refused.status_code == 409
    assert "needs its proof" in refused.text
    proved = {**later, "proof": "The envelope is stamped."}
    assert world.post(request_made, f"{request_made}/receipt", **proved).status_code == 303
    with world.database.session() as session:
        waits = str(session.exec(select(ReceiptCorrection)).one().id)
    page = world.browser.get(request_made).text
    assert "A colleague of yours has to confirm it" in page
    confirm = f"{request_made}/receipt/confirm"
    own = world.post(request_made, confirm, correction=waits)
    assert own.status_code == 409
    assert "second person" in own.text
    world.enter_as("paul")
    assert "The envelope is stamped." in world.browser.get(request_made).text
    assert world.post(request_made, confirm, correction="nonsense").status_code == 409
    before = look(world)
    assert world.post(request_made, confirm, correction=waits).status_code == 303
    assert look(world).received_at > before.received_at


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"received_at": "yesterday", "country": "DE"}, "Give day and time"),
        ({"received_at": "2026-01-05T10:00", "country": "Germany"}, "not a country code"),
        ({"received_at": "2036-01-05T10:00", "country": "DE"}, "in the future"),
    ],
)
def test_a_receipt_that_cannot_be_is_refused_and_keeps_its_words(
    world: World, request_made: str, fields: dict[str, str], words: str
) -> None:
    world.enter_as("priya")
    before = look(world)
    answer = world.post(request_made, f"{request_made}/receipt", **fields, proof="It says so.")
    assert answer.status_code == 409
    assert words in answer.text
    assert ">It says so.</textarea>" in answer.text
    assert look(world) == before


def test_paul_is_away_and_priya_stands_in(world: World) -> None:
    """P21: he says so himself; who is no admin says it of nobody else."""
    page = "/staff/colleagues"
    world.enter_as("paul")
    away = {"handle": "paul", "delegate": "priya", "from": "2026-03-02", "until": "2026-12-01"}
    assert world.post(page, f"{page}/absent", **away).status_code == 303
    shown = world.browser.get(page).text
    assert "Priya stands in" in shown
    other = world.post(page, f"{page}/absent", **{**away, "handle": "priya", "delegate": "paul"})
    assert other.status_code == 409
    assert "Only priya or an admin" in other.text
    assert world.post(page, f"{page}/back", handle="paul").status_code == 303
    assert "Priya stands in" not in world.browser.get(page).text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"from": "soon"}, "Give the day from when"),
        ({"until": "2020-01-01"}, "before its first"),
        ({"delegate": "lena"}, "none of the roles"),
        ({"delegate": "nobody"}, "no member of staff called nobody"),
    ],
)
def test_an_absence_that_cannot_be_is_refused_in_words(
    world: World, fields: dict[str, str], words: str
) -> None:
    page = "/staff/colleagues"
    world.enter_as("paul")
    good = {"handle": "paul", "delegate": "priya", "from": "2026-03-02", "until": "2026-03-06"}
    answer = world.post(page, f"{page}/absent", **{**good, **fields})
    assert answer.status_code == 409
    assert words in answer.text


def test_the_late_reply_is_read_and_approved_by_two(world: World, request_made: str) -> None:
    """P21: until then the first page and the case say that it is missing."""
    page = "/staff/late-reply"
    approve_all = approver(world, page)
    world.enter_as("priya")
    assert "waits for two of privacy to approve it in English, German" in (
        world.browser.get("/staff").text
    )
    assert "not approved yet in this person" in world.browser.get(request_made).text
    text = world.browser.get(page).text
    assert "The fault is ours" in text
    assert "Der Fehler liegt bei uns" in text
    assert approve_all() == 2
    assert approve_all() == 0
    assert "waits for two of privacy" in world.browser.get("/staff").text
    world.enter_as("paul")
    assert approve_all() == 2
    assert "waits for two of privacy" not in world.browser.get("/staff").text
    assert "not approved yet" not in world.browser.get(request_made).text


def approver(world: World, page: str) -> Callable[[], int]:
    """Press every button to approve that the page has; how many there were."""

    def approve_all() -> int:
        words = world.browser.get(page).text
        hashes = [part[:64] for part in words.split('name="sha256" value="')[1:]]
        for sha256 in hashes:
            world.post(page, f"{page}/approve", sha256=sha256)
        return len(hashes)

    return approve_all


def test_words_that_nobody_was_shown_are_not_approved(world: World) -> None:
    """P21: a mail that changed meanwhile is another one."""
    page = "/staff/late-reply"
    world.enter_as("priya")
    assert world.post(page, f"{page}/approve", sha256="0" * 64).status_code == 303
    assert "0 of 2" in world.browser.get(page).text


@pytest.mark.parametrize("handle", ["lena", "otto", "sofia"])
def test_only_privacy_reads_and_approves_the_late_reply(world: World, handle: str) -> None:
    """P30."""
    world.enter_as(handle)
    assert world.browser.get("/staff/late-reply").status_code == 403
    assert "waits for two of privacy" not in world.browser.get("/staff").text
