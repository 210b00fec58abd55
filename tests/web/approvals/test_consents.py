"""The choice for each purpose on the page behind the link in a mail (P5)."""

from datetime import timedelta

import pytest
from httpx import Response
from sqlmodel import select

from database.policies.assessments import findings_of
from database.tables import Account, ConsentDecision, PolicyVersion
from tests.web.approvals.test_approvals import decide, decisions
from tests.web.world import World, hidden, version


def ask_consent(world: World) -> None:
    """Of the first two confirmed changes, each takes consent of its own."""
    with world.database.transaction() as transaction:
        found = findings_of(transaction, version(world, 2).id)
        first, second = [each for each in found if each.status == "confirmed"][:2]
        first.consent_key, first.consent_label = "ads", "May <advertisers> have your data?"
        second.consent_key, second.consent_label = "tips", "May we read along for product tips?"


def choose(world: World, name: str, purpose: str, consent: str) -> Response:
    """Press a button of one purpose on somebody's page."""
    path = world.link(name)
    stamp = hidden(world.browser.get(path).text, "stamp")
    fields = {"stamp": stamp, "purpose": purpose, "consent": consent}
    answer: Response = world.browser.post(f"{path}/consents", data=fields)
    return answer


def said(world: World) -> list[tuple[str, str]]:
    with world.database.session() as session:
        rows = session.exec(select(ConsentDecision).order_by(ConsentDecision.decided_at))  # type: ignore[arg-type]
        return [(row.purpose, row.decision) for row in rows]


def test_each_purpose_is_a_choice_of_its_own_that_is_off(world: World) -> None:
    """P5: apart from approving, in the words that legal wrote."""
    assert "Your choice for each purpose" not in world.browser.get(world.link("alice")).text
    ask_consent(world)
    page = world.browser.get(world.link("alice")).text
    assert page.count("Off: you have not consented") == 2
    assert "May &lt;advertisers&gt; have your data?" in page
    assert page.count('value="given"') == page.count('value="withheld"') == 2
    assert '<fieldset aria-describedby="asked-ads">' in page
    assert '<p id="asked-ads">May &lt;advertisers&gt;' in page
    assert (
        "Aus: Sie haben nicht eingewilligt"
        in world.browser.get(f"{world.link('alice')}?lang=de").text
    )


def test_approving_gives_no_consent_and_saying_no_does_not_block_it(world: World) -> None:
    """P5."""
    ask_consent(world)
    choose(world, "alice", "ads", "withheld")
    page = decide(world, "alice", "approved").text
    assert "You have approved this change" in page
    assert "Off: you have said no" in page
    assert "Off: you have not consented" in page
    assert said(world) == [("ads", "withheld")]
    choose(world, "bob", "ads", "given")
    decide(world, "bob", "declined")
    assert decisions(world) == ["approved", "declined"]


def test_consent_is_taken_back_as_easily_as_it_is_given(world: World) -> None:
    """P5: one press on the same page, at any time; all of it stays on record."""
    ask_consent(world)
    assert "On: you have consented" in choose(world, "alice", "ads", "given").text
    world.desk.clock.advance(timedelta(days=2))
    page = world.browser.get(world.link("alice")).text
    assert "I take my consent back" in page
    assert "Off: you have said no" in choose(world, "alice", "ads", "withheld").text
    world.desk.clock.advance(timedelta(days=2))
    choose(world, "alice", "ads", "given")
    assert said(world) == [("ads", "given"), ("ads", "withheld"), ("ads", "given")]


def test_a_choice_counts_only_for_what_the_page_showed(world: World) -> None:
    """P5: other words, somebody else's page or an unknown purpose record nothing."""
    ask_consent(world)
    path = world.link("alice")
    stamp = hidden(world.browser.get(path).text, "stamp")
    fields = {"stamp": stamp, "purpose": "ads", "consent": "given"}
    with world.database.transaction() as transaction:
        for finding in findings_of(transaction, version(world, 2).id):
            finding.consent_label = finding.consent_key and "May anybody have your data?"
    assert world.browser.post(f"{path}/consents", data=fields).status_code == 409
    assert world.browser.post(f"{world.link('bob')}/consents", data=fields).status_code == 409
    assert choose(world, "alice", "health", "given").status_code == 422
    assert choose(world, "alice", "ads", "perhaps").status_code == 422
    assert world.browser.get(f"{path}/consents").status_code == 405
    assert said(world) == []


def test_consent_to_what_is_over_can_only_be_taken_back(world: World) -> None:
    """P5, P8."""
    ask_consent(world)
    choose(world, "alice", "ads", "given")
    with world.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, version(world, 2).id).state = "withdrawn"
    page = world.browser.get(world.link("alice")).text
    assert "I take my consent back" in page
    assert 'value="given"' not in page
    assert choose(world, "alice", "tips", "given").status_code == 422
    choose(world, "alice", "ads", "withheld")
    assert said(world) == [("ads", "given"), ("ads", "withheld")]
    page = world.browser.get(world.link("alice")).text
    assert "Off: you have said no" in page
    assert 'name="consent"' not in page


@pytest.mark.parametrize(("column", "value"), [("status", "closed"), ("kind", "minor")])
def test_who_cannot_decide_cannot_consent(world: World, column: str, value: str) -> None:
    """P5."""
    ask_consent(world)
    path = world.link("alice")
    stamp = hidden(world.browser.get(path).text, "stamp")
    with world.database.transaction() as transaction:
        setattr(transaction.get_one(Account, world.accounts["alice"].id), column, value)
    assert "Your choice for each purpose" not in world.browser.get(path).text
    fields = {"stamp": stamp, "purpose": "ads", "consent": "given"}
    assert world.browser.post(f"{path}/consents", data=fields).status_code == 422
    assert said(world) == []
