"""Legal sees what single people would read before anybody gets a mail (P4, P30)."""

from uuid import UUID

import pytest
from sqlmodel import select

from activities.mail.samples import SampleMail
from database.people.accounts import AccountRow
from database.people.staff import StaffRefused
from database.tables import Fact, OutboxMail, PolicyVersion
from domain.policies.reviews import VersionClass
from mail.message import Templates
from settings import Settings
from tests.people import ALICE, BOB
from tests.scene import FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND
from web.samples import sample_mails

CROWD = [
    AccountRow(external_id=f"crowd-{number:02}", email=f"crowd.{number}@people.example")
    for number in range(12)
]
HANNA = AccountRow(external_id="hanna", email="hanna@people.example", locale="de-AT")


@pytest.fixture
def second(scene: Scene) -> PolicyVersion:
    """Version 2, confirmed; a crowd reads English, Hanna German."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(*CROWD, BOB, HANNA)
    version = scene.submit(SECOND)
    scene.assess(first, version=version)
    scene.confirm_all(version, VersionClass.APPROVAL)
    return version


def samples(scene: Scene, version: PolicyVersion, who: str = "noor") -> tuple[SampleMail, ...]:
    """What a member of staff reads."""
    with scene.database.session() as session:
        row = session.get_one(PolicyVersion, version.id)
    writes = sample_mails(Settings(_env_file=None))
    return writes.read_by(scene.database, row, scene.staff[who], NOW)


def test_ten_people_are_shown_some_of_each_group_and_nothing_is_sent(
    scene: Scene, second: PolicyVersion
) -> None:
    """P4: as they would read it, with a link that leads nowhere."""
    mails = samples(scene, second)
    assert len(mails) == 10
    assert HANNA.email in [mail.to for mail in mails]
    assert {(mail.to == HANNA.email, mail.message.subject) for mail in mails} == {
        (False, "Please decide: we want to change our privacy policy"),
        (True, "Bitte entscheiden Sie: Wir möchten unsere Datenschutzerklärung ändern"),
    }
    assert all("/approve/only-a-test" in mail.message.text for mail in mails)
    (bobs,) = [mail.message for mail in mails if mail.to == BOB.email]
    assert "Bob &lt;script&gt;" in bobs.html
    assert "<script>" not in bobs.html
    with scene.database.session() as session:
        assert session.exec(select(OutboxMail)).all() == []


def test_who_is_further_behind_is_among_them_with_the_change_from_their_version(
    scene: Scene, second: PolicyVersion
) -> None:
    """P6: the crowd never approved version 2, which Alice began with."""
    scene.put_in_force(second, NOW)
    scene.import_accounts(ALICE, now=NOW)
    third = scene.submit(SECOND.replace("one year", "ten years"))
    with scene.database.session() as session:
        first = session.exec(select(PolicyVersion).where(PolicyVersion.number == 1)).one()
    scene.assess(second, first, version=third)
    scene.confirm_all(third, VersionClass.APPROVAL)
    bases = {mail.to: mail.base for mail in samples(scene, third)}
    assert bases == dict.fromkeys(bases, 1) | {ALICE.email: 2}
    assert HANNA.email in bases


def looked_at(scene: Scene) -> list[tuple[UUID, object]]:
    """Whose data was read, and by whom."""
    with scene.database.session() as session:
        facts = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).all()
    return [(fact.subject_id, fact.payload["staff"]) for fact in facts]


def test_what_legal_looked_at_is_recorded(scene: Scene, second: PolicyVersion) -> None:
    """P30: of each person, by whom."""
    samples(scene, second)
    assert len(dict(looked_at(scene))) == 10
    assert {staff for _, staff in looked_at(scene)} == {str(scene.staff["noor"])}


def test_that_somebody_looks_is_recorded_even_if_the_mails_cannot_be_written(
    scene: Scene, second: PolicyVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P30: a template that breaks in the tenth mail has shown nine."""

    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("a template is broken")

    monkeypatch.setattr(Templates, "render", breaks)
    with pytest.raises(RuntimeError):
        samples(scene, second)
    assert len(looked_at(scene)) == 10


def test_only_legal_reads_them(scene: Scene, second: PolicyVersion) -> None:
    """P30: wherever they are asked for."""
    with pytest.raises(StaffRefused, match="This takes the role legal"):
        samples(scene, second, who="omar")
    assert looked_at(scene) == []


@pytest.mark.parametrize("version_class", [None, "editorial"])
def test_of_a_version_that_mails_nobody_there_are_none(
    scene: Scene, second: PolicyVersion, version_class: str | None
) -> None:
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, second.id).version_class = version_class
    assert samples(scene, second) == ()
