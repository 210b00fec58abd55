"""Version 2 came into force as a typing correction, and was none: the wrong that is mended (P2)."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, select

from database.approvals.approvals import Shown, decide
from database.campaigns import controls, freezing, reclassifying
from database.campaigns.reclassifying import Mistake
from database.policies import policies
from database.policies.assessments import findings_between, findings_of
from database.policies.wording import Words
from database.tables import Finding, PolicyVersion
from domain.policies.reviews import VersionClass
from tests.deciding import APPROVED
from tests.people import ALICE, BOB, CAROL, LANGUAGES
from tests.scene import EFFECT, FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND

A_DAY = timedelta(days=1)
FOUND = EFFECT + 10 * A_DAY
"""When legal finds out."""
JUST_BEFORE = FOUND - timedelta.resolution
QUOTE = "for one year"
SLOWER = SECOND.replace("within thirty (30) days", "within ninety (90) days")


def second(scene: Scene) -> PolicyVersion:
    with scene.database.session() as session:
        return session.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()


def wrongly_editorial(scene: Scene) -> PolicyVersion:
    """Version 2 came into force as editorial, with its adverse findings dismissed. Alice and Bob
    were moved to it, and Alice approved it all the same."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(ALICE, BOB)
    version = scene.submit(SECOND)
    scene.assess(first, version=version)
    with scene.database.transaction() as transaction:
        for finding in findings_of(transaction, version.id):
            finding.status = "dismissed"
        row = transaction.get_one(PolicyVersion, version.id)
        row.version_class, row.state, row.announced_at = VersionClass.EDITORIAL, "announced", NOW
    scene.put_in_force(second(scene), EFFECT)
    scene.import_accounts(CAROL, now=EFFECT + A_DAY)
    return second(scene)


def propose(scene: Scene, who: str = "lena", *words: Words, add: str = "", key: str = "") -> None:
    confirm = [key] if key else [] if add else [adverse(scene)]
    mistake = Mistake(confirm=confirm, add=[add] if add else [], words=words)
    with scene.database.transaction() as transaction:
        act = controls.acting(
            transaction, scene.staff[who], "legal", reason="we took it for a typo", now=FOUND
        )
        reclassifying.propose(transaction, second(scene), act, mistake, languages=LANGUAGES)


def confirm(scene: Scene, who: str = "noor", at: datetime = FOUND) -> UUID:
    with scene.database.transaction() as transaction:
        campaign = reclassifying.confirm(
            transaction,
            second(scene),
            scene.staff[who],
            at,
            asks_until_on=(at + 30 * A_DAY).date(),
            languages=LANGUAGES,
        )
        return campaign.id


def adverse(scene: Scene) -> str:
    with scene.database.session() as session:
        return next(
            each.key
            for each in findings_of(session, second(scene).id)
            if each.direction == "adverse"
        )


def followed_by_one_that_asks(scene: Scene) -> UUID:
    """Version 3 came into force with an adverse change of its own, and asked for approval of it:
    Alice approved what it changes from version 2, Bob is silent. Its campaign."""
    third = scene.submit(SLOWER, now=EFFECT + 2 * A_DAY)
    with scene.database.session() as session:
        first = policies.versions(session, third.policy_id)[0]
    scene.assess(second(scene), first, version=third)
    with scene.database.transaction() as transaction:
        own = {each.key for each in findings_between(transaction, second(scene).id, third.id)}
        for finding in findings_of(transaction, third.id):
            if finding.key not in own:
                finding.status = "dismissed"  # as before, in version 2
    scene.confirm_all(third, VersionClass.APPROVAL)
    campaign = scene.announce(third, FOUND.date())
    freezing.freeze_audience(scene.database, campaign, EFFECT + 3 * A_DAY)
    with scene.database.transaction() as transaction:
        account = scene.account(ALICE.external_id)
        shown = Shown(version=third, base=second(scene), how="link", language="en")
        decide(transaction, account, shown, APPROVED, EFFECT + 4 * A_DAY)
    scene.put_in_force(third, EFFECT + 5 * A_DAY)
    return campaign


def what_two_brought(session: Session, version: PolicyVersion) -> Finding:
    first, earlier = policies.versions(session, version.policy_id)[:2]
    step = {each.key for each in findings_between(session, earlier.id, version.id)}
    return next(
        each
        for each in findings_between(session, first.id, version.id)
        if each.direction == "adverse" and each.key not in step
    )


def mend_third(scene: Scene, mistake: Mistake) -> UUID:
    with scene.database.transaction() as transaction:
        version = transaction.get_one(PolicyVersion, scene.version(3).id)
        act = controls.acting(
            transaction, scene.staff["lena"], "legal", reason="we took it for a typo", now=FOUND
        )
        reclassifying.propose(transaction, version, act, mistake, languages=LANGUAGES)
    with scene.database.transaction() as transaction:
        return reclassifying.confirm(
            transaction,
            transaction.get_one(PolicyVersion, version.id),
            scene.staff["noor"],
            FOUND,
            asks_until_on=(FOUND + 30 * A_DAY).date(),
            languages=LANGUAGES,
        ).id
