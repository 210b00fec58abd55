"""Mails that staff read on a page: before a version is released (P4), or to print them (P26)."""

from activities.paper import PaperLetters
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


def paper_letters(settings: Settings) -> PaperLetters:
    """What writes the letters to whoever has no mailbox."""
    return PaperLetters(
        company=settings.company,
        leads=settings.campaign_leads,
        link_keys=settings.link_key_bytes,
        templates=ROOT / "email_templates",
    )
