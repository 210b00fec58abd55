"""A copy of somebody's data: looked through by two of staff, fetched with a link and a code, once
(P11, P16, P24, P30, P32)."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID
from zipfile import ZipFile

import pytest
from httpx import Response
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.mail.courier import Courier
from activities.requests.requests import RequestInput
from activities.requests.sources import SourceActivities
from database.people.links import REQUEST_COPY, REQUEST_COPY_CODE
from database.requests import answering, packages, sendable, source_tasks
from database.storage import Storage
from database.tables import (
    Account,
    DataSubjectRequest,
    Fact,
    IdentityCode,
    Link,
    OutboxMail,
    Package,
    SourceTask,
)
from domain.requests.data_subject_requests import Kind, Outcome
from mail.links import make_code, make_token
from tests.activities.requests.asked_sources import company_sources
from tests.web.world import NOW, World, hidden
from web.requests.copies import PIECE_BYTES, _pieces
from web.site import Site

ALICE = "alice@people.example"
MONTH = timedelta(days=30)


@dataclass(kw_only=True)
class Asking:
    """Alice's request, whose sources have answered."""

    world: World
    id: UUID
    reference: str
    storage: Path

    @property
    def page(self) -> str:
        """Where staff look through the copy."""
        return f"/staff/requests/{self.reference}/copy"

    def look_at_everything(self, who: str, **instead: str) -> None:
        """Say of each value that may tell of others what is given away; `instead` by field."""
        self.world.enter_as(who)
        for task_id, fields in self.forms().items():
            words = {name: instead.get(value, value) for name, value in fields.items()}
            done = self.world.post(self.page, f"{self.page}/redact/{task_id}", **words)
            assert done.status_code == 303, done.text

    def forms(self) -> dict[str, dict[str, str]]:
        """The values that wait for somebody, by the task that brought them."""
        with self.world.database.session() as session:
            parts = packages.parts_of(session, self.id)
            found = zip(parts, self.world.desk.collected(parts), strict=True)
            return {
                str(part.task.id): {
                    f"value-{place}": str(one.records[place].value) for place in one.to_look_at
                }
                for part, one in found
                if one.to_look_at
            }

    def press(self, who: str, what: str) -> Response:
        """One of the buttons of the page."""
        self.world.enter_as(who)
        with self.world.database.session() as session:
            seen = packages.seen_in(packages.parts_of(session, self.id))
        return self.world.post(self.page, f"{self.page}/{what}", seen=seen)

    def release(self) -> None:
        """Priya looks through all of it, Paul lets it go."""
        self.look_at_everything("priya")
        assert self.press("priya", "put-forward").status_code == 303
        assert self.press("paul", "release").status_code == 303

    def answer(self, kind: Kind = Kind.ACCESS) -> None:
        """The answer takes effect, as the workflow has it."""
        words = answering.Answer(outcome=Outcome.FULFILLED, explanation="Here it is.")
        with self.world.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, self.id)
            decision = answering.propose_decision(
                transaction,
                request,
                words,
                kind=kind,
                decided_by=self.world.staff["priya"].id,
                now=NOW,
            )
            transaction.flush()
            answering.apply_decision(transaction, request, decision.id, NOW)

    @property
    def link(self) -> str:
        """The path behind the link in the answer."""
        with self.world.database.session() as session:
            link = session.exec(select(Link).where(Link.purpose == REQUEST_COPY)).one()
        keys = self.world.settings.link_key_bytes
        return f"/requests/copy/{make_token(REQUEST_COPY, link.nonce, keys)}"

    def code(self) -> str:
        """The code in the mail that went out last."""
        with self.world.database.session() as session:
            codes = session.exec(
                select(IdentityCode).where(IdentityCode.purpose == packages.COPY)
            ).all()
        last = max(codes, key=lambda code: (code.asked_at, code.id))
        return make_code(REQUEST_COPY_CODE, last.nonce, self.world.settings.link_key_bytes)

    def fetched(self) -> ZipFile:
        """What Alice has on her disk after typing the code."""
        assert self.world.browser.post(f"{self.link}/code").status_code == 200
        answer = self.world.browser.post(self.link, data={"code": self.code()})
        assert answer.status_code == 200, answer.text
        return ZipFile(BytesIO(answer.content))


