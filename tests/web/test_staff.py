"""The staff console: who may come in, and what legal, privacy and ops do there (P2, P20, P30)."""

import pytest
from httpx import Response
from sqlmodel import select

from database.assessments import findings_of
from database.outbox import Batch, claim, doubt, settle
from database.tables import (
    DataSubjectRequest,
    Fact,
    Finding,
    OutboxMail,
    Policy,
    PolicyVersion,
    RequestDecision,
    Review,
)
from domain.policy_text import LARGEST_BYTES
from tests.web.world import NOW, World, browse, form_key, put_in_review, submit_text, text, version
from web.app import create_app
from web.staff.access import _local
from workflows.desk import TemporalUnreachable

SUBMIT = "/staff/policies/privacy-policy/submit"
VERSION_2 = "/staff/policies/privacy-policy/versions/2"


@pytest.fixture
def in_review(empty: World) -> World:
    """Version 1 is in force, version 2 waits for legal; Lena submitted both."""
    lena = empty.staff["lena"].id
    with empty.database.transaction() as transaction:
        policy = transaction.exec(select(Policy)).one()
        first = submit_text(transaction, policy, text(1), lena, NOW)
        first.state, first.in_force_at = "in_force", NOW
        transaction.flush()
        put_in_review(transaction, submit_text(transaction, policy, text(2), lena, NOW))
    return empty


@pytest.fixture
def request_made(world: World) -> str:
    """The reference of Alice's request."""
    form = {"kinds": "access", "contact_address": "alice@example.org", "name": "Alice"}
    world.browser.post("/requests/new", data=form)
    with world.database.session() as session:
        return session.exec(select(DataSubjectRequest)).one().reference


def open_keys(world: World) -> list[str]:
    with world.database.session() as session:
        found = findings_of(session, version(world, 2).id)
    return [finding.key for finding in found if finding.status == "open"]


# Coming in


