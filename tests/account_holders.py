"""Account holders who approve while everything dies, and remember what they were told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import urllib3
from sqlmodel import col, select
from urllib3.exceptions import HTTPError

from cli.demo_scene import hidden_fields, link_in
from database.engine import Database
from database.tables import Account, Approval
from embedded.stack import Stack

EVERY_SECONDS = 0.2
NEWEST_MAILS = "5"
APPROVE = "/approve/"
TEST = "[Test] "


@dataclass(kw_only=True)
class AccountHolders:
    """Now and then the reader of a new mail presses its button.

    `told`: the addresses whose approval was answered that it is taken. Whom nobody answered may
    try again, and was promised nothing.
    """

    stack: Stack
    told: set[str] = field(default_factory=set)
    _over: threading.Event = field(default_factory=threading.Event)
    _connections: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(timeout=10.0, retries=False)
    )

    def approve_now_and_then(self) -> None:
        """Until it is over."""
        while not self._over.wait(EVERY_SECONDS):
            for mail in self._new_mails():
                try:
                    self._approve(link_in(mail, APPROVE), str(mail["to"]))
                except HTTPError:
                    break  # the website is away; another reader is luckier

    def end(self) -> None:
        """Nobody approves any more."""
        self._over.set()

    def lost(self, database: Database, version_id: UUID) -> set[str]:
        """Who was told that their approval is taken, and it is nowhere."""
        with database.session() as session:
            kept = session.exec(
                select(Account.email)
                .join(Approval, col(Approval.account_id) == col(Account.id))
                .where(Approval.policy_version_id == version_id, Approval.decision == "approved")
            ).all()
        return self.told - set(kept)

    def _new_mails(self) -> list[dict[str, object]]:
        newest = f"{self.stack.inbox}/api/messages"
        answer = self._connections.request("GET", newest, fields={"limit": NEWEST_MAILS})
        return [
            mail
            for mail in json.loads(answer.data)
            if mail["to"] not in self.told and not str(mail["subject"]).startswith(TEST)
        ][:1]

    def _approve(self, link: str, address: str) -> None:
        page = self._connections.request("GET", link).data.decode()
        fields = hidden_fields(page)
        if not fields:
            return
        answer = self._connections.request(
            "POST",
            link,
            fields={**fields, "decision": "approved"},
            encode_multipart=False,
            redirect=False,
        )
        if answer.status == 303:
            self.told.add(address)


@contextmanager
def approving(stack: Stack) -> Iterator[AccountHolders]:
    """Account holders approve while the block lasts."""
    holders = AccountHolders(stack=stack)
    thread = threading.Thread(target=holders.approve_now_and_then)
    thread.start()
    try:
        yield holders
    finally:
        holders.end()
        thread.join()
