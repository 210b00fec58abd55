"""What people read of a change that a law requires: on their page, and in public (P5)."""

import pytest
from sqlmodel import select

from database.people.accounts import account_by_external_id
from database.policies.assessments import findings_of
from database.policies.policies import put_in_force
from database.tables import CampaignAddressee, LegalRequirement, LegalSentence, PolicyVersion
from domain.policies.reviews import VersionClass
from tests.web.world import NOW, World, version

LAW = "Telecommunications Act <1>, section 176"
ESCAPED = "Telecommunications Act &lt;1&gt;, section 176"
SENTENCE = "The law wants recordings kept for a year."
GERMAN = "Das Gesetz will, dass Aufnahmen ein Jahr bleiben."
POLICY = "/policies/privacy-policy"
HEADING = "This change applies because the law requires it"


@pytest.fixture
def lawful(world: World) -> World:
    """Version 2 was released because a law requires what it changes; nobody was asked."""
    with world.database.transaction() as transaction:
        second = transaction.get_one(PolicyVersion, version(world, 2).id)
        second.version_class = VersionClass.NOTICE
        for finding in findings_of(transaction, second.id):
            if finding.status != "confirmed":
                continue
            row = LegalRequirement(
                finding_id=finding.id,
                citation=LAW,
                sentence=SENTENCE,
                cited_by=world.staff["lena"].id,
                cited_at=NOW,
                agreed_by=world.staff["omar"].id,
                agreed_at=NOW,
            )
            transaction.add(row)
            transaction.flush()
            transaction.add(
                LegalSentence(
                    requirement_id=row.id,
                    language="de",
                    sentence=GERMAN,
                    edited_by=world.staff["omar"].id,
                    edited_at=NOW,
                )
            )
        for addressee in transaction.exec(select(CampaignAddressee)).all():
            addressee.asks_approval = False
    return world


def test_the_page_says_why_it_applies_and_what_people_can_do(lawful: World) -> None:
    """P5: no button to approve, the law in words and where it stands, and the ways that stay."""
    page = lawful.browser.get(lawful.link("alice")).text
    assert f"<h1>{HEADING}</h1>" in page
    assert "a departure from our promise, and never your approval" in page
    assert page.count(f"<li>{ESCAPED}: {SENTENCE}</li>") == 1
    assert "What you can do" in page
    assert "Object, or have your data sent to you or erased" in page
    assert "Close your account" in page
    assert "takes effect not before 3 April 2026" in page
    assert 'name="decision"' not in page
    assert "If you do nothing" not in page


def test_nothing_can_be_decided_by_whoever_posts_all_the_same(lawful: World) -> None:
    """P5."""
    answer = lawful.browser.post(lawful.link("alice"), data={"decision": "approved"})
    assert answer.status_code == 409
    assert HEADING in answer.text


def test_it_speaks_the_language_of_the_account(lawful: World) -> None:
    """P4."""
    with lawful.database.transaction() as transaction:
        account_by_external_id(transaction, "alice").locale = "de-AT"
    page = lawful.browser.get(lawful.link("alice")).text
    assert "Diese Änderung gilt, weil ein Gesetz sie verlangt" in page
    assert GERMAN in page


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("withdrawn", "We have withdrawn this change."),
        ("superseded", "A later version has followed this one."),
    ],
)
def test_an_old_link_says_what_became_of_it(lawful: World, state: str, words: str) -> None:
    """P8: also to whoever was only told."""
    with lawful.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, version(lawful, 2).id).state = state
    page = lawful.browser.get(lawful.link("alice")).text
    assert words in page
    assert HEADING not in page


def test_the_notice_the_archive_and_the_feed_name_the_law(lawful: World) -> None:
    """P1, P3, P5: shown as applying to everyone because of it."""
    everyone = "It applies to everyone without approval, because the law requires it."
    page = lawful.browser.get(POLICY).text
    assert f"{everyone} {ESCAPED}: {SENTENCE}" in page
    assert "once you have approved it" not in page
    notice = lawful.browser.get(f"{POLICY}/notice.json").json()["notice"]
    assert (notice["class"], notice["required_by_law"]) == ("notice", [LAW])
    assert notice["by_law"] == f"{everyone} {LAW}: {SENTENCE}"
    assert notice["without_approval"] is None
    assert "notice.by_law" in lawful.browser.get(f"{POLICY}/notice.js").text
    named = f"Required by law, without approval: {ESCAPED}."
    for path in ("versions", "feed.atom"):
        assert lawful.browser.get(f"{POLICY}/{path}").text.count(named) == 1


def test_once_in_force_the_policy_says_that_it_applies_without_approval(lawful: World) -> None:
    """P5."""
    with lawful.database.transaction() as transaction:
        second = transaction.get_one(PolicyVersion, version(lawful, 2).id)
        second.effective_at = NOW
        put_in_force(transaction, second, NOW)
    page = lawful.browser.get(POLICY).text
    assert f"Required by law, and applies without approval: {ESCAPED}." in page
    page = lawful.browser.get(lawful.link("bob")).text
    assert HEADING in page
    assert "version 2</a>, since" in page
