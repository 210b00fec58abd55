"""What everybody may read (P1, P3)."""

import json
import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from database.policies.history import import_history
from database.policies.policies import PUBLIC_STATES, policy_by_slug, put_in_force
from database.tables import Policy, PolicyVersion
from domain.policies.history import read_history
from domain.policies.reviews import VersionState
from tests.web.world import NOW, World, version
from web.policies.public import STATE_WORDS

PATH = "/policies/privacy-policy"


def test_the_text_in_force_stands_under_the_notice_of_the_next(world: World) -> None:
    """P1, P3: the notice names the confirmed changes and the day before which nothing changes."""
    page = world.browser.get(PATH)
    assert page.status_code == 200
    assert "version 1, in force since 5 January 2026" in page.text
    assert "This policy is about to change" in page.text
    assert "not before <strong>3 April 2026</strong>" in page.text
    assert f'href="{PATH}/changes/1/2"' in page.text


def test_a_draft_is_as_unknown_as_a_version_that_never_was(world: World) -> None:
    """P1: drafts and rejected versions are 404, in their text and in redlines."""
    for state in ("submitted", "in_review", "rejected"):
        with world.database.transaction() as transaction:
            row = transaction.get_one(PolicyVersion, version(world, 2).id)
            row.state = state
        for path in ("/versions/2", "/changes/1/2", "/versions/9", "/changes/9/1"):
            answer = world.browser.get(PATH + path)
            assert answer.status_code == 404
            assert "There is no such page" in answer.text
        assert "about to change" not in world.browser.get(PATH).text


def test_every_state_that_is_public_has_a_word_of_its_own() -> None:
    """P1: the archive and the feed show each of them."""
    assert STATE_WORDS.keys() == {*PUBLIC_STATES, VersionState.REPLACED}


def test_a_superseded_version_stays_and_says_so(world: World) -> None:
    """P1: the archive by number and by date."""
    with world.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version(world, 2).id)
        row.effective_at = NOW
        put_in_force(transaction, row, NOW)
    assert "Version 1 is no longer in force" in world.browser.get(f"{PATH}/versions/1").text
    # Days begin at midnight in the company's zone; version 2 came at ten that morning.
    assert "version 1, effective" in world.browser.get(f"{PATH}/on/2026-03-02").text
    assert "version 2, in force since" in world.browser.get(f"{PATH}/on/2026-03-03").text
    archive = world.browser.get(f"{PATH}/versions").text
    assert archive.index("Version 2") < archive.index("Version 1")


def test_the_archive_compares_a_version_with_the_one_whose_place_it_took(world: World) -> None:
    """P1: and with none that never came, beside which a worse change may look like a better one."""
    with world.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version(world, 2).id)
        row.state = "withdrawn"
        values = row.model_dump(exclude={"id", "corrected_by_id", "replaced_by_id"})
        third = values | {"number": 3, "sha256": "3" * 64, "state": "announced"}
        transaction.add(PolicyVersion(**third))
    archive = world.browser.get(f"{PATH}/versions").text
    assert f"{PATH}/changes/1/3" in archive
    assert f"{PATH}/changes/2/3" not in archive
    assert f"{PATH}/changes/1/2" in archive


@pytest.mark.parametrize("day", ["2020-01-01", "2026-13-45", "yesterday", "0001-01-01"])
def test_a_day_without_a_version_is_answered_in_words(world: World, day: str) -> None:
    answer = world.browser.get(f"{PATH}/on/{day}")
    assert answer.status_code == 404
    assert "date" in answer.text or "in force" in answer.text


def test_the_redline_says_in_words_what_happened(world: World) -> None:
    """P1: readable without colour: marked up as inserted and deleted, each change named."""
    page = world.browser.get(f"{PATH}/changes/1/2").text
    assert "<ins>" in page
    assert "<del>" in page
    assert "Changed" in page
    assert "style=" not in page


