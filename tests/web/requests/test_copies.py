"""A copy of somebody's data: looked through by two of staff, fetched with a link and a code, once
(P11, P16, P24, P30, P32)."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from database.people.links import REQUEST_STATUS
from database.requests import answering, packages, sendable
from database.requests.redirections import sent_elsewhere
from database.storage import Storage
from database.tables import DataSubjectRequest, Fact, OutboxMail, Package, SourceTask
from domain.requests.data_subject_requests import Kind, Outcome
from domain.requests.packages import Copy
from domain.requests.personal_data import OWN_SOURCE
from tests.web.requests.asking import ALICE, Asking, ask
from tests.web.world import NOW, World, hidden
from web.rendering import pages_of
from web.requests.copies import PIECE_BYTES, _pieces
from web.site import Site

MONTH = timedelta(days=30)
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")


@pytest.fixture
def asking(world: World, database_kind: str, tmp_path: Path) -> Iterator[Asking]:
    yield from ask(world, ("access",), database_kind, tmp_path)


@pytest.fixture
def asking_both(world: World, database_kind: str, tmp_path: Path) -> Iterator[Asking]:
    yield from ask(world, ("access", "portability"), database_kind, tmp_path)


def test_alice_gets_everything_to_read_and_as_json_and_what_is_missing_is_said(
    asking: Asking,
) -> None:
    """P11, P24: from our own database and the company's; of the clinic's only who to ask."""
    asking.release()
    asking.answer()
    archive = asking.fetched()
    assert archive.namelist() == ["copy/copy.html", "copy/copy.json"]
    page = archive.read("copy/copy.html").decode()
    assert "Alice Abel" in page
    assert "Could not be had: Signed contracts in the cabinet.</strong> It burnt." in page
    assert "for Harbour Dental Clinic, who decides about it" in page
    assert "<script" not in page
    copy = json.loads(archive.read("copy/copy.json"))
    assert {one["source"] for one in copy["sources"]} == {
        *("promisekeeper", "billing", "sessions", "marketing")
    }


@pytest.mark.parametrize(("burnt", "said"), [(True, False), (False, True)])
def test_nobody_reads_that_we_looked_where_we_could_not(
    world: World, burnt: bool, said: bool
) -> None:
    """P10: a copy without anything in it says so only where every source answered."""
    about = {"held_for": (), "not_to_be_had": {"Signed contracts": "It burnt."} if burnt else {}}
    pages = pages_of(world.settings.company, "en", development=True)
    empty = Copy(reference="R-1", made_at=NOW, chapters=())
    page = pages.text(
        "copy.html", {"copy": empty, "zone": world.settings.company.zone, "style": "", **about}
    )
    assert ("We looked everywhere" in page) is said
    assert ("Could not be had" in page) is burnt


def test_every_instant_of_ours_says_that_it_is_utc(asking_both: Asking) -> None:
    """P11, P16: SQLite itself keeps no zone; to read, as JSON, and to take along."""
    asking_both.release()
    asking_both.answer(Kind.ACCESS)
    asking_both.answer(Kind.PORTABILITY)
    archive = asking_both.fetched()
    copy = json.loads(archive.read("copy/copy.json"))["sources"]
    tables = json.loads(archive.read("take-along/data.json"))["tables"]
    page = archive.read("copy/copy.html").decode()
    texts = [
        page[page.index("<h2>Notices, approvals") : page.index("<h2>", page.index("Notices,"))],
        *(json.dumps(one) for one in [*copy, *tables] if one["source"] == OWN_SOURCE),
        *(
            archive.read(name).decode()
            for name in archive.namelist()
            if name.startswith(f"take-along/{OWN_SOURCE}")
        ),
    ]
    found = [INSTANT.findall(text) for text in texts]
    assert all(one.endswith("Z") for some in found for one in some), found
    assert all(found[:2])
    assert found[-1]


def test_who_takes_a_request_back_is_sent_nowhere_with_it(asking: Asking) -> None:
    """P24: where nothing is answered, nobody is told to ask others for the rest."""
    world = asking.world
    with world.database.session() as session:
        request = session.get_one(DataSubjectRequest, asking.id)
        assert sent_elsewhere(session, request) == ["Harbour Dental Clinic"]
    world.desk.withdraw_request(asking.id, REQUEST_STATUS)
    with world.database.session() as session:
        request = session.get_one(DataSubjectRequest, asking.id)
        assert sent_elsewhere(session, request) == ()


def test_what_is_taken_along_is_what_alice_gave_or_what_was_observed(asking_both: Asking) -> None:
    """P16: on consent or contract; nothing inferred, nothing from others, never PDF."""
    asking_both.release()
    with asking_both.world.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, asking_both.id)
        refusal = answering.Answer(outcome=Outcome.REDIRECTED, explanation="Ask them.")
        decision = answering.propose_decision(
            transaction,
            request,
            refusal,
            kind=Kind.ACCESS,
            decided_by=asking_both.world.staff["priya"].id,
            now=NOW,
        )
        transaction.flush()
        answering.apply_decision(transaction, request, decision.id, NOW)
    asking_both.answer(Kind.PORTABILITY)
    archive = asking_both.fetched()
    assert not any(name.startswith("copy/") for name in archive.namelist())
    data = archive.read("take-along/data.json").decode()
    assert "alice@people.example" in data
    assert "likely_to_buy" not in data
    assert "take-along/csv-metadata.json" in archive.namelist()


def test_staff_look_once_through_what_goes_into_two_copies(asking_both: Asking) -> None:
    """P11, P16: what they take out there is in neither."""
    asking_both.world.enter_as("priya")
    page = asking_both.world.browser.get(asking_both.page).text
    assert page.count("for access and portability</span>") == page.count("<h2>")
    assert page.count("/copy/redact/") == len(set(re.findall(r"/copy/redact/([^\"]+)", page)))
    case = asking_both.world.browser.get(f"/staff/requests/{asking_both.reference}").text
    assert "For access and portability" in case


def test_what_tells_of_others_is_looked_at_before_anybody_lets_it_go(asking: Asking) -> None:
    asking.world.enter_as("priya")
    assert "Nobody has looked yet." in asking.world.browser.get(asking.page).text
    refused = asking.press("priya", "put-forward")
    assert refused.status_code == 409
    assert "nobody has looked at them yet" in refused.text


def test_whatever_tells_of_others_is_taken_out_though_the_data_map_does_not_say_so(
    asking: Asking,
) -> None:
    """P11: the person who looks has the last word."""
    asking.look_at_everything("priya")
    with asking.world.database.session() as session:
        (part, one), *_ = zip(
            parts := packages.parts_of(session, asking.id),
            asking.world.desk.collected(parts),
            strict=True,
        )
    place = next(place for place, record in enumerate(one.records) if not record.others)
    field = f"value-{place}"
    page = asking.world.browser.get(asking.page).text
    choice = f'<option value="{part.task.id}-{place}">'
    assert page.count(choice) == 1
    assert f'name="{field}"' not in page.split(f"redact/{part.task.id}")[1].split("</form>")[0]
    opened = asking.world.browser.get(f"{asking.page}?value={part.task.id}-{place}").text
    assert choice not in opened
    assert "You found that it tells of other people." in opened
    words = {field: "[taken out]"}
    asking.world.post(asking.page, f"{asking.page}/redact/{part.task.id}", **words)
    assert "[taken out]" in asking.world.browser.get(f"{asking.page}/print").text
    assert "Altered; it was:" in asking.world.browser.get(asking.page).text


def name_bob(asking: Asking) -> tuple[int, str]:
    """The place of a value that the data map takes for Alice's alone, and what it says now."""
    with asking.world.database.transaction() as transaction:
        part = packages.parts_of(transaction, asking.id)[0]
        (one,) = asking.world.desk.collected([part])
        place = next(at for at, record in enumerate(one.records) if record.value == ALICE)
        words = f"{ALICE} shares it with bob@people.example"
        records = list(one.records)
        records[place] = replace(records[place], value=words)
        storage = Storage(asking.storage, asking.world.settings.data_keys)
        changed = replace(one, records=tuple(records))
        transaction.get_one(SourceTask, part.task.id).file = storage.keep(changed.to_bytes())
    return place, words


