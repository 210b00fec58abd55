"""What legal does in the console: hand in, review, release (P2, P7)."""

import re
from datetime import date
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from httpx import Response
from sqlmodel import select

from database.campaigns.reviews import ReviewContent, apply_review, propose_review
from database.policies.assessments import as_assessed, findings_of
from database.policies.history import import_history
from database.policies.policies import policy_by_slug
from database.policies.wording import Words
from database.tables import Account, Finding, OutboxMail, PolicyVersion, Review, VersionSummary
from domain.approvals.without_approval import WithoutApproval
from domain.materiality.in_words import bases, track_record
from domain.policies.history import read_history
from domain.texts.policy_text import LARGEST_BYTES
from tests.domain.conversion.word_file import paragraph, word_file, words
from tests.web.world import NOW, World, form_key, put_in_review, submit_text, text, version
from workflows.messenger import TemporalUnreachable

SUBMIT = "/staff/policies/privacy-policy/submit"
VERSION_2 = "/staff/policies/privacy-policy/versions/2"


def open_keys(world: World) -> list[str]:
    with world.database.session() as session:
        found = findings_of(session, version(world, 2).id)
    return [finding.key for finding in found if finding.status == "open"]


def submit(world: World, **fields: str) -> Response:
    return world.post(
        SUBMIT, SUBMIT, **{"summary": "Shorter.", "text": "# Policy\n\nWe keep it short.", **fields}
    )


def test_legal_hands_in_a_version(empty: World) -> None:
    """P2: stored as it was pasted, and its publication started."""
    empty.enter_as("lena")
    answer = submit(empty)
    assert answer.headers["location"] == "/staff/policies/privacy-policy/versions/1"
    assert empty.messenger.started == ["publication/privacy-policy/1"]
    assert version(empty, 1).text == "# Policy\n\nWe keep it short."
    page = empty.browser.get("/staff/policies/privacy-policy/versions/1").text
    assert version(empty, 1).sha256 in page


def test_what_was_promised_of_the_announced_version_is_promised_of_its_correction(
    world: World,
) -> None:
    """P5, P8: a typing correction without a word of it is no new promise, and no new campaign."""
    with world.database.transaction() as transaction:
        announced = transaction.get_one(PolicyVersion, version(world, 2).id)
        announced.without_approval = WithoutApproval.STAY_UNTIL
        announced.stay_until_on = date(2026, 12, 1)
        announced.notice_days = 45
    world.enter_as("lena")
    form = world.browser.get(SUBMIT).text
    assert "as of version 2: they stay until a day at least" in form
    submit(world, text=text(2).replace("days", "dayz", 1), without_approval="", stay_until="")
    new = version(world, 3)
    assert (new.without_approval, new.stay_until_on) == ("stay_until", date(2026, 12, 1))
    assert new.notice_days == 45
    for page in ("", "/audience"):
        shown = world.browser.get(f"/staff/policies/privacy-policy/versions/3{page}").text
        assert "It counts as a correction of version 2 only if" in shown
    submit(world, without_approval="stay")
    assert version(world, 4).without_approval == "stay", "what is said counts"


def test_a_file_goes_before_what_is_pasted(empty: World) -> None:
    empty.enter_as("lena")
    key = form_key(empty.browser.get(SUBMIT).text)
    empty.browser.post(
        SUBMIT,
        data={"form_key": key, "summary": "New.", "text": "pasted"},
        files={"file": ("policy.md", b"# From a file\r\n\r\nWords.\r\n", "text/markdown")},
    )
    assert version(empty, 1).text == "# From a file\n\nWords.\n"