def test_the_feed_is_valid_atom(world: World) -> None:
    """P1: every public version is an entry with an id, a title and an instant."""
    answer = world.browser.get(f"{PATH}/feed.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    atom = {"a": "http://www.w3.org/2005/Atom"}
    feed = ET.fromstring(answer.content)  # noqa: S314 - our own feed
    entries = feed.findall("a:entry", atom)
    assert [entry.findtext("a:title", namespaces=atom) for entry in entries] == [
        "Version 2 (announced)",
        "Version 1 (in force)",
    ]
    for element in (feed, *entries):
        for name in ("id", "title", "updated"):
            assert element.findtext(f"a:{name}", namespaces=atom)


def updated_and_summary(world: World) -> tuple[str, str, str]:
    """Of the feed, and of the entry of version 2 with what it says."""
    atom = {"a": "http://www.w3.org/2005/Atom"}
    feed = ET.fromstring(world.browser.get(f"{PATH}/feed.atom").content)  # noqa: S314 - our own
    entry = feed.find("a:entry", atom)
    assert entry is not None
    return (
        feed.findtext("a:updated", "", atom),
        entry.findtext("a:updated", "", atom),
        entry.findtext("a:summary", "", atom),
    )


def test_the_feed_says_when_the_day_of_effect_moved(world: World) -> None:
    """P1, P7: people look there too; a reader of feeds shows again what is updated."""
    before, _, summary = updated_and_summary(world)
    assert "It takes effect not before 3 April 2026." in summary
    world.enter_as("lena")
    versions = "/staff/policies/privacy-policy/versions/2"
    for until_on, said in (
        ("2029-01-31", "It takes effect not before 31 January 2029."),
        ("", "The day it takes effect is not settled yet."),
    ):
        world.desk.clock.advance(timedelta(hours=1))
        world.post(versions, f"{versions}/postpone", until_on=until_on, control_reason="More time.")
        of_feed, of_entry, summary = updated_and_summary(world)
        assert of_feed == of_entry > before
        assert said in summary
        before = of_feed


def test_what_was_in_force_before_is_updated_no_earlier_than_published(empty: World) -> None:
    """P1: RFC 4287, 4.2.15."""
    files = {"1.md": b"+++\nin_force_on = 2019-07-01\n+++\n\nWe keep letters.\n"}
    with empty.database.transaction() as transaction:
        import_history(
            transaction,
            policy_by_slug(transaction, "privacy-policy"),
            read_history(files, date(2026, 1, 5)),
            by=empty.staff["lena"].id,
            zone=ZoneInfo("Europe/Berlin"),
            now=NOW,
        )
    feed = empty.browser.get(f"{PATH}/feed.atom").text
    assert set(re.findall(r"<(?:published|updated)>(.*?)<", feed)) == {NOW.isoformat()}


def test_other_sites_are_offered_the_notice(world: World) -> None:
    """P3: as JSON, for any origin, with a validator that saves sending it again."""
    answer = world.browser.get(f"{PATH}/notice.json")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=300"
    notice = answer.json()["notice"]
    assert notice["version"] == 2
    assert notice["not_before_on"] == "2026-04-03"
    assert notice["changes"]
    again = world.browser.get(
        f"{PATH}/notice.json", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304


def test_the_first_version_is_found_on_the_very_day_it_came(world: World) -> None:
    """P1: it was not in force as that day began, and nothing else was."""
    first = version(world, 1)
    assert first.in_force_at
    day = first.in_force_at.date()
    assert world.browser.get(f"{PATH}/on/{day}").status_code == 200
    assert world.browser.get(f"{PATH}/on/{day - timedelta(days=1)}").status_code == 404


def test_forms_on_other_sites_link_the_text_in_force(world: World) -> None:
    """P1: as JSON and as a script, for any origin, in the reader's language, as text."""
    answer = world.browser.get(f"{PATH}/policy-link.json")
    assert answer.headers["access-control-allow-origin"] == "*"
    link = answer.json()
    assert (link["words"], link["version"]) == ("Privacy policy", 1)
    assert link["text_sha256"] == version(world, 1).sha256
    assert link["url"].endswith(PATH)
    with world.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version(world, 2).id)
        row.effective_at = NOW
        put_in_force(transaction, row, NOW)
        transaction.exec(select(Policy)).one().title = "</script><b>Ours</b>"
    assert world.browser.get(f"{PATH}/policy-link.json").json()["version"] == 2
    script = world.browser.get(f"{PATH}/policy-link.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "<" not in script.text.partition("})(")[2]
    german = world.browser.get(f"{PATH}/policy-link.json?lang=de").json()
    assert german["url"].endswith(f"{PATH}?lang=de")


@pytest.mark.parametrize(
    ("what", "until_on", "words"),
    [
        ("stay", None, "Whoever does not approve stays on the version they have."),
        ("stay_until", date(2026, 6, 2), "until 2 June 2026 at least."),
        ("offer_closing", None, "or may close their account."),
    ],
)
def test_the_notice_says_what_happens_without_approval(
    world: World, what: str, until_on: date | None, words: str
) -> None:
    """P5: on the page, and for other sites in words and as values."""
    with world.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version(world, 2).id)
        row.without_approval, row.stay_until_on = what, until_on
    assert words in world.browser.get(PATH).text
    notice = world.browser.get(f"{PATH}/notice.json").json()["notice"]
    assert words in notice["if_not_approved"]
    assert notice["without_approval"] == what
    assert notice["stay_until"] == (until_on and until_on.isoformat())
    assert "if_not_approved" in world.browser.get(f"{PATH}/notice.js").text


