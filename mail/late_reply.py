"""The words of the late reply in a language, at every stage, as they are approved beforehand (P21).

What differs from request to request stands in braces. So the words, and their hash, change with
template, catalogue and stages alone, and never with a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from lxml import html

from domain.requests.data_subject_requests import STAGE_WORDS, State
from mail.message import Message, Templates
from translations.catalogues import speak

TEMPLATE = "request_late_reply"
OF_ANY_REQUEST = (
    *("company_name", "company_address", "contact_url", "contact_email", "base_url"),
    *("reference", "kind", "answer_by_on", "authority_name", "authority_url", "court"),
)
OF_ANYBODY = ("greeting", "link")


@dataclass(frozen=True, kw_only=True)
class LateReply:
    """The late reply in one language: subject and text at each stage, and the hash of all words."""

    language: str
    subject: str
    texts: Mapping[State, str]
    sha256: str


def late_reply(templates: Templates, language: str) -> LateReply:
    """The late reply as it would go out in a language. Raises TemplateRefused, CatalogueMissing."""
    messages = {stage: _at(templates, language, words) for stage, words in STAGE_WORDS.items()}
    words = "\0".join(_words(message) for message in messages.values())
    return LateReply(
        language=language,
        subject=next(iter(messages.values())).subject,
        texts={stage: message.text for stage, message in messages.items()},
        sha256=sha256(words.encode()).hexdigest(),
    )


def _at(templates: Templates, language: str, stage_words: str) -> Message:
    told = speak(language).gettext(stage_words)
    shared = {name: f"{{{name}}}" for name in OF_ANY_REQUEST} | {"stage_words": told}
    message = templates.render(TEMPLATE, language=language, shared=shared, personal=OF_ANYBODY)
    return message.personal({name: f"{{{name}}}" for name in OF_ANYBODY})


def _words(message: Message) -> str:
    """Subject, text, and the words of the page without its looks."""
    page = html.fromstring(message.html)
    for looks in page.xpath("//style | //title"):
        looks.drop_tree()
    return "\0".join((message.subject, message.text, " ".join(page.text_content().split())))