def test_a_word_file_is_shown_as_markdown_before_it_is_handed_in(empty: World) -> None:
    """P2: a person reads what became of the file, and what was left out; nothing is stored yet."""
    empty.enter_as("lena")
    key = form_key(empty.browser.get(SUBMIT).text)
    tracked = f"<w:del>{words('never ')}</w:del>"
    answer = empty.browser.post(
        SUBMIT,
        data={"form_key": key, "summary": "New."},
        files={
            "file": ("policy.docx", word_file(paragraph(words("We "), tracked, words("keep."))))
        },
    )
    assert answer.status_code == 200
    assert "Not handed in yet." in answer.text
    assert "<li>1 tracked deletion was left out.</li>" in answer.text
    assert ">\nWe keep.\n</textarea>" in answer.text
    assert ">New.</textarea>" in answer.text
    with empty.database.session() as session:
        assert session.exec(select(PolicyVersion)).all() == []


def test_a_fragment_of_a_page_is_known_by_its_name(empty: World) -> None:
    empty.enter_as("lena")
    key = form_key(empty.browser.get(SUBMIT).text)
    answer = empty.browser.post(
        SUBMIT,
        data={"form_key": key, "summary": "New."},
        files={"file": ("policy.html", b"<p>We keep it.<script>alert(1)</script>")},
    )
    assert ">\nWe keep it.\n</textarea>" in answer.text
    assert "alert(1)" not in answer.text


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
        (b"\xff\xfe\x00", "UTF-16"),
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


def test_a_finding_says_how_sure_it_is_and_why_it_matters(in_review: World) -> None:
    """P2: the measured record of the rule and where such a change is called material, in words."""
    in_review.enter_as("lena")
    with in_review.database.session() as session:
        told = list(as_assessed(session, version(in_review, 2).id).values())
    page = unescape(in_review.browser.get(VERSION_2).text)
    for said in told:
        assert (track_record(said) or "Why it matters") in page
        for ground in bases(said.basis):
            assert ground in page
    assert any(map(track_record, told))


def test_legal_sees_whom_a_version_would_address_before_it_is_released(in_review: World) -> None:
    """P4: in groups, with those left out; the version's page leads there."""
    with in_review.database.transaction() as transaction:
        for name, status in (("alice", "open"), ("bob", "deceased"), ("carol", "open")):
            transaction.add(
                Account(
                    external_id=name,
                    email=f"{name}@example.org",
                    status=status,
                    joined_at=NOW,
                    recorded_at=NOW,
                )
            )
    in_review.enter_as("lena")
    assert f'href="{VERSION_2}/audience"' in in_review.browser.get(VERSION_2).text
    page = in_review.browser.get(f"{VERSION_2}/audience").text
    assert "<strong>2</strong> would be told: <strong>2</strong> of them be asked" in page
    assert "<dt>deceased</dt><dd>1</dd>" in page
    assert "<td>English</td>" in page
    assert "alice" not in page


def test_what_an_earlier_draft_decided_is_said_and_may_be_decided_anew(in_review: World) -> None:
    """P2: who, when and why; what stands confirmed can be proposed for dismissal again."""
    second = version(in_review, 2)
    omar = in_review.staff["omar"]
    with in_review.database.transaction() as transaction:
        keys = tuple(f.key for f in findings_of(transaction, second.id) if f.status == "open")
        asked = propose_review(
            transaction,
            second,
            reviewer_id=omar.id,
            content=ReviewContent(confirm=keys),
            reason="Worse & longer.",
            now=NOW,
        )
        transaction.flush()
        row = transaction.get_one(PolicyVersion, second.id)
        apply_review(transaction, row, asked.review_id, NOW)
        row.state = "rejected"
        policy = policy_by_slug(transaction, "privacy-policy")
        third = submit_text(transaction, policy, text(2) + "\nHello.\n", omar.id, NOW)
        put_in_review(transaction, third)
    in_review.enter_as("lena")
    page = in_review.browser.get(VERSION_2.replace("/2", "/3")).text
    told = "Confirmed before, in version 2, by Omar on 2 March 2026: Worse &amp; longer."
    assert page.count(told) == len(keys)
    assert page.count('value="dismiss"> propose to dismiss') >= len(keys)