def test_a_notice_that_asks_nobody_says_nothing_of_approving(world: World) -> None:
    """P2: who is only told has nothing to approve."""
    with world.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, version(world, 2).id).version_class = "notice"
    notice = world.browser.get(f"{PATH}/notice.json").json()["notice"]
    assert notice["without_approval"] is None
    assert notice["if_not_approved"] == ""
    assert "Whoever does not approve" not in world.browser.get(PATH).text


def test_the_notice_comes_down_when_the_version_is_in_force(world: World) -> None:
    """P3: from announcement until it is in force."""
    with world.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version(world, 2).id)
        row.effective_at = NOW
        put_in_force(transaction, row, NOW)
    assert world.browser.get(f"{PATH}/notice.json").json()["notice"] is None
    assert "about to change" not in world.browser.get(PATH).text


def test_hostile_words_stay_words(world: World) -> None:
    """P3: a summary with markup is shown as text on the page, in the feed and in the script."""
    hostile = "</script><script>alert(1)</script>"
    with world.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, version(world, 2).id).summary = hostile
    for path in ("", "/versions", "/changes/1/2", "/feed.atom", "/notice.js"):
        assert "<script>" not in world.browser.get(PATH + path).text
    assert json.loads(world.browser.get(f"{PATH}/notice.json").text)["notice"]["summary"] == hostile


@pytest.mark.parametrize(
    "path",
    [
        "/policies/a%00b",
        "/policies/a%00b/versions/1",
        "/policies/a%00b/on/2026-03-02",
        "/policies/a%00b/feed.atom",
        "/policies/a%00b/notice.json",
        *(
            f"{PATH}/{page}"
            for number in ("99999999999", "9" * 23, "9" * 5000, "-1", "%00")
            for page in (f"versions/{number}", f"changes/1/{number}", f"changes/{number}/1")
        ),
    ],
)
def test_an_address_that_nothing_can_have_is_unknown(world: World, path: str) -> None:
    answer = world.browser.get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_a_site_without_a_version_says_so(empty: World) -> None:
    assert "No version of this policy is in force yet" in empty.browser.get(PATH).text
    assert empty.browser.get(f"{PATH}/versions").status_code == 200
    assert empty.browser.get(f"{PATH}/feed.atom").status_code == 200
    assert empty.browser.get("/policies/unknown").status_code == 404
