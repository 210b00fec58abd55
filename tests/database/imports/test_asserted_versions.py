"""An import says by which version of each policy an account is governed, without proof, and only by
one that was in force (P6)."""

from datetime import timedelta

import pytest
from sqlmodel import select

from database.approvals.approvals import governing_version
from database.campaigns.freezing import freeze_audience
from database.imports.account_imports import ImportRefused
from database.people.accounts import AccountRow
from database.policies.policies import Submission, add_policy, policy_by_slug, put_in_force, submit
from database.tables import Approval, AssertedVersion
from domain.policies.reviews import VersionClass
from domain.texts.policy_text import read_policy_text
from tests.database.imports.test_account_imports import known
from tests.people import ALICE, BOB, POLICY
from tests.scene import FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND


def test_an_import_asserts_a_version_and_never_approves_one(scene: Scene) -> None:
    """P6: without proof, and said so."""
    scene.put_in_force(scene.submit(FIRST, now=FIRST_DAY), FIRST_DAY)
    scene.put_in_force(scene.submit(SECOND, now=FIRST_DAY), FIRST_DAY + timedelta(days=1))
    older = AccountRow(external_id="old", email="old@example.com", governing_version={"": 1})
    scene.import_accounts(older, ALICE, now=NOW)
    with scene.database.session() as session:
        policy = policy_by_slug(session, POLICY)
        governed = {
            name: governing_version(session, policy, scene.account(name), NOW)
            for name in ("old", ALICE.external_id)
        }
        assert [state.number for state in governed.values()] == [1, 2]
        assert governed["old"].steps[0].because == "asserted by omar at import, no proof"
        assert session.exec(select(Approval)).all() == []


def with_terms(scene: Scene) -> None:
    """Beside the privacy policy there are terms; of both two versions have been in force."""
    with scene.database.transaction() as transaction:
        add_policy(transaction, slug="terms", title="Terms", owner_id=scene.staff["lena"])
        for slug, text in (
            (POLICY, FIRST),
            (POLICY, SECOND),
            ("terms", "# Terms\n\nPay."),
            ("terms", "# Terms\n\nPay in gold."),
        ):
            read = read_policy_text(text.encode())
            submission = Submission(
                text=read.text,
                sha256=read.sha256,
                summary="New.",
                submitted_by=scene.staff["lena"],
                planned_effective_on=None,
                notice_days=30,
            )
            version = submit(transaction, policy_by_slug(transaction, slug), submission, FIRST_DAY)
            version.effective_at = FIRST_DAY
            put_in_force(transaction, version, FIRST_DAY)


def governed(scene: Scene, slug: str, external_id: str) -> int:
    with scene.database.session() as session:
        policy = policy_by_slug(session, slug)
        return governing_version(session, policy, scene.account(external_id), NOW).number


def test_each_policy_has_a_version_of_its_own_asserted(scene: Scene) -> None:
    """P6: what is left out is governed by the version in force."""
    with_terms(scene)
    both = AccountRow(
        external_id="both", email="b@people.example", governing_version={"terms": 1, POLICY: 2}
    )
    older = AccountRow(external_id="older", email="o@people.example", governing_version={POLICY: 1})
    scene.import_accounts(both, older, ALICE, now=NOW)
    of_each = [
        (governed(scene, POLICY, who), governed(scene, "terms", who))
        for who in ("both", "older", ALICE.external_id)
    ]
    assert of_each == [(2, 1), (1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("asserted", "words"),
    [
        ({"": 1}, "several policies. Say of which, like privacy-policy:1;terms:1;"),
        ({"cookies": 1}, "a version of 'cookies'; there are: privacy-policy, terms."),
        ({"terms": 1, POLICY: 3}, "version 3 of privacy-policy, which was never in force"),
    ],
)
def test_it_is_said_which_assertion_cannot_be(
    scene: Scene, asserted: dict[str, int], words: str
) -> None:
    """P6: none is made of a policy that was not meant."""
    with_terms(scene)
    wrong = AccountRow(external_id="a1", email="a1@example.com", governing_version=asserted)
    with pytest.raises(ImportRefused, match=words):
        scene.import_accounts(ALICE, wrong, now=NOW)
    assert known(scene) == 0


def test_an_update_asserts_nothing_anew(scene: Scene) -> None:
    """P6: what was asserted once stays."""
    scene.put_in_force(scene.submit(FIRST, now=FIRST_DAY), FIRST_DAY)
    scene.import_accounts(ALICE, now=NOW)
    scene.put_in_force(scene.submit(SECOND), NOW)
    scene.import_accounts(
        AccountRow(external_id=ALICE.external_id, email=ALICE.email, governing_version={"": 2}),
        now=NOW,
    )
    with scene.database.session() as session:
        (asserted,) = session.exec(select(AssertedVersion)).all()
        assert asserted.asserted_at == NOW


def test_no_old_text_comes_into_use_between_a_release_and_its_audience(scene: Scene) -> None:
    """P6: nobody may have looked at the way from that text to the released one. Whoever is on the
    text in force comes in at any time, and everybody does once the audience is being written down.
    """
    scene.put_in_force(scene.submit(FIRST, now=FIRST_DAY), FIRST_DAY)
    second = scene.submit(SECOND, now=FIRST_DAY)
    scene.put_in_force(second, FIRST_DAY + timedelta(days=1))
    third = scene.submit(SECOND.replace("one year", "three years"))
    scene.assess(second, version=third)
    scene.confirm_all(third, VersionClass.APPROVAL)
    campaign = scene.announce(third)
    older = AccountRow(external_id="old", email="old@example.com", governing_version={"": 1})
    scene.import_accounts(ALICE, now=NOW)
    with pytest.raises(ImportRefused, match=r"Version 3 was released.*Nothing was imported"):
        scene.import_accounts(older, BOB, now=NOW)
    assert known(scene) == 1
    freeze_audience(scene.database, campaign, NOW)
    scene.import_accounts(older, BOB, now=NOW)
    assert known(scene) == 3


@pytest.mark.parametrize("number", [2, 7], ids=["a draft", "no version at all"])
def test_a_version_that_was_never_in_force_cannot_be_asserted(scene: Scene, number: int) -> None:
    """P6: the whole import is refused, with the line's account and the reason."""
    scene.put_in_force(scene.submit(FIRST, now=FIRST_DAY), FIRST_DAY)
    scene.submit(SECOND)
    wrong = AccountRow(external_id="a1", email="a1@example.com", governing_version={"": number})
    with pytest.raises(ImportRefused, match=r"'a1' .* never in force. Nothing was imported"):
        scene.import_accounts(ALICE, wrong, now=NOW)
    assert known(scene) == 0


def test_before_there_is_a_policy_it_is_said_what_comes_first(scene: Scene) -> None:
    """P6: accounts often come before the texts."""
    with scene.database.transaction() as transaction:
        transaction.delete(policy_by_slug(transaction, POLICY))
    early = AccountRow(external_id="a1", email="a1@example.com", governing_version={"": 1})
    with pytest.raises(ImportRefused, match=r"'a1' .* there is no policy yet. Add it first"):
        scene.import_accounts(early, now=NOW)
    assert known(scene) == 0
