"""Every message that people read in their language, and the catalogues brought up to date with it.

`make translations` writes `translations/messages.pot`, and brings each `translations/*.po` up to
date: what is new is empty there, what has changed is marked fuzzy, what is gone is left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from itertools import chain, product, starmap
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.pofile import read_po, write_po

from activities.mail.letters import ANSWERS, NOT_ASKED, SEGMENT_WORDS
from data_sources.erasing import UNTIL_RELEASE
from data_sources.map_file import read_data_map
from data_sources.opening import OWN_MAP
from database.requests.additions import TOO_MANY
from database.requests.attachments import TOO_LATE
from database.requests.ends import ANSWERED, ANSWERS_ANOTHER, NO_WAY_BACK, NOT_FROM_HERE
from database.requests.erasure_ends import KEPT_BY_YOU
from database.requests.minor_findings import SAY_SOMETHING
from database.requests.minors import NO_SUCH
from domain.approvals.without_approval import (
    IF_SOMEBODY_DOES_NOT_APPROVE,
    IF_YOU_DO_NOT_APPROVE,
    NEVER_DEPENDS,
)
from domain.company import LadderNumbers
from domain.materiality.in_words import happened
from domain.people.marketing import STOPPED_AT_ONCE, STOPPED_USE_AT_ONCE
from domain.requests.attachments import PROBLEM_WORDS as ATTACHMENT_WORDS
from domain.requests.controller_instructions import INSTRUCTED, INSTRUCTION_WORDS
from domain.requests.data_subject_requests import (
    GROUND_WORDS,
    KIND_WORDS,
    OUTCOME_WORDS,
    PROBLEM_WORDS,
    RIGHT_STATE_WORDS,
    STAGE_WORDS,
)
from domain.requests.deadlines import PACKS
from domain.requests.decisions import NOTHING_YET
from domain.requests.ends import WORDS as WORDS_OF_ENDS
from domain.requests.erasures import GROUND_WORDS as WHY_ERASED
from domain.requests.identity import (
    COULD_NOT_VERIFY,
    FOUND_FOR_OTHERS,
    NOTHING_HELD,
    WORDS_FOR_STAFF,
)
from domain.requests.ladder import words_of_rungs
from domain.requests.minors import FOUND_NO_MINOR, LOOKED_INTO, TO_WHOEVER_REPORTS
from domain.requests.personal_data import BASIS_WORDS, ORIGIN_WORDS
from domain.requests.source_tasks import SOURCE_WORDS
from domain.texts.alignment import ChangeKind
from settings import ROOT
from translations.catalogues import FOLDER, POLICY_TITLES
from web import faults
from web.approvals import matters
from web.policies import public
from web.requests import requests
from workflows.desk.minors import TOO_LONG
from workflows.desk.reception import NOTHING_TO_APPEAL, NOTHING_TO_TAKE_UP

TEMPLATE = FOLDER / "messages.pot"
CODE = ("activities", "translations", "web")
PAGES = ("email_templates/**/*.txt", "email_templates/**/*.html", "web/pages/*")
ANY_DAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
NOTE = "# Every message of mails and pages. Written by `make translations`, never by hand."


def messages() -> Catalog:
    """All messages, in the order of the files they stand in."""
    catalogue = Catalog(project="Promisekeeper", creation_date=ANY_DAY, header_comment=NOTE)
    for path, message in sorted(_found(), key=lambda one: one[0]):
        catalogue.add(message, locations=[(path, 1)])
    return catalogue


def places(catalogue: Catalog) -> dict[object, set[str]]:
    """In which files each message stands."""
    return {
        message.id: {path for path, _ in message.locations} for message in catalogue if message.id
    }


def catalogues() -> list[Path]:
    """The catalogues of the languages we speak, beside English."""
    return sorted(FOLDER.glob("*.po"))


def read(path: Path) -> Catalog:
    """One of them, or the template."""
    with path.open("rb") as file:
        return read_po(file, locale=None if path == TEMPLATE else path.stem.replace("-", "_"))


def update() -> None:
    """Write the template, and bring each catalogue up to date with it."""
    TEMPLATE.write_bytes(_written(messages()))
    for path in catalogues():
        catalogue = read(path)
        catalogue.update(messages(), update_creation_date=False)
        path.write_bytes(_written(catalogue))


def _found() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    options = {"trimmed": "true", "silent": "false"}
    for pattern in PAGES:
        for path in ROOT.glob(pattern):
            if path.suffix in {".txt", ".html", ".atom"}:
                yield from _in_file("jinja2.ext:babel_extract", path, options)
    for room in CODE:
        for path in (ROOT / room).rglob("*.py"):
            yield from _in_file("python", path, {})
    yield from _tables()


def _in_file(
    method: str, path: Path, options: dict[str, str]
) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    for _, message, _, _ in extract_from_file(method, path, DEFAULT_KEYWORDS, options=options):
        yield path.relative_to(ROOT).as_posix(), message


def _tables() -> Iterator[tuple[str, str]]:
    """Words that stand in tables, and are translated where they are shown."""
    words_of_requests = (
        *(KIND_WORDS, OUTCOME_WORDS, GROUND_WORDS, STAGE_WORDS, RIGHT_STATE_WORDS),
        PROBLEM_WORDS,
    )
    tables: Mapping[str, Iterable[str]] = {
        "activities/mail/letters.py": (*SEGMENT_WORDS.values(), *ANSWERS.values(), NOT_ASKED),
        "domain/requests/controller_instructions.py": chain(
            INSTRUCTED.values(), INSTRUCTION_WORDS.values()
        ),
        "domain/requests/data_subject_requests.py": chain(
            *(table.values() for table in words_of_requests)
        ),
        "data_sources/own_data_map.toml": _of_our_own_map(),
        "database/requests/erasure_ends.py": (KEPT_BY_YOU,),
        "domain/requests/erasures.py": WHY_ERASED.values(),
        "domain/requests/identity.py": (
            *(COULD_NOT_VERIFY, NOTHING_HELD, FOUND_FOR_OTHERS),
            *WORDS_FOR_STAFF.values(),
        ),
        "domain/people/marketing.py": (STOPPED_AT_ONCE, STOPPED_USE_AT_ONCE),
        "domain/materiality/in_words.py": starmap(happened, product(ChangeKind, (False, True))),
        "domain/requests/packs": (
            pack.court_remedy for pack in PACKS.values() if pack.court_remedy
        ),
        "database/requests/additions.py": (TOO_MANY,),
        "database/requests/attachments.py": (TOO_LATE,),
        "domain/requests/attachments.py": ATTACHMENT_WORDS.values(),
        "database/requests/ends.py": (ANSWERED, ANSWERS_ANOTHER, NO_WAY_BACK, NOT_FROM_HERE),
        "workflows/desk/reception.py": (NOTHING_TO_APPEAL, NOTHING_TO_TAKE_UP),
        "domain/requests/ends.py": WORDS_OF_ENDS.values(),
        "domain/requests/decisions.py": (NOTHING_YET,),
        "domain/requests/minors.py": (LOOKED_INTO, TO_WHOEVER_REPORTS, FOUND_NO_MINOR),
        "database/requests/minors.py": (NO_SUCH, SAY_SOMETHING),
        "workflows/desk/minors.py": (TOO_LONG,),
        "domain/requests/personal_data.py": chain(ORIGIN_WORDS.values(), BASIS_WORDS.values()),
        "domain/requests/ladder.py": words_of_rungs(LadderNumbers()).values(),
        "domain/requests/source_tasks.py": SOURCE_WORDS.values(),
        "domain/approvals/without_approval.py": chain(
            IF_YOU_DO_NOT_APPROVE.values(), IF_SOMEBODY_DOES_NOT_APPROVE.values(), (NEVER_DEPENDS,)
        ),
        "translations/catalogues.py": POLICY_TITLES,
        "web/approvals/matters.py": matters.NOTHING_TO_DECIDE,
        "web/faults.py": chain(*faults.WORDS.values(), faults.OTHERWISE),
        "web/policies/public.py": public.STATE_WORDS.values(),
        "web/requests/requests.py": chain(
            requests.CHOICES.values(), requests.REGIONS.values(), (requests.CLOSED,)
        ),
    }
    for path, table in tables.items():
        for words in table:
            yield path, words


def _of_our_own_map() -> Iterator[str]:
    """What the answer to an erasure says of what the engine itself keeps (P33)."""
    for source in read_data_map(OWN_MAP).sources:
        yield from source.categories
        for rule in source.retention.values():
            yield from (rule.reason, rule.words)
    yield UNTIL_RELEASE


def _written(catalogue: Catalog) -> bytes:
    file = BytesIO()
    write_po(file, catalogue, width=100, include_lineno=False, ignore_obsolete=True)
    return file.getvalue()


if __name__ == "__main__":
    update()
