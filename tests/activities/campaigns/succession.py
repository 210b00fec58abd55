"""A version is announced and mailed, and another one takes its place."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio.testing import ActivityEnvironment

from activities.campaigns.campaigns import CampaignActivities
from activities.campaigns.case import CampaignCase, CampaignInput, FinishInput, ShardInput
from activities.campaigns.publication import PublicationActivities, VersionInput
from database.campaigns import campaigns, freezing
from database.mail.mail_rows import Batch
from database.mail.outbox import states
from database.mail.steps import FIRST_NOTICE
from database.people.accounts import AccountRow
from database.policies import policies
from database.tables import Campaign, PolicyVersion
from domain.policies.reviews import VersionClass
from tests.people import POLICY
from tests.sandbox_server import RunningSandbox
from tests.scene import NOW, Scene
from tests.texts import SECOND

WORSE = SECOND.replace("one year", "three years")
LATER = NOW + timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class Story:
    """Version 1 is in force, version 2 announced and mailed; another one is on its way."""

    scene: Scene
    sandbox: RunningSandbox
    sending: CampaignActivities
    publication: PublicationActivities

    def version(self, number: int) -> PolicyVersion:
        with self.scene.database.session() as session:
            return policies.version_by_slug(session, POLICY, number)

    def campaign(self, number: int) -> Campaign:
        with self.scene.database.session() as session:
            campaign = campaigns.campaign_of(session, self.version(number).id)
        assert campaign
        return campaign

    def announce(
        self,
        text: str,
        version_class: VersionClass = VersionClass.APPROVAL,
        now: datetime = LATER,
    ) -> int:
        """Hand in, review and announce the version that takes the announced one's place."""
        version = self.scene.submit(text, now=now)
        earlier = [self.version(number) for number in range(1, version.number)]
        self.scene.assess(*earlier, version=version)
        self.scene.confirm_all(version, version_class)
        what = VersionInput(version_id=version.id, now=now)
        ActivityEnvironment().run(self.publication.announce, what)
        return version.number

    def send(self, number: int, step: str = FIRST_NOTICE, now: datetime = LATER) -> None:
        """Freeze the audience of a campaign and send a step."""
        campaign = self.campaign(number).id
        freezing.freeze_audience(self.scene.database, campaign, now)
        shard = ShardInput(campaign_id=campaign, step=step, shard=0, now=now)
        ActivityEnvironment().run(self.sending.send_shard, shard)

    def case(self, number: int) -> CampaignCase:
        what = CampaignInput(campaign_id=self.campaign(number).id, now=LATER)
        return ActivityEnvironment().run(self.sending.load_campaign, what)

    def fix_date(self, number: int, now: datetime = LATER) -> CampaignCase:
        what = CampaignInput(campaign_id=self.campaign(number).id, now=now)
        return ActivityEnvironment().run(self.sending.fix_effective_date, what)

    def finish(self, number: int, now: datetime = LATER) -> CampaignCase:
        what = FinishInput(campaign_id=self.campaign(number).id, now=now)
        return ActivityEnvironment().run(self.sending.finish_campaign, what)

    def states(self, number: int, step: str = FIRST_NOTICE) -> dict[str, int]:
        with self.scene.database.session() as session:
            return states(session, Batch(subject_id=self.campaign(number).id, step=step))

    def close(self, who: AccountRow) -> None:
        closed = AccountRow(external_id=who.external_id, email=who.email, status="closed")
        self.scene.import_accounts(closed, now=LATER)

    def mailed(self) -> list[tuple[str, str]]:
        return sorted((str(mail["to"]), str(mail["subject"])) for mail in self.sandbox.messages())

    def told(self) -> list[str]:
        return [address for address, _ in self.mailed()]