def test_a_review_reaches_the_publication_with_what_was_chosen(in_review: World) -> None:
    """P2, P5: keys confirmed and dismissed, a quote added, a purpose, the class, the reason."""
    in_review.enter_as("omar")
    keys = open_keys(in_review)
    answer = in_review.post(
        VERSION_2,
        f"{VERSION_2}/review",
        **{f"finding-{key}": "confirm" for key in keys[1:]},
        **{f"finding-{keys[0]}": "dismiss"},
        **{f"consent-{keys[0]}": "", f"consent-{keys[1]}": "Product_Tips"},
        version_class="approval",
        reason="Recordings are kept longer.",
    )
    assert answer.status_code == 303
    with in_review.database.session() as session:
        review = session.exec(select(Review)).one()
    assert review.content == {
        "confirm": keys[1:],
        "dismiss": keys[:1],
        "add": [],
        "consent": {keys[1]: "product_tips"},
        "law": {},
        "agree_to_law": {},
    }
    assert (review.version_class, review.reason) == ("approval", "Recordings are kept longer.")
    assert in_review.messenger.told == 1


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


def test_legal_says_what_happens_without_approval(in_review: World) -> None:
    """P5: kept on the page, refused in words where it gives too little time."""
    in_review.enter_as("omar")
    path = f"{VERSION_2}/without-approval"
    words = {"without_approval": "stay_until"}
    refused = in_review.post(VERSION_2, path, **words, stay_until="2026-06-01")
    assert refused.status_code == 409
    assert "the earliest is 2026-06-02" in refused.text
    assert 'value="2026-06-01"' in refused.text
    assert version(in_review, 2).without_approval == "stay"
    in_review.post(VERSION_2, path, **words, stay_until="2026-06-02")
    assert version(in_review, 2).stay_until_on == date(2026, 6, 2)
    page = in_review.browser.get(VERSION_2).text
    assert '<option value="stay_until" selected>' in page
    assert "2 June 2026" in page
    in_review.post(VERSION_2, path, without_approval="offer_closing")
    assert version(in_review, 2).stay_until_on is None
    assert in_review.post(VERSION_2, path, without_approval="nothing").status_code == 409


def test_it_is_said_when_a_version_is_handed_in(empty: World) -> None:
    """P5."""
    empty.enter_as("lena")
    assert submit(empty, without_approval="stay_until").status_code == 422
    submit(empty, without_approval="stay_until", stay_until="2026-09-01")
    assert version(empty, 1).without_approval == "stay_until"


def test_what_people_are_asked_to_consent_to_is_written_beside_the_finding(
    in_review: World,
) -> None:
    """P5: in each language, and the release says what is missing."""
    confirm_everything(in_review)
    with in_review.database.transaction() as transaction:
        for finding in transaction.exec(select(Finding).where(Finding.status == "confirmed")):
            finding.consent_key = "tips"
    in_review.enter_as("omar")
    page = in_review.browser.get(VERSION_2).text
    assert "What they are asked about tips in German" in page
    assert re.search(r"Missing: in English \(en\) .*tips; in German \(de\)", page)
    field = re.findall(r'name="(words:de:tips:[^"]*)"', page)[0]
    in_review.post(VERSION_2, f"{VERSION_2}/wording", **{field: "Dürfen wir mitlesen?"})
    assert "Dürfen wir mitlesen?" in in_review.browser.get(VERSION_2).text


def test_the_page_says_why_a_version_cannot_be_released(in_review: World) -> None:
    """P2: one person alone cannot submit and release."""
    in_review.enter_as("lena")
    page = in_review.browser.get(VERSION_2).text
    assert "One person alone cannot submit and release" in page
    assert f'action="{VERSION_2}/release"' not in page


def confirm_everything(world: World) -> None:
    with world.database.transaction() as transaction:
        for finding in transaction.exec(select(Finding)).all():
            finding.status = "confirmed" if finding.status == "open" else finding.status
        transaction.get_one(PolicyVersion, version(world, 2).id).version_class = "approval"
        transaction.add(
            Account(
                external_id="hanna",
                email="hanna@example.org",
                locale="de-AT",
                joined_at=NOW,
                recorded_at=NOW,
            )
        )


