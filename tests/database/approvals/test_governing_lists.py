"""Many accounts at once: the same answers as for one, each by its own past."""

from database.approvals.approvals import PolicyHistory
from database.approvals.governing_lists import governed_after
from database.policies.policies import policy_by_slug
from tests.deciding import APPROVED, DECLINED
from tests.people import ALICE, BOB, POLICY
from tests.scene import EFFECT, FIRST_DAY, NOW, ONE_HOUR, Scene


def test_two_accounts_with_one_address_are_two_account_holders(scene: Scene) -> None:
    """P4, P6: what Alice approves for one of her accounts says nothing of the other."""
    scene.campaign()
    work = type(ALICE)(external_id="work-alice", email=ALICE.email, name=ALICE.name)
    scene.import_accounts(ALICE, BOB, work, now=FIRST_DAY + ONE_HOUR)
    scene.decide(ALICE, APPROVED)
    scene.decide(work, DECLINED)
    scene.put_in_force(scene.version(2), EFFECT)
    with scene.database.session() as session:
        history = PolicyHistory(session, policy_by_slug(session, POLICY))
        listed = governed_after(session, history, EFFECT, after="", limit=10)
        found = {each.account.external_id: each.proven for each in listed}
    assert {name: proven and proven.state.number for name, proven in found.items()} == {
        ALICE.external_id: 2,
        BOB.external_id: 1,
        work.external_id: 1,
    }
    proof = found[ALICE.external_id]
    assert proof
    assert proof.proof
    assert proof.proof.text_sha256 == scene.version(2).sha256


def test_a_page_begins_after_the_last_account_of_the_one_before(scene: Scene) -> None:
    scene.campaign()
    scene.import_accounts(ALICE, BOB, now=FIRST_DAY + ONE_HOUR)
    with scene.database.session() as session:
        history = PolicyHistory(session, policy_by_slug(session, POLICY))
        first = governed_after(session, history, NOW, after="", limit=1)
        second = governed_after(session, history, NOW, after=ALICE.external_id, limit=1)
        third = governed_after(session, history, NOW, after=BOB.external_id, limit=1)
    assert [each.account.external_id for each in (*first, *second)] == [
        ALICE.external_id,
        BOB.external_id,
    ]
    assert not third