@pytest.mark.parametrize(
    "path", ["/staff", "/staff/policies", VERSION_2, "/staff/requests", "/staff/ops"]
)
def test_strangers_are_shown_the_door(world: World, path: str) -> None:
    """P30: every page of the console asks who is there, and leads back afterwards."""
    answer = world.browser.get(path, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/staff/sign-in?next={path}"


def test_a_wrong_token_opens_nothing(world: World) -> None:
    key = form_key(world.browser.get("/staff/sign-in").text)
    answer = world.browser.post("/staff/sign-in", data={"form_key": key, "token": "pk_staff_x"})
    assert answer.status_code == 403
    assert "not valid" in answer.text
    assert "pk_staff_x" not in answer.text


def test_a_personal_token_leads_to_what_waits(world: World) -> None:
    world.enter_as("lena")
    page = world.browser.get("/staff").text
    assert "Lena" in page
    assert "Privacy policy, version 2" in page


def test_the_handle_alone_is_enough_only_in_development(world: World) -> None:
    """P30: outside development there is no way in without a token."""
    key = form_key(world.browser.get("/staff/sign-in").text)
    world.browser.post("/staff/sign-in", data={"form_key": key, "handle": "priya"})
    assert "Priya" in world.browser.get("/staff").text
    production = world.settings.model_copy(
        update={"environment": "production", "base_url": "https://example.com"}
    )
    app = create_app(production, database=world.database, desk=world.desk)
    browser = browse(app, "https://example.com")
    page = browser.get("/staff/sign-in")
    assert "Priya" not in page.text
    fields = {"form_key": form_key(page.text), "handle": "priya"}
    assert browser.post("/staff/sign-in", data=fields).status_code == 403
    cookie = page.headers["set-cookie"]
    assert {"httponly", "secure", "samesite=lax", "path=/staff"} <= {
        part.strip().lower() for part in cookie.split(";")
    }


def test_whoever_left_the_company_is_out_at_once(world: World) -> None:
    world.enter_as("lena")
    with world.database.transaction() as transaction:
        member = transaction.merge(world.staff["lena"])
        member.left_at = NOW
    assert world.browser.get("/staff", follow_redirects=False).status_code == 303


def test_signing_out_ends_the_session(world: World) -> None:
    world.enter_as("lena")
    world.post("/staff", "/staff/sign-out")
    assert world.browser.get("/staff", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    "path", ["https://example.com", "//example.com", "/staff//example.com", "/staff\\x", "/"]
)
def test_nobody_is_led_elsewhere_after_signing_in(path: str) -> None:
    assert _local(path) == "/staff"
    assert _local(VERSION_2) == VERSION_2


@pytest.mark.parametrize(
    ("handle", "path", "status"),
    [
        ("lena", "/staff/policies", 200),
        ("lena", "/staff/requests", 403),
        ("lena", "/staff/ops", 403),
        ("priya", "/staff/requests", 200),
        ("priya", "/staff/policies", 403),
        ("otto", "/staff/ops", 200),
        ("otto", "/staff/requests", 403),
    ],
)
def test_everybody_sees_what_their_role_needs(
    world: World, handle: str, path: str, status: int
) -> None:
    """P30: need to know."""
    world.enter_as(handle)
    assert world.browser.get(path).status_code == status


def test_a_form_without_the_key_of_the_session_does_nothing(in_review: World) -> None:
    in_review.enter_as("omar")
    fields = {"reason": "x", "version_class": "approval", "form_key": "guessed"}
    answer = in_review.browser.post(f"{VERSION_2}/review", data=fields)
    assert answer.status_code == 403
    assert "not from your present session" in answer.text
    assert in_review.desk.told == 0


# Legal


def submit(world: World, **fields: str) -> Response:
    return world.post(
        SUBMIT, SUBMIT, **{"summary": "Shorter.", "text": "# Policy\n\nWe keep it short.", **fields}
    )


def test_legal_hands_in_a_version(empty: World) -> None:
    """P2: stored as it was pasted, and its publication started."""
    empty.enter_as("lena")
    answer = submit(empty)
    assert answer.headers["location"] == "/staff/policies/privacy-policy/versions/1"
    assert empty.desk.started == ["publication/privacy-policy/1"]
    assert version(empty, 1).text == "# Policy\n\nWe keep it short."
    page = empty.browser.get("/staff/policies/privacy-policy/versions/1").text
    assert version(empty, 1).sha256 in page


def test_a_file_goes_before_what_is_pasted(empty: World) -> None:
    empty.enter_as("lena")
    key = form_key(empty.browser.get(SUBMIT).text)
    empty.browser.post(
        SUBMIT,
        data={"form_key": key, "summary": "New.", "text": "pasted"},
        files={"file": ("policy.md", b"# From a file\r\n\r\nWords.\r\n", "text/markdown")},
    )
    assert version(empty, 1).text == "# From a file\n\nWords.\n"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": " "}, "holds no text"),
        ({"text": "# Only a heading"}, "no readable clause"),
        ({"summary": ""}, "summary in plain words"),
        ({"effective_on": "2020-01-01"}, "in the past"),
        ({"effective_on": "2026-03-10"}, "inside the notice period"),
        ({"effective_on": "tomorrow"}, "is not a date"),
        ({"notice_days": "3"}, "from 14 to 365"),
    ],
)
def test_what_is_refused_comes_back_with_its_words(
    empty: World, fields: dict[str, str], words: str
) -> None:
    """P2, P7: the refusal says why, nothing is stored, nothing typed is lost."""
    empty.enter_as("lena")
    answer = submit(empty, **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert ("We keep it short." in answer.text) is ("text" not in fields)
    with empty.database.session() as session:
        assert session.exec(select(PolicyVersion)).all() == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00", "not text"),
        (b"caf\xe9", "not UTF-8"),
        (b"a" * (LARGEST_BYTES + 1), "2 MB"),
    ],
)
def test_a_file_that_is_no_policy_is_refused(empty: World, content: bytes, words: str) -> None:
    empty.enter_as("lena")
    key = form_key(empty.browser.get(SUBMIT).text)
    answer = empty.browser.post(
        SUBMIT,
        data={"form_key": key, "summary": "New."},
        files={"file": ("policy.md", content, "text/markdown")},
    )
    assert answer.status_code == 422
    assert words in answer.text