def write_everything(world: World) -> None:
    with world.database.session() as session:
        keys = [f.key for f in findings_of(session, version(world, 2).id)]
    german = Words(language="de", summary="Neu.", sentences=dict.fromkeys(keys, "Neu."))
    world.desk.word("privacy-policy", 2, world.staff["lena"].id, [german])


def words_fields(page: str) -> dict[str, str]:
    """The names of the fields for words, by language and what they are of."""
    return {
        name.rpartition(":")[0]: name
        for name in re.findall(r'<textarea[^>]* name="(words:[^"]*)', page)
    }


def test_legal_writes_what_people_read_beside_each_finding(in_review: World) -> None:
    """P4: only what was changed is taken; what was chosen meanwhile stays on the page."""
    confirm_everything(in_review)
    in_review.enter_as("omar")
    page = in_review.browser.get(VERSION_2).text
    assert "Missing: in German (de) the summary" in page
    fields = words_fields(page)
    assert "the engine&#39;s draft" in page
    answer = in_review.post(
        VERSION_2,
        f"{VERSION_2}/wording",
        **dict.fromkeys(fields.values(), "")
        | {fields["words:de:summary"]: "Neu <b>und</b> länger."},
        reason="half a reason",
    )
    assert answer.status_code == 200
    assert "The words are kept." in answer.text
    assert ">Neu &lt;b&gt;und&lt;/b&gt; länger.</textarea>" in answer.text
    assert ">half a reason</textarea>" in answer.text
    assert "Missing: in German (de) the summary" not in answer.text
    with in_review.database.session() as session:
        assert [row.language for row in session.exec(select(VersionSummary)).all()] == ["de"]


def test_what_a_colleague_wrote_meanwhile_is_not_written_over(in_review: World) -> None:
    """P4: a page that was opened before sends the old words of what nobody touched."""
    confirm_everything(in_review)
    in_review.enter_as("omar")
    fields = words_fields(in_review.browser.get(VERSION_2).text)
    before = version(in_review, 2).summary
    colleague = Words(language="en", summary="Better words.")
    in_review.desk.word("privacy-policy", 2, in_review.staff["lena"].id, [colleague])
    changed = {fields["words:en:summary"]: before, fields["words:de:summary"]: "Neu."}
    in_review.post(VERSION_2, f"{VERSION_2}/review", reason="Fine.", **changed)
    assert version(in_review, 2).summary == "Better words."
    assert 'lang="de">Neu.</textarea>' in in_review.browser.get(VERSION_2).text


def test_sample_mails_stand_in_frames_that_can_do_nothing(in_review: World) -> None:
    """P4, P30, P32: styled as they are sent, without scripts, for legal alone."""
    confirm_everything(in_review)
    in_review.enter_as("omar")
    answer = in_review.browser.get(f"{VERSION_2}/preview")
    assert "To hanna@example.org, from version 1, in German" in answer.text
    assert '<iframe sandbox srcdoc="&lt;!' in answer.text
    assert f'href="{VERSION_2}/audience"' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    in_review.enter_as("otto")
    assert in_review.browser.get(f"{VERSION_2}/preview").status_code == 403


def test_a_colleague_releases_what_is_decided(in_review: World) -> None:
    """P2: then the button is there."""
    confirm_everything(in_review)
    write_everything(in_review)
    in_review.enter_as("omar")
    assert "Nobody has had a test mail" in in_review.browser.get(VERSION_2).text
    assert in_review.post(VERSION_2, f"{VERSION_2}/test-mail").status_code == 303
    assert "The test mail is on its way" in in_review.browser.get(VERSION_2).text
    assert len(in_review.messenger.started) == 4
    with in_review.database.transaction() as transaction:
        for mail in transaction.exec(select(OutboxMail)).all():
            assert mail.addressee_id == in_review.staff["omar"].id
            mail.state = "delivered"
    page = in_review.browser.get(VERSION_2).text
    assert "1 would be told: 1 of them be asked for approval, 0 only told" in page
    answer = in_review.post(VERSION_2, f"{VERSION_2}/release")
    assert answer.status_code == 303
    assert in_review.messenger.told == 1


