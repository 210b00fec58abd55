"""What tests of pages work with: a browser, people, and a Temporal that is nowhere."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from fastapi import FastAPI
from httpx import Response
from sqlmodel import Session, select

import temporal
from clock import Clock
from database.engine import Database
from database.people.links import APPROVE
from database.policies.assessments import store_assessment
from database.policies.policies import Submission, submit
from database.tables import Account, Link, Policy, PolicyVersion, Staff
from domain.materiality import assess
from domain.texts.policy_text import read_policy_text
from mail.links import make_token
from settings import Settings
from workflows.desk import Desk
from workflows.messenger import Messenger

TEXTS = Path(__file__).parents[2] / "policy_versions" / "privacy-policy"
FIRST_DAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
EFFECT = date(2026, 4, 3)
T = TypeVar("T")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette would rather have httpx's successor
    from fastapi.testclient import TestClient


class StandingClock(Clock):
    """Stands at one instant until it is moved."""

    def now(self) -> datetime:
        return NOW + self.offset()


class MessengerWithoutTemporal(Messenger):
    """Keeps what it would have told Temporal."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.told = 0

    def start(self, what: temporal.Start, now: datetime) -> None:
        self.started.append(what.workflow_id)

    def start_or_leave(self, what: temporal.Start, now: datetime) -> None:
        self.start(what, now)

    def wake(self, _workflow_id: str) -> bool:
        self.told += 1
        return True

    def have_decided(self, _workflow_id: str, _update: object, _subject: object) -> None:
        self.told += 1


@dataclass(kw_only=True)
class World:
    """Everything a test of a page looks at."""

    database: Database
    settings: Settings
    parts: Mapping[str, Any]
    """What its desk is made of, but for the messenger."""
    desk: Desk
    messenger: MessengerWithoutTemporal
    to_nowhere: Messenger
    """One that asks, and gets no answer."""
    browser: TestClient
    staff: Mapping[str, Staff]
    tokens: Mapping[str, str]
    accounts: Mapping[str, Account]

    def link(self, name: str) -> str:
        """The path behind the link in the mail of an account holder."""
        with self.database.session() as session:
            link = session.exec(
                select(Link).where(
                    Link.account_id == self.accounts[name].id, Link.purpose == APPROVE
                )
            ).one()
        return f"/approve/{self.token(APPROVE, link)}"

    def token(self, purpose: str, link: Link) -> str:
        """The token of a link, as the mail carries it."""
        return make_token(purpose, link.nonce, self.settings.link_key_bytes)

    def enter_as(self, handle: str) -> None:
        """Sign a member of staff in with their token."""
        page = self.browser.get("/staff/sign-in").text
        self.browser.post(
            "/staff/sign-in", data={"form_key": form_key(page), "token": self.tokens[handle]}
        )

    def post(self, page: str, action: str, **fields: str | list[str]) -> Response:
        """Send a staff form from the page it stands on."""
        key = form_key(self.browser.get(page).text)
        answer: Response = self.browser.post(
            action, data={"form_key": key, **fields}, follow_redirects=False
        )
        return answer


def browse(app: FastAPI, base_url: str = "http://testserver") -> TestClient:
    """A browser on a website; what breaks there is answered, not raised."""
    return TestClient(app, base_url=base_url, raise_server_exceptions=False)


def form_key(page: str) -> str:
    """The key of the forms on a staff page."""
    return hidden(page, "form_key")


def hidden(page: str, name: str) -> str:
    """A hidden field of a page."""
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found, f"the page has no field {name}"
    return found[1]


@cache
def text(number: int) -> str:
    """One of the sample policy's texts."""
    return read_policy_text((TEXTS / f"{number}.md").read_bytes()).text


assessed = cache(assess)
"""What the engine says of two texts is the same in every test."""


def submit_text(
    transaction: Session, policy: Policy, words: str, by: UUID, now: datetime
) -> PolicyVersion:
    """Hand in a version."""
    read = read_policy_text(words.encode())
    version = submit(
        transaction,
        policy,
        Submission(
            text=read.text,
            sha256=read.sha256,
            summary="What we do with recordings of sessions.",
            submitted_by=by,
            planned_effective_on=None,
            notice_days=30,
        ),
        now,
    )
    transaction.flush()
    return version


def put_in_review(transaction: Session, version: PolicyVersion) -> None:
    """What the publication does first: assess against the version in force."""
    base = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 1)).one()
    store_assessment(transaction, base, version, assessed(base.text, version.text), NOW)
    version.state = "in_review"
    transaction.add(version)
    transaction.flush()


def version(world: World, number: int) -> PolicyVersion:
    """A version of the policy, as it stands now."""
    with world.database.session() as session:
        return session.exec(select(PolicyVersion).where(PolicyVersion.number == number)).one()
