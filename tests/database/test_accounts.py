"""An import is taken whole or not at all, leaves alone what it does not name, proves nothing."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlmodel import func, select

from database import accounts
from database.accounts import AccountRow
from database.approvals import governing_version
from database.policies import PolicyUnknown, policy_by_slug
from database.tables import Account, Approval, AssertedVersion, Fact, StagedAccount
from tests.people import ALICE, BOB, POLICY
from tests.scene import FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND

KNOWN = AccountRow(
    external_id="a1",
    email="alice@example.com",
    name="Alice Abel",
    locale="de",
    time_zone="Europe/Berlin",
    country="DE",
    status="closed",
    kind="organisation",
    organisation_id="o7",
    approver=True,
)


def staged(scene: Scene) -> int:
    with scene.database.session() as session:
        return session.exec(select(func.count()).select_from(StagedAccount)).one()


def test_columns_that_are_missing_leave_what_is_known(scene: Scene) -> None:
    """A file of ids and addresses neither reopens accounts nor blanks names."""
    scene.import_accounts(KNOWN)
    before = scene.account("a1").model_dump()
    scene.import_accounts(AccountRow(external_id="a1", email="alice@example.org"), now=NOW)
    after = scene.account("a1").model_dump()
    assert {name for name in after if after[name] != before[name]} == {"email"}
    assert after["email"] == "alice@example.org"


def test_new_accounts_have_the_usual_values_where_none_is_given(scene: Scene) -> None:
    scene.import_accounts(AccountRow(external_id="a1", email="alice@example.com"))
    alice = scene.account("a1")
    assert (alice.name, alice.locale, alice.status, alice.kind) == ("", "en", "open", "person")
    assert (alice.joined_at, alice.approver, alice.closed_at) == (FIRST_DAY, False, None)


def test_closing_and_opening_again_moves_the_date_of_closing(scene: Scene) -> None:
    scene.import_accounts(AccountRow(external_id="a1", email="alice@example.com"))
    scene.import_accounts(
        AccountRow(external_id="a1", email="alice@example.com", status="closed"), now=NOW
    )
    assert scene.account("a1").closed_at == NOW
    scene.import_accounts(
        AccountRow(external_id="a1", email="alice@example.com", status="open"), now=NOW
    )
    assert (scene.account("a1").status, scene.account("a1").closed_at) == ("open", None)


def test_a_missing_row_closes_nobody(scene: Scene) -> None:
    scene.import_accounts(ALICE, BOB)
    scene.import_accounts(ALICE, now=NOW)
    assert scene.account(BOB.external_id).status == "open"


def test_what_is_staged_is_nobody_until_the_flip(scene: Scene) -> None:
    """Nothing half imported: a killed import leaves no account."""
    import_id = uuid4()
    rows = [AccountRow(external_id=f"a{n}", email=f"a{n}@example.com") for n in range(1, 1502)]
    assert list(accounts.stage(scene.database, import_id, rows, NOW)) == [1000, 501]
    with scene.database.session() as session:
        assert accounts.count_accounts(session) == 0
    accounts.unstage(scene.database, import_id)
    assert staged(scene) == 0


def test_what_a_killed_import_left_is_swept_up_by_a_later_one(scene: Scene) -> None:
    """After a day; an import that is still under way is left alone."""
    list(accounts.stage(scene.database, uuid4(), [ALICE], NOW))
    list(accounts.stage(scene.database, uuid4(), [BOB], NOW + timedelta(hours=23)))
    assert staged(scene) == 2
    list(accounts.stage(scene.database, uuid4(), [], NOW + timedelta(hours=24)))
    assert staged(scene) == 1


def test_accounts_that_close_or_move_are_counted_and_others_are_not(scene: Scene) -> None:
    scene.import_accounts(
        *(AccountRow(external_id=f"a{n}", email=f"a{n}@example.com") for n in range(5))
    )
    import_id = uuid4()
    rows = [
        AccountRow(external_id="a0", email="A0@Example.com"),
        AccountRow(external_id="a1", email="elsewhere@example.com"),
        AccountRow(external_id="a2", email="a2@example.com", status="closed"),
        AccountRow(external_id="a9", email="a9@example.com", status="closed"),
    ]
    list(accounts.stage(scene.database, import_id, rows, NOW))
    with scene.database.session() as session:
        assert accounts.shares_changed(session, import_id) == (2, 5)


def test_an_import_asserts_a_version_and_never_approves_one(scene: Scene) -> None:
    """P6: without proof, and said so."""
    scene.put_in_force(scene.submit(FIRST, now=FIRST_DAY), FIRST_DAY)
    scene.put_in_force(scene.submit(SECOND, now=FIRST_DAY), FIRST_DAY + timedelta(days=1))
    older = AccountRow(external_id="old", email="old@example.com", governing_version=1)
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


def test_an_update_asserts_nothing_anew(scene: Scene) -> None:
    """P6: what was asserted once stays."""
    scene.put_in_force(scene.submit(FIRST, now=FIRST_DAY), FIRST_DAY)
    scene.import_accounts(ALICE, now=NOW)
    scene.put_in_force(scene.submit(SECOND), NOW)
    scene.import_accounts(
        AccountRow(external_id=ALICE.external_id, email=ALICE.email, governing_version=2), now=NOW
    )
    with scene.database.session() as session:
        (asserted,) = session.exec(select(AssertedVersion)).all()
        assert asserted.asserted_at == NOW


@pytest.mark.parametrize("number", [2, 7], ids=["a draft", "no version at all"])
def test_a_version_that_was_never_in_force_cannot_be_asserted(scene: Scene, number: int) -> None:
    """P6: the whole import is refused, with the line's account and the reason."""
    scene.put_in_force(scene.submit(FIRST, now=FIRST_DAY), FIRST_DAY)
    scene.submit(SECOND)
    wrong = AccountRow(external_id="a1", email="a1@example.com", governing_version=number)
    with pytest.raises(PolicyUnknown, match=r"'a1' .* never in force. Nothing was imported"):
        scene.import_accounts(ALICE, wrong, now=NOW)
    with scene.database.session() as session:
        assert accounts.count_accounts(session) == 0


def test_an_import_leaves_one_fact_without_anybody_in_it(scene: Scene) -> None:
    """P31, P33."""
    scene.import_accounts(ALICE, BOB)
    with scene.database.session() as session:
        fact = session.exec(select(Fact).where(Fact.kind == "accounts.imported")).one()
    assert fact.payload == {
        "added": 2,
        "updated": 0,
        "unchanged": 0,
        "imported_by": str(scene.staff["omar"]),
    }


def test_accounts_are_found_by_address_whatever_its_case_while_they_are_open(scene: Scene) -> None:
    """P19: an address on file."""
    scene.import_accounts(ALICE, KNOWN)
    with scene.database.session() as session:
        found = accounts.accounts_at_address(session, f"  {ALICE.email.upper()} ")
        assert [account.external_id for account in found] == [ALICE.external_id]
        assert accounts.accounts_at_address(session, KNOWN.email) == []
        with pytest.raises(accounts.AccountUnknown, match="'nobody'"):
            accounts.account_by_external_id(session, "nobody")
        assert session.exec(select(func.count()).select_from(Account)).one() == 2
