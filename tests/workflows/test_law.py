"""A change that a law requires, from its submission to the people it governs (P5)."""

import pytest
from sqlmodel import select

from database.campaigns.reviews import ReviewContent
from database.policies.assessments import findings_of
from database.policies.wording import Words
from database.tables import Approval, Fact
from domain.policies.reviews import VersionClass
from tests.eventually import eventually
from tests.people import ALICE, BOB, POLICY
from tests.texts import FIRST
from tests.workflows.conftest import Town
from workflows.messenger import Refused

pytestmark = pytest.mark.temporal

LAW = "Telecommunications Act, section 176"
KEPT_LONGER = FIRST.replace("for 30 days and", "for one year and")


def review(town: Town, number: int, by: str, **said: object) -> None:
    content = ReviewContent(**said)  # type: ignore[arg-type]  # as a reviewer says it
    town.desk.review(POLICY, number, town.staff[by], content, "the law says so")


def test_it_is_told_to_everybody_and_governs_them_from_its_day(running_town: Town) -> None:
    """P2, P5, P7: two of legal, the whole notice period, one mail to each, and a departure."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.submit(KEPT_LONGER)
    with town.database.session() as session:
        (key,) = [
            found.key
            for found in findings_of(session, town.version(number).id)
            if found.status == "open"
        ]
    review(town, number, "noor", confirm=(key,))
    review(town, number, "lena", law={key: LAW})
    with pytest.raises(Refused, match="You cited the law"):
        review(town, number, "lena", agree_to_law={key: LAW})
    with pytest.raises(Refused, match="no second person agreed yet"):
        town.desk.release(POLICY, number, town.staff["noor"])
    review(town, number, "noor", agree_to_law={key: LAW}, version_class=VersionClass.NOTICE)
    words = Words(language="en", sentences={f"{key}-law": "The law wants them kept."})
    town.desk.word(POLICY, number, town.staff["noor"], [words])
    town.release(number)

    effective_at = eventually(lambda: town.version(number).effective_at)
    assert effective_at
    assert (effective_at - town.now()).days >= 29
    mails = town.mails()
    assert {mail["to"] for mail in mails} == {ALICE.email, BOB.email}
    assert all("because the law requires it" in mail["subject"] for mail in mails)
    assert town.governs(ALICE) == 1
    town.advance(days=45)
    eventually(lambda: town.version(number).state == "in_force")
    assert [town.governs(who) for who in (ALICE, BOB)] == [2, 2]
    assert len(town.mails(to=ALICE.email)) == 1
    with town.database.session() as session:
        departed = session.exec(
            select(Fact).where(Fact.kind == "policy_version.departed_from_p5")
        ).one()
        assert not session.exec(select(Approval)).all()
    assert departed.payload["laws"] == [LAW]
