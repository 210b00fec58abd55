"""From the documents in email_templates/ to a message that a whole batch of people can share.

What differs between people (personal fields) is left in the message as tags, to be replaced copy
by copy. Replacing is done by the mail service, which escapes nothing, so every field has its tags:
escaped for HTML, and plain. Their names are random for each message, so that no name or explanation
can contain one.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import css_inline
from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    pass_eval_context,
    select_autoescape,
)
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from translations.catalogues import SOURCE, speak

# Controls, and the marks that turn the direction of writing and so can disguise a name or a link.
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class TemplateRefused(Exception):
    """A mail cannot be rendered: a template or one of its values is missing."""


@dataclass(frozen=True, kw_only=True)
class Tag:
    """The place of one personal field in a message; a template prints its text."""

    text: str
    field: str
    in_html: bool

    def __str__(self) -> str:
        return self.text

    def fill(self, value: str) -> str:
        """Return what stands in this place for a person whose field has this value of one line."""
        return str(escape(value)) if self.in_html else value


@dataclass(frozen=True, kw_only=True)
class Message:
    """One mail for many: its texts, with tags where the copies differ."""

    subject: str
    text: str
    html: str
    tags: tuple[Tag, ...]

    def fill(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Return what replaces each tag in one copy. Raises TemplateRefused if a field lacks."""
        lines = {name: one_line(value) for name, value in fields.items()}
        lacking = sorted({tag.field for tag in self.tags} - lines.keys())
        if lacking:
            raise TemplateRefused(f"a copy lacks its personal {', '.join(lacking)}")
        return {tag.text: tag.fill(lines[tag.field]) for tag in self.tags}

    def personal(self, fields: Mapping[str, str]) -> "Message":
        """Return this message as one person reads it, without tags."""
        filled = self.fill(fields)
        return Message(
            subject=replace_tags(self.subject, filled),
            text=replace_tags(self.text, filled),
            html=replace_tags(self.html, filled),
            tags=(),
        )


class Templates:
    """The folder of mail templates: `<mail>/{subject.txt,body.txt,body.html}` and one layout.

    They are written in English, and said in other languages by their catalogues.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._environments: dict[str, Environment] = {}
        self._inliner = css_inline.CSSInliner(
            load_remote_stylesheets=False, keep_style_tags=False, keep_at_rules=True
        )

    def render(
        self,
        template: str,
        *,
        language: str = SOURCE,
        shared: Mapping[str, object],
        personal: Sequence[str],
        on_paper: bool = False,
    ) -> Message:
        """Render a mail once for everybody who gets it; `on_paper` to be printed and posted.

        `shared` holds the values that are the same for all; `personal` names the fields that each
        copy brings along. Raises TemplateRefused when a value or a field that the mail uses is not
        given, CatalogueMissing for a language that we do not speak.
        """
        batch = secrets.token_hex(8)
        environment = self._environment(language)
        plain, marked_up = (_personal_fields(personal, batch, in_html=i) for i in (False, True))
        try:
            subject, text, html = (
                environment.get_template(f"{template}/{part}").render(
                    {**shared, "personal": fields, "on_paper": on_paper}
                )
                for part, fields in (
                    ("subject.txt", plain),
                    ("body.txt", plain),
                    ("body.html", marked_up),
                )
            )
            html = self._html(html)
        except TemplateError as fault:
            raise TemplateRefused(
                f"the mail {template} cannot be rendered: {fault.message}"
            ) from fault
        tags = (*vars(plain).values(), *vars(marked_up).values())
        return Message(
            subject=one_line(subject),
            text=_tidy_paragraphs(text) + "\n",
            html=html,
            tags=tuple(tag for tag in tags if tag.text in subject + text + html),
        )

    def _environment(self, language: str) -> Environment:
        """Each language has its own: what is compiled there keeps it."""
        if language not in self._environments:
            environment = Environment(
                loader=FileSystemLoader(self._directory),
                autoescape=select_autoescape(["html"]),
                undefined=StrictUndefined,
                trim_blocks=True,
                lstrip_blocks=True,
            )
            environment.filters["paragraphs"] = _paragraphs
            speak(language).teach(environment)
            self._environments[language] = environment
        return self._environments[language]

    def _html(self, rendered: str) -> str:
        """Inline the styles, and only then mark links: SendGrid wants the mark before `href`."""
        return self._inliner.inline(rendered).replace("<a ", '<a clicktracking="off" ')


def one_line(text: str) -> str:
    """Return `text` fit for one line of a header: no line ends, no controls."""
    shown = text if text.isprintable() else _UNSHOWN.sub(" ", text)
    return " ".join(shown.split())


def header_name(name: str) -> str:
    """Return a person's name fit for an address line, where SendGrid refuses `;` and `,`."""
    return one_line(re.sub(r"[;,<>\"]", " ", name))[:200].strip()


def replace_tags(text: str, filled: Mapping[str, str]) -> str:
    """Return `text` with every tag replaced, as SendGrid does it."""
    for tag, value in filled.items():
        text = text.replace(tag, value)
    return text


@pass_eval_context
def _paragraphs(where: EvalContext, text: str) -> str:
    """Text of more than one line, with its line ends: for HTML or plain, as the template is."""
    words = _tidy_paragraphs(text)
    return Markup("<br>").join(words.split("\n")) if where.autoescape else words


def _personal_fields(names: Sequence[str], batch: str, *, in_html: bool) -> SimpleNamespace:
    form = "html" if in_html else "text"
    # The random part comes first, so that no tag ends like another whose field's name is longer.
    return SimpleNamespace(
        **{
            name: Tag(text=f"_{batch}_{name}_{form}_", field=name, in_html=in_html)
            for name in names
        }
    )


def _tidy_paragraphs(text: str) -> str:
    lines = "\n".join(_UNSHOWN.sub("", line).rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip()
