"""Version 2 came into force as a typing correction, and was none: the wrong that is mended (P2)."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import select

from database.campaigns import controls, reclassifying
from database.campaigns.reclassifying import Mistake
from database.policies.assessments import findings_of
from database.policies.wording import Words
from database.tables import PolicyVersion
from domain.policies.reviews import VersionClass
from tests.people import ALICE, BOB, CAROL, LANGUAGES
from tests.scene import EFFECT, FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND

A_DAY = timedelta(days=1)
FOUND = EFFECT + 10 * A_DAY
"""When legal finds out."""
JUST_BEFORE = FOUND - timedelta.resolution
QUOTE = "for one year"


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
