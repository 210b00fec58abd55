"""Legal cites the law that requires a change, and a second person agrees, on the page (P5)."""

import re

from sqlmodel import select

from database.campaigns.reviews import ReviewContent, apply_review, propose_review
from database.policies.assessments import findings_of
from database.tables import LegalRequirement, PolicyVersion, Review
from tests.web.world import NOW, World, version

VERSION_2 = "/staff/policies/privacy-policy/versions/2"
LAW = "Telecommunications Act <1>, section 176"
ESCAPED = "Telecommunications Act &lt;1&gt;, section 176"


def adverse(world: World) -> str:
    """The first finding that asks for approval once it is confirmed."""
    with world.database.session() as session:
        return next(
            finding.key
            for finding in findings_of(session, version(world, 2).id)
            if finding.direction == "adverse" and finding.severity == "material"
        )


def say(world: World, who: str, **fields: str) -> None:
    """Send the review from the page, and let the publication accept it."""
    world.enter_as(who)
    answer = world.post(VERSION_2, f"{VERSION_2}/review", reason="The law says so.", **fields)
    assert answer.status_code == 303, answer.text
    with world.database.transaction() as transaction:
        waiting = transaction.exec(select(Review).where(Review.recorded_at == None)).one()  # noqa: E711
        row = transaction.get_one(PolicyVersion, version(world, 2).id)
        apply_review(transaction, row, waiting.id, NOW)


def test_one_cites_another_agrees_and_both_names_are_on_the_page(in_review: World) -> None:
    """P5: whoever agrees, agrees to what they read."""
    key = adverse(in_review)
    say(in_review, "omar", **{f"finding-{key}": "confirm"})
    say(in_review, "lena", **{f"law-{key}": f" {LAW} "})
    page = in_review.browser.get(VERSION_2).text
    assert f"Required by {ESCAPED}, says Lena; a second person has to agree." in page
    assert "I agree that" not in page, "she cited it herself"
    in_review.enter_as("omar")
    assert "I agree that" in in_review.browser.get(VERSION_2).text
    assert f'name="law-{key}" maxlength="300" value="{ESCAPED}"' in page
    in_review.enter_as("omar")
    page = in_review.browser.get(VERSION_2).text
    assert f'name="agree-to-law-{key}" value="{ESCAPED}"' in page
    fields = {f"law-{key}": LAW, f"agree-to-law-{key}": LAW}
    say(in_review, "omar", **fields)
    page = in_review.browser.get(VERSION_2).text
    assert f"Required by {ESCAPED}, says Lena; Omar agreed." in page
    assert f'name="agree-to-law-{key}"' not in page
    assert "What people are told of that law in English" in page
    (field,) = re.findall(rf'name="(words:en:{key}-law:[^"]*)"', page)
    in_review.post(VERSION_2, f"{VERSION_2}/wording", **{field: "The law wants them kept."})
    assert "The law wants them kept.</textarea>" in in_review.browser.get(VERSION_2).text
    with in_review.database.session() as session:
        row = session.exec(select(LegalRequirement)).one()
    assert (row.citation, row.sentence) == (LAW, "The law wants them kept.")
    assert (row.cited_by, row.agreed_by) == (
        in_review.staff["lena"].id,
        in_review.staff["omar"].id,
    )


def test_a_field_that_was_left_alone_says_nothing_of_a_law(in_review: World) -> None:
    """P5: no citation, and none taken away."""
    key = adverse(in_review)
    fields = {f"finding-{key}": "confirm", f"law-{key}": ""}
    say(in_review, "omar", **fields)
    with in_review.database.session() as session:
        review = session.exec(select(Review)).one()
        assert not session.exec(select(LegalRequirement)).all()
    assert (review.content["law"], review.content["agree_to_law"]) == ({}, {})


def require_everything(world: World) -> None:
    with world.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version(world, 2).id)
        keys = [f.key for f in findings_of(transaction, row.id) if f.status == "open"]
        law = dict.fromkeys(keys, LAW)
        for who, content in (
            ("omar", ReviewContent(confirm=tuple(keys))),
            ("lena", ReviewContent(law=law)),
            ("omar", ReviewContent(agree_to_law=law)),
        ):
            asked = propose_review(
                transaction,
                row,
                reviewer_id=world.staff[who].id,
                content=content,
                reason="The law says so.",
                now=NOW,
            )
            transaction.flush()
            apply_review(transaction, row, asked.review_id, NOW)


def test_the_page_says_that_it_is_a_departure_and_which_class_it_takes(in_review: World) -> None:
    """P2, P5."""
    require_everything(in_review)
    in_review.enter_as("omar")
    page = in_review.browser.get(VERSION_2).text
    assert "a law requires what would need approval: everybody is told" in page
    assert "is recorded as a departure from the promise to ask (P5)" in page
    say(in_review, "omar", version_class="notice")
    page = in_review.browser.get(VERSION_2).text
    assert "Missing: in English (en) what people are told of the law" in page
