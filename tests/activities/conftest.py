"""What tests of activities start from: a scene, a sender with the real templates, a sandbox."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from activities.campaigns.campaigns import CampaignActivities
from activities.campaigns.publication import PublicationActivities
from activities.mail.breaker import Breaker
from activities.mail.courier import Courier
from activities.mail.letters import Letters
from activities.mail.outbox import Manner, Sender
from database.engine import Database
from mail.message import Templates
from mail.sendgrid import MailService
from settings import Settings
from tests.activities.campaigns.succession import Story
from tests.own_settings import CLOSING_PAGE
from tests.people import ALICE, BOB, CAROL
from tests.sandbox_server import API_KEY, RunningSandbox
from tests.scene import NOW, Scene

SUPPRESSION_KEY = Settings(_env_file=None).suppression_key_bytes
TEMPLATES = Path(__file__).parents[2] / "email_templates"


@pytest.fixture
def letters() -> Letters:
    settings = Settings(_env_file=None, company_closing_url=CLOSING_PAGE)
    return Letters(
        company=settings.company,
        leads=settings.campaign_leads,
        link_keys=settings.link_key_bytes,
    )


@pytest.fixture
def courier(scene: Scene) -> Courier:
    """No webhook is set: alarms go by mail only."""
    return Courier(database=scene.database, webhook=None, base_url="https://privacy.example")


@pytest.fixture
def sender(
    scene: Scene, letters: Letters, sandbox: RunningSandbox, courier: Courier
) -> Callable[..., Sender]:
    """Makes a sender to the sandbox, or through the service given."""

    def make(
        service: MailService | None = None,
        *,
        templates: Path = TEMPLATES,
        batch_size: int = 1000,
        per_minute: int = 0,
        api_key: str = API_KEY,
        through: Database = scene.database,
    ) -> Sender:
        return Sender(
            database=through,
            service=service
            or MailService(
                api_key=api_key,
                host=sandbox.url,
                sender_address="privacy@example.com",
                sender_name="Fernhill",
            ),
            templates=Templates(templates),
            letters=letters,
            breaker=Breaker(
                database=through, limits=Settings(_env_file=None).limits, courier=courier
            ),
            manner=Manner(
                batch_size=batch_size, settle_after=timedelta(seconds=10), per_minute=per_minute
            ),
            suppression_key=SUPPRESSION_KEY,
        )

    return make


@pytest.fixture
def steps_with(
    scene: Scene, sender: Callable[..., Sender], courier: Courier
) -> Callable[[Settings], CampaignActivities]:
    """What a campaign's workflow has done, in a company with these settings."""

    def make(settings: Settings) -> CampaignActivities:
        return CampaignActivities(
            database=scene.database,
            sender=sender(),
            company=settings.company,
            leads=settings.campaign_leads,
            canary=settings.canaries,
            limits=settings.limits,
            courier=courier,
        )

    return make


@pytest.fixture
def steps(steps_with: Callable[[Settings], CampaignActivities]) -> CampaignActivities:
    """The same, with the settings as they are at first."""
    return steps_with(Settings(_env_file=None))


@pytest.fixture
def story(scene: Scene, steps: CampaignActivities, sandbox: RunningSandbox) -> Story:
    """Alice and Bob had the first notice of version 2, Carol joined just before the next one."""
    settings = Settings(_env_file=None)
    told = Story(
        scene=scene,
        sandbox=sandbox,
        sending=steps,
        publication=PublicationActivities(
            database=scene.database,
            company=settings.company,
            sending_period=settings.sending_period,
        ),
    )
    scene.import_accounts(ALICE, BOB)
    scene.campaign()
    told.send(2, now=NOW)
    told.fix_date(2, NOW)
    scene.import_accounts(CAROL, now=NOW + timedelta(hours=1))
    return told
