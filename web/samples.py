"""The mails that legal reads before a version is released, for the page and the command (P4)."""

from activities.samples import SampleMails
from settings import ROOT, Settings


def sample_mails(settings: Settings) -> SampleMails:
    """What writes them, as the settings describe it."""
    return SampleMails(
        company=settings.company,
        leads=settings.campaign_leads,
        link_keys=settings.link_key_bytes,
        templates=ROOT / "email_templates",
    )