def test_the_findings_stand_beside_the_redline(in_review: World) -> None:
    """P2: with the quoted evidence, and a choice for each that is open."""
    in_review.enter_as("omar")
    page = in_review.browser.get(VERSION_2).text
    assert "<ins>" in page
    assert "<blockquote>" in page
    for key in open_keys(in_review):
        assert page.count(f'name="finding-{key}"') == 3


def test_a_review_reaches_the_publication_with_what_was_chosen(in_review: World) -> None:
    """P2: keys confirmed and dismissed, a quote added, the class, the reason."""
    in_review.enter_as("omar")
    keys = open_keys(in_review)
    answer = in_review.post(
        VERSION_2,
        f"{VERSION_2}/review",
        **{f"finding-{key}": "confirm" for key in keys[1:]},
        **{f"finding-{keys[0]}": "dismiss"},
        version_class="approval",
        reason="Recordings are kept longer.",
    )
    assert answer.status_code == 303
    with in_review.database.session() as session:
        review = session.exec(select(Review)).one()
    assert review.content == {"confirm": keys[1:], "dismiss": keys[:1], "add": []}
    assert (review.version_class, review.reason) == ("approval", "Recordings are kept longer.")
    assert in_review.desk.told == 1


def test_a_refused_review_keeps_what_was_typed(in_review: World) -> None:
    """P2: no review without a reason; the choices are still on the page."""
    in_review.enter_as("omar")
    key = open_keys(in_review)[0]
    answer = in_review.post(
        VERSION_2, f"{VERSION_2}/review", reason="", add="my words", **{f"finding-{key}": "confirm"}
    )
    assert answer.status_code == 409
    assert "A review needs a reason" in answer.text
    assert ">my words</textarea>" in answer.text
    assert f'name="finding-{key}" value="confirm" checked' in answer.text
    with in_review.database.session() as session:
        assert session.exec(select(Review)).all() == []


def test_the_page_says_why_a_version_cannot_be_released(in_review: World) -> None:
    """P2: one person alone cannot submit and release."""
    in_review.enter_as("lena")
    page = in_review.browser.get(VERSION_2).text
    assert "One person alone cannot submit and release" in page
    assert f'action="{VERSION_2}/release"' not in page


def test_a_colleague_releases_what_is_decided(in_review: World) -> None:
    """P2: then the button is there."""
    with in_review.database.transaction() as transaction:
        for finding in transaction.exec(select(Finding)).all():
            finding.status = "confirmed" if finding.status == "open" else finding.status
        transaction.get_one(PolicyVersion, version(in_review, 2).id).version_class = "approval"
    in_review.enter_as("omar")
    answer = in_review.post(VERSION_2, f"{VERSION_2}/release")
    assert answer.status_code == 303
    assert in_review.desk.told == 1


def test_temporal_out_of_reach_is_said_with_what_is_kept(
    in_review: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_review.enter_as("omar")

    def unreachable(_update: object) -> None:
        raise TemporalUnreachable("Temporal does not answer. What you handed in is kept.")

    monkeypatch.setattr(in_review.desk, "_tell", unreachable)
    answer = in_review.post(VERSION_2, f"{VERSION_2}/review", reason="Fine.")
    assert answer.status_code == 503
    assert "What you handed in is kept" in answer.text


def test_an_announced_version_shows_how_its_campaign_stands(world: World) -> None:
    """P4: counts, and the way into the Temporal UI."""
    world.enter_as("omar")
    page = world.browser.get(VERSION_2).text
    assert "<dt>addressed</dt><dd>3</dd>" in page
    assert "/namespaces/default/workflows/campaign%2Fprivacy-policy%2F2" in page


# Privacy


def test_the_queue_names_no_person(world: World, request_made: str) -> None:
    """P30: references, kinds and due times only."""
    world.enter_as("priya")
    page = world.browser.get("/staff/requests").text
    assert request_made in page
    assert "alice" not in page.lower()


def test_reading_a_case_is_recorded(world: World, request_made: str) -> None:
    """P30: who read whose request, and when; the clock and its explanation are shown (P21)."""
    world.enter_as("priya")
    page = world.browser.get(f"/staff/requests/{request_made}").text
    assert "alice@example.org" in page
    assert "720 hours from receipt" in page
    assert "second reminder to the assignee" in page
    with world.database.session() as session:
        read = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).one()
        request = session.exec(select(DataSubjectRequest)).one()
    assert read.subject_id == request.id
    assert read.payload == {"staff": str(world.staff["priya"].id)}