def test_what_names_somebody_elses_address_has_a_field_and_says_whose(asking: Asking) -> None:
    """P11: a value without any sign of others has none, so that those that have one are seen."""
    place, words = name_bob(asking)
    asking.world.enter_as("priya")
    page = asking.world.browser.get(asking.page).text
    assert re.findall(r"It names ([^<]*), which is none", page) == ["bob@people.example"]
    assert f'name="value-{place}" rows="3">{words}</textarea>' in page
    flagged = [value for fields in asking.forms().values() for value in fields.values()]
    assert page.count("<textarea") == len(flagged)
    assert words in flagged


def test_a_copy_is_not_put_forward_while_nobody_looked_at_what_names_somebody_else(
    asking: Asking,
) -> None:
    """P11: as what may tell of others by the data map, and the page says so until then."""
    asking.look_at_everything("priya")
    name_bob(asking)
    assert "Nobody has looked yet." in asking.world.browser.get(asking.page).text
    assert asking.press("priya", "put-forward").status_code == 409
    asking.look_at_everything("priya")
    assert "Given as it is." in asking.world.browser.get(asking.page).text
    assert asking.press("priya", "put-forward").status_code == 303


def test_what_is_taken_out_stands_in_no_file_that_alice_gets(asking: Asking) -> None:
    (fields,) = [one for one in asking.forms().values() if any(one.values())][-1:]
    secret = next(iter(fields.values()))
    asking.look_at_everything("priya", **{secret: "[taken out: another person]"})
    assert asking.press("priya", "put-forward").status_code == 303
    asking.world.enter_as("paul")
    review = asking.world.browser.get(asking.page).text
    assert "Altered; it was:" in review
    assert asking.press("paul", "release").status_code == 303
    asking.answer()
    archive = asking.fetched()
    whole = b"".join(archive.read(name) for name in archive.namelist()).decode()
    assert "[taken out: another person]" in whole
    assert secret not in whole


