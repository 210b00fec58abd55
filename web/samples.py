"""Mails that staff read: before a version is released (P4), before a request is late (P21), or to
print them (P26)."""

from collections.abc import Mapping
from functools import cache

from activities.mail.paper import PaperLetters
from activities.mail.samples import SampleMails
from mail.late_reply import LateReply, late_reply
from mail.message import Templates
from settings import ROOT, Settings

TEMPLATES = ROOT / "email_templates"


def sample_mails(settings: Settings) -> SampleMails:
    """What writes them, as the settings describe it."""
    return SampleMails(
        company=settings.company,
        leads=settings.campaign_leads,
        link_keys=settings.link_key_bytes,
        templates=TEMPLATES,
    )


def paper_letters(settings: Settings) -> PaperLetters:
    """What writes the letters to whoever has no mailbox."""
    return PaperLetters(
        company=settings.company,
        leads=settings.campaign_leads,
        link_keys=settings.link_key_bytes,
        templates=TEMPLATES,
    )


@cache
def late_replies(languages: tuple[str, ...]) -> Mapping[str, LateReply]:
    """The late reply as it goes out, by language."""
    templates = Templates(TEMPLATES)
    return {language: late_reply(templates, language) for language in languages}