def ask(
    world: World,
    kinds: tuple[str, ...],
    database_kind: str,
    directory: Path,
    *,
    paper_burnt: bool = True,
) -> Iterator[Asking]:
    with world.database.transaction() as transaction:
        account = Account(
            external_id="a-alice", email=ALICE, name="Alice", joined_at=NOW, recorded_at=NOW
        )
        transaction.add(account)
    form = {"kinds": list(kinds), "contact_address": ALICE, "name": "Alice"}
    assert world.browser.post("/requests/new", data=form).status_code == 200
    with world.database.session() as session:
        request = session.exec(select(DataSubjectRequest)).one()
    world.desk.verify(request.id, how="link to the address on file")
    with company_sources(world.database, database_kind, directory) as sources:
        activities = SourceActivities(
            database=world.database,
            sources=sources,
            storage=Storage(directory / "storage", world.settings.data_keys),
            company=world.settings.company,
            courier=Courier(database=world.database, webhook=None, base_url=""),
            pseudonym_key=b"k" * 32,
        )
        for _ in kinds:  # a few are asked in one go, the rest in the next
            what = RequestInput(request_id=request.id, now=NOW)
            ActivityEnvironment().run(activities.ask_sources, what)
    with world.database.session() as session:
        for task in source_tasks.tasks_of(session, request.id):
            if task.source == "paper" and paper_burnt:
                world.desk.give_up(
                    request.reference, task.id, world.staff["priya"].id, reason="It burnt."
                )
    yield Asking(
        world=world, id=request.id, reference=request.reference, storage=directory / "storage"
    )


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
    assert "What paper has could not be had:</strong> It burnt." in page
    assert "for Harbour Dental Clinic, who decides about it" in page
    assert "<script" not in page
    copy = json.loads(archive.read("copy/copy.json"))
    assert {one["source"] for one in copy["sources"]} == {
        *("promisekeeper", "billing", "sessions", "marketing")
    }


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


def test_what_names_somebody_elses_address_has_a_field_and_says_whose(asking: Asking) -> None:
    """P11: a value without any sign of others has none, so that those that have one are seen."""
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
    asking.world.enter_as("priya")
    page = asking.world.browser.get(asking.page).text
    assert re.findall(r"It names ([^<]*), which is none", page) == ["bob@people.example"]
    assert f'name="value-{place}" rows="3">{words}</textarea>' in page
    flagged = [value for fields in asking.forms().values() for value in fields.values()]
    assert page.count("<textarea") == len(flagged) + 1


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


@pytest.fixture
def on_paper(world: World, database_kind: str, tmp_path: Path) -> Iterator[Asking]:
    yield from ask(world, ("access", "inquiry"), database_kind, tmp_path, paper_burnt=False)


def task_of(asking: Asking, source: str, verb: str) -> SourceTask:
    with asking.world.database.session() as session:
        tasks = source_tasks.last_rounds(source_tasks.tasks_of(session, asking.id))
    return next(one for one in tasks if (one.source, one.verb) == (source, verb))


def hand_in(asking: Asking, verb: str, **fields: str) -> Response:
    asking.world.enter_as("priya")
    case = f"/staff/requests/{asking.reference}"
    task = task_of(asking, "paper", verb)
    return asking.world.post(case, f"{case}/sources/{task.id}/hand-in", **fields)


CONTRACT = "signed_on: 2019-05-02\r\nsigned_name: Alice Abel"


def test_what_lies_on_paper_is_typed_on_the_page_and_comes_into_the_copy(
    on_paper: Asking,
) -> None:
    """P11: somebody looks where no machine reaches, and says how."""
    asking = on_paper
    asking.world.enter_as("priya")
    page = asking.world.browser.get(f"/staff/requests/{asking.reference}").text
    assert "Scan the person&#39;s contracts, and enter what they say." in page
    assert "Until 7 March 2026." in page
    refused = asking.press("priya", "put-forward")
    assert "Not every source has answered: paper." in refused.text
    how = "Folder A, left cabinet."
    done = hand_in(asking, "export", **{"entries-Contracts": CONTRACT, "how": how})
    assert done.status_code == 303, done.text
    task = task_of(asking, "paper", "export")
    assert (task.state, task.evidence, task.done_by) == (
        "done",
        how,
        asking.world.staff["priya"].id,
    )
    asking.release()
    asking.world.enter_as("priya")
    assert "2019-05-02" in asking.world.browser.get(f"{asking.page}/print").text