def test_temporal_out_of_reach_is_said_with_what_is_kept(
    in_review: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_review.enter_as("omar")

    def unreachable(*_: object) -> None:
        raise TemporalUnreachable("Temporal does not answer. What you handed in is kept.")

    monkeypatch.setattr(in_review.messenger, "have_decided", unreachable)
    answer = in_review.post(VERSION_2, f"{VERSION_2}/review", reason="Fine.")
    assert answer.status_code == 503
    assert "What you handed in is kept" in answer.text


def test_an_announced_version_shows_how_its_campaign_stands(world: World) -> None:
    """P4: counts, and the way into the Temporal UI."""
    world.enter_as("omar")
    page = world.browser.get(VERSION_2).text
    assert "<dt>addressed</dt><dd>3</dd>" in page
    assert "/namespaces/default/workflows/campaign%2Fprivacy-policy%2F2" in page


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
    assert in_review.messenger.told == 0


def test_control_characters_in_a_summary_are_refused_in_words(world: World) -> None:
    world.enter_as("lena")
    answer = world.post(SUBMIT, SUBMIT, text=text(3), summary="Two\x00typos.")
    assert answer.status_code == 422
    assert "control character" in answer.text
    assert world.messenger.started == []


def test_a_notice_period_of_thousands_of_digits_is_refused(world: World) -> None:
    """P7."""
    world.enter_as("lena")
    answer = world.post(SUBMIT, SUBMIT, text=text(3), summary="Typos.", notice_days="9" * 5000)
    assert answer.status_code == 422
    assert "from 14 to 365" in answer.text


def test_a_version_from_before_is_shown_as_one(empty: World) -> None:
    files = {"1.md": b"+++\nin_force_on = 2019-07-01\n+++\n\nWe keep letters.\n"}
    with empty.database.transaction() as transaction:
        import_history(
            transaction,
            policy_by_slug(transaction, "privacy-policy"),
            read_history(files, date(2026, 1, 1)),
            by=empty.staff["lena"].id,
            zone=ZoneInfo("Europe/Berlin"),
            now=empty.desk.clock.now(),
        )
    empty.enter_as("lena")
    page = empty.browser.get("/staff/policies/privacy-policy/versions/1").text
    assert "it was in force before these records began" in page
    assert "days of notice" not in page
    assert "In Temporal" not in page
    public = empty.browser.get("/policies/privacy-policy").text
    assert "We keep letters." in public
    assert "in force since 1 July 2019" in public


def test_legal_says_what_a_policy_is_called_in_another_language(world: World) -> None:
    """P1, P4: and the public reads it so, while other staff cannot say it."""
    path = "/staff/policies/privacy-policy"
    world.enter_as("lena")
    assert "usually: Datenschutzerklärung" in world.browser.get(path).text
    world.post(path, f"{path}/titles", **{"title:de": "Hinweise <zum> Datenschutz"})
    page = world.browser.get("/policies/privacy-policy?lang=de").text
    assert "<title>Hinweise &lt;zum&gt; Datenschutz ·" in page
    told = world.browser.get("/policies/privacy-policy/notice.json?lang=de").json()
    assert told["title"] == "Hinweise <zum> Datenschutz"
    in_english = world.browser.get("/policies/privacy-policy?lang=en").text
    assert "<title>Privacy policy ·" in in_english
    refused = world.post(path, f"{path}/titles", **{"title:de": "x" * 101})
    assert (refused.status_code, "101 characters" in refused.text) == (400, True)