def test_a_request_that_is_not_there_is_a_page_in_words(world: World) -> None:
    world.enter_as("priya")
    assert world.browser.get("/staff/requests/R-NOTHERE").status_code == 404


def test_priya_takes_a_request_on(world: World, request_made: str) -> None:
    world.enter_as("priya")
    path = f"/staff/requests/{request_made}"
    assert world.post(path, f"{path}/assign").status_code == 303
    with world.database.session() as session:
        request = session.exec(select(DataSubjectRequest)).one()
    assert request.assignee_id == world.staff["priya"].id


def test_an_answer_that_cannot_go_out_keeps_its_words(world: World, request_made: str) -> None:
    """P19: nothing is disclosed before the identity is verified."""
    world.enter_as("priya")
    path = f"/staff/requests/{request_made}"
    answer = world.post(path, f"{path}/answer", outcome="fulfilled", explanation="Here it is.")
    assert answer.status_code == 409
    assert "before the person&#39;s identity is verified" in answer.text
    assert ">Here it is.</textarea>" in answer.text


def test_an_answer_reaches_the_request(world: World, request_made: str) -> None:
    """P22: outcome, ground, explanation and evidence."""
    world.enter_as("priya")
    path = f"/staff/requests/{request_made}"
    answer = world.post(
        path,
        f"{path}/answer",
        outcome="refused",
        ground="identity_unverified",
        explanation="We could not tell.",
        evidence="No click in three weeks.",
    )
    assert answer.status_code == 303
    with world.database.session() as session:
        decision = session.exec(select(RequestDecision)).one()
    assert (decision.outcome, decision.ground) == ("refused", "identity_unverified")
    assert decision.decided_by == world.staff["priya"].id


def test_a_refusal_is_confirmed_by_somebody_else(world: World, request_made: str) -> None:
    """P20: whoever decided sees no button."""
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        request.state = "review"
        decision = RequestDecision(
            request_id=request.id,
            outcome="refused",
            ground="identity_unverified",
            explanation="We could not tell.",
            evidence="No click.",
            decided_by=world.staff["priya"].id,
            decided_at=NOW,
            recorded_at=NOW,
        )
        transaction.add(decision)
        transaction.flush()
        read = str(decision.id)
    path = f"/staff/requests/{request_made}"
    world.enter_as("priya")
    assert f"{path}/confirm" not in world.browser.get(path).text
    world.enter_as("paul")
    assert f'name="answer" value="{read}"' in world.browser.get(path).text
    unread = world.post(path, f"{path}/confirm")
    assert unread.status_code == 409
    assert "Read the answer below" in unread.text
    assert world.post(path, f"{path}/confirm", answer=read).status_code == 303


# Operations