def test_what_cannot_be_read_keeps_its_words_and_changes_nothing(on_paper: Asking) -> None:
    wrong = hand_in(on_paper, "export", **{"entries-Contracts": "Alice, 2019", "how": "Folder A."})
    assert wrong.status_code == 409
    assert "an entry begins with one of signed_on" in wrong.text
    assert "Alice, 2019</textarea>" in wrong.text
    assert task_of(on_paper, "paper", "export").state == "by_hand"


def test_it_is_said_how_it_was_looked_up(on_paper: Asking) -> None:
    refused = hand_in(on_paper, "locate", **{"rows-Contracts": "2", "how": " "})
    assert refused.status_code == 409
    assert "Say how you did it" in refused.text


def test_what_an_archive_has_to_keep_is_handed_in_with_its_rule(on_paper: Asking) -> None:
    """P13: retained with reason and until when, for people as for machines; copied first (P11)."""
    copied = {"entries-Contracts": CONTRACT, "how": "Folder A."}
    assert hand_in(on_paper, "export", **copied).status_code == 303
    with on_paper.world.database.transaction() as transaction:
        transaction.get_one(SourceTask, task_of(on_paper, "paper", "locate").id).verb = "erase"
    told = {"rows-Contracts": "1", "kept-Contracts": "2", "how": "Folder A."}
    refused = hand_in(on_paper, "erase", **told)
    assert "say by which rule the 2 are kept" in refused.text
    assert 'name="kept-Contracts" inputmode="numeric" value="2"' in refused.text
    assert hand_in(on_paper, "erase", **told, **{"rule-Contracts": "contracts"}).status_code == 303
    receipt = task_of(on_paper, "paper", "erase").receipt
    assert receipt is not None
    assert receipt["retained"] == [
        {
            "category": "Contracts",
            "rows": 2,
            "reason": "Claims from a contract can be made for three years",
            "until": "3 years after the end of the year in which the contract ended",
            "until_on": None,
        }
    ]


def test_an_inquiry_is_drafted_from_what_the_sources_said(on_paper: Asking) -> None:
    """P10, P24: what, what for, from where, to whom, how long; and whose the rest is."""
    case = f"/staff/requests/{on_paper.reference}"
    assert hand_in(on_paper, "locate", **{"rows-Contracts": "1", "how": "A"}).status_code == 303
    page = on_paper.world.browser.get(case).text
    for words in (
        "This is what we hold about you:",
        "Contracts:\nFor: Keeping the customer&#39;s contract. Legal basis: our contract with you.",
        "For: Finding new customers. Legal basis: our legitimate interests.",
        "Where it is from: we have it from somebody else.",
        "Given to: Example Bank.",
        "Something is held for Harbour Dental Clinic, who decides about it.",
    ):
        assert words in page, words
    assert "Support tickets:" not in page


def test_a_source_is_asked_again_and_gone_without_from_the_page(on_paper: Asking) -> None:
    """Both are recorded, with who did it."""
    case = f"/staff/requests/{on_paper.reference}"
    on_paper.world.enter_as("priya")
    billing, paper = task_of(on_paper, "billing", "export"), task_of(on_paper, "paper", "export")
    assert on_paper.world.post(case, f"{case}/sources/{billing.id}/again").status_code == 303
    given_up = on_paper.world.post(
        case, f"{case}/sources/{paper.id}/give-up", reason="The cabinet burnt."
    )
    assert given_up.status_code == 303
    assert task_of(on_paper, "billing", "export").round == 2
    assert task_of(on_paper, "paper", "export").state == "given_up"
    with on_paper.world.database.session() as session:
        kinds = ("source.asked_again", "source.given_up")
        facts = [one for one in session.exec(select(Fact)) if one.kind in kinds]
    priya = str(on_paper.world.staff["priya"].id)
    assert {one.payload["by"] for one in facts} == {priya}
    assert len(facts) == 2