def test_nobody_releases_what_they_put_forward(asking: Asking) -> None:
    asking.look_at_everything("priya")
    assert asking.press("priya", "put-forward").status_code == 303
    refused = asking.press("priya", "release")
    assert refused.status_code == 409
    assert "You put it forward yourself" in refused.text


def test_what_changed_after_it_was_put_forward_is_looked_through_again(asking: Asking) -> None:
    asking.look_at_everything("priya")
    asking.press("priya", "put-forward")
    asking.world.enter_as("paul")
    seen = hidden(asking.world.browser.get(asking.page).text, "seen")
    with asking.world.database.session() as session:
        task = packages.parts_of(session, asking.id)[0].task
    asking.world.desk.redact(
        asking.reference, task.id, asking.world.staff["priya"].id, {0: "something else"}
    )
    refused = asking.world.post(asking.page, f"{asking.page}/release", seen=seen)
    assert refused.status_code == 409
    assert "The copy changed since" in refused.text


def test_a_copy_that_nobody_released_is_no_answer(asking: Asking) -> None:
    """Unless the person gets it in another way, which the evidence says."""
    with pytest.raises(sendable.DecisionRefused, match="not released yet"):
        asking.answer()


def test_reading_a_copy_is_recorded(asking: Asking) -> None:
    """P30."""
    asking.world.enter_as("priya")
    for path in (asking.page, f"{asking.page}/print"):
        assert asking.world.browser.get(path).status_code == 200
    with asking.world.database.session() as session:
        read = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).all()
    assert [one.subject_id for one in read] == [asking.id] * 2


@pytest.mark.parametrize("who", ["lena", "omar"])
def test_only_privacy_sees_a_copy(asking: Asking, who: str) -> None:
    """P30."""
    asking.world.enter_as(who)
    assert asking.world.browser.get(asking.page).status_code == 403


def test_looking_at_the_link_fetches_nothing_and_sends_nothing(asking: Asking) -> None:
    """A scanner of mails opens links."""
    asking.release()
    asking.answer()
    for _ in range(3):
        page = asking.world.browser.get(asking.link)
        assert page.status_code == 200
        assert "Abel" not in page.text
    with asking.world.database.session() as session:
        assert session.exec(select(OutboxMail).where(_is_code)).all() == []
        assert session.exec(select(Package)).one().fetched_at is None


_is_code = OutboxMail.template == "request_copy_code"