def test_ops_send_a_mail_of_unknown_outcome_again(world: World) -> None:
    """P4: the machine does not repeat it without evidence; a person may, and it is recorded."""
    world.browser.post("/approve/new-link", data={"email": "alice@example.org"})
    with world.database.transaction() as transaction:
        mail = transaction.exec(select(OutboxMail)).one()
        batch = Batch(subject_id=mail.subject_id)
        claimed = claim(transaction, batch, limit=1, now=NOW)
        assert claimed is not None
        doubt(transaction, claimed.attempt_id, "the line broke", NOW)
        transaction.flush()
        transaction.expire_all()
        settle(transaction, batch, settle_after=NOW - NOW, now=NOW)
    world.enter_as("otto")
    assert str(mail.id) in world.browser.get("/staff/ops").text
    path = f"/staff/ops/mails/{mail.id}/resend"
    assert world.post("/staff/ops", path).status_code == 303
    assert world.desk.started[-1] == f"mail-delivery/{mail.id}"
    assert world.post("/staff/ops", path).status_code == 409
    with world.database.session() as session:
        assert session.exec(select(OutboxMail)).one().state == "queued"
        assert session.exec(select(Fact).where(Fact.kind == "mail.resent_by_ops")).one()


# What no database can hold


@pytest.mark.parametrize(
    ("handle", "path"),
    [
        ("omar", "policies/a%00b"),
        ("omar", "policies/a%00b/submit"),
        ("omar", "policies/privacy-policy/versions/99999999999"),
        ("omar", f"policies/privacy-policy/versions/{'9' * 23}"),
        ("priya", "requests/R-%00"),
        ("priya", f"requests/{'R' * 5000}"),
    ],
)
def test_an_address_that_nothing_can_have_is_unknown(world: World, handle: str, path: str) -> None:
    world.enter_as(handle)
    assert world.browser.get(f"/staff/{path}").status_code == 404


@pytest.mark.parametrize(
    ("act", "fields"),
    [
        ("review", {"reason": "read\x00", "version_class": "approval"}),
        ("review", {"reason": "read", "add": "we keep\x1b[31m it"}),
        ("review", {"reason": "read", "finding-a\x00b": "confirm"}),
        ("reject", {"rejection_reason": "not\x00yet"}),
    ],
)
def test_control_characters_in_a_review_are_refused_in_words(
    in_review: World, act: str, fields: dict[str, str]
) -> None:
    """P2: nothing of it is stored, and the words that were typed are kept."""
    in_review.enter_as("omar")
    answer = in_review.post(VERSION_2, f"{VERSION_2}/{act}", **fields)
    assert answer.status_code == 409
    assert "control character" in answer.text
    with in_review.database.session() as session:
        assert session.exec(select(Review)).all() == []
    assert in_review.desk.told == 0


def test_control_characters_in_a_summary_are_refused_in_words(world: World) -> None:
    world.enter_as("lena")
    answer = world.post(SUBMIT, SUBMIT, text=text(3), summary="Two\x00typos.")
    assert answer.status_code == 422
    assert "control character" in answer.text
    assert world.desk.started == []


@pytest.mark.parametrize("field", ["explanation", "evidence"])
def test_control_characters_in_an_answer_are_refused_in_words(
    world: World, request_made: str, field: str
) -> None:
    """P22: lines and tabs are none of them."""
    world.enter_as("priya")
    path = f"/staff/requests/{request_made}"
    words = {"explanation": "Here\r\n\tit is.", "evidence": "file 7", field: "file\x007"}
    answer = world.post(path, f"{path}/answer", outcome="fulfilled", **words)
    assert answer.status_code == 409
    assert "control character" in answer.text
    with world.database.session() as session:
        assert session.exec(select(RequestDecision)).all() == []


def test_a_handle_that_nobody_can_have_opens_nothing(world: World) -> None:
    key = form_key(world.browser.get("/staff/sign-in").text)
    answer = world.browser.post("/staff/sign-in", data={"form_key": key, "handle": "pri\x00ya"})
    assert answer.status_code == 403


def test_a_notice_period_of_thousands_of_digits_is_refused(world: World) -> None:
    """P7."""
    world.enter_as("lena")
    answer = world.post(SUBMIT, SUBMIT, text=text(3), summary="Typos.", notice_days="9" * 5000)
    assert answer.status_code == 422
    assert "from 14 to 365" in answer.text