def test_a_copy_is_fetched_once(asking: Asking) -> None:
    asking.release()
    asking.answer()
    link = asking.link
    asking.fetched()
    again = asking.world.browser.get(link)
    assert again.status_code == 410
    assert "it can be fetched once" in again.text
    assert asking.world.browser.post(link, data={"code": asking.code()}).status_code == 410


def test_a_transfer_that_was_broken_off_has_used_up_nothing(asking: Asking) -> None:
    asking.release()
    asking.answer()
    site: Site = asking.world.browser.app.state.site  # type: ignore[attr-defined]
    with asking.world.database.session() as session:
        request = session.get_one(DataSubjectRequest, asking.id)
    pieces = _pieces(site, request, b"x" * (2 * PIECE_BYTES + 1))
    next(pieces)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    with asking.world.database.session() as session:
        assert session.exec(select(Package)).one().fetched_at is None
    asking.fetched()
    with asking.world.database.session() as session:
        assert session.exec(select(Package)).one().fetched_at is not None


def test_three_wrong_codes_and_one_asks_for_another(asking: Asking) -> None:
    asking.release()
    asking.answer()
    browser = asking.world.browser
    browser.post(f"{asking.link}/code")
    first = asking.code()
    assert "eight digits" in browser.post(asking.link, data={"code": "abc"}).text
    for _ in range(3):
        assert browser.post(asking.link, data={"code": "00000000"}).status_code == 422
    assert browser.post(asking.link, data={"code": first}).status_code == 422
    browser.post(f"{asking.link}/code")
    assert browser.post(asking.link, data={"code": asking.code()}).status_code == 200


def test_there_are_only_so_many_codes_in_an_hour(asking: Asking) -> None:
    asking.release()
    asking.answer()
    answers = [asking.world.browser.post(f"{asking.link}/code").status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]


def test_the_file_comes_as_a_download_that_nobody_keeps(asking: Asking) -> None:
    asking.release()
    asking.answer()
    asking.world.browser.post(f"{asking.link}/code")
    answer = asking.world.browser.post(asking.link, data={"code": asking.code()})
    headers = answer.headers
    assert headers["content-disposition"] == f'attachment; filename="{asking.reference}.zip"'
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert int(headers["content-length"]) == len(answer.content)


def test_after_a_month_the_link_is_closed(asking: Asking) -> None:
    asking.release()
    asking.answer()
    asking.world.parts["clock"].advance(MONTH)
    assert asking.world.browser.get(asking.link).status_code == 410


def test_what_is_deleted_leaves_no_file_and_says_when(asking: Asking) -> None:
    asking.release()
    asking.answer()
    assert list(asking.storage.iterdir())
    database, later = asking.world.database, NOW + MONTH
    with database.session() as session:
        assert packages.files_to_delete(session, MONTH, later - timedelta(seconds=1)) == []
        tasks = packages.files_to_delete(session, MONTH, later)
    storage = Storage(asking.storage, asking.world.settings.data_keys)
    for task_id in tasks:
        with database.transaction() as transaction:
            file = packages.forget_file(transaction, task_id, later)
        storage.delete(file)
    assert list(asking.storage.iterdir()) == []
    with database.session() as session:
        assert session.exec(select(Package)).one().deleted_at == later
        assert {task.file for task in session.exec(select(SourceTask))} == {None}
    assert asking.world.browser.get(asking.link).status_code == 410


def test_an_answer_by_another_way_makes_no_link(asking: Asking) -> None:
    words = answering.Answer(
        outcome=Outcome.FULFILLED, explanation="Here it is.", evidence="on paper, at the counter"
    )
    with asking.world.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, asking.id)
        decision = answering.propose_decision(
            transaction, request, words, decided_by=asking.world.staff["priya"].id, now=NOW
        )
        transaction.flush()
        answering.apply_decision(transaction, request, decision.id, NOW)
    with asking.world.database.session() as session:
        assert packages.copy_link(session, asking.id) is None


def test_the_case_page_shows_each_source_and_a_draft_to_sign(asking: Asking) -> None:
    asking.release()
    page = asking.world.browser.get(f"/staff/requests/{asking.reference}").text
    assert 'billing: copy it <span class="state done">done</span>' in page
    assert "paper: copy it" in page
    assert "It burnt." in page
    assert "Something is held for Harbour Dental Clinic" in page
    assert "We have put together a copy of the data" in page
